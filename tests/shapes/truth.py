"""What must hold at the end of every story, whatever it says: the forecast came true, and the records show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.money import exponent
from connector.ports import DealPlan
from tests.shapes.judge import Judge
from tests.shapes.players import Entered, Players
from tests.shapes.stripe_seen import SeenInvoice

_CHANGES = frozenset({"change", "next_invoice", "end", "credit_note"})
"""Steps by which one plan changes what another foresaw."""


def untrue(players: Players, judge: Judge) -> Iterator[str]:
    """Every sentence that is not true of how the story ended."""
    made = _plans(players)
    invoices = judge.seen.invoices()
    for plan in made:
        until = _foreseen_until(plan, made, players.story.last_day)
        yield from _forecast(plan, until, invoices)
    for name, deal in players.deals.items():
        billed = [plan for plan in made if plan.deal == deal.ref]
        if billed:
            yield from _deal_record(name, deal, billed, players, judge)
    if {one.currency for one in invoices} and len({one.currency for one in invoices}) == 1:
        yield from _account_records(players, judge)


def _plans(players: Players) -> list[DealPlan]:
    with players.stage.services.store.begin() as work:
        plans = [plan for deal in players.deals.values() for plan in work.plans.history(deal.ref)]
    return sorted((plan for plan in plans if plan.is_made), key=lambda plan: (plan.made_at, plan.round))


def _foreseen_until(plan: DealPlan, made: Sequence[DealPlan], last_day: date) -> date:
    """The first day of which a plan says nothing: a later one changed it, or the story was over."""
    changed = [
        other.made_at.date() + timedelta(days=1 if other.made_at.date() == plan.made_at.date() else 0)
        for other in made
        if other is not plan
        and other.made_at >= plan.made_at
        and any(step["kind"] in _CHANGES for step in other.document["steps"])
    ]
    return min([*changed, last_day + timedelta(days=1)])


def _forecast(plan: DealPlan, until: date, invoices: Sequence[SeenInvoice]) -> Iterator[str]:
    rows = [_at_last(row, plan, invoices) for row in plan.forecast if date.fromisoformat(row["date"]) < until]
    steps = {row["step"] for row in plan.forecast}
    last = max((date.fromisoformat(row["date"]) for row in plan.forecast), default=date.min)
    left = [one for one in invoices if one.step in steps and one.day < until and one.day <= last and one.lines]
    for row in rows:
        one = next((each for each in left if _came_true(row, each)), None)
        if one is None:
            there = " | ".join(str(each) for each in left if str(each.day) == row["date"])
            yield f"foreseen for {plan.deal}, but not billed: {_told(row)}; there is {there or 'none of that day'}"
        else:
            left.remove(one)
    yield from (f"billed for {plan.deal}, but not foreseen: {one}" for one in left)


def _at_last(row: Mapping[str, Any], plan: DealPlan, invoices: Sequence[SeenInvoice]) -> Mapping[str, Any]:
    """What was foreseen for the plan's own day happens when it is done: a person may have been asked meanwhile."""
    began = min((one.day for one in invoices if one.step == row["step"]), default=plan.as_of)
    waited = began - plan.as_of
    if row["date"] != str(plan.as_of) or waited <= timedelta(0):
        return row
    due = date.fromisoformat(row["due"]) + waited if row["due"] else None
    return {**row, "date": str(began), "due": str(due) if due else None}


def _came_true(row: Mapping[str, Any], one: SeenInvoice) -> bool:
    if (row["step"], row["date"], row["due"]) != (one.step, str(one.day), str(one.due) if one.due else None):
        return False
    step = Decimal(1).scaleb(-exponent(row["currency"]))
    foreseen = sorted((line["line"], line["amount"] * step) for line in row["lines"] if line["amount"] is not None)
    used = {line["line"] for line in row["lines"] if line["amount"] is None}
    billed = sorted((line.crm_line, line.amount) for line in one.lines if line.crm_line not in used)
    return foreseen == billed and (row["by_usage"] or row["total"] * step == one.before_tax)


def _told(row: Mapping[str, Any]) -> str:
    return (
        f"{row['total']} on {row['date']}, due {row['due']}: {[(x['description'], x['amount']) for x in row['lines']]}"
    )


def _deal_record(name: str, deal: Entered, plans: Sequence[DealPlan], players: Players, judge: Judge) -> Iterator[str]:
    shown = players.stage.hands.shown(deal.ref)
    if not judge.has_told_of(name) and shown["sync_status"] != "billed":
        yield f"deal {name} shows {shown['sync_status']}: {shown['sync_message']}"
    new = any(step["kind"] in ("subscription", "invoice") for step in plans[0].document["steps"])
    amends = any(step["kind"] in _CHANGES for plan in plans for step in plan.document["steps"])
    if not new or amends:
        return
    sent = [one for one in judge.seen.invoices() if one.deal == str(deal.ref) and one.status in ("open", "paid")]
    yield from _newest(f"deal {name}", shown, sent)
    owed = sum((one.open for one in sent if one.status == "open"), Decimal(0))
    if shown["open_balance"] is not None and shown["open_balance"] != owed:
        yield f"deal {name} shows an open balance of {shown['open_balance']}, which is {owed}"


def _newest(whose: str, shown: Mapping[str, Any], sent: Sequence[SeenInvoice]) -> Iterator[str]:
    """Several may be sent on one day: the record shows one of them."""
    newest = {one.number for one in sent if one.day == max(each.day for each in sent)}
    if newest and shown["last_invoice_number"] not in newest:
        yield f"{whose} shows {shown['last_invoice_number']} as the last invoice, which is {' or '.join(newest)}"


def _account_records(players: Players, judge: Judge) -> Iterator[str]:
    for name, ref in players.companies.items():
        shown = {} if name in players.gone else players.stage.hands.shown(ref)
        if not shown.get("customer_id"):
            continue
        customer = shown["customer_id"]
        sent = [one for one in judge.seen.invoices() if one.customer == customer and one.status in ("open", "paid")]
        yield from _newest(name, shown, sent)
        owed = sum((one.open for one in sent if one.status == "open"), Decimal(0))
        if sent and shown["open_balance"] != owed:
            yield f"{name} shows an open balance of {shown['open_balance']}, which is {owed}"
        monthly = judge.seen.monthly(customer)
        if (shown["mrr"] or 0) != monthly:
            yield f"{name} shows {shown['mrr']} a month, which is {monthly}"
