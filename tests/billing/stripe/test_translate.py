"""Endive-shaped dicts to our values: every rule of the vendor that a field's reading has to keep."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.billing.stripe import translate
from connector.domain.billing import InvoiceStatus
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from tests.billing.stripe.conftest import DEAL, a_list, an_invoice, an_invoice_payment, at, resource


@pytest.mark.parametrize(
    "name",
    ["customer", "deleted_customer", "price", "subscription", "invoice", "invoice_payment", "credit_note", "dispute"],
)
def test_stripes_own_examples_can_be_read(name: str) -> None:
    """Every field of theirs that is null, odd or missing is one we can live with."""
    body = resource(name)
    readers: dict[str, Any] = {
        "customer": translate.customer,
        "deleted_customer": translate.customer,
        "price": translate.price,
        "subscription": translate.subscription,
        "invoice": translate.invoice,
        "invoice_payment": lambda given: translate.payment(given, {}),
        "credit_note": translate.credit_note,
        "dispute": lambda given: translate.dispute(given, None),
    }

    assert readers[name](body).ref.id == body["id"]


def test_a_deleted_customer_says_so() -> None:
    """Stripe gives little more than its id."""
    found = translate.customer(resource("deleted_customer"))

    assert found.deleted
    assert found.name == found.email == ""


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"crm_account": "hubspot:account:77"}, RecordRef("hubspot", "account", "77")),
        ({"crm_account": "whatever a person wrote"}, None),
        ({"crm_account": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_metadata_names_a_record_or_nothing(metadata: Any, expected: RecordRef | None) -> None:
    """Anyone may write metadata."""
    assert translate.customer(resource("customer", metadata=metadata)).crm_account == expected


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        ({"unit_amount": 2000, "unit_amount_decimal": Decimal(2000)}, Decimal(2000)),
        ({"unit_amount": None, "unit_amount_decimal": Decimal("0.125")}, Decimal("0.125")),
        ({"unit_amount": 2000, "unit_amount_decimal": None}, Decimal(2000)),
        ({"unit_amount": None, "unit_amount_decimal": None}, None),
        ({"unit_amount": 2000, "billing_scheme": "tiered"}, None),
        ({"unit_amount": 2000, "transform_quantity": {"divide_by": 10, "round": "up"}}, None),
    ],
)
def test_a_price_has_one_unit_amount_or_none(changed: dict[str, Any], amount: Decimal | None) -> None:
    """Tiers and packages have no amount per unit; decimals are kept exactly."""
    body = resource("price", transform_quantity=None, unit_amount_decimal=None) | changed

    assert translate.price(body).unit_amount == amount


def test_a_metered_price_and_a_one_off_price() -> None:
    """The first says so, the second recurs never."""
    recurring = {"interval": "year", "interval_count": 2, "usage_type": "metered", "meter": "mtr_1"}

    metered = translate.price(resource("price", recurring=recurring))
    once = translate.price(resource("price", recurring=None))

    assert (metered.metered, metered.interval) == (True, Interval("year", 2))
    assert (once.metered, once.interval) == (False, None)


def test_a_subscription_and_its_items() -> None:
    """Period ends are the items' own; an unknown status is ``other``; a metered item has no quantity."""
    price = resource("price", transform_quantity=None)
    item = {"id": "si_1", "price": price, "current_period_end": at("2027-01-21"), "quantity": None, "metadata": {}}
    body = resource(
        "subscription",
        customer={"id": "cus_1", "object": "customer"},
        status="hibernating",
        items=a_list(item),
        latest_invoice={"id": "in_9", "object": "invoice"},
        metadata={"crm_deal": str(DEAL), "contract_end": "2027-11-20"},
        ended_at=None,
    )

    found = translate.subscription(body)

    assert found.customer == RecordRef("stripe", "customer", "cus_1")
    assert found.status == "other"
    assert found.deal == DEAL
    assert found.contract_end == date(2027, 11, 20)
    assert found.latest_invoice == RecordRef("stripe", "invoice", "in_9")
    assert found.ended_at is None
    (line,) = found.items
    assert (line.quantity, line.current_period_end) == (1, datetime(2027, 1, 21, tzinfo=UTC))


@pytest.mark.parametrize("day", ["", "soon", "2027-02-30"])
def test_a_contract_end_that_is_no_day_is_none(day: str) -> None:
    """Somebody may have edited the metadata."""
    body = resource("subscription", metadata={"contract_end": day}, items=a_list(), latest_invoice=None)

    found = translate.subscription(body)

    assert (found.contract_end, found.latest_invoice) == (None, None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(each.value, each) for each in InvoiceStatus if each is not InvoiceStatus.OTHER]
    + [("escheated", InvoiceStatus.OTHER), (None, InvoiceStatus.OTHER), (7, InvoiceStatus.OTHER)],
)
def test_an_invoices_status_is_one_of_ours(status: Any, expected: InvoiceStatus) -> None:
    """Stripe may add one at any time."""
    assert translate.invoice(an_invoice(status=status)).status is expected


@pytest.mark.parametrize(
    ("changed", "due"),
    [
        ({"due_date": at("2026-12-21")}, date(2026, 12, 21)),
        ({"due_date": None, "collection_method": "charge_automatically"}, date(2026, 11, 21)),
        ({"due_date": None}, None),
        ({"due_date": None, "collection_method": "charge_automatically", "status_transitions": {}}, None),
    ],
)
def test_an_automatic_charge_is_due_when_it_was_finalised(changed: dict[str, Any], due: date | None) -> None:
    """Stripe gives it no due date; a draft has none yet."""
    assert translate.invoice(an_invoice(**changed)).due_date == due


def test_an_invoice_names_its_subscription_and_deal_through_its_parent() -> None:
    """``invoice.subscription`` is gone; the parent carries a snapshot of the subscription's metadata."""
    parent = {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "metadata": {"crm_deal": str(DEAL)}},
    }

    found = translate.invoice(an_invoice(parent=parent, subscription="sub_removed_field"))

    assert found.subscription == RecordRef("stripe", "subscription", "sub_1")
    assert found.deal == DEAL


def test_an_invoices_own_metadata_comes_first() -> None:
    """A one-off invoice names its deal itself."""
    found = translate.invoice(an_invoice(metadata={"crm_deal": str(DEAL)}))

    assert (found.deal, found.subscription) == (DEAL, None)


@pytest.mark.parametrize(
    ("revision", "replaced"),
    [
        ("in_2", RecordRef("stripe", "invoice", "in_2")),
        ("in_1", None),
        (None, None),
        ({"id": "in_2"}, RecordRef("stripe", "invoice", "in_2")),
    ],
)
def test_a_revised_invoice_names_what_stands_in_its_place(revision: Any, replaced: RecordRef | None) -> None:
    """It must not be counted twice; the latest one names itself, or nothing."""
    assert translate.invoice(an_invoice(latest_revision=revision)).replaced_by == replaced


def test_credit_and_write_off_are_told() -> None:
    """Credit before and after payment is one figure; a write-off has its reason."""
    body = an_invoice(
        status="uncollectible",
        pre_payment_credit_notes_amount=100,
        post_payment_credit_notes_amount=50,
        status_details={"uncollectible": {"reason": "max_payment_attempts"}},
    )

    found = translate.invoice(body, disputed=True, processing=True)

    assert found.credited == 150
    assert found.uncollectible_reason == "max_payment_attempts"
    assert (found.disputed, found.processing) == (True, True)


@pytest.mark.parametrize(
    ("parent", "proration"),
    [
        ({"type": "subscription_item_details", "subscription_item_details": {"proration": True}}, True),
        ({"type": "invoice_item_details", "invoice_item_details": {"proration": False}}, False),
        ({"type": "novelty_details"}, False),
        (None, False),
    ],
)
def test_a_line_says_what_was_sold_and_whether_it_is_a_proration(parent: Any, proration: bool) -> None:
    """Price and product stand in ``pricing.price_details``, proration in the parent."""
    line = {
        "id": "il_1",
        "amount": 2469,
        "description": None,
        "quantity": 2,
        "quantity_decimal": None,
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
        "period": {"start": at("2026-11-21"), "end": at("2026-12-21")},
        "parent": parent,
    }

    (found,) = translate.invoice(an_invoice(lines=a_list(line))).lines

    assert (found.amount, found.quantity, found.price_id, found.product_id) == (2469, Decimal(2), "price_1", "prod_1")
    assert found.period_end == datetime(2026, 12, 21, tzinfo=UTC)
    assert found.proration is proration


def test_a_line_may_have_a_decimal_quantity_or_none() -> None:
    """Usage is fractional; a tax or adjustment line has none."""
    usage = {"id": "il_1", "amount": 1, "quantity": None, "quantity_decimal": Decimal("1.5"), "pricing": None}
    bare = {"id": "il_2", "amount": 1, "quantity": None, "pricing": None}

    found = translate.invoice(an_invoice(lines=a_list(usage, bare))).lines

    assert [line.quantity for line in found] == [Decimal("1.5"), None]


@pytest.mark.parametrize(
    ("total", "taxes", "expected"),
    [
        (1190, [{"amount": 190, "tax_behavior": "exclusive"}], 1000),
        (1190, [{"amount": 190, "tax_behavior": "inclusive"}], 1190),
        (1250, [{"amount": 190, "tax_behavior": "exclusive"}, {"amount": 60, "tax_behavior": "exclusive"}], 1000),
        (1000, [], 1000),
        (1000, None, 1000),
    ],
)
def test_before_tax_means_without_what_is_put_on_top(total: int, taxes: Any, expected: int) -> None:
    """Tax inside a price is part of the price, in the deal as well."""
    assert translate.before_tax(an_invoice(total=total, total_taxes=taxes)) == expected


def test_a_payment_knows_its_intent_and_charge() -> None:
    """An open one has no paid amount yet; a charge stands there by itself or comes from the intent."""
    by_intent = translate.payment(an_invoice_payment(), {"pi_1": "ch_1"})
    by_charge = translate.payment(an_invoice_payment(payment={"type": "charge", "charge": "ch_2"}), {})
    still_open = translate.payment(an_invoice_payment(amount_paid=None, amount_requested=700, status="open"), {})

    assert (by_intent.payment_intent, by_intent.charge, by_intent.amount) == ("pi_1", "ch_1", 1000)
    assert by_intent.paid_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert (by_charge.payment_intent, by_charge.charge) == ("", "ch_2")
    assert (still_open.amount, still_open.status, still_open.charge) == (700, "open", "")


@pytest.mark.parametrize(
    ("status", "known", "counts"),
    [
        ("needs_response", "needs_response", True),
        ("lost", "lost", True),
        ("appeal_under_review", "appeal_under_review", True),
        ("won", "won", False),
        ("prevented", "prevented", False),
        ("warning_closed", "warning_closed", False),
        ("arbitrated", "other", True),
    ],
)
def test_a_dispute_counts_until_the_merchant_keeps_the_money(status: str, known: str, counts: bool) -> None:
    """An unknown state is taken for an open one."""
    invoice = RecordRef("stripe", "invoice", "in_1")

    found = translate.dispute(resource("dispute", status=status, payment_intent="pi_1"), invoice)

    assert found.status == known
    assert (found.invoice, found.payment_intent) == (invoice, "pi_1")
    assert translate.is_disputed(found) is counts


def test_an_expandable_field_gives_its_id_or_nothing() -> None:
    """Expanded or not, or something else altogether."""
    assert [translate.id_of(value) for value in ("x_1", {"id": "x_2"}, {"id": 3}, {}, None, 7)] == [
        "x_1",
        "x_2",
        "",
        "",
        "",
        "",
    ]
