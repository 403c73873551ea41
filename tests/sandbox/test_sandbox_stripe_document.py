"""The derived Stripe document: stable facts, its cache, Stripe's form encoding and the checker itself."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stripe

from connector.sandbox.documents import stripe as stripe_documents
from connector.sandbox.documents import stripe_sdk
from connector.sandbox.documents.check import check
from connector.sandbox.documents.form import MalformedForm, decode, name_of, typed
from connector.sandbox.documents.stripe import StripeDocument, stripe_document

PACKAGE = Path(str(stripe.__file__)).parent


@pytest.fixture
def no_memory() -> Iterator[None]:
    """Forget the document this process has, before and after."""
    stripe_document.cache_clear()
    yield
    stripe_document.cache_clear()


def operation(document: StripeDocument, name: str) -> stripe_documents.Operation:
    method, _, path = name.partition(" ")
    found = document.match(method, path)
    assert found is not None, name
    return found[0]


def properties(document: StripeDocument, schema: dict[str, Any] | Any) -> dict[str, Any]:
    found: dict[str, Any] = document.types[schema["ref"]]["properties"]
    return found


def test_deriving_takes_less_than_three_seconds_and_pins_the_sdks_version() -> None:
    started = time.process_time()
    derived = stripe_sdk.derive(PACKAGE)

    assert time.process_time() - started < 3
    assert derived["api_version"] == stripe.StripeClient("sk_test_x")._requestor._options.stripe_version
    assert json.loads(json.dumps(derived)) == derived


def test_subscriptions_create_takes_what_endive_takes_and_nothing_older() -> None:
    document = stripe_document()
    params = properties(document, operation(document, "POST /v1/subscriptions").params)

    assert {"items", "add_invoice_items", "billing_mode", "backdate_start_date", "discounts"} <= set(params)
    assert not {"coupon", "promotion_code", "prorate", "trial_from_plan_id"} & set(params)
    assert params["billing_cycle_anchor"] == {"type": "integer"}
    assert params["collection_method"]["enum"] == ["charge_automatically", "send_invoice"]
    update = properties(document, operation(document, "POST /v1/subscriptions/sub_1").params)
    assert properties(document, update["billing_cycle_anchor"])["type"]["enum"] == ["now", "unchanged"]


def test_answers_have_endives_fields_and_none_that_were_removed() -> None:
    types = stripe_document().types

    invoice = types["Invoice"]["properties"]
    assert {"parent", "payments", "amount_remaining", "total_taxes"} <= set(invoice)
    assert not {"subscription", "paid", "payment_intent", "charge", "tax"} & set(invoice)
    assert "current_period_end" not in types["Subscription"]["properties"]
    assert "current_period_end" in types["SubscriptionItem"]["required"]
    assert "invoice" not in types["Charge"]["properties"]
    assert "iterations" not in types["params.SubscriptionScheduleCreateParamsPhase"]["properties"]
    assert "duration" in types["params.SubscriptionScheduleCreateParamsPhase"]["properties"]


def test_the_event_list_is_the_sdks() -> None:
    document = stripe_document()
    allowed = properties(document, operation(document, "POST /v1/webhook_endpoints").params)["enabled_events"]

    assert {"invoice.paid", "customer.subscription.updated", "invoice_payment.paid"} <= document.event_types
    assert "*" in allowed["items"]["enum"]
    assert document.event_types < set(allowed["items"]["enum"])


def test_every_event_type_and_type_reference_is_whole() -> None:
    document = stripe_document()

    def references(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if "ref" in schema:
                yield schema["ref"]
            for inner in schema.values():
                yield from references(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from references(inner)

    named = set(references(document.types)) | {
        name for one in document.operations for name in references([one.params, one.answer])
    }
    assert named <= set(document.types)
    assert all(document.types[name] for name in named)


@pytest.mark.parametrize(
    ("call", "template", "ids"),
    [
        ("GET /v1/customers/cus_1", "/v1/customers/{customer}", ["cus_1"]),
        ("POST /v1/invoices/create_preview", "/v1/invoices/create_preview", []),
        ("POST /v1/invoices/in_1", "/v1/invoices/{invoice}", ["in_1"]),
        ("GET /v2/core/events/evt_1", "/v2/core/events/{id}", ["evt_1"]),
        ("GET /v1/customers/cus_1/tax_ids/txi_1", "/v1/customers/{customer}/tax_ids/{id}", ["cus_1", "txi_1"]),
    ],
)
def test_a_request_finds_its_operation(call: str, template: str, ids: list[str]) -> None:
    method, _, path = call.partition(" ")
    found = stripe_document().match(method, path)

    assert found is not None
    assert (found[0].path, list(found[1].values())) == (template, ids)


def test_what_stripe_never_had_is_not_found() -> None:
    assert stripe_document().match("GET", "/v1/subscription_items/si_1/usage_records") is None
    assert stripe_document().match("PUT", "/v1/customers") is None


def test_the_cache_is_written_once_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_memory: None
) -> None:
    monkeypatch.setattr(stripe_documents, "_cache_folder", lambda: tmp_path / "made" / "here")
    first = stripe_document()
    (kept,) = (tmp_path / "made" / "here").iterdir()
    assert kept.name.startswith(f"stripe-{stripe.VERSION}-")

    stripe_document.cache_clear()
    monkeypatch.setattr(stripe_sdk, "derive", lambda package: pytest.fail("derived although cached"))

    assert stripe_document().types == first.types


@pytest.mark.parametrize("content", ["", "{", "not json"])
def test_a_spoilt_cache_is_made_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_memory: None, content: str
) -> None:
    monkeypatch.setattr(stripe_documents, "_cache_folder", lambda: tmp_path)
    stripe_document()
    (kept,) = tmp_path.iterdir()
    kept.write_text(content)
    stripe_document.cache_clear()

    assert stripe_document().match("POST", "/v1/customers") is not None
    assert json.loads(kept.read_text())["api_version"] == stripe_document().api_version


def test_without_a_place_to_write_the_document_is_derived_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_memory: None
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    monkeypatch.setattr(stripe_documents, "_cache_folder", lambda: blocked / "below")

    assert stripe_document().match("POST", "/v1/customers") is not None


def test_a_cache_that_cannot_be_finished_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_memory: None
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stripe_documents, "_cache_folder", lambda: tmp_path)
    monkeypatch.setattr("connector.sandbox.documents.stripe.json.dump", full)

    assert stripe_document().match("POST", "/v1/customers") is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_processes_that_start_together_share_the_cache_without_harm(tmp_path: Path) -> None:
    code = "from connector.sandbox.documents.stripe import stripe_document as d; print(len(d().operations))"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(4)
    ]
    printed = {process.communicate(timeout=60)[0].strip() for process in started}

    assert printed == {str(len(stripe_document().operations))}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("name=Acme+Inc&email=a%40b.co", {"name": "Acme Inc", "email": "a@b.co"}),
        ("items[0][price]=p&items[0][quantity]=2", {"items": [{"price": "p", "quantity": "2"}]}),
        ("items[1][a]=y&items[0][a]=x", {"items": [{"a": "x"}, {"a": "y"}]}),
        ("expand[]=a&expand[]=b", {"expand": ["a", "b"]}),
        ("metadata[deal id]=", {"metadata": {"deal id": ""}}),
        ("", {}),
    ],
)
def test_forms_are_read_as_stripe_nests_them(form: str, value: object) -> None:
    assert decode(form) == value


@pytest.mark.parametrize("form", ["a=1&a[b]=2", "a[b]=2&a=1", "[a]=1", "a[b=1", "a" + "[b]" * 25 + "=1"])
def test_a_form_that_contradicts_itself_is_malformed(form: str) -> None:
    with pytest.raises(MalformedForm):
        decode(form)


def test_a_form_without_end_is_malformed() -> None:
    with pytest.raises(MalformedForm, match="Too many"):
        decode("&".join(f"a{n}=1" for n in range(3000)))


def test_strings_become_what_the_schema_asks_for() -> None:
    schema = {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "ready": {"type": "boolean"},
            "unit": {"type": "decimal"},
            "when": {"any": [{"type": "string", "enum": ["now"]}, {"type": "integer"}]},
            "metadata": {"type": "object", "values": {"type": "string"}},
        },
    }

    value = typed(
        {"count": "-3", "ready": "true", "unit": "0.10", "when": "17", "metadata": ["x"], "other": "9"}, schema, {}
    )

    assert value == {
        "count": -3,
        "ready": True,
        "unit": Decimal("0.10"),
        "when": 17,
        "metadata": {"0": "x"},
        "other": "9",
    }
    assert typed({"count": "3.5", "ready": "yes", "unit": "NaN"}, schema, {}) == {
        "count": "3.5",
        "ready": "yes",
        "unit": "NaN",
    }


def test_parameters_are_named_as_stripe_names_them() -> None:
    assert name_of(("items", 0, "price_data", "recurring")) == "items[0][price_data][recurring]"


SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "rows": {"type": "array", "items": {"ref": "Row"}},
        "extra": {"any": [{"type": "null"}, {"type": "string", "enum": ["a", "b"]}, {"ref": "Row"}]},
        "tags": {"type": "object", "values": {"type": "string"}},
        "ratio": {"type": "number"},
        "exact": {"type": "decimal"},
    },
    "required": ["id"],
    "closed": True,
}
TYPES: dict[str, Any] = {
    "Row": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "closed": True}
}


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ({"id": "x"}, []),
        ({"id": "x", "rows": [{"n": 1}], "extra": None, "tags": {"a": "b"}, "ratio": 0.5, "exact": "1.25"}, []),
        ({"id": "x", "extra": "b", "exact": Decimal("1.5"), "ratio": 2}, []),
        ({}, [("missing", ("id",))]),
        ({"id": 1}, [("wrong_type", ("id",))]),
        ({"id": "x", "no": 1}, [("unknown", ("no",))]),
        ({"id": "x", "rows": [{"n": 1}, {"n": True}]}, [("wrong_type", ("rows", 1, "n"))]),
        ({"id": "x", "rows": [{}]}, [("missing", ("rows", 0, "n"))]),
        ({"id": "x", "rows": {}}, [("wrong_type", ("rows",))]),
        ({"id": "x", "extra": "c"}, [("wrong_value", ("extra",))]),
        ({"id": "x", "extra": {"n": "1"}}, [("wrong_type", ("extra", "n"))]),
        ({"id": "x", "extra": 7}, [("wrong_type", ("extra",))]),
        ({"id": "x", "tags": {"a": 1}}, [("wrong_type", ("tags", "a"))]),
        ({"id": "x", "ratio": "0.5"}, [("wrong_type", ("ratio",))]),
        ({"id": "x", "exact": "one"}, [("wrong_type", ("exact",))]),
        ([], [("wrong_type", ())]),
    ],
)
def test_the_checker_tells_each_misfit_and_where(value: object, kinds: list[tuple[str, tuple[object, ...]]]) -> None:
    found = check(value, SHAPE, TYPES)

    assert [(problem.kind, problem.path) for problem in found] == kinds
    assert all(str(problem) for problem in found)


def test_an_unknown_schema_type_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="colour"):
        check(1, {"type": "colour"}, {})


def test_booleans_are_checked_as_such() -> None:
    assert check(True, {"type": "boolean"}, {}) == []
    assert [problem.kind for problem in check(1, {"type": "boolean"}, {})] == ["wrong_type"]


def test_an_answer_that_lost_a_field_or_gained_one_is_told() -> None:
    document = stripe_document()
    retrieve = operation(document, "GET /v1/balance")
    good = {"object": "balance", "livemode": False, "available": [], "pending": []}

    assert document.check_answer(retrieve, good) == []
    assert document.check_answer(retrieve, {**good, "paid": True}) != []
    assert document.check_answer(retrieve, {"object": "balance"}) != []
    delete = operation(document, "DELETE /v1/customers/cus_1")
    assert document.check_answer(delete, {"id": "cus_1", "object": "customer", "deleted": True}) == []
    assert document.check_answer(delete, {"id": "cus_1", "deleted": True}) == ["object: missing"]


def test_a_package_of_another_make_is_refused(tmp_path: Path) -> None:
    for name in ("_api_version.py", "_event.py"):
        (tmp_path / name).write_text("class Event:\n    pass\n")
    for service in stripe_sdk.SERVICES:
        (tmp_path / f"{service}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{service}.py").write_text("")

    with pytest.raises(ValueError, match="API version"):
        stripe_sdk.derive(tmp_path)
    (tmp_path / "_api_version.py").write_text('CURRENT = "2099-01-01.zenith"')
    with pytest.raises(ValueError, match="event types"):
        stripe_sdk.derive(tmp_path)


@pytest.mark.parametrize(
    ("sample", "type_name"),
    [
        ("customer", "Customer"),
        ("subscription", "Subscription"),
        ("price", "Price"),
        ("product", "Product"),
        ("charge", "Charge"),
        ("refund", "Refund"),
        ("credit_note", "CreditNote"),
        ("payment_intent", "PaymentIntent"),
        ("invoice_payment", "InvoicePayment"),
        ("invoiceitem", "InvoiceItem"),
        ("webhook_endpoint", "WebhookEndpoint"),
    ],
)
def test_stripes_own_samples_fit_the_derived_types(sample: str, type_name: str) -> None:
    path = Path(__file__).parent.parent / "fixtures" / "stripe" / "resources.json"
    body = json.loads(path.read_text(encoding="utf-8"))[sample]

    assert stripe_document().check_object(type_name, body) == []
