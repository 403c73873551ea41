"""Subscriptions billed by mail: the draft hour, renewals, due dates, payment in full and in part."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)


def test_a_first_invoice_by_mail_is_a_draft_for_an_hour_and_then_a_demand(account: StripeAccount) -> None:
    subscription = account.subscription(quantity=5)
    draft = subscription.latest_invoice
    assert (subscription.status, draft.status, draft.amount_due, draft.number) == ("active", "draft", 15500, None)
    assert draft.hosted_invoice_url is None
    assert draft.automatically_finalizes_at == NOW + 3600

    account.advance(minutes=59)
    assert account.v1.invoices.retrieve(draft.id).status == "draft"
    account.advance(minutes=1)

    invoice = account.v1.invoices.retrieve(draft.id, {"expand": ["payments", "confirmation_secret"]})
    assert invoice.status == "open"
    assert invoice.number.endswith("-0001")
    assert invoice.hosted_invoice_url.startswith("https://")
    assert invoice.due_date == NOW + 30 * 86400
    assert invoice.status_transitions.finalized_at == NOW + 3600
    assert [(one.status, one.amount_requested, one.is_default) for one in invoice.payments.data] == [
        ("open", 15500, True)
    ]
    assert account.event_types(draft.id) == [
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.sent",
    ]


def test_a_draft_can_be_finalised_and_sent_at_once(account: StripeAccount) -> None:
    draft = account.subscription().latest_invoice

    assert account.v1.invoices.finalize_invoice(draft.id).status == "open"
    assert account.v1.invoices.send_invoice(draft.id).status == "open"

    assert account.event_types(draft.id)[-2:] == ["invoice.finalized", "invoice.sent"]
    with pytest.raises(stripe.InvalidRequestError, match="already finalized"):
        account.v1.invoices.finalize_invoice(draft.id)


def test_a_monthly_subscription_renews_on_its_day_through_a_quarter(account: StripeAccount) -> None:
    subscription = account.subscription(quantity=2, metadata={"deal": "006A"})

    account.advance(days=90)

    invoices = account.invoices(subscription=subscription.id)
    assert [one.created for one in invoices] == [at(2026, month, 15, 12) for month in (1, 2, 3, 4)]
    assert [one.status for one in invoices] == ["open", "open", "open", "draft"]
    assert [one.amount_due for one in invoices] == [6200] * 4
    assert [one.billing_reason for one in invoices] == ["subscription_create", *["subscription_cycle"] * 3]
    assert [(one.number or "draft")[-4:] for one in invoices] == ["0001", "0002", "0003", "raft"]
    details = invoices[2].parent.subscription_details
    assert (details.subscription, details.metadata["deal"]) == (subscription.id, "006A")
    line = invoices[2].lines.data[0]
    assert (line.period.start, line.period.end) == (at(2026, 3, 15, 12), at(2026, 4, 15, 12))
    assert line.pricing.price_details.price == subscription["items"].data[0].price.id
    item = account.v1.subscriptions.retrieve(subscription.id)["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (at(2026, 4, 15, 12), at(2026, 5, 15, 12))


def test_a_month_without_the_anchor_day_bills_on_its_last(account: StripeAccount) -> None:
    account.advance(days=16)  # 31 January
    account.subscription()

    account.advance(days=100)

    assert [one.created for one in account.invoices()] == [
        at(2026, 1, 31, 12),
        at(2026, 2, 28, 12),
        at(2026, 3, 31, 12),
        at(2026, 4, 30, 12),
    ]


def test_one_long_step_of_the_clock_ends_where_many_short_ones_do() -> None:
    def history(step: int, count: int) -> list[tuple[str, int]]:
        account = StripeAccount()
        try:
            customer = account.card_customer()
            account.control("POST", f"/customers/{customer.id}/decline", times=2)
            account.subscription(customer, days_until_due=10)
            trial_end = account.now + 9 * 86400
            account.subscription(
                customer, collection_method="charge_automatically", trial_end=trial_end, days_until_due=None
            )
            account.v1.subscription_schedules.create(
                {
                    "customer": customer.id,
                    "start_date": account.now + 5 * 86400,
                    "end_behavior": "cancel",
                    "phases": [{"items": [{"price": account.price().id}], "duration": {"interval": "week"}}],
                }
            )
            for _ in range(count):
                account.advance(hours=step)
            events = account.v1.events.list({"limit": 100}).auto_paging_iter()
            return [(one.type, one.created) for one in events][::-1]
        finally:
            account.close()

    leap = history(24 * 29, 1)

    assert leap == history(24, 29)
    assert [moment for _, moment in leap] == sorted(moment for _, moment in leap)
    assert len(leap) > 40


def test_money_owed_past_its_due_date_makes_the_subscription_past_due_and_no_event_of_the_invoice(
    account: StripeAccount,
) -> None:
    customer = account.customer()
    subscription = account.subscription(customer)

    account.advance(days=30, seconds=-1)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"
    account.advance(seconds=1)

    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert account.v1.customers.retrieve(customer.id).delinquent is True
    invoice = account.invoices()[0]
    assert invoice.status == "open"
    assert "invoice.overdue" not in account.event_types()
    last = account.v1.events.list({"type": "customer.subscription.updated", "limit": 1}).data[0]
    assert last.data.previous_attributes.to_dict() == {"status": "active"}

    account.control("POST", f"/invoices/{invoice.id}/pay")

    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert account.v1.customers.retrieve(customer.id).delinquent is False


def test_an_automation_sends_the_overdue_event(account: StripeAccount) -> None:
    account.control("POST", "/settings", overdue_automation=True)
    invoice = account.subscription(days_until_due=5).latest_invoice

    account.advance(days=5)

    assert account.event_types(invoice.id)[-1] == "invoice.overdue"


def test_paying_settles_the_invoice_and_tells_it_in_order(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.advance(hours=2)

    account.control("POST", f"/invoices/{invoice.id}/pay")

    paid = account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 3100, 0)
    assert paid.status_transitions.paid_at == NOW + 7200
    payment = paid.payments.data[0]
    assert (payment.status, payment.amount_paid) == ("paid", 3100)
    assert account.event_types()[-6:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        account.v1.invoices.pay(invoice.id)


def test_part_payments_leave_the_invoice_open_until_the_last(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.advance(hours=2)

    account.control("POST", f"/invoices/{invoice.id}/pay", amount=1000)
    part = account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 1000, 2100)
    requested = sorted((one.status, one.amount_requested) for one in part.payments.data)
    assert requested == [("open", 2100), ("paid", 1000)]
    assert "invoice.paid" not in account.event_types()

    account.control("POST", f"/invoices/{invoice.id}/pay", amount=2100)

    assert account.v1.invoices.retrieve(invoice.id).status == "paid"
    assert account.event_types().count("invoice_payment.paid") == 2
    assert account.event_types().count("invoice.paid") == 1


def test_too_much_money_becomes_the_customers_credit(account: StripeAccount) -> None:
    customer = account.customer()
    account.subscription(customer)
    account.advance(hours=2)
    invoice = account.invoices()[0]

    account.control("POST", f"/invoices/{invoice.id}/pay", amount=5000)

    paid = account.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_overpaid) == ("paid", 3100, 1900)
    assert account.v1.customers.retrieve(customer.id).balance == -1900
    assert "invoice.overpaid" in account.event_types()

    account.advance(days=32)
    renewal = account.invoices()[1]
    assert (renewal.total, renewal.starting_balance, renewal.amount_due) == (3100, -1900, 1200)
    assert account.v1.customers.retrieve(customer.id).balance == 0


def test_payment_outside_stripe_closes_the_invoice_without_a_charge(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice

    paid = account.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})

    assert (paid.status, paid.amount_paid_off_stripe, paid.amount_remaining) == ("paid", 3100, 0)
    types = account.event_types()
    assert "invoice.paid" in types
    assert "payment_intent.canceled" in types
    assert not {"charge.succeeded", "invoice.payment_succeeded"} & set(types)


def test_a_reported_payment_settles_what_it_covers(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.advance(hours=2)
    record = account.v1.payment_records.report_payment(
        {
            "amount_requested": {"currency": "usd", "value": 3000},
            "initiated_at": account.now,
            "outcome": "guaranteed",
            "guaranteed": {"guaranteed_at": account.now},
            "payment_method_details": {"type": "custom", "custom": {"display_name": "cheque"}},
        }
    )

    part = account.v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    assert (part.status, part.amount_remaining, part.amount_paid_off_stripe) == ("open", 100, 3000)
    found = account.v1.invoice_payments.list({"payment": {"type": "payment_record", "payment_record": record.id}})
    assert [one.invoice for one in found.data] == [invoice.id]

    account.v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    assert account.v1.invoices.retrieve(invoice.id).status == "paid"


def test_intervals_mix_only_when_flexible_and_commensurate(account: StripeAccount) -> None:
    monthly, yearly, weekly = account.price(1000), account.price(90000, "year"), account.price(10, "week")

    def items(*prices: Any) -> dict[str, Any]:
        return {"items": [{"price": price.id} for price in prices]}

    mixed = account.subscription(**items(monthly, yearly), billing_mode={"type": "flexible"})
    assert mixed.latest_invoice.amount_due == 91000
    ends = [item.current_period_end for item in mixed["items"].data]
    assert ends == [at(2026, 2, 15, 12), at(2027, 1, 15, 12)]

    with pytest.raises(stripe.InvalidRequestError, match=r"recurring\.interval"):
        account.subscription(**items(monthly, yearly), billing_mode={"type": "classic"})
    with pytest.raises(stripe.InvalidRequestError, match=r"recurring\.interval"):
        account.subscription(**items(monthly, weekly))

    account.advance(days=40)
    renewal = account.invoices(subscription=mixed.id)[1]
    assert renewal.amount_due == 1000
    account.advance(days=330)
    amounts = [one.amount_due for one in account.invoices(subscription=mixed.id)]
    assert amounts == [91000, *[1000] * 11, 91000]


def test_the_renewal_is_announced_by_an_invoice_without_an_id(account: StripeAccount) -> None:
    account.subscription(quantity=2)

    account.advance(days=24)

    (event,) = account.v1.events.list({"type": "invoice.upcoming"}).data
    assert "id" not in event.data.object
    assert (event.data.object["amount_due"], event.created) == (6200, at(2026, 2, 8, 12))
    assert len(account.invoices()) == 1
