"""What a CRM record shows is worked out from what billing says now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from connector.domain.billing import Customer, PaymentMethod, SubscriptionItem
from connector.domain.deal import Interval
from connector.domain.money import Money
from connector.domain.payment_health import HealthPolicy, NextInvoice
from connector.domain.record_values import (
    account_values,
    deal_values,
    monthly_recurring,
    next_invoice,
    renewal_date,
)
from connector.domain.refs import RecordRef
from connector.domain.write_back import BY_NAME
from tests.factories import TODAY, YEARLY, a_billing_account, a_payment, a_subscription, an_invoice

POLICY = HealthPolicy()
DEAL = RecordRef("hubspot", "deal", "1")


def test_every_account_value_is_a_canonical_one() -> None:
    values = account_values(a_billing_account(), TODAY, POLICY)
    assert values.keys() <= BY_NAME.keys()
    assert BY_NAME.keys() - values.keys() == {"sync_status", "sync_message", "synced_at", "terms_advice"}


def test_a_new_customer_shows_its_subscription_and_that_nothing_is_known() -> None:
    values = account_values(a_billing_account(subscriptions=(a_subscription(),)), TODAY, POLICY)
    assert (values["customer_id"], values["subscription_id"]) == ("cus_1", "sub_1")
    assert (values["mrr"], values["currency"], values["health"]) == (Decimal("100.00"), "EUR", "unknown")
    assert (values["next_invoice_date"], values["next_invoice_amount"]) == (date(2026, 12, 21), Decimal("100.00"))
    assert (values["open_balance"], values["late_payer"]) == (Decimal("0.00"), False)


def test_an_open_overdue_invoice_shows_on_the_record() -> None:
    invoice = an_invoice(due=TODAY - timedelta(days=10), total=12_345)
    values = account_values(a_billing_account(invoices=(invoice,)), TODAY, POLICY)
    assert (values["overdue_balance"], values["overdue_count"], values["days_past_due"]) == (Decimal("123.45"), 1, 10)
    assert (values["last_invoice_number"], values["last_invoice_status"]) == ("A-0001", "open")
    assert values["last_invoice_url"] == "https://invoice.example/1"
    assert values["collection_stage"] == "overdue"


def test_the_last_payment_is_the_latest_one_that_arrived() -> None:
    early, late = an_invoice(1, paid=TODAY - timedelta(days=9)), an_invoice(2, paid=TODAY)
    payments = (a_payment(late, TODAY, 700), a_payment(early, TODAY - timedelta(days=9), 500))
    values = account_values(a_billing_account(invoices=(early, late), payments=payments), TODAY, POLICY)
    assert (values["last_payment_date"], values["last_payment_amount"]) == (TODAY, Decimal("7.00"))


def test_a_deal_shows_its_own_invoices_and_the_whole_accounts_health() -> None:
    mine, other = RecordRef("stripe", "subscription", "sub_1"), RecordRef("stripe", "subscription", "sub_2")
    account = a_billing_account(
        subscriptions=(a_subscription(), a_subscription("sub_2", unit_amount=9_900)),
        invoices=(
            an_invoice(1, due=TODAY, subscription=mine, total=1_000),
            an_invoice(2, due=TODAY - timedelta(days=70), subscription=other, total=5_000),
        ),
    )
    values = deal_values(account, DEAL, [mine], TODAY, POLICY)
    assert (values["subscription_id"], values["mrr"]) == ("sub_1", Decimal("100.00"))
    assert (values["open_balance"], values["overdue_count"], values["last_invoice_number"]) == (
        Decimal("10.00"),
        0,
        "A-0001",
    )
    assert values["health"] == "severe"
    assert "collection_stage" not in values


def test_a_deal_of_two_currencies_names_the_one_its_balances_are_in_whatever_came_first() -> None:
    due = TODAY - timedelta(days=5)
    invoices = (
        an_invoice(1, due=due, total=7000),
        an_invoice(2, due=due, total=8000),
        an_invoice(3, due=due, total=900, currency="jpy"),
    )
    for order in (invoices, invoices[::-1]):
        account = a_billing_account(invoices=order)
        shown = deal_values(account, DEAL, [each.ref for each in invoices], TODAY, POLICY)
        assert (shown["currency"], shown["open_balance"]) == ("EUR", Decimal(150))


def test_a_deal_billed_by_a_plain_invoice_shows_that_invoice() -> None:
    invoice = an_invoice(7)
    account = a_billing_account(invoices=(invoice, an_invoice(8)))
    values = deal_values(account, DEAL, [invoice.ref], TODAY, POLICY)
    assert (values["last_invoice_number"], values["subscription_id"]) == ("A-0007", "")


def test_a_deal_that_started_by_schedule_shows_the_subscription_its_schedule_made() -> None:
    made = RecordRef("stripe", "subscription", "sub_1")
    account = a_billing_account(
        subscriptions=(a_subscription(deal=DEAL), a_subscription("sub_2", deal=RecordRef("hubspot", "deal", "2"))),
        invoices=(an_invoice(1, subscription=made), an_invoice(2, subscription=RecordRef("stripe", "x", "sub_2"))),
    )
    values = deal_values(account, DEAL, [RecordRef("stripe", "schedule", "sub_sched_1")], TODAY, POLICY)
    assert (values["subscription_id"], values["mrr"], values["last_invoice_number"]) == (
        "sub_1",
        Decimal("100.00"),
        "A-0001",
    )


def test_mrr_brings_every_interval_to_a_month_and_adds_no_two_currencies() -> None:
    subscriptions = (
        a_subscription("sub_1", unit_amount=120_000, quantity=1, interval=YEARLY),
        a_subscription("sub_2", unit_amount=3_000, quantity=2, interval=Interval("month", 3)),
        a_subscription("sub_3", unit_amount=1_200, quantity=1, interval=Interval("week")),
        a_subscription("sub_4", currency="usd"),
        a_subscription("sub_5", status="canceled"),
    )
    assert monthly_recurring(subscriptions, "eur") == Decimal("100.00") + Decimal("20.00") + Decimal("52.00")


def test_the_renewal_is_the_contracts_end_before_the_periods() -> None:
    assert renewal_date([a_subscription()]) == date(2026, 12, 21)
    assert renewal_date([a_subscription(contract_end=date(2027, 10, 31))]) == date(2027, 10, 31)
    assert renewal_date([a_subscription(status="canceled")]) is None


def test_a_running_subscription_stands_before_an_ended_one() -> None:
    ended = a_subscription("sub_9", status="canceled", started_at=datetime(2027, 1, 1, tzinfo=UTC))
    values = account_values(a_billing_account(subscriptions=(ended, a_subscription())), TODAY, POLICY)
    assert values["subscription_id"] == "sub_1"


def test_a_subscription_that_is_being_cancelled_announces_no_next_invoice() -> None:
    leaving = a_subscription(cancel_at=datetime(2026, 12, 21, tzinfo=UTC))
    assert account_values(a_billing_account(subscriptions=(leaving,)), TODAY, POLICY)["next_invoice_date"] is None


def test_a_customer_without_any_invoice_still_has_its_own_currency() -> None:
    account = a_billing_account(customer=Customer(RecordRef("stripe", "customer", "cus_1"), currency="jpy"))
    values = account_values(account, TODAY, POLICY)
    assert (values["currency"], values["open_balance"]) == ("JPY", Decimal(0))


def test_a_disputed_account_is_in_dispute_and_not_in_collection() -> None:
    invoice = an_invoice(due=TODAY - timedelta(days=50), disputed=True)
    assert account_values(a_billing_account(invoices=(invoice,)), TODAY, POLICY)["collection_stage"] == "disputed"


def test_the_next_invoice_is_what_its_items_come_to_after_running_discounts() -> None:
    end = datetime(2026, 12, 21, tzinfo=UTC)
    discounted = SubscriptionItem("si_1", Decimal(2_000), 5, Interval("month"), end, recurring_amount=Decimal("8000.4"))
    plain = SubscriptionItem("si_2", Decimal(500), 1, Interval("month"), end)
    usage = SubscriptionItem("si_3", Decimal(3), 1, Interval("month"), end, metered=True)
    later = SubscriptionItem("si_4", Decimal(9_900), 1, YEARLY, datetime(2027, 6, 1, tzinfo=UTC))
    assert next_invoice([a_subscription(items=(discounted, plain, usage, later))]) == NextInvoice(
        date(2026, 12, 21), Money(8_500, "eur")
    )
    assert next_invoice([a_subscription(items=(usage,))]) == NextInvoice(date(2026, 12, 21), None)
    assert next_invoice([a_subscription()], "usd") is None
    assert next_invoice([]) is None


def test_a_score_just_below_a_threshold_never_shows_as_having_reached_it() -> None:
    """Sixteen invoices, all five days late, weigh 7.15: 100 - 100 * (7.15 * .436 + .15) / 8.15 = 59.9."""
    invoices = tuple(
        an_invoice(n, due=TODAY - timedelta(days=20 + 30 * n), paid=TODAY - timedelta(days=15 + 30 * n))
        for n in range(16)
    )
    values = account_values(a_billing_account(invoices=invoices), TODAY, POLICY)
    assert (values["health"], values["health_score"]) == ("late", 59)


def test_an_automatic_charge_that_will_fail_is_told_on_the_record() -> None:
    invoices = tuple(
        an_invoice(
            n,
            due=TODAY - timedelta(days=30 * n),
            paid=TODAY - timedelta(days=30 * n),
            collection_method="charge_automatically",
        )
        for n in range(1, 5)
    )
    customer = Customer(
        RecordRef("stripe", "customer", "cus_1"),
        payment_method=PaymentMethod.CARD,
        card_expires=date(2026, 11, 30),
    )
    account = a_billing_account(customer=customer, subscriptions=(a_subscription(),), invoices=invoices)
    assert account_values(account, TODAY, POLICY)["health_reason"] == (
        "Usually pays on time. The card expires on 30 November 2026, before the next charge on 21 December 2026."
    )
