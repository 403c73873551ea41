"""From lines over time to the steps that bill: subscriptions, what stands on their first invoices, and milestones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from connector.domain.billing_plan import (
    META_CONTRACT_END,
    InvoiceTerms,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.contract_days import ContractDays, last_day
from connector.domain.deal import Deal
from connector.domain.one_off_planning import (
    MOST_BESIDE,
    OneOff,
    by_day,
    check_discount,
    check_length,
    discount_line,
)
from connector.domain.past_start import begun, by_interval
from connector.domain.timeline import Course, Track, check_phases, phases, tracks
from connector.sentences import planning as sentences

SUBSCRIPTION, INVOICE = "subscription", "invoice"
"""Roles of the steps; with the CRM record they form the key that a Link remembers."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all steps of one deal share. ``discount`` is what the deal takes off its first invoice, in minor units."""

    deal: Deal
    customer: StepKey
    currency: str
    terms: InvoiceTerms
    metadata: dict[str, str]
    days: ContractDays
    today: date
    discount: int = 0


@dataclass(slots=True)
class _Start:
    """One subscription on its way: its phases, and the one-off lines of its first invoice."""

    track: Track
    phases: list[Phase]
    anchor: date | None
    beside: list[PlannedLine] = field(default_factory=list)

    @property
    def first_total(self) -> int:
        """What the first invoice comes to, without what does not fit on it."""
        recurring = () if self.phases[0].trial else self.phases[0].recurring
        return _sum(recurring) + _sum(self.beside[:MOST_BESIDE])


@dataclass(slots=True)
class _Layout:
    """Which invoice each line stands on: with a subscription's first, on one of its own now, or on a later day."""

    starts: list[_Start] = field(default_factory=list)
    now: list[PlannedLine] = field(default_factory=list)
    later: dict[date, list[PlannedLine]] = field(default_factory=dict)
    host: _Start | None = None  #: whose first invoice takes what the deal sells once


def assemble(
    frame: Frame, courses: Sequence[Course], one_offs: Sequence[OneOff]
) -> tuple[list[Step], list[MakeProduct], list[str]]:
    """The steps that bill, the products that they need beside the lines' own, and notes.

    Raises:
        CannotBill: the lines' days are no whole billing periods, or there are more than billing can hold.
    """
    layout = _Layout(later={day: list(lines) for day, lines in by_day(one_offs).items()})
    served = _lay_out_subscriptions(frame, courses, layout)
    sold = [each.planned for each in one_offs if each.on is None]
    if layout.host is None:
        layout.now[:0] = sold
    else:
        layout.host.beside[:0] = sold
    products = _take_off(frame, layout)
    _spread(frame, layout)
    steps: list[Step] = [_subscription(frame, number, start) for number, start in enumerate(layout.starts, start=1)]
    if layout.now:
        steps.append(_invoice(frame, layout.now, INVOICE, None))
    for day, lines in sorted(layout.later.items()):
        steps.append(_invoice(frame, lines, f"{INVOICE}-{day}", day if day > frame.today else None))
    return steps, products, _notes(frame, len(layout.starts), served)


def _lay_out_subscriptions(frame: Frame, courses: Sequence[Course], layout: _Layout) -> int:
    """Each track's subscription and what it bills for days that lie back; says how many lines those are."""
    order = [line.ref for line in frame.deal.line_items]
    found = [part for track in tracks(courses) for part in by_interval(track, frame.today)]
    served = 0
    for track in found:
        ref = frame.deal.ref
        goes_on = begun(track, phases(track, order), frame.today, ref)
        check_phases(goes_on.phases, ref)
        served += len(goes_on.served)
        if goes_on.apart:
            layout.now += goes_on.served
        if goes_on.phases:
            beside = [] if goes_on.apart else list(goes_on.served)
            start = _Start(track, list(goes_on.phases), goes_on.anchor, beside)
            layout.starts.append(start)
            if track is found[0] and not goes_on.apart:
                layout.host = start
    return served


def _take_off(frame: Frame, layout: _Layout) -> list[MakeProduct]:
    """The deal's discount comes off the first invoice that comes to anything."""
    if not frame.discount:
        return []
    line, product = discount_line(frame.deal, frame.discount)
    host = layout.host
    if host is not None and host.first_total == 0 and host.phases[0].trial and len(host.phases) > 1:
        ends, paid = frame.days.ends, host.phases[1]
        first = _sum(paid.recurring) if ends is None or paid.start < ends else 0  # what is agreed ends with the term
        check_discount(frame.deal, frame.discount, first, frame.currency)
        host.phases[1] = replace(host.phases[1], one_off=(line,))
        return [product]
    if host is not None:
        first = host.first_total
        host.beside.insert(min(len(host.beside), MOST_BESIDE - 1), line)
    else:
        lines = layout.now or layout.later.get(min(layout.later, default=frame.today), [])
        first = _sum(lines)
        lines.append(line)
    check_discount(frame.deal, frame.discount, first, frame.currency)
    return [product]


def _spread(frame: Frame, layout: _Layout) -> None:
    """What does not fit on a subscription's first invoice goes on an invoice of its own, on the same day."""
    for start in layout.starts:
        over = start.beside[MOST_BESIDE:]
        day = start.phases[0].start
        if over and day > frame.today:
            layout.later.setdefault(day, []).extend(over)
        else:
            layout.now += over
        one_off = tuple(start.beside[:MOST_BESIDE])
        start.phases[0] = replace(start.phases[0], one_off=one_off)


def _subscription(frame: Frame, number: int, start: _Start) -> MakeSubscription:
    begins = start.phases[0].start
    metadata = frame.metadata
    contract_end = last_day(start.track.end)
    if contract_end is not None:
        metadata = {**metadata, META_CONTRACT_END: contract_end.isoformat()}
    return MakeSubscription(
        key=StepKey(frame.deal.ref, SUBSCRIPTION if number == 1 else f"{SUBSCRIPTION}-{number}"),
        customer=frame.customer,
        currency=frame.currency,
        phases=tuple(start.phases),
        terms=frame.terms,
        description=frame.deal.name,
        metadata=metadata,
        scheduled=begins > frame.today or len(start.phases) > 1,
        anchor=start.anchor,
        ends=start.phases[-1].end is not None,
        first_invoice=None if begins > frame.today else start.first_total,
    )


def _invoice(frame: Frame, lines: Sequence[PlannedLine], role: str, on: date | None) -> MakeInvoice:
    check_length(lines, frame.deal.ref)
    return MakeInvoice(
        key=StepKey(frame.deal.ref, role),
        customer=frame.customer,
        currency=frame.currency,
        lines=tuple(lines),
        terms=frame.terms,
        description=frame.deal.name,
        metadata=frame.metadata,
        total=_sum(lines),
        on=on,
    )


def _notes(frame: Frame, subscriptions: int, served: int) -> list[str]:
    notes = []
    if frame.days.stated is not None:
        notes.append(sentences.NOTE_FROM_TODAY.says(start=frame.days.stated))
    if served:
        notes.append(sentences.NOTE_PAST_BILLED.says(count=served, start=frame.days.begins))
    if subscriptions > 1:
        notes.append(sentences.NOTE_SEVERAL.says(count=subscriptions))
    return notes


def _sum(lines: Iterable[PlannedLine]) -> int:
    return sum(line.amount for line in lines)
