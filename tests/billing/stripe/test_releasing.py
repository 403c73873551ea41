"""Releasing on canned answers: what is compared, finalised and sent, and what is never touched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.billing.stripe.client import StripeBilling
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, Rejected
from tests.billing.stripe.conftest import NOW, Refusal, Wall, Wire, a_list, an_invoice

INVOICE = RecordRef("stripe", "invoice", "in_1")
SUBSCRIPTION = RecordRef("stripe", "subscription", "sub_1")
JUST_NOW = {"finalized_at": int(NOW.timestamp()) - 60, "paid_at": None, "voided_at": None}


def a_draft(**changed: Any) -> dict[str, Any]:
    return an_invoice(status="draft", number=None, status_transitions={"finalized_at": None}) | changed


def test_a_draft_is_finalised_and_sent_under_keys_of_its_own(wire: Wire, billing: StripeBilling) -> None:
    """Collection is switched on with it; the finalising key lasts an hour, the sending key for good."""
    wire.on("GET", "/v1/invoices/in_1", a_draft())
    wire.on("POST", "/v1/invoices/in_1/finalize", an_invoice(status_transitions=JUST_NOW))
    wire.on("POST", "/v1/invoices/in_1/send", an_invoice())

    billing.release_first_invoice(INVOICE, 1000)

    finalised = wire.only("POST", "/v1/invoices/in_1/finalize")
    assert finalised.params == {"auto_advance": "true"}
    assert finalised.key == "in_1/finalise/2026112109"
    assert wire.only("POST", "/v1/invoices/in_1/send").key == "in_1/send"


def test_a_crash_between_finalising_and_sending_is_made_good(wire: Wire, billing: StripeBilling) -> None:
    """Open and recent: it is sent (again); the key keeps a second mail from going out."""
    wire.on("GET", "/v1/invoices/in_1", an_invoice(status_transitions=JUST_NOW))
    wire.on("POST", "/v1/invoices/in_1/send", an_invoice())

    billing.release_first_invoice(INVOICE, 1000)

    assert wire.paths() == ["GET /v1/invoices/in_1", "POST /v1/invoices/in_1/send"]


def test_an_invoice_finalised_long_ago_is_not_mailed_again(wire: Wire, billing: StripeBilling, wall: Wall) -> None:
    """Past the life of an idempotency key a second sending would be a second mail."""
    wire.on("GET", "/v1/invoices/in_1", an_invoice(status_transitions=JUST_NOW))
    wall.passes(timedelta(hours=20))

    billing.release_first_invoice(INVOICE, 1000)

    assert wire.paths() == ["GET /v1/invoices/in_1"]


@pytest.mark.parametrize("status", ["void", "uncollectible"])
def test_what_people_have_given_up_is_left_alone(wire: Wire, billing: StripeBilling, status: str) -> None:
    """Whatever it comes to."""
    wire.on("GET", "/v1/invoices/in_1", an_invoice(status=status, total=1))

    billing.release_first_invoice(INVOICE, 1000)

    assert wire.paths() == ["GET /v1/invoices/in_1"]


@pytest.mark.parametrize("latest", [None, "in_1"])
def test_a_subscription_without_an_invoice_has_nothing_to_release(
    wire: Wire, billing: StripeBilling, latest: str | None
) -> None:
    """A trial, or an answer that did not expand."""
    wire.on("GET", "/v1/subscriptions/sub_1", {"id": "sub_1", "latest_invoice": latest})

    billing.release_first_invoice(SUBSCRIPTION, 1000)

    assert wire.paths() == ["GET /v1/subscriptions/sub_1"]


def test_the_first_invoice_is_found_behind_later_ones(wire: Wire, billing: StripeBilling) -> None:
    """A draft that was held for a month is still the one to release."""
    later = an_invoice(id="in_9", billing_reason="subscription_cycle", total=77)
    wire.on("GET", "/v1/subscriptions/sub_1", {"id": "sub_1", "latest_invoice": later})
    wire.on("GET", "/v1/invoices", a_list(later, a_draft()))
    wire.on("POST", "/v1/invoices/in_1/finalize", an_invoice(status="paid"))

    billing.release_first_invoice(SUBSCRIPTION, 1000)

    assert wire.paths()[-1] == "POST /v1/invoices/in_1/finalize"


def test_a_first_invoice_that_is_gone_asks_for_nothing(wire: Wire, billing: StripeBilling) -> None:
    """Only later ones are left."""
    later = an_invoice(id="in_9", billing_reason="subscription_cycle", total=77)
    wire.on("GET", "/v1/subscriptions/sub_1", {"id": "sub_1", "latest_invoice": later})
    wire.on("GET", "/v1/invoices", a_list(later))

    billing.release_first_invoice(SUBSCRIPTION, 1000)

    assert wire.only("GET", "/v1/invoices").params == {"subscription": "sub_1", "limit": "100"}


def test_someone_quicker_at_finalising_is_no_failure(wire: Wire, billing: StripeBilling) -> None:
    """Stripe's own hour was up in the meantime."""
    wire.on("GET", "/v1/invoices/in_1", a_draft(), an_invoice(status="paid"))
    wire.on("POST", "/v1/invoices/in_1/finalize", Refusal(400, "invoice_not_editable"))

    billing.release_first_invoice(INVOICE, 1000)

    assert wire.paths()[-1] == "GET /v1/invoices/in_1"


def test_a_draft_that_cannot_be_finalised_is_a_persons(wire: Wire, billing: StripeBilling) -> None:
    """An address without which tax cannot be worked out, for one."""
    wire.on("GET", "/v1/invoices/in_1", a_draft())
    wire.on("POST", "/v1/invoices/in_1/finalize", Refusal(400, "customer_tax_location_invalid"))

    with pytest.raises(Rejected, match="complete address"):
        billing.release_first_invoice(INVOICE, 1000)


def test_holding_switches_off_stripes_own_advance_once(wire: Wire, billing: StripeBilling) -> None:
    """And leaves a mark; the second look only tells."""
    held = a_draft(total=900, auto_advance=False, metadata={"crm_held": "1000"})
    wire.on("GET", "/v1/invoices/in_1", a_draft(total=900), held)
    wire.on("POST", "/v1/invoices/in_1", held)

    for _ in range(2):
        with pytest.raises(NeedsHuman, match=r"draft invoice comes to USD 9\.00 .* deal to USD 10\.00") as caught:
            billing.release_first_invoice(INVOICE, 1000)

    assert caught.value.ref == INVOICE
    assert wire.only("POST", "/v1/invoices/in_1").params == {"auto_advance": "false", "metadata[crm_held]": "1000"}


def test_a_person_may_accept_a_difference(wire: Wire, billing: StripeBilling) -> None:
    """By a word in the invoice's metadata."""
    wire.on("GET", "/v1/invoices/in_1", an_invoice(status="paid", total=900, metadata={"crm_accepted": "yes"}))

    billing.release_first_invoice(INVOICE, 1000)

    assert wire.paths() == ["GET /v1/invoices/in_1"]


def test_without_an_expectation_nothing_is_compared(wire: Wire, billing: StripeBilling) -> None:
    """The plan could not say what a later start would come to."""
    wire.on("GET", "/v1/invoices/in_1", a_draft(total=1))
    wire.on("POST", "/v1/invoices/in_1/finalize", an_invoice(status="paid"))

    billing.release_first_invoice(INVOICE, None)

    assert wire.paths()[-1] == "POST /v1/invoices/in_1/finalize"


def test_an_automatic_charge_is_not_mailed(wire: Wire, billing: StripeBilling) -> None:
    """Stripe charges it by itself."""
    automatic = an_invoice(collection_method="charge_automatically", status_transitions=JUST_NOW)
    wire.on("GET", "/v1/invoices/in_1", automatic)

    billing.release_first_invoice(INVOICE, 1000)

    assert wire.paths() == ["GET /v1/invoices/in_1"]
