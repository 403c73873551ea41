"""Every event type has a fate, and only ids are read from an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.billing.stripe.events import WANTED, known_types, to_inbox
from connector.domain.inbox import EventKind
from connector.domain.refs import RecordRef
from connector.errors import Unreadable
from tests.billing.stripe.conftest import FIXTURES, event_fixture

CHANGED, TRACE, IGNORED = EventKind.BILLING_CHANGED, EventKind.BILLING_TRACE, EventKind.IGNORED
CUSTOMER_ID = "cus_QXg1o8vcGmoR32"

TRACED = {
    "charge": ("charge", "ch_1PgafuB7WZ01zgkWXYmPNZs8"),
    "dispute": ("dispute", "dp_1Pgc71B7WZ01zgkWMevJiAUx"),
    "refund": ("refund", "re_1Pgc72B7WZ01zgkWqPvrRrPE"),
    "payment_intent": ("payment", "pi_1PgafyB7WZ01zgkWSjxsAJo3"),
    "invoice_payment": ("invoice", "invoice"),
}
"""What an object that names no customer is followed by, in the recorded events: kind and id."""

OF_NO_ACCOUNT = ("billing.", "coupon.", "payment_method.", "payout.", "price.", "product.", "promotion_code.", "quote.")


def an_event(event_type: str, record: Any, **changed: Any) -> dict[str, Any]:
    envelope = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_790_000_000,
        "livemode": False,
        "type": event_type,
        "data": {"object": record},
    }
    return envelope | changed


def a_thin_event(event_type: str, related: Any, **changed: Any) -> dict[str, Any]:
    envelope = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "created": "2026-11-21T09:00:00.123Z",
        "livemode": False,
        "type": event_type,
        "related_object": related,
    }
    return envelope | changed


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*__derived.json")), ids=lambda path: path.stem)
def test_every_recorded_event_has_its_fate(path: Any) -> None:
    """With a customer: refresh it. Without: trace the record. Of no account: remember it, no more."""
    event = event_fixture(path.stem)
    record = event["data"]["object"]

    found = to_inbox(event, "body")

    assert (found.source, found.event_id, found.type, found.body) == ("stripe", event["id"], event["type"], "body")
    assert found.occurred_at == datetime.fromtimestamp(event["created"], UTC)
    if event["type"].startswith(OF_NO_ACCOUNT):
        assert (found.kind, found.subject) == (IGNORED, None)
    elif record.get("customer") or record["object"] == "customer":
        assert (found.kind, found.subject) == (CHANGED, RecordRef("stripe", "customer", CUSTOMER_ID))
    else:
        assert (found.kind, found.subject) == (TRACE, RecordRef("stripe", *TRACED[record["object"]]))


def test_what_we_subscribe_to_is_known_and_means_work() -> None:
    """The installed SDK knows each type, no two are the same, and none of them would be ignored."""
    assert set(WANTED) <= known_types()
    assert len(set(WANTED)) == len(WANTED)
    for event_type in WANTED:
        assert to_inbox(an_event(event_type, {"object": "invoice", "customer": "cus_1"}), "").kind is CHANGED


def test_no_known_type_is_unknown() -> None:
    """Every type the SDK lists is either work or ignored on purpose."""
    kinds = {to_inbox(an_event(each, {"object": "x", "customer": "cus_1"}), "").kind for each in known_types()}

    assert kinds == {CHANGED, IGNORED}
    assert len(known_types()) > 200


def test_a_type_nobody_knows_is_kept_as_unknown() -> None:
    """This is how we hear that Stripe has changed."""
    found = to_inbox(an_event("invoice.teleported", {"object": "invoice", "customer": "cus_1"}), "")

    assert (found.kind, found.subject) == (EventKind.UNKNOWN, None)


def test_an_upcoming_invoice_has_no_id_but_a_customer() -> None:
    """It is a doorbell like any other; the id that it lacks is never missed."""
    event = event_fixture("invoice.upcoming__derived")
    assert "id" not in event["data"]["object"]

    assert to_inbox(event, "").subject == RecordRef("stripe", "customer", CUSTOMER_ID)


def test_an_event_of_an_older_version_is_as_good_as_any() -> None:
    """Its object has fields that are long gone and lacks today's; only the customer's id is read from it."""
    old = {
        "object": "invoice",
        "id": "in_old",
        "customer": {"id": "cus_1", "object": "customer"},
        "subscription": "sub_1",
        "paid": True,
        "payment_intent": "pi_1",
        "charge": "ch_1",
        "total": "not even a number",
    }

    found = to_inbox(an_event("invoice.paid", old, api_version="2020-08-27"), "")

    assert (found.kind, found.subject) == (CHANGED, RecordRef("stripe", "customer", "cus_1"))


def test_a_connected_accounts_event_is_none_of_our_business() -> None:
    """Its records cannot be fetched with our key."""
    event = an_event("invoice.paid", {"object": "invoice", "customer": "cus_1"}, account="acct_1")

    assert to_inbox(event, "").kind is IGNORED


def test_a_payment_without_an_invoice_is_traced_by_itself() -> None:
    """The invoice is the better trace, but not the only one."""
    found = to_inbox(an_event("invoice_payment.paid", {"object": "invoice_payment", "id": "inpay_1"}), "")

    assert found.subject == RecordRef("stripe", "invoice_payment", "inpay_1")


@pytest.mark.parametrize("record", [None, [], "x", {"object": "charge"}, {"object": ["charge"], "id": "ch_1"}, {}])
def test_an_event_about_nothing_traceable_is_kept_as_unknown(record: Any) -> None:
    """It is stored and counted rather than guessed at."""
    assert to_inbox(an_event("charge.failed", record), "").kind is EventKind.UNKNOWN


@pytest.mark.parametrize(
    ("event_type", "related", "kind", "subject"),
    [
        ("v1.invoice.paid", ("invoice", "in_1"), TRACE, ("invoice", "in_1")),
        ("v1.customer.subscription.past_due", ("subscription", "sub_1"), TRACE, ("subscription", "sub_1")),
        ("v1.subscription_schedule.canceled", ("subscription_schedule", "s_1"), TRACE, ("schedule", "s_1")),
        ("v1.charge.dispute.created", ("dispute", "dp_1"), TRACE, ("dispute", "dp_1")),
        ("v1.payment_intent.processing", ("payment_intent", "pi_1"), TRACE, ("payment", "pi_1")),
    ],
)
def test_thin_events_are_traced_by_what_they_are_about(
    event_type: str, related: tuple[str, str], kind: EventKind, subject: tuple[str, str]
) -> None:
    """They carry no object; what they name is followed to its customer."""
    name, record_id = related
    about = {"type": name, "id": record_id, "url": f"/v1/{name}s/{record_id}"}

    found = to_inbox(a_thin_event(event_type, about), "")

    assert (found.kind, found.subject) == (kind, RecordRef("stripe", *subject))
    assert found.occurred_at == datetime(2026, 11, 21, 9, 0, 0, 123000, UTC)


@pytest.mark.parametrize(
    ("event_type", "about"),
    [
        ("v1.customer.updated", {"type": "customer", "id": "cus_1", "url": "/v1/customers/cus_1"}),
        ("v1.customer.tax_id.updated", {"type": "tax_id", "id": "txi_1", "url": "/v1/customers/cus_1/tax_ids/txi_1"}),
    ],
)
def test_a_thin_event_whose_address_names_the_customer_needs_no_trace(event_type: str, about: Any) -> None:
    """The customer stands in the path."""
    found = to_inbox(a_thin_event(event_type, about), "")

    assert (found.kind, found.subject) == (CHANGED, RecordRef("stripe", "customer", "cus_1"))


@pytest.mark.parametrize(
    ("event_type", "about", "kind"),
    [
        ("v1.product.created", {"type": "product", "id": "prod_1", "url": "/v1/products/prod_1"}, IGNORED),
        ("v2.core.account.updated", {"type": "v2.core.account", "id": "acct_1", "url": "/v2/x"}, IGNORED),
        ("v9.invoice.paid", {"type": "invoice", "id": "in_1", "url": "/v1/invoices/in_1"}, EventKind.UNKNOWN),
        ("invoice.paid", {"type": "invoice", "id": "in_1", "url": "/v1/invoices/in_1"}, EventKind.UNKNOWN),
        ("v1.invoice.paid", None, EventKind.UNKNOWN),
        ("v1.invoice.paid", {"type": "invoice", "url": 7}, EventKind.UNKNOWN),
    ],
)
def test_other_thin_events_ask_for_nothing(event_type: str, about: Any, kind: EventKind) -> None:
    """Known ones are ignored, strange ones kept as unknown."""
    found = to_inbox(a_thin_event(event_type, about), "")

    assert (found.kind, found.subject) == (kind, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": None},
        {"id": 7},
        {"id": ""},
        {"id": "evt 1"},
        {"id": "evt\x00"},
        {"id": "e" * 256},
        {"type": None},
        {"type": "x" * 256},
        {"created": None},
        {"created": True},
        {"created": "yesterday"},
        {"created": 10**18},
        {"created": [1]},
    ],
)
def test_an_event_that_makes_no_sense_is_unreadable(changed: dict[str, Any]) -> None:
    """It is parked with its body; it never crashes the receiver or the store."""
    with pytest.raises(Unreadable):
        to_inbox(an_event("invoice.paid", {"object": "invoice", "customer": "cus_1"}, **changed), "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("id", "object", "created", "livemode", "type", "data", "related_object", "account")


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)),
    st.sampled_from(["invoice.paid", "v1.invoice.paid", "charge.failed"]),
)
def test_no_body_crashes_the_reading(event: dict[str, Any], event_type: str) -> None:
    """Any JSON object becomes an event or is unreadable; nothing else happens."""
    for trial in (event, event | {"type": event_type}, an_event(event_type, event), json.loads(json.dumps(event))):
        try:
            found = to_inbox(trial, "")
        except Unreadable:
            continue
        assert found.event_id.isascii()
        assert found.subject is None or found.subject.id.isascii()
