"""One-off invoices, credit notes, refunds, disputes, balances, the exact arithmetic and the calendar."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.stripe.calendar import add_interval, boundary_after, boundary_until, commensurate
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.money import check_amount, currency_of, price_amount, rounded, shown, spread
from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)


def one_off(account: StripeAccount, amount: int = 10_000, **invoice: Any) -> Any:
    customer = account.customer()
    terms = {"collection_method": "send_invoice", "days_until_due": 14, "customer": customer.id, **invoice}
    draft = account.v1.invoices.create(terms)
    account.v1.invoice_items.create(
        {"customer": customer.id, "invoice": draft.id, "amount": amount, "currency": "usd", "description": "Work"}
    )
    return account.v1.invoices.retrieve(draft.id)


def paid_invoice(account: StripeAccount, amount: int = 10_000) -> Any:
    invoice = account.v1.invoices.finalize_invoice(one_off(account, amount).id)
    account.control("POST", f"/invoices/{invoice.id}/pay")
    return account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})


def test_a_one_off_invoice_stays_a_draft_until_it_is_finalised(account: StripeAccount) -> None:
    draft = one_off(account, metadata={"deal": "1"}, description="Setup", custom_fields=[{"name": "PO", "value": "7"}])
    assert (draft.status, draft.auto_advance, draft.amount_due, draft.due_date) == (
        "draft",
        False,
        10_000,
        NOW + 14 * 86400,
    )

    account.advance(days=3)
    assert account.v1.invoices.retrieve(draft.id).status == "draft"

    final = account.v1.invoices.finalize_invoice(draft.id, {"auto_advance": True})
    assert (final.status, final.auto_advance, final.billing_reason) == ("open", True, "manual")
    assert final.parent is None


def test_an_invoice_that_advances_by_itself_is_finalised_after_its_hour(account: StripeAccount) -> None:
    draft = one_off(account, auto_advance=True)
    timed = one_off(account, auto_advance=True, automatically_finalizes_at=NOW + 7200)

    account.advance(hours=1)
    assert account.v1.invoices.retrieve(draft.id).status == "open"
    assert account.v1.invoices.retrieve(timed.id).status == "draft"
    account.advance(hours=1)
    assert account.v1.invoices.retrieve(timed.id).status == "open"


def test_holding_a_draft_stops_its_hour(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.v1.invoices.update(invoice.id, {"auto_advance": False})

    account.advance(days=2)
    assert account.v1.invoices.retrieve(invoice.id).status == "draft"
    account.v1.invoices.update(invoice.id, {"auto_advance": True, "automatically_finalizes_at": account.now + 60})
    account.advance(minutes=1)

    assert account.v1.invoices.retrieve(invoice.id).status == "open"


def test_an_invoice_charged_automatically_is_charged_when_finalised_to_advance(account: StripeAccount) -> None:
    customer = account.card_customer()
    account.v1.invoice_items.create({"customer": customer.id, "amount": 700, "currency": "usd"})
    draft = account.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    assert (draft.amount_due, draft.collection_method) == (700, "charge_automatically")

    held = account.v1.invoices.finalize_invoice(draft.id, {"auto_advance": False})
    assert held.status == "open"
    assert account.v1.invoices.pay(draft.id).status == "paid"

    account.v1.invoice_items.create({"customer": customer.id, "amount": 800, "currency": "usd"})
    second = account.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include", "auto_advance": True}
    )
    assert account.v1.invoices.finalize_invoice(second.id).status == "paid"


def test_items_are_priced_by_price_by_inline_price_or_by_unit(account: StripeAccount) -> None:
    customer = account.customer()
    product = account.product().id
    unit = {"currency": "usd", "product": product, "unit_amount_decimal": Decimal("0.5")}
    given_items: list[dict[str, Any]] = [
        {"pricing": {"price": account.price(150, None).id}, "quantity": 2},
        {"price_data": unit, "quantity": 3},
        {"unit_amount_decimal": Decimal("33.333333333333"), "currency": "usd", "quantity": 3},
    ]
    made = [account.v1.invoice_items.create({"customer": customer.id, **item}) for item in given_items]

    assert [one.amount for one in made] == [300, 2, 100]  # 1.5 is 2, 99.999999999999 is 100
    assert made[0].pricing.price_details.product != product
    changed = account.v1.invoice_items.update(made[1].id, {"quantity": 5, "description": "More"})
    assert (changed.amount, changed.description) == (3, "More")


def test_items_of_a_draft_change_its_total_and_are_frozen_afterwards(account: StripeAccount) -> None:
    draft = one_off(account, 1000)
    (item,) = account.v1.invoice_items.list({"invoice": draft.id}).data

    account.v1.invoice_items.update(item.id, {"amount": 1500})
    assert account.v1.invoices.retrieve(draft.id).amount_due == 1500
    account.v1.invoice_items.delete(item.id)
    assert account.v1.invoices.retrieve(draft.id).amount_due == 0

    final = account.v1.invoices.finalize_invoice(one_off(account).id)
    (item,) = account.v1.invoice_items.list({"invoice": final.id}).data
    with pytest.raises(stripe.InvalidRequestError, match="finalized"):
        account.v1.invoice_items.delete(item.id)
    with pytest.raises(stripe.InvalidRequestError, match="no longer a draft"):
        account.v1.invoice_items.create(
            {"customer": final.customer, "invoice": final.id, "amount": 1, "currency": "usd"}
        )
    with pytest.raises(stripe.InvalidRequestError, match="can't be updated"):
        account.v1.invoices.update(final.id, {"description": "too late"})
    assert account.v1.invoices.update(final.id, {"metadata": {"late": "fine"}}).metadata["late"] == "fine"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"amount": 5}, "Missing required param: currency"),
        ({"currency": "usd"}, "Missing required param: amount"),
        ({"currency": "usd", "amount": 5, "quantity": 2}, "only specify one"),
        ({"currency": "usd", "amount": 5, "unit_amount_decimal": "1"}, "only specify one"),
        ({"currency": "kwd", "amount": 5}, "divisible by 10"),
        ({"pricing": {"price": "price_none"}}, "No such price"),
        ({"currency": "usd", "amount": 5, "invoice": "in_none"}, "No such invoice"),
        ({"currency": "usd", "amount": 5, "subscription": "sub_none"}, "No such subscription"),
        ({"currency": "usd", "amount": 5, "price": "price_1"}, "unknown parameter: price"),
    ],
)
def test_wrong_invoice_items_are_refused(account: StripeAccount, item: dict[str, Any], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.invoice_items.create({"customer": account.customer().id, **item})


def test_an_item_in_another_currency_cannot_join(account: StripeAccount) -> None:
    draft = one_off(account)

    with pytest.raises(stripe.InvalidRequestError, match="must match"):
        account.v1.invoice_items.create(
            {"customer": draft.customer, "invoice": draft.id, "amount": 1, "currency": "eur"}
        )


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"days_until_due": None}, "must pass `days_until_due`"),
        ({"collection_method": "charge_automatically"}, "only pass `days_until_due`"),
        ({"due_date": NOW + 5}, "only specify one"),
        ({"due_date": NOW - 5, "days_until_due": None}, "in the future"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"currency": "zzz"}, "Invalid currency"),
        ({"default_payment_method": "pm_none"}, "No such payment_method"),
        ({"subscription": "sub_none"}, "No such subscription"),
    ],
)
def test_wrong_invoices_are_refused(account: StripeAccount, terms: dict[str, Any], words: str) -> None:
    base = {"customer": account.customer().id, "collection_method": "send_invoice", "days_until_due": 5}
    given_terms = {name: value for name, value in {**base, **terms}.items() if value is not None}

    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.invoices.create(given_terms)


def test_due_dates_come_as_days_or_as_a_date(account: StripeAccount) -> None:
    dated = one_off(account, days_until_due=None, due_date=NOW + 9 * 86400)  # the SDK drops the None

    assert dated.due_date == NOW + 9 * 86400
    assert account.v1.invoices.update(dated.id, {"days_until_due": 3}).due_date == NOW + 3 * 86400
    automatic = account.v1.invoices.update(dated.id, {"collection_method": "charge_automatically"})
    assert automatic.due_date is None


def test_a_subscription_can_be_invoiced_for_what_waits(account: StripeAccount) -> None:
    subscription = account.subscription(metadata={"deal": "1"})
    terms = {
        "customer": subscription.customer,
        "subscription": subscription.id,
        "collection_method": "send_invoice",
        "days_until_due": 5,
    }
    with pytest.raises(stripe.InvalidRequestError, match="Nothing to invoice"):
        account.v1.invoices.create(terms)
    account.v1.invoice_items.create(
        {"customer": subscription.customer, "subscription": subscription.id, "amount": 70, "currency": "usd"}
    )

    made = account.v1.invoices.create(terms)

    assert (made.amount_due, made.parent.subscription_details.metadata["deal"]) == (70, "1")
    assert [one.amount_due for one in account.invoices(subscription=subscription.id)] == [3100, 70]


def test_drafts_are_deleted_and_finalised_invoices_voided(account: StripeAccount) -> None:
    draft = one_off(account)
    assert account.v1.invoices.delete(draft.id).deleted is True
    assert account.v1.invoice_items.list({}).data == []

    final = account.v1.invoices.finalize_invoice(one_off(account).id)
    for wrong in (final.id, account.subscription().latest_invoice.id):
        with pytest.raises(stripe.InvalidRequestError, match="void"):
            account.v1.invoices.delete(wrong)

    void = account.v1.invoices.void_invoice(final.id)
    assert (void.status, void.number) == ("void", final.number)
    assert void.status_transitions.voided_at == NOW
    for call in (account.v1.invoices.void_invoice, account.v1.invoices.pay, account.v1.invoices.mark_uncollectible):
        with pytest.raises(stripe.InvalidRequestError):
            call(final.id)
    with pytest.raises(stripe.InvalidRequestError, match="cannot send"):
        account.v1.invoices.send_invoice(final.id)


def test_a_partly_paid_invoice_cannot_be_voided(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id)
    account.control("POST", f"/invoices/{invoice.id}/pay", amount=1)

    with pytest.raises(stripe.InvalidRequestError, match="partially paid"):
        account.v1.invoices.void_invoice(invoice.id)


def test_a_written_off_invoice_can_still_be_paid(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id)

    lost = account.v1.invoices.mark_uncollectible(invoice.id)
    assert (lost.status, lost.status_details.uncollectible.reason) == ("uncollectible", "user_forgiven")
    account.control("POST", f"/invoices/{invoice.id}/pay")

    assert account.v1.invoices.retrieve(invoice.id).status == "paid"


def test_only_invoices_by_mail_are_sent(account: StripeAccount) -> None:
    customer = account.card_customer()
    draft = account.v1.invoices.create({"customer": customer.id})

    with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
        account.v1.invoices.send_invoice(draft.id)
    assert account.v1.invoices.send_invoice(one_off(account).id).status == "open"


def test_finalisation_fails_without_a_location_for_automatic_tax(account: StripeAccount) -> None:
    customer = account.customer(address={"country": "US"})
    subscription = account.subscription(customer, automatic_tax={"enabled": True})
    account.v1.customers.update(customer.id, {"address": ""})

    account.advance(hours=1)

    invoice = account.v1.invoices.retrieve(subscription.latest_invoice.id)
    assert (invoice.status, invoice.automatic_tax.status) == ("draft", "requires_location_inputs")
    assert invoice.last_finalization_error.code == "customer_tax_location_invalid"
    assert account.event_types(invoice.id)[-1] == "invoice.finalization_failed"
    account.v1.customers.update(customer.id, {"address": {"country": "US"}})
    assert account.v1.invoices.finalize_invoice(invoice.id).status == "open"


def test_a_credit_note_on_an_open_invoice_lowers_what_is_due(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id)

    note = account.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 4000, "reason": "order_change", "memo": "less work"}
    )

    assert (note.type, note.pre_payment_amount, note.number) == ("pre_payment", 4000, f"{invoice.number}-CN-01")
    lowered = account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (lowered.total, lowered.amount_remaining, lowered.pre_payment_credit_notes_amount) == (10_000, 6000, 4000)
    assert lowered.payments.data[0].amount_requested == 6000

    assert account.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert account.v1.invoices.retrieve(invoice.id).amount_remaining == 10_000
    with pytest.raises(stripe.InvalidRequestError, match="only once"):
        account.v1.credit_notes.void_credit_note(note.id)
    account.v1.credit_notes.create({"invoice": invoice.id, "amount": 10_000})
    assert account.v1.invoices.retrieve(invoice.id).status == "paid"
    assert "invoice.paid" in account.event_types(invoice.id)


def test_a_credit_note_on_a_paid_invoice_refunds_or_credits(account: StripeAccount) -> None:
    invoice = paid_invoice(account)
    line = invoice.lines.data[0]

    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        account.v1.credit_notes.create({"invoice": invoice.id, "amount": 500})
    preview = account.v1.credit_notes.preview({"invoice": invoice.id, "amount": 500, "credit_amount": 500})
    note = account.v1.credit_notes.create(
        {
            "invoice": invoice.id,
            "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 3000}],
            "refund_amount": 2000,
            "credit_amount": 1000,
            "metadata": {"why": "discount"},
        }
    )

    assert preview.amount == 500
    assert (note.type, note.post_payment_amount, note.lines.data[0].invoice_line_item) == (
        "post_payment",
        3000,
        line.id,
    )
    assert account.v1.refunds.retrieve(note.refunds[0].refund).amount == 2000
    assert account.v1.customers.retrieve(invoice.customer).balance == -1000
    after = account.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.post_payment_credit_notes_amount) == ("paid", 3000)
    assert [one.id for one in account.v1.credit_notes.list({"invoice": invoice.id}).data] == [note.id]
    assert len(account.v1.credit_notes.line_items.list(note.id).data) == 1
    assert account.v1.credit_notes.update(note.id, {"memo": "sorry"}).memo == "sorry"
    assert account.v1.credit_notes.retrieve(note.id).metadata["why"] == "discount"


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"amount": 10_001}, "at most 10000"),
        ({}, "Missing required param: amount"),
        ({"amount": 5, "credit_amount": 5}, "only lowers"),
        ({"lines": [{"type": "invoice_line_item"}]}, "invoice_line_item"),
        ({"lines": [{"type": "invoice_line_item", "invoice_line_item": "il_no"}]}, "No such invoice line item"),
        ({"lines": [{"type": "custom_line_item"}]}, "unit_amount"),
        ({"amount": 5, "reason": "whim"}, "must be one of"),
    ],
)
def test_wrong_credit_notes_are_refused(account: StripeAccount, note: dict[str, Any], words: str) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id)

    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.credit_notes.create({"invoice": invoice.id, **note})


def test_a_credit_note_can_name_units_of_a_line(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(account.subscription(quantity=4).latest_invoice.id)
    line = invoice.lines.data[0].id
    units = {"type": "invoice_line_item", "invoice_line_item": line, "quantity": 1}
    custom = {"type": "custom_line_item", "unit_amount": 50, "quantity": 2, "description": "goodwill"}

    note = account.v1.credit_notes.create({"invoice": invoice.id, "lines": [units, custom]})

    assert note.amount == 3200
    with pytest.raises(stripe.InvalidRequestError, match="At most 12400"):
        account.v1.credit_notes.create({"invoice": invoice.id, "lines": [{**units, "amount": 99_999}]})
    draft = account.subscription().latest_invoice
    with pytest.raises(stripe.InvalidRequestError, match="draft"):
        account.v1.credit_notes.create({"invoice": draft.id, "amount": 1})


def test_a_refund_or_a_dispute_never_reopens_the_invoice(account: StripeAccount) -> None:
    invoice = paid_invoice(account)
    payment_intent = invoice.payments.data[0].payment.payment_intent
    intent = account.v1.payment_intents.retrieve(payment_intent, {"expand": ["latest_charge"]})

    refund = account.v1.refunds.create({"payment_intent": payment_intent, "amount": 4000})
    dispute = account.control("POST", f"/invoices/{invoice.id}/dispute", reason="product_not_received")
    account.control("POST", f"/disputes/{dispute['id']}/close", won=False)

    assert (refund.charge, refund.status) == (intent.latest_charge.id, "succeeded")
    charge = account.v1.charges.retrieve(intent.latest_charge.id)
    assert (charge.amount_refunded, charge.refunded, charge.disputed) == (4000, False, True)
    assert account.v1.disputes.retrieve(dispute["id"]).status == "lost"
    assert account.v1.invoices.retrieve(invoice.id).status == "paid"
    (found,) = account.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": payment_intent}}
    ).data
    assert found.invoice == invoice.id
    assert account.v1.invoice_payments.retrieve(found.id).amount_paid == 10_000
    types = account.event_types()
    for told in ("refund.created", "charge.refunded", "charge.dispute.created", "charge.dispute.closed"):
        assert told in types
    assert "charge.dispute.funds_reinstated" not in types


def test_a_won_dispute_brings_the_money_back(account: StripeAccount) -> None:
    invoice = paid_invoice(account)
    dispute = account.control("POST", f"/invoices/{invoice.id}/dispute")

    account.control("POST", f"/disputes/{dispute['id']}/close", won=True)

    assert "charge.dispute.funds_reinstated" in account.event_types()
    assert account.v1.disputes.list({"charge": dispute["charge"]}).data[0].status == "won"
    assert "already closed" in account.refused_control(f"/disputes/{dispute['id']}/close", won=True)
    assert "already been disputed" in account.refused_control(f"/invoices/{invoice.id}/dispute")


def test_a_dispute_can_be_accepted(account: StripeAccount) -> None:
    invoice = paid_invoice(account)
    dispute = account.control("POST", f"/invoices/{invoice.id}/dispute")

    assert account.v1.disputes.close(dispute["id"]).status == "lost"


@pytest.mark.parametrize(
    ("refund", "words"),
    [
        ({}, "Missing required param: payment_intent"),
        ({"charge": "ch_none"}, "No such charge"),
        ({"payment_intent": "pi_none"}, "No such payment_intent"),
        ({"amount": 10_001}, "greater than unrefunded"),
        ({"amount": 0}, "greater than unrefunded"),
    ],
)
def test_wrong_refunds_are_refused(account: StripeAccount, refund: dict[str, Any], words: str) -> None:
    invoice = paid_invoice(account)
    if "amount" in refund:
        refund = {**refund, "payment_intent": invoice.payments.data[0].payment.payment_intent}

    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.refunds.create(refund)


def test_what_was_never_paid_cannot_be_refunded_or_disputed(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id, {"expand": ["payments"]})

    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        account.v1.refunds.create({"payment_intent": invoice.payments.data[0].payment.payment_intent})
    assert "Nothing was charged" in account.refused_control(f"/invoices/{invoice.id}/dispute")
    assert "Nothing was charged" in account.refused_control(f"/invoices/{invoice.id}/refund")


def test_a_failed_attempt_is_told_and_leaves_the_invoice_open(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    assert "draft" in account.refused_control(f"/invoices/{invoice.id}/fail")
    account.advance(hours=1)

    account.control("POST", f"/invoices/{invoice.id}/fail")

    failed = account.v1.invoices.retrieve(invoice.id)
    assert (failed.status, failed.attempt_count) == ("open", 1)
    assert (
        account.event_types()[-4:]
        == [
            "payment_intent.payment_failed",
            "invoice.updated",
            "invoice.payment_failed",
            "customer.updated",
            "customer.subscription.updated",
        ][-4:]
    )


def test_credit_grants_and_meters_keep_their_rules(account: StripeAccount) -> None:
    customer = account.customer()
    grant = account.v1.billing.credit_grants.create(
        {
            "customer": customer.id,
            "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 5000}},
            "applicability_config": {"scope": {"price_type": "metered"}},
            "name": "Prepaid",
        }
    )
    assert account.v1.billing.credit_grants.retrieve(grant.id).amount.monetary.value == 5000
    assert len(account.v1.billing.credit_grants.list({"customer": customer.id}).data) == 1

    terms = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "count"}}
    meter = account.v1.billing.meters.create(terms)
    assert account.v1.billing.meters.retrieve(meter.id).status == "active"
    assert len(account.v1.billing.meters.list({"status": "active"}).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        account.v1.billing.meters.create(terms)
    send = account.v1.billing.meter_events.create
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"identifier": "once"}, "already exists"),
        ({"event_name": "none"}, "No active meter"),
        ({"timestamp": NOW - 36 * 86400}, "35 days"),
        ({"timestamp": NOW + 3600}, "5 minutes"),
        ({"payload": {"value": "1"}}, "stripe_customer_id"),
        ({"payload": {"stripe_customer_id": customer.id, "value": "-1"}}, "Invalid decimal"),
        ({"payload": {"stripe_customer_id": customer.id, "value": "many"}}, "Invalid decimal"),
    ]
    payload = {"stripe_customer_id": customer.id, "value": "1"}
    send({"event_name": "calls", "payload": payload, "identifier": "once"})
    for wrong, words in wrongs:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            send({"event_name": "calls", "payload": payload, **wrong})


@pytest.mark.parametrize(
    ("start", "interval", "count", "expected"),
    [
        (at(2026, 1, 31, 9), "month", 1, at(2026, 2, 28, 9)),
        (at(2024, 1, 31), "month", 1, at(2024, 2, 29)),
        (at(2024, 2, 29), "year", 1, at(2025, 2, 28)),
        (at(2026, 11, 30), "month", 3, at(2027, 2, 28)),
        (at(2026, 3, 29), "day", 1, at(2026, 3, 30)),
        (at(2026, 12, 28), "week", 2, at(2027, 1, 11)),
        (at(2026, 3, 31), "month", -1, at(2026, 2, 28)),
    ],
)
def test_intervals_follow_the_calendar(start: int, interval: str, count: int, expected: int) -> None:
    assert add_interval(start, interval, count) == expected


@given(
    anchor=st.integers(at(2020, 1, 1), at(2030, 1, 1)),
    offset=st.integers(-400 * 86400, 1200 * 86400),
    interval=st.sampled_from(["day", "week", "month", "year"]),
    count=st.integers(1, 6),
)
def test_every_moment_lies_in_exactly_one_billing_period(anchor: int, offset: int, interval: str, count: int) -> None:
    moment = anchor + offset

    start, end = boundary_until(anchor, interval, count, moment), boundary_after(anchor, interval, count, moment)

    assert start <= moment < end
    assert boundary_after(anchor, interval, count, start) == end
    assert boundary_until(anchor, interval, count, end) == end


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_sharing_out_loses_nothing(total: int, weights: list[int]) -> None:
    shares = spread(total, weights)

    assert sum(shares) == (total if sum(weights) else 0)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight, sum(weights) or 1)) < 1


@pytest.mark.parametrize(
    ("exact", "minor"),
    [
        (Decimal("0.5"), 1),
        (Decimal("-0.5"), -1),
        (Decimal("2.4999"), 2),
        (Fraction(3, 2), 2),
        (Fraction(-3, 2), -2),
        (Fraction(7, 3), 2),
    ],
)
def test_amounts_round_half_away_from_zero(exact: Decimal | Fraction, minor: int) -> None:
    assert rounded(exact) == minor


def test_decimals_are_written_plainly() -> None:
    assert [shown(Decimal(text)) for text in ("1E+3", "0.500", "-0", "12.34")] == ["1000", "0.5", "0", "12.34"]


def test_commensurate_intervals_are_multiples_of_the_shortest() -> None:
    assert commensurate([("month", 1), ("year", 1), ("month", 6)])
    assert commensurate([("week", 1), ("day", 7)])
    assert not commensurate([("month", 2), ("month", 3)])
    assert not commensurate([("month", 1), ("week", 4)])


@pytest.mark.parametrize(
    ("currency", "amount", "fits"),
    [
        *(("usd", 1, True), ("jpy", 1, True), ("mga", 7, True), ("kwd", 5120, True), ("kwd", 5124, False)),
        *(("isk", 100, True), ("isk", 110, False), ("ugx", 500, True), ("ugx", 505, False), ("huf", 5, True)),
    ],
)
def test_currencies_keep_their_special_cases(currency: str, amount: int, fits: bool) -> None:
    assert currency_of(currency.upper(), "currency") == currency
    if fits:
        assert check_amount(amount, currency, "amount") == amount
    else:
        with pytest.raises(StripeRefusal, match="divisible"):
            check_amount(amount, currency, "amount")


@pytest.mark.parametrize(("direction", "packs"), [("up", 3), ("down", 2)])
def test_transformed_quantities_count_in_packs(direction: str, packs: int) -> None:
    price = {
        "billing_scheme": "per_unit",
        "unit_amount_decimal": "100",
        "transform_quantity": {"divide_by": 10, "round": direction},
    }

    assert price_amount(price, 25) == packs * 100
