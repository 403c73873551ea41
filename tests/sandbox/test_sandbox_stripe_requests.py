"""What Stripe refuses and how: keys, versions, parameters, metadata, limits, idempotency, faults, lists, expansion."""

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
import requests
import stripe

from connector.sandbox.documents.stripe import stripe_document
from connector.sandbox.faults import Fault
from connector.sandbox.stripe.calls import HANDLERS
from connector.sandbox.stripe.idempotency import IdempotencyKeys, Remembered
from tests.sandbox.stripe_account import KEY, StripeAccount

Wrong = tuple[str, dict[str, Any], str | None, str | None, str]


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


def test_prices_must_fit_their_use(account: StripeAccount) -> None:
    once, dear = account.price(100, None), account.price(100, currency="eur")
    retired = account.price()
    account.v1.prices.update(retired.id, {"active": False})

    for items, words in [
        ([{"price": once.id}], "type=recurring"),
        ([{"price": retired.id}], "inactive"),
        ([{"price": account.price().id}, {"price": dear.id}], "same currency"),
    ]:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            account.subscription(items=items)
    with pytest.raises(stripe.InvalidRequestError, match="type=one_time"):
        account.subscription(add_invoice_items=[{"price": account.price().id}])
    with pytest.raises(stripe.InvalidRequestError, match="expected currency"):
        account.subscription(add_invoice_items=[{"price": account.price(5, None, "eur").id}])


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"unit_amount": 5, "unit_amount_decimal": "5.5"}, "only one of"),
        ({}, "must specify one of"),
        ({"unit_amount": -1}, "non-negative"),
        ({"unit_amount_decimal": "0.1234567890123"}, "12 decimal"),
        ({"unit_amount": 5, "currency": "xxx"}, "Invalid currency: xxx"),
        ({"unit_amount": 5125, "currency": "kwd"}, "divisible by 10"),
        ({"unit_amount": 150, "currency": "isk"}, "divisible by 100"),
        ({"unit_amount": 150, "currency": "ugx"}, "divisible by 100"),
        ({"unit_amount": 5, "recurring": {"interval": "year", "interval_count": 4}}, "three years"),
        ({"unit_amount": 5, "recurring": {"interval": "month", "interval_count": 37}}, "three years"),
        ({"unit_amount": 5, "recurring": {"interval": "week", "interval_count": 0}}, "three years"),
        ({"unit_amount": 5, "recurring": {"interval": "month", "usage_type": "metered"}}, "meter"),
        ({"unit_amount": 5, "product": "prod_none"}, "No such product"),
        ({"unit_amount": 5, "lookup_key": "k" * 201}, "at most 200"),
        ({"billing_scheme": "tiered"}, "tiers_mode"),
        ({"billing_scheme": "tiered", "tiers_mode": "volume"}, "Missing required param: tiers"),
        ({"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": [{"up_to": 5}]}, "inf"),
        (
            {
                "billing_scheme": "tiered",
                "tiers_mode": "volume",
                "tiers": [{"up_to": 5}, {"up_to": 5}, {"up_to": "inf"}],
            },
            "ascending",
        ),
    ],
)
def test_prices_stripe_cannot_hold_are_refused(account: StripeAccount, price: dict[str, Any], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.prices.create({"currency": "usd", "product": account.product().id, **price})


def test_amounts_keep_every_decimal_place(account: StripeAccount) -> None:
    exact = account.price(None, unit_amount_decimal=Decimal("0.123456789012"))  # type: ignore[arg-type] # left out

    assert (exact.unit_amount, exact.unit_amount_decimal) == (None, Decimal("0.123456789012"))
    assert account.price(500, currency="JPY").currency == "jpy"
    assert account.price(5120, currency="kwd").unit_amount_decimal == Decimal(5120)


def test_a_lookup_key_names_one_price_and_moves_only_on_request(account: StripeAccount) -> None:
    first = account.price(lookup_key="seat")
    with pytest.raises(stripe.InvalidRequestError, match=first.id):
        account.price(lookup_key="seat")

    second = account.price(lookup_key="seat", transfer_lookup_key=True)

    assert [one.id for one in account.v1.prices.list({"lookup_keys": ["seat"]}).data] == [second.id]
    assert account.v1.prices.retrieve(first.id).lookup_key is None
    account.v1.prices.update(first.id, {"lookup_key": "seat", "transfer_lookup_key": True, "nickname": "old"})
    assert [one.id for one in account.v1.prices.list({"lookup_keys": ["seat", "none"]}).data] == [first.id]
    with pytest.raises(stripe.InvalidRequestError, match="up to 10"):
        account.v1.prices.list({"lookup_keys": [str(n) for n in range(11)]})


def test_an_inline_price_is_hidden_and_cannot_be_used_again(account: StripeAccount) -> None:
    data = {
        "currency": "usd",
        "product": account.product().id,
        "unit_amount": 700,
        "recurring": {"interval": "month"},
    }
    subscription = account.subscription(items=[{"price_data": data, "quantity": 2}])
    price = subscription["items"].data[0].price

    assert (price.active, price.unit_amount, subscription.latest_invoice.total) == (False, 700, 1400)
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        account.subscription(price=price)
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        account.subscription(items=[{"price_data": data, "price": account.price().id}])


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

    with pytest.raises(stripe.InvalidRequestError, match="does not simulate GET /v1/customers/search"):
        account.v1.customers.search({"query": "name:'x'"})


def test_every_simulated_call_and_parameter_is_in_the_document() -> None:
    document = stripe_document()
    known = {str(operation): operation for operation in document.operations}

    assert set(HANDLERS) <= set(known)
    for name, handler in HANDLERS.items():
        params = known[name].params
        schema = document.types[params["ref"]] if "ref" in params else params
        assert handler.knows - {"expand"} <= set(schema["properties"]), name


def test_the_same_key_and_parameters_give_the_same_answer(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-1/customer"}

    first = account.v1.customers.create({"name": "Acme"}, key)
    again = account.v1.customers.create({"name": "Acme"}, key)

    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(account.v1.customers.list({}).data) == 1


def test_the_same_key_with_other_parameters_clashes(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-1/customer"}
    account.v1.customers.create({"name": "Acme"}, key)

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        account.v1.customers.create({"name": "Acme Inc"}, key)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        account.v1.products.create({"name": "Acme"}, key)


def test_a_refused_request_leaves_its_key_free(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-2/customer"}
    with pytest.raises(stripe.InvalidRequestError):
        account.v1.customers.create({"email": "nobody"}, key)

    assert account.v1.customers.create({"email": "ap@acme.example"}, key).id


def test_keys_are_forgotten_after_a_day(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-3/customer"}
    first = account.v1.customers.create({"name": "Acme"}, key)

    account.advance(hours=24)

    assert account.v1.customers.create({"name": "Acme"}, key).id != first.id


def test_a_key_in_use_is_refused_with_409(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-4/customer"}
    first: list[Any] = []
    account.vendor.lock.acquire()
    try:
        waiting = threading.Thread(target=lambda: first.append(account.v1.customers.create({"name": "A"}, key)))
        waiting.start()
        deadline = time.monotonic() + 10
        while not account.vendor._keys._busy and time.monotonic() < deadline:
            time.sleep(0.005)
        with pytest.raises(stripe.APIError) as clash:
            account.v1.customers.create({"name": "A"}, key)
    finally:
        account.vendor.lock.release()
    waiting.join(10)

    assert (clash.value.http_status, getattr(clash.value.error, "code", None)) == (409, "idempotency_key_in_use")
    assert len(first) == 1


def test_a_declined_card_is_remembered_under_its_key(account: StripeAccount) -> None:
    customer = account.card_customer("pm_card_chargeCustomerFail")
    invoice = account.subscription(customer, collection_method="charge_automatically").latest_invoice
    failures = account.event_types().count("invoice.payment_failed")

    for _ in range(2):
        with pytest.raises(stripe.CardError):
            account.v1.invoices.pay(invoice.id, {}, {"idempotency_key": "pay-1"})

    assert account.event_types().count("invoice.payment_failed") == failures + 1


def test_the_memory_for_keys_is_bounded_and_keys_are_short(
    account: StripeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sandbox.stripe.idempotency._MOST_KEYS", 2)
    keys = IdempotencyKeys()
    for name in ("a", "b", "c"):
        keys.keep(name, Remembered("print", 200, b"{}", "req_1", 100))

    assert keys.recall("a", "print", 101) is None
    assert keys.recall("c", "print", 101) is not None
    with pytest.raises(stripe.IdempotencyError, match="255"):
        account.v1.customers.create({}, {"idempotency_key": "k" * 256})


@pytest.mark.parametrize(
    ("kind", "detail", "status", "code", "retry_after", "should_retry"),
    [
        ("rate_limited", "", 429, "rate_limit", "1.5", None),
        ("rate_limited_no_retry_after", "", 429, "rate_limit", None, None),
        ("rate_limited_no_retry_after", "lock_timeout", 429, "lock_timeout", None, "true"),
        ("server_error", "", 500, None, None, None),
    ],
)
def test_faults_answer_as_stripe_does_and_do_nothing(
    account: StripeAccount,
    kind: Any,
    detail: str,
    status: int,
    code: str | None,
    retry_after: str | None,
    should_retry: str | None,
) -> None:
    account.faults.add(Fault("stripe", kind, detail=detail, retry_after=1.5, operation="POST /v1/customers"))

    with pytest.raises(stripe.StripeError) as struck:
        account.customer()

    assert (struck.value.http_status, getattr(struck.value.error, "code", None)) == (status, code)
    headers = struck.value.headers or {}
    assert (headers.get("Retry-After"), headers.get("Stripe-Should-Retry")) == (retry_after, should_retry)
    assert account.v1.customers.list({}).data == []
    assert account.customer().id
    assert account.log.refused() == []


@pytest.mark.parametrize(("after_work", "made"), [(False, 0), (True, 1)])
def test_a_timeout_may_come_before_or_after_the_work(account: StripeAccount, after_work: bool, made: int) -> None:
    account.faults.add(Fault("stripe", "timeout", hold=0.05, after_work=after_work))

    with pytest.raises(stripe.APIConnectionError):
        account.v1.customers.create({"name": "Acme"}, {"idempotency_key": "lost-answer"})

    assert len(account.v1.customers.list({}).data) == made
    again = account.v1.customers.create({"name": "Acme"}, {"idempotency_key": "lost-answer"})
    assert len(account.v1.customers.list({}).data) == 1
    assert ("Idempotent-Replayed" in again.last_response.headers) == after_work


def test_lists_are_newest_first_and_paged_both_ways(account: StripeAccount) -> None:
    made = [account.customer(name=f"c{n}").id for n in range(5)]

    first = account.v1.customers.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2:-1], True)
    second = account.v1.customers.list({"limit": 2, "starting_after": made[3]})
    assert ([one.id for one in second.data], second.has_more) == ([made[2], made[1]], True)
    last = account.v1.customers.list({"limit": 2, "starting_after": made[1]})
    assert ([one.id for one in last.data], last.has_more) == ([made[0]], False)
    back = account.v1.customers.list({"limit": 2, "ending_before": made[1]})
    assert ([one.id for one in back.data], back.has_more) == ([made[3], made[2]], True)
    assert [one.id for one in account.v1.customers.list({"limit": 1}).auto_paging_iter()] == made[::-1]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"limit": 101}, "between 1 and 100"),
        ({"limit": 0}, "between 1 and 100"),
        ({"starting_after": "cus_none"}, "No such"),
        ({"starting_after": "a", "ending_before": "b"}, "only specify one"),
        ({"colour": "red"}, "unknown parameter: colour"),
        ({"expand": ["data.name"]}, "cannot be expanded"),
    ],
)
def test_wrong_list_requests_are_refused(account: StripeAccount, params: dict[str, Any], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.customers.list(params)


def test_lists_filter_by_field_and_time(account: StripeAccount) -> None:
    early = account.customer(email="early@acme.example")
    account.advance(seconds=100)
    late = account.customer(email="late@acme.example")

    def ids(**filters: Any) -> list[str]:
        return [one.id for one in account.v1.customers.list(filters).data]

    assert ids(email="early@acme.example") == [early.id]
    assert ids(created={"gt": early.created}) == [late.id]
    assert ids(created={"gte": early.created, "lt": late.created}) == [early.id]
    assert ids(created={"lte": early.created}) == [early.id]
    assert ids(created=late.created) == [late.id]

    mine, other = account.subscription(early), account.subscription(late)
    account.v1.subscriptions.cancel(other.id)
    listed = account.v1.subscriptions.list
    assert [one.id for one in listed({}).data] == [mine.id]
    assert [one.id for one in listed({"status": "canceled"}).data] == [other.id]
    assert [one.id for one in listed({"status": "ended"}).data] == [other.id]
    assert [one.id for one in listed({"status": "all"}).data] == [other.id, mine.id]
    price = mine["items"].data[0].price.id
    assert [one.id for one in listed({"price": price}).data] == [mine.id]
    assert [one.id for one in listed({"current_period_end": {"gt": account.now}}).data] == [mine.id]
    assert [one.id for one in account.invoices(subscription=mine.id)] == [mine.latest_invoice.id]
    assert account.v1.products.list({"ids": ["prod_none"]}).data == []
    assert [one.id for one in account.v1.prices.list({"recurring": {"interval": "year"}}).data] == []


def test_expansion_reaches_through_lists_and_stops_at_four_levels(account: StripeAccount) -> None:
    account.subscription()
    listed = account.v1.subscriptions.list
    (shown,) = listed({"expand": ["data.customer", "data.latest_invoice.payments", "data.schedule"]}).data
    assert (shown.customer.name, shown.latest_invoice.payments.data) == ("Acme", [])
    product = account.v1.subscriptions.retrieve(shown.id, {"expand": ["items.data.price.product"]})
    assert product["items"].data[0].price.product.name == "Seat"

    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        listed({"expand": ["data.items.data.price.product"]})


def test_includable_fields_come_only_when_asked_for(account: StripeAccount) -> None:
    customer = account.customer(
        address={"country": "DE", "line1": "Hauptstr. 1", "city": "Bonn", "postal_code": "53111"},
        shipping={"name": "Lager", "address": {"line1": "x", "country": "DE"}},
        tax_id_data=[{"type": "eu_vat", "value": "DE123456789"}],
    )
    account.subscription(customer)
    assert "subscriptions" not in customer

    expand = ["subscriptions", "tax_ids", "tax", "sources", "invoice_credit_balance", "cash_balance"]
    whole = account.v1.customers.retrieve(customer.id, {"expand": expand})

    assert len(whole.subscriptions.data) == 1
    assert [one.value for one in whole.tax_ids.data] == ["DE123456789"]
    assert whole.tax.automatic_tax == "not_collecting"
    assert whole.sources.data == []


def test_a_long_customer_id_list_survives_deletion(account: StripeAccount) -> None:
    customer = account.customer()
    subscription = account.subscription(customer)

    gone = account.v1.customers.delete(customer.id)

    assert gone.deleted is True
    assert account.v1.customers.retrieve(customer.id).deleted is True
    assert account.v1.customers.list({}).data == []
    assert account.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        account.v1.customers.update(customer.id, {"name": "x"})


def test_the_log_names_operations_and_the_sdk(account: StripeAccount) -> None:
    account.customer()
    account.v1.customers.list({})

    assert account.log.counts()["stripe"] == {"POST /v1/customers": 1, "GET /v1/customers": 1}
    (agent,) = account.log.user_agents()["stripe"]
    assert agent.startswith("Stripe/v1 PythonBindings/")
