"""Each draft is compared with what was agreed; one that differs is held, and its deal says why."""

from __future__ import annotations

from connector.domain.billing import BillingAccount, Invoice
from connector.domain.draft_check import before_tax, expected_total, is_judged
from connector.domain.money import Money
from connector.domain.refs import RecordRef
from connector.ports import DealPlan, Services
from connector.sentences import approval as sentences
from connector.sync.tell_deal import tell_deal


def check_drafts(account: BillingAccount, services: Services) -> None:
    """Hold every draft of the account that differs from its plan by more than the tolerance.

    An invoice that a person let go is not held again. A contract that was amended has no single plan to compare with
    and is left to the check of its amendment.

    Raises:
        RetryLater, NeedsHuman: from billing.
    """
    held: dict[RecordRef, str] = {}
    for invoice in account.invoices:
        if not is_judged(invoice):
            continue
        plan = _plan_of(invoice, account, services)
        if plan is None:
            continue
        found = before_tax(invoice)
        expected = _expected(invoice, found, plan, services)
        if expected is None or abs(found - expected) <= services.hold_tolerance or _let_go(invoice.ref, services):
            continue
        services.billing.hold(invoice.ref)
        held[plan.deal] = _sentence(invoice, found, expected)
    _tell(account, held, services)


def release_draft(invoice: RecordRef, services: Services, *, by: str, why: str) -> None:
    """Let a held draft go as it is; it is not held again.

    Raises:
        NeedsHuman, RetryLater: from billing.
    """
    services.billing.let_go(invoice)
    with services.store.begin() as work:
        work.settings.put(_let_go_key(invoice), True, by=by, why=why)


def _plan_of(invoice: Invoice, account: BillingAccount, services: Services) -> DealPlan | None:
    """The one plan by which the invoice's subscription bills; None for a contract that is not ours, or was amended."""
    subscription = next((s for s in account.subscriptions if s.ref == invoice.subscription), None)
    if subscription is None:
        return None
    with services.store.begin() as work:
        plans = {(plan.deal, plan.round): plan for plan in work.plans.of_subscription(subscription.ref)}
        if subscription.deal is not None:
            plans |= {(plan.deal, plan.round): plan for plan in work.plans.history(subscription.deal)}
            # What was amended before its day is known by the schedule that was to start it.
            waited = [made for made in work.links.of(subscription.deal).values() if made.kind == "schedule"]
            for schedule in waited:
                plans |= {(plan.deal, plan.round): plan for plan in work.plans.of_subscription(schedule)}
    made = [plan for plan in plans.values() if plan.is_made]
    return made[0] if len(made) == 1 else None


def _expected(invoice: Invoice, found: int, plan: DealPlan, services: Services) -> int | None:
    """What the plan foresees for the invoice's own subscription: others of the same deal bill on the same days.

    One that a schedule has started may be that of any of the deal's schedules: the nearest is what it must come to.
    """
    with services.store.begin() as work:
        links = work.links.of(plan.deal)
    steps = {f"{plan.deal}/{role}" for role, made in links.items() if made == invoice.subscription} or {
        f"{plan.deal}/{role}" for role, made in links.items() if made.kind == "schedule"
    }
    totals = [expected_total(invoice, [row for row in plan.forecast if row["step"] == step]) for step in sorted(steps)]
    if not totals or None in totals:
        return None
    return min((total for total in totals if total is not None), key=lambda total: abs(total - found))


def _tell(account: BillingAccount, held: dict[RecordRef, str], services: Services) -> None:
    """Say on each deal what is held, and take it back where nothing is any more."""
    key = f"held:{account.customer.ref}"
    now = {str(deal): said for deal, said in held.items()}
    with services.store.begin() as work:
        before: dict[str, str] = work.settings.get(key) or {}
        if now == before:
            return
        work.settings.put(key, now, by="connector", why="contract against invoice")
    for deal in sorted(now.keys() | before.keys()):
        if now.get(deal) != before.get(deal):
            status = "needs_attention" if deal in now else "billed"
            values = {"sync_status": status, "sync_message": now.get(deal, "")}
            tell_deal(RecordRef.parse(deal), values, services)


def _sentence(invoice: Invoice, found: int, expected: int) -> str:
    said = sentences.HELD.says(
        day=invoice.created_at.date().isoformat(),
        found=Money(found, invoice.currency),
        expected=Money(expected, invoice.currency),
    )
    return f"{said} {sentences.HELD.advises(invoice=invoice.ref.id)}"


def _let_go(invoice: RecordRef, services: Services) -> bool:
    with services.store.begin() as work:
        return bool(work.settings.get(_let_go_key(invoice)))


def _let_go_key(invoice: RecordRef) -> str:
    return f"let-go:{invoice}"
