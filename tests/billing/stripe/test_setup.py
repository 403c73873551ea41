"""Set-up and the doctor on canned answers: every finding, and that what others made is never changed."""

from __future__ import annotations

from typing import Any

import pytest

from connector.billing.stripe.calls import Calls, stripe_client
from connector.billing.stripe.client import StripeBilling
from connector.billing.stripe.settings import StripeSettings
from connector.billing.stripe.setup import wanted_events
from connector.ports import Check, CheckStatus
from tests.billing.stripe.conftest import Refusal, Wall, Wire, a_list, resource

PUBLIC = "https://billing.example"
URL = f"{PUBLIC}/webhooks/stripe"


def an_endpoint(**changed: Any) -> dict[str, Any]:
    plain = {
        "id": "we_1",
        "url": URL,
        "enabled_events": wanted_events(),
        "api_version": "2026-10-28.endive",
        "status": "enabled",
        "livemode": False,
        "metadata": {"made_by": "dealbill"},
    }
    return resource("webhook_endpoint", **plain) | changed


def findings(checks: list[Check]) -> dict[str, CheckStatus]:
    return {check.id: check.status for check in checks}


@pytest.fixture
def answering(wire: Wire) -> Wire:
    """A key that works."""
    wire.on("GET", "/v1/customers", a_list())
    return wire


def test_all_is_well(answering: Wire, billing: StripeBilling) -> None:
    """Nothing to say but that."""
    answering.on("GET", "/v1/webhook_endpoints", a_list(an_endpoint(), an_endpoint(url="https://other.example/x")))

    assert findings(billing.check(PUBLIC)) == {
        "stripe.key": CheckStatus.OK,
        "stripe.webhook_secret": CheckStatus.OK,
        "stripe.webhook": CheckStatus.OK,
    }


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([], {"stripe.webhook": CheckStatus.WARN}),
        ([an_endpoint(status="disabled")], {"stripe.webhook_off": CheckStatus.FAIL}),
        ([an_endpoint(livemode=True)], {"stripe.webhook_mode": CheckStatus.FAIL}),
        ([an_endpoint(api_version=None)], {"stripe.webhook_version": CheckStatus.WARN}),
        ([an_endpoint(api_version="2024-06-20")], {"stripe.webhook_version": CheckStatus.WARN}),
        ([an_endpoint(enabled_events=["invoice.paid"])], {"stripe.webhook_events": CheckStatus.WARN}),
        ([an_endpoint(enabled_events=["*"])], {"stripe.webhook": CheckStatus.OK}),
        ([an_endpoint(), an_endpoint(id="we_2")], {"stripe.webhook_twice": CheckStatus.WARN}),
    ],
)
def test_each_trouble_with_the_endpoint_has_its_finding(
    answering: Wire, billing: StripeBilling, endpoints: list[Any], expected: dict[str, CheckStatus]
) -> None:
    """With a hint, unless all is well."""
    answering.on("GET", "/v1/webhook_endpoints", a_list(*endpoints))

    checks = [check for check in billing.check(PUBLIC) if check.id not in {"stripe.key", "stripe.webhook_secret"}]

    assert findings(checks) == expected
    assert all(check.hint for check in checks if check.status is not CheckStatus.OK)


@pytest.mark.parametrize("refusal", [Refusal(401), Refusal(500, type="api_error")])
def test_a_key_that_does_not_work_is_all_there_is_to_say(wire: Wire, billing: StripeBilling, refusal: Refusal) -> None:
    """Nothing else can be known then."""
    wire.on("GET", "/v1/customers", refusal)

    assert findings(billing.check(PUBLIC)) == {"stripe.key": CheckStatus.FAIL}


@pytest.mark.parametrize(
    ("refusal", "status"), [(Refusal(403), CheckStatus.WARN), (Refusal(500, type="api_error"), CheckStatus.FAIL)]
)
def test_a_restricted_key_may_not_see_endpoints(
    answering: Wire, billing: StripeBilling, refusal: Refusal, status: CheckStatus
) -> None:
    """That is no fault; an outage is."""
    answering.on("GET", "/v1/webhook_endpoints", refusal)

    assert findings(billing.check(PUBLIC))["stripe.webhook"] is status


def test_an_address_of_this_machine_cannot_be_called(answering: Wire, billing: StripeBilling) -> None:
    """Stripe is elsewhere; it is not even asked."""
    assert findings(billing.check("http://127.0.0.1:8000"))["stripe.webhook"] is CheckStatus.WARN
    assert answering.paths() == ["GET /v1/customers"]


def test_without_a_secret_the_doctor_warns(answering: Wire, calls: Calls, wall: Wall) -> None:
    """Deliveries would all be refused."""
    settings = StripeSettings(api_key="sk_test_abc")
    answering.on("GET", "/v1/webhook_endpoints", a_list(an_endpoint()))

    checks = StripeBilling(stripe_client(settings), calls, wall, settings).check(PUBLIC)

    assert findings(checks)["stripe.webhook_secret"] is CheckStatus.WARN


def test_an_endpoint_of_ours_is_given_what_it_lacks(wire: Wire, billing: StripeBilling) -> None:
    """And keeps what it has."""
    wire.on("GET", "/v1/webhook_endpoints", a_list(an_endpoint(enabled_events=["invoice.paid", "payout.paid"])))
    wire.on("POST", "/v1/webhook_endpoints/we_1", an_endpoint())

    there, more = billing.setup(PUBLIC)
    assert (there.done, more.done) == (True, False)
    assert more.apply is not None
    more.apply()

    sent = wire.only("POST", "/v1/webhook_endpoints/we_1").params
    assert set(sent.values()) == {"payout.paid", *wanted_events()}
    assert all(name.startswith("enabled_events[") for name in sent)


def test_an_endpoint_of_somebody_elses_is_never_changed(wire: Wire, billing: StripeBilling) -> None:
    """It is there, and that is all: the doctor tells what it lacks."""
    wire.on("GET", "/v1/webhook_endpoints", a_list(an_endpoint(enabled_events=["invoice.paid"], metadata={})))

    (action,) = billing.setup(PUBLIC)

    assert (action.done, action.apply) == (True, None)


def test_looking_makes_nothing(wire: Wire, billing: StripeBilling) -> None:
    """Only ``apply`` does; the secret is held for whoever applied it and appears in no print."""
    wire.on("GET", "/v1/webhook_endpoints", a_list())
    wire.on("POST", "/v1/webhook_endpoints", an_endpoint(secret="whsec_fresh"))

    (action,) = billing.setup(PUBLIC)
    assert wire.paths() == ["GET /v1/webhook_endpoints"]
    assert action.apply is not None
    action.apply()

    sent = wire.only("POST", "/v1/webhook_endpoints").params
    assert sent["url"] == URL
    assert sent["api_version"] == "2026-10-28.endive"
    assert sent["metadata[made_by]"] == "dealbill"
    assert billing.new_secret is not None
    assert "fresh" not in repr(billing.new_secret)
    assert billing.new_secret.get_secret_value() == "whsec_fresh"
