"""What a plan will come to: every invoice until the contract's term ends, with its dates, lines and amount.

It follows what Stripe does: full periods count from one anchor, month ends are clamped from the anchor and never
drift, all lines of one subscription that fall due on one day stand on one invoice, usage is billed when its period is
over, and a phase's one-off lines come with its first invoice. Sources: Stripe, "Set the subscription billing renewal
date", "Mixed interval subscriptions", "Subscription schedules", "Backdate subscriptions"; VENDOR-FACTS 1.4 and 1.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from connector.domain.billing_plan import (
    META_CONTRACT_END,
    AddToNextInvoice,
    BillingPlan,
    CreditInvoice,
    InvoiceTerms,
    MakeInvoice,
    MakeSubscription,
    Period,
    Phase,
    PlannedLine,
    StepKey,
)
from connector.domain.dates import add_intervals, add_months
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef

EVERGREEN_MONTHS = 12
"""How far a contract without an end is looked ahead: from its start, or from today where it began before."""


class TaxForecast(StrEnum):
    """What is added to an invoice's amount when it is made."""

    NONE = "none"
    AUTOMATIC = "automatic"  #: billing works it out then; amounts here are before tax


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """One line of an invoice to come. ``amount`` in minor units; None where usage will decide."""

    line: RecordRef
    description: str
    quantity: int
    amount: int | None
    period: Period | None = None  #: the days it serves; None for what is sold once


@dataclass(frozen=True, slots=True)
class ForecastInvoice:
    """One invoice to come: drafted on ``day``, due on ``due``; None there: it is charged that very day."""

    step: StepKey
    day: date
    due: date | None
    currency: str
    tax: TaxForecast
    lines: tuple[ForecastLine, ...]

    @property
    def total(self) -> int:
        """In minor units, before tax and without what usage will add."""
        return sum(line.amount or 0 for line in self.lines)

    @property
    def by_usage(self) -> bool:
        """Whether usage will add to it."""
        return any(line.amount is None for line in self.lines)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What changes an invoice of a contract that runs already: lines that wait for its next one, or a credit note."""

    step: StepKey
    currency: str
    description: str
    amount: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Every invoice of a plan in order of its day, up to but without ``until``.

    ``runs_on`` says that more will follow: a contract without an end, or one that renews by itself.
    """

    invoices: tuple[ForecastInvoice, ...]
    until: date
    runs_on: bool = False
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def total(self) -> int:
        """Of all invoices, in minor units before tax; a plan has one currency."""
        return sum(invoice.total for invoice in self.invoices)


def forecast(plan: BillingPlan, today: date, until: date | None = None) -> Forecast:
    """Every invoice that the plan's steps cause before ``until``; by default until each contract's term ends.

    A contract that names no end, or whose term is over and renewed already, is looked ahead twelve months: from its
    first day, or from today where it began before.
    """
    begins = first_day(plan, today)
    ahead = horizon(plan, today)
    invoices: list[ForecastInvoice] = []
    adjustments: list[Adjustment] = []
    last, runs_on = begins, False
    for step in plan.steps:
        match step:
            case MakeSubscription():
                stop = min(until, _ends(step) or until) if until else stops(step, ahead, today)
                invoices += _subscription(step, today, stop)
                last = max(last, stop)
                runs_on = runs_on or not step.ends
            case MakeInvoice():
                day = step.on or today
                if until is None or day < until:
                    invoices.append(_invoice(step.key, day, step.currency, step.terms, [_once(x) for x in step.lines]))
                    last = max(last, day + timedelta(days=1))
            case AddToNextInvoice() | CreditInvoice():
                adjustments.append(_adjustment(step))
            case _:
                pass  # it bills nothing by itself
    invoices.sort(key=lambda invoice: (invoice.day, invoice.step))
    return Forecast(tuple(invoices), until or last, runs_on, tuple(adjustments))


def horizon(plan: BillingPlan, today: date) -> date:
    """The day until which a contract without an end is looked ahead."""
    return add_months(max(first_day(plan, today), today), EVERGREEN_MONTHS)


def stops(step: MakeSubscription, ahead: date, today: date) -> date:
    """The day from which this subscription's invoices are no longer foreseen; ``ahead`` where no term says it."""
    end = term_end(step)
    return ahead if end is None or (end <= today and not step.ends) else end


def first_day(plan: BillingPlan, today: date) -> date:
    """The first day that any of the plan's subscriptions serves; today where there is none."""
    days = [
        day
        for step in plan.steps
        if isinstance(step, MakeSubscription)
        for day in (step.start, *(line.period.start for line in step.one_off if line.period is not None))
    ]
    invoiced = (line for step in plan.steps if isinstance(step, MakeInvoice) for line in step.lines)
    days += [line.period.start for line in invoiced if line.period is not None]
    return min(days, default=today)


def term_end(step: MakeSubscription) -> date | None:
    """The first day after the contract's term, whether it then runs on or not; None where nothing says."""
    named = step.metadata.get(META_CONTRACT_END)
    if named:
        return date.fromisoformat(named) + timedelta(days=1)
    return _ends(step)


def _ends(step: MakeSubscription) -> date | None:
    return step.phases[-1].end if step.ends else None


def _subscription(step: MakeSubscription, today: date, stop: date) -> Iterator[ForecastInvoice]:
    """One invoice for each day on which lines of this subscription fall due."""
    due: dict[date, list[ForecastLine]] = {}
    for day, line in _recurring(step, today, stop):
        due.setdefault(day, []).append(line)
    first = max(step.start, today)
    for phase in step.phases:
        begins = max(phase.start, first)
        # A subscription's first invoice comes when it starts, even where nothing that recurs is due yet: usage.
        day = begins if phase is step.phases[0] else min((d for d in due if d >= begins), default=begins)
        if phase.one_off and day < stop:
            due.setdefault(day, []).extend(_once(line) for line in phase.one_off)
    for day in sorted(due):
        yield _invoice(step.key, day, step.currency, step.terms, due[day])


def _recurring(step: MakeSubscription, today: date, stop: date) -> Iterator[tuple[date, ForecastLine]]:
    """Each recurring line with each day on which it is billed, and the period that it is then billed for."""
    anchor = anchor_of(step)
    for phase in step.phases:
        end = stop if phase.end is None or (phase is step.phases[-1] and not step.ends) else min(phase.end, stop)
        if phase.trial:
            day = max(phase.start, today)
            yield from ((day, _free(line, phase)) for line in phase.recurring if not line.metered and day < stop)
            continue
        for line in phase.recurring:
            if step.anchor is not None and phase is step.phases[0] and not line.metered:
                yield today, _served(line, Period(phase.start, step.anchor))
            yield from _periods(line, anchor, phase.start, end, closing=step.ends and end == stop)


def anchor_of(step: MakeSubscription) -> date:
    """The day that full periods count from: stated for a past start, the end of a trial, else the start."""
    if step.anchor is not None:
        return step.anchor
    anchor = step.start
    for phase in step.phases:
        if not phase.trial or phase.end is None:
            break
        anchor = phase.end
    return anchor


def _periods(
    line: PlannedLine, anchor: date, start: date, end: date, *, closing: bool
) -> Iterator[tuple[date, ForecastLine]]:
    """A line's periods that begin within a phase: billed as they begin, or, for usage, when they are over.

    The last period's usage is billed when the contract ends (``closing``), else with the first invoice after it, which
    lies beyond a forecast that stops there.
    """
    for period in periods_from(anchor, line.interval or Interval("month"), start, end):
        if not line.metered:
            yield period.start, _served(line, period)
        elif period.end < end or closing:
            yield period.end, _served(line, period)


def periods_from(anchor: date, interval: Interval, start: date, end: date) -> Iterator[Period]:
    """The billing periods that begin on ``start`` or later, and before ``end``, counted from the anchor."""
    number, begins = 0, anchor
    while begins < end:
        number += 1
        following = add_intervals(anchor, interval, number)
        if begins >= start:
            yield Period(begins, following)
        begins = following


def _served(line: PlannedLine, period: Period) -> ForecastLine:
    return ForecastLine(line.line, line.description, line.quantity, None if line.metered else line.amount, period)


def _free(line: PlannedLine, phase: Phase) -> ForecastLine:
    period = Period(phase.start, phase.end) if phase.end is not None else None
    return ForecastLine(line.line, line.description, line.quantity, 0, period)


def _once(line: PlannedLine) -> ForecastLine:
    return ForecastLine(line.line, line.description, line.quantity, line.amount, line.period)


def _invoice(
    step: StepKey, day: date, currency: str, terms: InvoiceTerms, lines: Sequence[ForecastLine]
) -> ForecastInvoice:
    due = None if terms.net_days is None else day + timedelta(days=terms.net_days)
    tax = TaxForecast.AUTOMATIC if terms.automatic_tax else TaxForecast.NONE
    return ForecastInvoice(step, day, due, currency, tax, tuple(lines))


def _adjustment(step: AddToNextInvoice | CreditInvoice) -> Adjustment:
    if isinstance(step, CreditInvoice):
        return Adjustment(step.key, step.currency, step.reason, -step.amount)
    described = "; ".join(_descriptions(step.lines))
    return Adjustment(step.key, step.currency, described, sum(line.amount for line in step.lines))


def _descriptions(lines: Iterable[PlannedLine]) -> list[str]:
    return list(dict.fromkeys(line.description for line in lines))
