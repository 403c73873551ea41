"""What an edited deal sells once, beside what was billed for it before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.billing_plan import (
    BillingPlan,
    Catalogue,
    InlinePrice,
    MakeInvoice,
    MakeSubscription,
    PlannedLine,
)
from connector.domain.contract_steps import key, said
from connector.domain.deal import Deal
from connector.domain.plan_document import KINDS
from connector.domain.refs import RecordRef
from connector.domain.sold_products import product_of
from connector.sentences import amending as sentences


def edited_one_off(
    whole: BillingPlan,
    billed: Mapping[RecordRef, int] | None,
    catalogue: Catalogue,
    deal: Deal,
    today: date,
    number: int,
    *,
    credit: bool,
) -> tuple[list[PlannedLine], tuple[MakeInvoice, ...], tuple[str, ...]]:
    """Lines for the change's invoice, new milestones for days to come, and notes.

    ``whole`` is the edited deal as if nothing had been billed. A line that is new is billed; one that became dearer or
    cheaper, by the difference, if credit is given; one that is gone is told, as nothing says any more what it was.
    """
    sold = list(_sold_once(whole))
    if billed is None:
        return [], (), ((sentences.ONE_OFF_NOT_COMPARED.says(),) if sold else ())
    once: list[PlannedLine] = []
    notes: list[str] = []
    ahead: dict[date, list[PlannedLine]] = {}
    currency = next(step.currency for step in whole.steps if isinstance(step, MakeSubscription))
    for line, on in sold:
        was = billed.get(line.line)
        if was is None:
            (ahead.setdefault(on, []) if on is not None and on > today else once).append(line)
        elif line.amount > was or (line.amount < was and credit):
            once.append(_difference(line, line.amount - was, catalogue))
        elif line.amount < was:
            notes.append(_not_credited(line.description, was, line.amount, currency))
    still = {line.line for line, _ in sold}
    notes += [
        sentences.ONE_OFF_GONE.says(amount=said(was, currency))
        for line, was in sorted(billed.items())
        if line not in still and was
    ]
    return once, tuple(_milestones(whole, ahead, deal, number)), tuple(notes)


def sold_once_by(document: Mapping[str, Any]) -> dict[RecordRef, int] | None:
    """What a plan, as its document tells it, billed once for each CRM line, in minor units.

    None where one CRM line is several lines of the plan: then nobody can say what became of each.
    """
    lines: list[Mapping[str, Any]] = []
    for step in document.get("steps", ()):
        if step["kind"] == KINDS[MakeInvoice]:
            lines += step["lines"]
        elif step["kind"] == KINDS[MakeSubscription]:
            lines += [line for phase in step["phases"] for line in phase.get("one_off", ())]
    once = [line for line in lines if not line.get("period")]
    amounts = {RecordRef.parse(line["line"]): int(line["amount"]) for line in once}
    return amounts if len(amounts) == len(once) else None


def _sold_once(whole: BillingPlan) -> Iterator[tuple[PlannedLine, date | None]]:
    """Every one-off line with its day. Elapsed periods of a recurring line are not sold once: they name their days."""
    for step in whole.steps:
        on = step.on if isinstance(step, MakeInvoice) else None
        lines: tuple[PlannedLine, ...] = ()
        if isinstance(step, MakeInvoice):
            lines = step.lines
        elif isinstance(step, MakeSubscription):
            lines = tuple(line for phase in step.phases for line in phase.one_off)
        yield from ((line, on) for line in lines if line.period is None)


def _difference(line: PlannedLine, amount: int, catalogue: Catalogue) -> PlannedLine:
    price = InlinePrice(product_of(line.price, catalogue), Decimal(amount), None)
    return replace(line, price=price, quantity=1, amount=amount)


def _not_credited(name: str, was: int, now: int, currency: str) -> str:
    return sentences.ONE_OFF_NOT_CREDITED.says(line=name, was=said(was, currency), now=said(now, currency))


def _milestones(
    whole: BillingPlan, ahead: Mapping[date, list[PlannedLine]], deal: Deal, number: int
) -> Iterator[MakeInvoice]:
    for step in whole.steps:
        if isinstance(step, MakeInvoice) and step.on is not None and step.on in ahead:
            lines = tuple(line for line in step.lines if line in ahead[step.on])
            total = sum(line.amount for line in lines)
            yield replace(step, key=key(deal.ref, step.key.role, number), lines=lines, total=total)
