"""What Stripe refuses and how: keys, versions, parameters, metadata, limits, impossible terms."""

from typing import Any

import pytest
import requests
import stripe

from connector.sandbox.documents.stripe import stripe_document
from connector.sandbox.stripe.calls import HANDLERS
from tests.sandbox.stripe_account import KEY, StripeAccount


def post(account: StripeAccount, path: str, form: dict[str, Any] | str, **headers: str) -> requests.Response:
    """A request without the SDK, for what the SDK would not send."""
    sent = {
        "Authorization": f"Bearer {KEY}",
        "Stripe-Version": stripe_document().api_version,
        "Content-Type": "application/x-www-form-urlencoded",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return requests.post(account.url + path, data=form, headers=sent, timeout=10)


@pytest.mark.parametrize(
    ("path", "form", "code", "param", "words"),
    [
        ("/v1/customers", {"nam": "x"}, "parameter_unknown", "nam", "Received unknown parameter: nam"),
        ("/v1/customers", {"a": "1", "b": "2"}, "parameter_unknown", "a", "unknown parameters: a, b"),
        ("/v1/customers", {"address[town]": "x"}, "parameter_unknown", "address[town]", "unknown"),
        ("/v1/customers", {"coupon": "x"}, "parameter_unknown", "coupon", "unknown"),
        ("/v1/customers", {"email": "nobody"}, "email_invalid", "email", "Invalid email address: nobody"),
        ("/v1/customers", {"email": "a@b.co, c@d.co"}, "email_invalid", "email", "Invalid email"),
        ("/v1/customers", {"balance": "ten"}, "parameter_invalid_integer", "balance", "Invalid integer: ten"),
        ("/v1/customers", {"tax_exempt": "yes"}, None, "tax_exempt", "must be one of exempt, none, or reverse"),
        ("/v1/customers", {"metadata": "x"}, None, "metadata", "Invalid object"),
        ("/v1/customers", {"phone": "1" * 21}, "parameter_invalid_string", "phone", "at most 20"),
        ("/v1/customers", {"name": "x" * 257}, "parameter_invalid_string", "name", "at most 256"),
        ("/v1/customers", {"business_name": "x" * 151}, "parameter_invalid_string", "business_name", "150"),
        ("/v1/customers", {"invoice_prefix": "ab"}, None, "invoice_prefix", "uppercase"),
        ("/v1/customers", {"address[country]": "USA"}, "country_unsupported", "address[country]", "USA"),
        ("/v1/customers", {"expand[0]": "name"}, None, "expand[0]", "cannot be expanded (name)"),
        ("/v1/customers", {"tax_id_data[0][type]": "eu_vat", "tax_id_data[0][value]": "1"}, "tax_id_invalid", None, ""),
        ("/v1/customers", {"tax_id_data[0][type]": "eu_vat"}, "parameter_missing", "tax_id_data[0][value]", "Missing"),
        ("/v1/products", {}, "parameter_missing", "name", "Missing required param: name."),
        ("/v1/products", {"name": " "}, "parameter_missing", "name", "Missing"),
        ("/v1/products", {"name": "x", "active": "maybe"}, None, "active", "Invalid boolean: maybe"),
        ("/v1/prices", {"currency": "usd", "unit_amount": "1"}, "parameter_missing", "product", "Missing"),
        ("/v1/prices", {"unit_amount": "1", "product": "p"}, "parameter_missing", "currency", "Missing"),
        ("/v1/coupons", {"duration": "ever"}, None, "duration", "must be one of forever, once, or repeating"),
        ("/v1/coupons", {"duration": "once"}, "parameter_missing", "percent_off", "Missing"),
        ("/v1/coupons", {"percent_off": "101"}, None, "percent_off", "between 0 and 100"),
        ("/v1/coupons", {"percent_off": "5", "amount_off": "5"}, None, "amount_off", "only specify one"),
        ("/v1/coupons", {"amount_off": "5"}, "parameter_missing", "currency", "Missing"),
        ("/v1/coupons", {"percent_off": "5", "duration": "repeating"}, None, "duration_in_months", "repeating"),
        ("/v1/subscriptions", {"items[0][price]": "p"}, "parameter_missing", "customer", "Missing"),
        ("/v1/subscriptions", {"customer": "cus_no"}, "resource_missing", "customer", "No such customer: 'cus_no'"),
        ("/v1/subscriptions", {"customer": "c", "coupon": "x"}, "parameter_unknown", "coupon", "unknown"),
        ("/v1/subscriptions", {"customer": "c", "items[0][quantity]": "x"}, "parameter_invalid_integer", None, ""),
        ("/v1/subscriptions", {"items[0][price_data][currency]": "usd"}, "parameter_missing", None, "[product]"),
        ("/v1/subscriptions", {"items[0][coupons]": "x"}, "parameter_unknown", "items[0][coupons]", "unknown"),
        ("/v1/subscriptions", {"billing_cycle_anchor[type]": "now"}, "parameter_invalid_integer", None, "integer"),
        ("/v1/subscriptions", {"collection_method": "mail"}, None, "collection_method", "must be one of"),
        ("/v1/subscriptions", {"cancel_at": "soon"}, None, "cancel_at", "must be one of"),
        ("/v1/subscription_schedules", {"phases[0][iterations]": "2"}, "parameter_unknown", None, "iterations"),
        ("/v1/invoices", {"days_until_due": "30"}, "parameter_missing", "customer", "Missing"),
        ("/v1/invoiceitems", {"price": "p"}, "parameter_unknown", "price", "unknown"),
        ("/v1/invoiceitems", {"amount": "5"}, "parameter_missing", "customer", "Missing"),
        ("/v1/webhook_endpoints", {"url": "https://a.co"}, "parameter_missing", "enabled_events", "Missing"),
        ("/v1/webhook_endpoints", {"url": "http://a.co", "enabled_events[0]": "*"}, "url_invalid", "url", "https"),
        ("/v1/webhook_endpoints", {"url": "https://a.co", "enabled_events[0]": "invoice.gone"}, None, None, "must be"),
        ("/v1/billing/credit_grants", {"amount[type]": "x"}, "parameter_missing", None, "applicability_config"),
        ("/v1/customers", {"metadata": "", "name": "x", "name[x]": "y"}, None, None, "both a value and a hash"),
    ],
)
def test_a_wrong_request_is_refused_in_stripes_words(
    account: StripeAccount, path: str, form: dict[str, Any], code: str | None, param: str | None, words: str
) -> None:
    answer = post(account, path, form)
    error = answer.json()["error"]

    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error.get("code") == code
    assert param is None or error["param"] == param
    assert words in error["message"]
    assert answer.headers["Request-Id"].startswith("req_")
    assert [one.reason for one in account.log.refused()] == [error["message"]]


def test_the_sdk_raises_its_own_errors_with_code_param_and_request_id(account: StripeAccount) -> None:
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        account.v1.customers.create({"nickname": "x"})
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "nickname")
    assert str(unknown.value.request_id).startswith("req_")

    with pytest.raises(stripe.InvalidRequestError) as missing:
        account.v1.customers.retrieve("cus_nobody")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


@pytest.mark.parametrize("value", ["", "x" * 500])
def test_metadata_within_its_limits_is_kept(account: StripeAccount, value: str) -> None:
    customer = account.customer(metadata={f"key{n}": "v" for n in range(49)})

    changed = account.v1.customers.update(customer.id, {"metadata": {"key0": value, "k" * 40: "v"}})

    assert len(changed.metadata.to_dict()) == (49 if value == "" else 50)
    assert ("key0" in changed.metadata) == bool(value)
    assert account.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key{n}": "v" for n in range(51)},
        {"k" * 41: "v"},
        {"key": "v" * 501},
    ],
)
def test_metadata_beyond_its_limits_is_refused(account: StripeAccount, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Metadata"):
        account.customer(metadata=metadata)


def test_brackets_in_a_metadata_key_cannot_even_be_sent(account: StripeAccount) -> None:
    answer = post(account, "/v1/customers", {"metadata[a[b]]": "x"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([{"name": f"n{n}", "value": "v"} for n in range(5)], "up to 4"),
        ([{"name": "n" * 41, "value": "v"}], "at most 40"),
        ([{"name": "n", "value": "v" * 141}], "at most 140"),
    ],
)
def test_custom_fields_are_few_and_short(account: StripeAccount, fields: list[dict[str, str]], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.subscription(invoice_settings={"custom_fields": fields})


def test_lists_of_lines_are_bounded(account: StripeAccount) -> None:
    price, fee = account.price(), account.price(5, None)

    with pytest.raises(stripe.InvalidRequestError, match="up to 20"):
        account.subscription(price=price, add_invoice_items=[{"price": fee.id}] * 21)
    with pytest.raises(stripe.InvalidRequestError, match="at most 20 items"):
        account.subscription(items=[{"price": account.price(n + 1).id} for n in range(21)])
    with pytest.raises(stripe.InvalidRequestError, match="multiple subscription items"):
        account.subscription(items=[{"price": price.id}, {"price": price.id}])
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: items"):
        account.subscription(items=[])


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"days_until_due": None}, "must pass `days_until_due`"),
        ({"collection_method": "charge_automatically", "days_until_due": 3}, "only pass `days_until_due`"),
        ({"days_until_due": -1}, "non-negative"),
        ({"backdate_start_date": 1_900_000_000}, "in the past"),
        ({"billing_cycle_anchor": 1_700_000_000}, "in the future"),
        ({"billing_cycle_anchor": 1_774_000_000}, "natural billing date"),
        ({"trial_end": 1_700_000_000}, "in the future"),
        ({"trial_end": 1_900_000_000}, "two years"),
        ({"trial_end": 1_769_000_000, "trial_period_days": 3}, "only specify one"),
        ({"cancel_at": 1_700_000_000}, "in the future"),
        ({"currency": "eur"}, "only supports `usd`"),
        ({"automatic_tax": {"enabled": True}}, "location"),
        ({"default_payment_method": "pm_none"}, "No such payment_method"),
        ({"discounts": [{"coupon": "none"}]}, "No such coupon"),
        ({"items": [{"price": "price_none"}]}, "No such price"),
        ({"items": [{"quantity": 2}]}, r"Missing required param: items\[0\]\[price\]"),
        ({"application_fee_percent": 10}, "does not simulate the parameter application_fee_percent"),
    ],
)
def test_terms_stripe_cannot_agree_to_are_refused_and_leave_nothing(
    account: StripeAccount, terms: dict[str, Any], words: str
) -> None:
    price = account.price()
    given = {
        "customer": account.customer().id,
        "items": [{"price": price.id}],
        "collection_method": "send_invoice",
        "days_until_due": 30,
        **terms,
    }

    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.subscriptions.create({name: value for name, value in given.items() if value is not None})

    assert account.v1.subscriptions.list({"status": "all"}).data == []
    assert account.invoices() == []
    assert "customer.subscription.created" not in account.event_types()


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Authorization": ""}, 401, "did not provide an API key"),
        ({"Authorization": "Bearer sk_live_abcdefgh1234"}, 401, "Invalid API Key provided: sk_live_****1234"),
        ({"Stripe_Version": "2024-06-20"}, 400, "Invalid Stripe API version: 2024-06-20"),
        ({"Content_Type": "application/json"}, 400, "application/x-www-form-urlencoded"),
    ],
)
def test_requests_at_the_wrong_door_are_turned_away(
    account: StripeAccount, headers: dict[str, str], status: int, words: str
) -> None:
    answer = post(account, "/v1/customers", "name=x", **headers)

    assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True)


def test_a_key_can_be_revoked(account: StripeAccount) -> None:
    account.control("POST", "/keys/refuse", key=KEY)

    with pytest.raises(stripe.AuthenticationError):
        account.v1.customers.list({})


def test_paths_stripe_does_not_have_and_calls_not_simulated_are_told_apart(account: StripeAccount) -> None:
    answer = post(account, "/v1/unicorns", "")
    assert (answer.status_code, "Unrecognized request URL" in answer.text) == (404, True)

    with pytest.raises(stripe.InvalidRequestError, match="does not simulate GET /v1/subscriptions/search"):
        account.v1.subscriptions.search({"query": "status:'active'"})


def test_every_simulated_call_and_parameter_is_in_the_document() -> None:
    document = stripe_document()
    known = {str(operation): operation for operation in document.operations}

    assert set(HANDLERS) <= set(known)
    for name, handler in HANDLERS.items():
        params = known[name].params
        schema = document.types[params["ref"]] if "ref" in params else params
        assert handler.knows - {"expand"} <= set(schema["properties"]), name


def test_a_customer_has_only_so_many_subscriptions(account: StripeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.sandbox.stripe.subscriptions.MOST_SUBSCRIPTIONS", 2)
    customer = account.customer()
    first, _ = account.subscription(customer), account.subscription(customer)

    with pytest.raises(stripe.InvalidRequestError, match="maximum 2 current subscriptions"):
        account.subscription(customer)
    account.v1.subscriptions.cancel(first.id)

    assert account.subscription(customer).status == "active"
