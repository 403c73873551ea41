"""The days a new deal is about: when it begins and ends, and from when to when each of its lines is served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from connector.domain.catalogue_price import line_name
from connector.domain.dates import add_months, months_after
from connector.domain.deal import Deal, LineItem
from connector.domain.policy import BillingPolicy, PastStart
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import planning as sentences
from connector.sentences import planning_lines

_MOST_MONTHS = 1200
"""A hundred years: more is a slip of the pen, and dates end somewhere."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ContractDays:
    """The contract's first day and the first day after it; None where it has no end.

    ``renews`` says that it runs on after its term. ``stated`` is the start that the deal gives, where billing begins
    on a later day than that.
    """

    begins: date
    ends: date | None
    renews: bool
    stated: date | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The days a recurring line is served: up to but without ``end``, None for ever.

    Nothing is billed before ``free_until``. Its own discounts hold until ``discount_until`` and the deal's until
    ``deal_discount_until``, both None for the whole span.
    """

    start: date
    end: date | None
    free_until: date
    discount_until: date | None = None
    deal_discount_until: date | None = None


def contract_days(deal: Deal, today: date, policy: BillingPolicy) -> ContractDays:
    """When the deal begins and ends.

    Raises:
        CannotBill: what the deal says of its days is missing, contradicts itself, or lies in the past against policy.
    """
    stated = _start(deal)
    begins = stated or today
    _check_all_near(deal, today)
    shifted = begins < today and policy.past_start is PastStart.FROM_TODAY
    if begins < today and policy.past_start is PastStart.REFUSE:
        raise CannotBill.because(sentences.PAST_START_REFUSED, ref=deal.ref, start=begins.isoformat())
    if shifted:
        begins = today
    ends = _end(deal, begins, today)
    if ends is None and deal.terms.auto_renew is False:
        raise CannotBill.because(sentences.NO_END, ref=deal.ref)
    renews = policy.auto_renew if deal.terms.auto_renew is None else deal.terms.auto_renew
    return ContractDays(begins, ends, renews, stated if shifted else None)


def last_day(end: date | None) -> date | None:
    """The last day that is served, of what ends without that day."""
    return None if end is None else end - _ONE_DAY


def span_of(line: LineItem, deal: Deal, days: ContractDays) -> Span:
    """The days one recurring line is served.

    Raises:
        CannotBill: they are not within the contract, or there are none.
    """
    start = days.begins if line.start is None else line.start
    if days.stated is not None:
        start = max(start, days.begins)
    if start < days.begins:
        raise CannotBill.because(
            planning_lines.TOO_SOON, ref=line.ref, line=line_name(line), start=start, begins=days.begins
        )
    end = _line_end(line, start, days.begins) or days.ends
    if end is not None and (end <= start):
        raise CannotBill.because(
            planning_lines.EMPTY_SPAN, ref=line.ref, line=line_name(line), start=start, end=end - _ONE_DAY
        )
    if end is not None and days.ends is not None and end > days.ends:
        raise CannotBill.because(
            planning_lines.TOO_LATE,
            ref=line.ref,
            line=line_name(line),
            end=end - _ONE_DAY,
            contract_end=days.ends - _ONE_DAY,
        )
    return Span(
        start=start,
        end=end,
        free_until=_free_until(line, deal, start, days.begins),
        discount_until=_discount_until(line, start, days.begins),
        deal_discount_until=deal_discount_until(deal, days),
    )


def deal_discount_until(deal: Deal, days: ContractDays) -> date | None:
    """The first day on which the deal's percentage no longer holds; None where it always does."""
    months = deal.terms.discount_months
    if months is None or not deal.terms.discount_percent:
        return None
    return add_months(days.begins, _checked(months, "discount", deal.ref, "terms.discount_months"))


def _start(deal: Deal) -> date | None:
    """The deal's own start, else the first day of its recurring lines, where all of them or none say it."""
    if deal.terms.start is not None:
        return deal.terms.start
    starts = {line.start for line in deal.line_items if not line.one_off}
    if not starts or starts == {None}:
        return None
    stated = {start for start in starts if start is not None}
    if len(stated) < len(starts):
        raise CannotBill.because(sentences.STARTS_UNCLEAR, ref=deal.ref)
    return min(stated)


def _end(deal: Deal, begins: date, today: date) -> date | None:
    """The first day after the contract: what the deal says, else where the last of its lines with an end stops."""
    terms = deal.terms
    by_term = add_months(begins, _checked(terms.term_months, "term", deal.ref)) if terms.term_months else None
    if terms.end is not None:
        stated = terms.end + _ONE_DAY
        if by_term is not None and by_term != stated:
            raise CannotBill.because(
                sentences.TERM_CONTRADICTS,
                ref=deal.ref,
                months=terms.term_months,
                start=begins,
                worked_out=by_term - _ONE_DAY,
                end=terms.end,
            )
        if stated <= begins:
            raise CannotBill.because(sentences.ENDS_BEFORE_START, ref=deal.ref, start=begins, end=terms.end)
        return stated
    if by_term is not None:
        return by_term
    ends = []
    for line in deal.line_items:
        if line.one_off:
            continue
        end = _line_end(line, line.start or begins, begins)
        if end is not None:
            ends.append(end)
    return max(ends, default=None)


def _line_end(line: LineItem, start: date, begins: date) -> date | None:
    """The first day after the line, where it says so itself."""
    if line.end is not None:
        return line.end + _ONE_DAY
    if not line.term_months:
        return None
    return months_after(begins, start, _checked(line.term_months, "term", line.ref, "line.term_months"))


def _free_until(line: LineItem, deal: Deal, start: date, begins: date) -> date:
    until = start
    if line.free_months:
        months = _checked(line.free_months, "number of free months", line.ref, "line.free_months")
        until = months_after(begins, start, months)
    if deal.terms.free_months:
        months = _checked(deal.terms.free_months, "number of free months", deal.ref, "terms.free_months")
        until = max(until, add_months(begins, months))
    return until


def _discount_until(line: LineItem, start: date, begins: date) -> date | None:
    if line.discount_months is None or not (line.discount_percent or line.discount_per_unit):
        return None
    return months_after(begins, start, _checked(line.discount_months, "discount", line.ref, "line.discount_months"))


def _checked(months: int, what: str, ref: RecordRef, field: str = "terms.term_months") -> int:
    if not 1 <= months <= _MOST_MONTHS:
        raise CannotBill.because(
            sentences.BAD_MONTHS, ref=ref, field=field, months=months, what=what, most=_MOST_MONTHS
        )
    return months


def _check_all_near(deal: Deal, today: date) -> None:
    """No day is so far away that calendars end."""
    _check_near(deal.terms.start, today, deal.ref, "terms.start")
    _check_near(deal.terms.end, today, deal.ref, "terms.end")
    for line in deal.line_items:
        _check_near(line.start, today, line.ref, "line.start")
        _check_near(line.end, today, line.ref, "line.end")
        _check_near(line.bill_on, today, line.ref, "line.bill_on")


def _check_near(day: date | None, today: date, ref: RecordRef, field: str) -> None:
    if day is not None and abs(day.year - today.year) > _MOST_MONTHS // 12:
        raise CannotBill.because(sentences.DAY_TOO_FAR, ref=ref, field=field, day=day.isoformat())
