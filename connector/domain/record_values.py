"""What a CRM account or deal should show, worked out from what billing says now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from connector.domain.billing import BillingAccount, Invoice, InvoiceStatus, Payment, Subscription
from connector.domain.money import Money
from connector.domain.payment_health import (
    Health,
    HealthPolicy,
    NextInvoice,
    PaymentHealth,
    assess,
    is_late_payer,
)
from connector.domain.recurring import monthly, period_amount
from connector.domain.refs import RecordRef
from connector.domain.renewals import RUNNING
from connector.domain.write_back import Value

_SENT = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE})


def account_values(
    account: BillingAccount, today: date, policy: HealthPolicy, *, health: PaymentHealth | None = None
) -> dict[str, Value]:
    """Every value of the account's record, except how its synchronisation went. ``health`` where it is known already.

    The renewal and the flag are those of billing alone: ``account_picture`` knows more, and has the last word.
    """
    health = health or _whole_health(account, today, policy)
    subscriptions = _by_rank(account.subscriptions)
    currency = health.currency or next((s.currency for s in subscriptions), account.customer.currency)
    return {
        "customer_id": account.customer.ref.id,
        **_subscription_values(subscriptions, currency),
        **_renewal_values(subscriptions, currency),
        **_invoice_values(account.invoices),
        **_payment_values(account.payments, currency),
        **_health_values(health, currency),
        "late_payer": is_late_payer(health, renewal_date(subscriptions), policy),
        "collection_stage": _collection_stage(health),
        "credit_hold": health.word is Health.SEVERE,
    }


def deal_values(
    account: BillingAccount,
    deal: RecordRef,
    billed_by: Collection[RecordRef],
    today: date,
    policy: HealthPolicy,
    *,
    whole: PaymentHealth | None = None,
) -> dict[str, Value]:
    """The same values for one deal: its own subscriptions and invoices, with the payment record of the whole account.

    ``billed_by`` are the subscriptions, schedules and invoices that the deal became. A schedule's subscription, which
    it makes when its day comes, is known by the deal that it names. ``whole`` is the account's health where it is known
    already.
    """
    whole = whole or _whole_health(account, today, policy)
    scheduled = any(made.kind == "schedule" for made in billed_by)
    subscribed = tuple(s for s in account.subscriptions if s.ref in billed_by or (scheduled and s.deal == deal))
    billing = {*billed_by, *(s.ref for s in subscribed)}
    invoices = tuple(i for i in account.invoices if i.subscription in billing or i.ref in billing)
    # Mostly one deal is all that its account was sold, and then its figures are the account's.
    all_of_it = len(invoices) == len(account.invoices)
    own = BillingAccount(account.customer, subscribed, invoices, _payments_of(invoices, account, all_of_it=all_of_it))
    subscriptions = _by_rank(own.subscriptions)
    health = whole if all_of_it else assess(own.invoices, own.payments, account.disputes, today, policy)
    # Of several the one that the balances are in.
    currency = health.currency or _currency_of(invoices) or next((s.currency for s in subscriptions), whole.currency)
    return {
        "customer_id": account.customer.ref.id,
        **_subscription_values(subscriptions, currency),
        **_renewal_values(subscriptions, currency),
        **_invoice_values(own.invoices),
        **_payment_values(own.payments, currency),
        **_health_values(health, currency),
        "health": whole.word.value,
        "health_score": whole.shown_score,
        "health_reason": whole.reason,
        "late_payer": is_late_payer(whole, renewal_date(account.subscriptions), policy),
    }


def _currency_of(invoices: Sequence[Invoice]) -> str:
    """Of the newest: billing lists them in another order than the ledger."""
    newest = max(invoices, key=lambda each: (each.created_at, each.ref), default=None)
    return newest.currency if newest is not None else ""


def _payments_of(invoices: Sequence[Invoice], account: BillingAccount, *, all_of_it: bool) -> tuple[Payment, ...]:
    if all_of_it:
        return account.payments
    ids = {invoice.ref for invoice in invoices}
    return tuple(payment for payment in account.payments if payment.invoice in ids)


def renewal_date(subscriptions: Iterable[Subscription]) -> date | None:
    """The first day that a running contract ends: its own end where the deal named a term, else its period's end."""
    ends = [
        end
        for s in subscriptions
        if s.status in RUNNING
        and (
            end := s.contract_end
            or min((i.current_period_end.date() for i in s.items if i.current_period_end), default=None)
        )
    ]
    return min(ends, default=None)


def next_invoice(subscriptions: Iterable[Subscription], currency: str = "") -> NextInvoice | None:
    """The next invoice that running contracts make, of one currency or of any; None where they make none.

    Its amount is before tax, after running discounts, and without usage: None where usage is all it will hold.
    """
    coming = [
        (item.current_period_end.date(), s.currency, None if item.metered else period_amount(item))
        for s in subscriptions
        if s.status in RUNNING and s.cancel_at is None and currency in ("", s.currency)
        for item in s.items
        if item.current_period_end is not None
    ]
    if not coming:
        return None
    day, code = min((day, code) for day, code, _ in coming)
    known = [minor for when, of, minor in coming if (when, of) == (day, code) and minor is not None]
    total = sum(known, start=Decimal(0))
    return NextInvoice(day, Money(int(total.to_integral_value(ROUND_HALF_UP)), code) if known else None)


def monthly_recurring(subscriptions: Iterable[Subscription], currency: str) -> Decimal:
    """MRR in major units of one currency, rounded to its smallest unit only at the end; see ``recurring``."""
    minor = sum((monthly(s) for s in subscriptions if s.currency == currency), start=Decimal(0))
    return Money(int(minor.to_integral_value(ROUND_HALF_UP)), currency).major


def _whole_health(account: BillingAccount, today: date, policy: HealthPolicy) -> PaymentHealth:
    return assess(
        account.invoices,
        account.payments,
        account.disputes,
        today,
        policy,
        customer=account.customer,
        next_invoice=next_invoice(account.subscriptions),
    )


def _by_rank(subscriptions: Sequence[Subscription]) -> list[Subscription]:
    """Running ones first, newest first among equals."""
    return sorted(
        subscriptions,
        key=lambda s: (s.status not in RUNNING, -(s.started_at.timestamp() if s.started_at else 0), s.ref),
    )


def _subscription_values(subscriptions: Sequence[Subscription], currency: str) -> dict[str, Value]:
    first = subscriptions[0] if subscriptions else None
    return {
        "subscription_id": first.ref.id if first else "",
        "subscription_status": first.status if first else "",
        "mrr": monthly_recurring(subscriptions, currency) if currency and subscriptions else None,
        "currency": currency.upper(),
    }


def _renewal_values(subscriptions: Sequence[Subscription], currency: str) -> dict[str, Value]:
    coming = next_invoice(subscriptions, currency) if currency else None
    return {
        "renewal_date": renewal_date(subscriptions),
        "next_invoice_date": coming.day if coming else None,
        "next_invoice_amount": coming.amount.major if coming and coming.amount else None,
    }


def _invoice_values(invoices: Sequence[Invoice]) -> dict[str, Value]:
    newest = max(
        (i for i in invoices if i.status in _SENT and i.replaced_by is None),
        key=lambda i: (i.finalized_at or i.created_at, i.ref),
        default=None,
    )
    return {
        "last_invoice_number": newest.number if newest else "",
        "last_invoice_status": newest.status.value if newest else "",
        "last_invoice_due_date": newest.due_date if newest else None,
        "last_invoice_url": newest.hosted_url if newest else "",
    }


def _payment_values(payments: Sequence[Payment], currency: str) -> dict[str, Value]:
    last = max(
        ((p.paid_at, p.ref, p.amount) for p in payments if p.paid_at is not None and p.currency == currency),
        default=None,
    )
    return {
        "last_payment_date": last[0].date() if last else None,
        "last_payment_amount": Money(last[2], currency).major if last else None,
    }


def _health_values(health: PaymentHealth, currency: str) -> dict[str, Value]:
    nothing = Money(0, currency).major if currency else None
    return {
        "open_balance": health.open_balance.major if health.open_balance else nothing,
        "overdue_balance": health.overdue_balance.major if health.overdue_balance else nothing,
        "overdue_count": health.overdue_count,
        "days_past_due": health.days_past_due,
        "average_days_late": health.average_days_late,
        "on_time_rate": health.on_time_rate,
        "health": health.word.value,
        "health_score": health.shown_score,
        "health_reason": health.reason,
        "health_as_of": health.as_of,
    }


def _collection_stage(health: PaymentHealth) -> str:
    if health.disputed:
        return "disputed"
    for days, stage in ((45, "escalated"), (7, "overdue"), (0, "reminder")):
        if health.days_past_due > days:
            return stage
    return "none"
