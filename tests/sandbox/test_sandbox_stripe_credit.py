"""Money given back or taken away: credit notes, refunds, disputes, failed attempts; usage and grants."""

from typing import Any

import pytest
import stripe

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
