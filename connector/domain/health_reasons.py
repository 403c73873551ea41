"""Why the record says what it says: at most three sentences, each with its code and the invoices behind it.

The first explains the word: what is overdue and how the account usually pays. Then comes whatever else a person would
want to know before calling, the gravest first. A thin history always says so, last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from connector.domain.billing import Customer, InvoiceStatus
from connector.domain.charge_readiness import MethodState
from connector.domain.currency_health import CurrencyHealth
from connector.domain.health_word import THIN
from connector.domain.invoice_standing import InvoiceStanding, tells_of_trend
from connector.domain.lateness import Outcome
from connector.domain.money import Money
from connector.domain.payment_habit import Habit
from connector.domain.payment_trend import Direction, Span, trend
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef

MOST = 3
"""Sentences on a record: nobody reads a fourth."""

_PROMISE_REMEMBERED = timedelta(days=180)
_YEAR = timedelta(days=365)


class ReasonCode(StrEnum):
    """What a sentence is about."""

    OVERDUE = "overdue"  #: invoices past due and unpaid, and how the account usually pays
    PAYS_LATE = "pays_late"  #: nothing is overdue, but it usually pays after due, often did, or never paid
    PAYS_ON_TIME = "pays_on_time"
    WRITTEN_OFF = "written_off"  #: never paid and given up: not owed any more, but late for ever
    BROKEN_PROMISE = "broken_promise"  #: a promise to pay of the last 180 days was not kept
    CHARGED_BACK = "charged_back"  #: paid, and in the last year lost again in a dispute
    DISPUTED = "disputed"  #: shown apart: no lateness
    GETTING_SLOWER = "getting_slower"  #: the last three invoices against those before
    FAILED_PAYMENT = "failed_payment"  #: charges of invoices still owed failed
    PAYMENT_METHOD = "payment_method"  #: the next automatic charge cannot succeed
    PROCESSING = "processing"  #: a bank debit is on its way: no lateness
    GETTING_BETTER = "getting_better"
    THIN_HISTORY = "thin_history"  #: fewer than three invoices to judge by: the score leans on the portfolio
    NOTHING_DUE = "nothing_due"  #: no invoice tells yet how the account pays


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence for a person."""

    code: str  #: of ``ReasonCode``
    text: str
    invoices: tuple[RecordRef, ...] = ()  #: what it is drawn from, the weightiest or oldest first


class Findings(NamedTuple):
    """What the reasons are drawn from."""

    today: date
    standings: Sequence[InvoiceStanding]
    by_currency: Mapping[str, CurrencyHealth]
    habit: Habit
    poor: bool  #: the score is worth a look
    points: Sequence[tuple[RecordRef, float]]  #: what late invoices take off the score, the worst first
    trending: Sequence[Outcome]  #: what the trend is drawn from, in order of due dates
    direction: Direction  #: of the trend
    days_past_due: int
    broken: Sequence[Promise]
    customer: Customer | None
    method: MethodState
    next_charge: date | None


def reasons(found: Findings) -> tuple[Reason, ...]:
    """At most three sentences, the weightiest first. The order of invoices changes nothing."""
    resolved = found.habit.resolved
    first = _nothing_due if not resolved else _overdue if found.days_past_due else _habit
    said = [first(found)]
    room = MOST - (0 < resolved < THIN)
    for look in _FURTHER:
        if len(said) == room:
            break
        reason = look(found)
        if reason is not None:
            said.append(reason)
    if 0 < resolved < THIN:
        said.append(_thin(found))
    return tuple(said)


def _overdue(found: Findings) -> Reason:
    late = _oldest_first(each for each in found.standings if each.past_due)
    most = "" if len(late) == 1 else "up to "
    money = _amounts({code: each.overdue_minor for code, each in found.by_currency.items()})
    text = f"{_invoices(len(late))}, {money}, {most}{_days(found.days_past_due)} late; {_clause(found)}."
    return Reason(ReasonCode.OVERDUE, text, late)


def _clause(found: Findings) -> str:
    """How the account pays apart from what is overdue."""
    habit = found.habit
    if not habit.paid:
        return _never_paid(found)
    if habit.paid >= THIN and (habit.usual_days_late > 0 or not found.poor):
        return _usually(habit)
    if habit.paid >= THIN and habit.paid_late:
        return _some_late(habit)
    others = "1 other was" if habit.paid == 1 else f"{habit.paid} others were"
    return f"{others} paid {_at_worst(habit)}"


def _habit(found: Findings) -> Reason:
    """How the account pays, where nothing is overdue."""
    text, late = _how_it_pays(found)
    text = f"{text[0].upper()}{text[1:]}."
    if late:
        return Reason(ReasonCode.PAYS_LATE, text, tuple(ref for ref, _ in found.points))
    on_time = (each for each in found.standings if each.outcome is not None and each.outcome.days_late <= 0)
    return Reason(ReasonCode.PAYS_ON_TIME, text, _oldest_first(on_time))


def _how_it_pays(found: Findings) -> tuple[str, bool]:
    """In words, and whether that is late. They never say that all is well beside a poor score."""
    habit = found.habit
    if not habit.paid:
        return _never_paid(found), True
    if habit.paid < THIN:
        return _usually(habit), habit.paid_late > 0
    if habit.usual_days_late > 0 or not found.poor:
        return _usually(habit), habit.usual_days_late > 0
    if habit.paid_late:
        most = "" if habit.paid_late == 1 else "up to "
        return f"{_some_late(habit)}, by {most}{_days(habit.worst_days_late)}", True
    return f"the {habit.paid} paid invoices were on time", False


def _some_late(habit: Habit) -> str:
    return f"{habit.paid_late} of {habit.paid} paid invoices {'was' if habit.paid_late == 1 else 'were'} late"


def _usually(habit: Habit) -> str:
    if habit.paid < THIN:
        return f"so far paid {_at_worst(habit)}"
    usual = habit.usual_days_late
    if usual > 0:
        return f"usually pays {_days(usual)} after due"
    return f"usually pays {_days(-usual)} before due" if usual < 0 else "usually pays on time"


def _at_worst(habit: Habit) -> str:
    """Of too few paid invoices for a habit, the latest."""
    if habit.worst_days_late <= 0:
        return "on time"
    return f"{'' if habit.paid == 1 else 'up to '}{_days(habit.worst_days_late)} after due"


def _never_paid(found: Findings) -> str:
    """For an account of whose payments none tells how it pays: they are disputed, if there are any."""
    paid = any((each.disputed or each.charged_back) and each.invoice.amount_paid > 0 for each in found.standings)
    return "apart from disputed ones no invoice was ever paid" if paid else "no invoice was ever paid"


def _nothing_due(found: Findings) -> Reason:
    if not found.standings:
        return Reason(ReasonCode.NOTHING_DUE, "No invoice has come due yet.")
    first = min(found.standings, key=_age)
    if not first.owed or _age(first)[0] < found.today:
        return Reason(ReasonCode.NOTHING_DUE, "No invoice tells yet how it pays.")
    due = first.invoice.due_date or found.today
    money = Money(first.owed, first.invoice.currency)
    text = f"No invoice has come due yet; the first, {money}, is due on {_day(due)}."
    return Reason(ReasonCode.NOTHING_DUE, text, (first.invoice.ref,))


def _thin(found: Findings) -> Reason:
    told = _oldest_first(each for each in found.standings if each.outcome is not None)
    text = f"Only {_invoices(len(told))} to judge by so far, so the score leans on other accounts."
    return Reason(ReasonCode.THIN_HISTORY, text, told)


def _written_off(found: Findings) -> Reason | None:
    amounts = {code: each.written_off_minor for code, each in found.by_currency.items()}
    if not any(amounts.values()):
        return None
    given_up = _oldest_first(each for each in found.standings if each.invoice.status is InvoiceStatus.UNCOLLECTIBLE)
    was = "was" if len(given_up) == 1 else "were"
    text = f"{_invoices(len(given_up))}, {_amounts(amounts)}, {was} written off."
    return Reason(ReasonCode.WRITTEN_OFF, text, given_up)


def _broken_promise(found: Findings) -> Reason | None:
    recent = sorted(
        (promise for promise in found.broken if found.today - promise.promised_for <= _PROMISE_REMEMBERED),
        key=lambda promise: (promise.promised_for, promise.id),
    )
    if not recent:
        return None
    last = _day(recent[-1].promised_for)
    refs = tuple(sorted({promise.invoice for promise in recent if promise.invoice is not None}))
    if len(recent) == 1:
        return Reason(ReasonCode.BROKEN_PROMISE, f"A promise to pay by {last} was not kept.", refs)
    text = f"{len(recent)} promises to pay were not kept, the last one for {last}."
    return Reason(ReasonCode.BROKEN_PROMISE, text, refs)


def _charged_back(found: Findings) -> Reason | None:
    lost = [each for each in found.standings if each.charged_back and _age(each)[0] >= found.today - _YEAR]
    if not lost:
        return None
    amounts: dict[str, int] = {}
    for each in lost:
        amounts[each.invoice.currency] = amounts.get(each.invoice.currency, 0) + each.charged_back
    was = "was" if len(lost) == 1 else "were"
    text = f"{_invoices(len(lost))}, {_amounts(amounts)}, {was} charged back by the customer's bank."
    return Reason(ReasonCode.CHARGED_BACK, text, _oldest_first(lost))


def _disputed(found: Findings) -> Reason | None:
    amounts = {code: each.disputed_minor for code, each in found.by_currency.items()}
    if not any(amounts.values()):
        return None
    refs = _oldest_first(each for each in found.standings if each.disputed)
    one = len(refs) == 1
    text = f"{_invoices(len(refs))}, {_amounts(amounts)}, {'is' if one else 'are'} disputed and not counted as late."
    return Reason(ReasonCode.DISPUTED, text, refs)


def _getting_slower(found: Findings) -> Reason | None:
    if found.direction is not Direction.WORSE or (found.days_past_due and _is_about_overdue(found)):
        return None
    last, before = _last_and_before(found)
    text = f"Getting slower: the last 3 invoices were {last}, those before {before}, on average."
    return Reason(ReasonCode.GETTING_SLOWER, text, _last_three(found))


def _getting_better(found: Findings) -> Reason | None:
    if found.direction is not Direction.BETTER:
        return None
    last, before = _last_and_before(found)
    text = f"Getting better: the last 3 invoices were {last}, those before {before}, on average."
    return Reason(ReasonCode.GETTING_BETTER, text, _last_three(found))


def _last_and_before(found: Findings) -> tuple[str, str]:
    known = trend(found.trending, found.today)
    return _lateness(known.last), _lateness(known.before)


def _lateness(span: Span) -> str:
    """Days late per invoice, rounded; only where no invoice was late at all they were on time."""
    if not span.days:
        return "on time"
    return f"{_days(max(1, (2 * span.days + span.invoices) // (2 * span.invoices)))} late"


def _failed_payment(found: Findings) -> Reason | None:
    failed = [
        each
        for each in found.standings
        if each.owed and each.invoice.attempt_count and not each.disputed and not each.invoice.processing
    ]
    if not failed:
        return None
    attempts = sum(each.invoice.attempt_count for each in failed)
    amounts: dict[str, int] = {}
    for each in failed:
        amounts[each.invoice.currency] = amounts.get(each.invoice.currency, 0) + each.owed
    noun = "attempt" if attempts == 1 else "attempts"
    text = f"{attempts} {noun} to charge {_amounts(amounts)} failed."
    return Reason(ReasonCode.FAILED_PAYMENT, text, _oldest_first(failed))


def _payment_method(found: Findings) -> Reason | None:
    """Only for accounts that are charged automatically: nobody else needs a card on file."""
    expires = found.customer.card_expires if found.customer else None
    if found.method in (MethodState.UNKNOWN, MethodState.READY) or not _charged_automatically(found.standings):
        return None
    if found.method is MethodState.NONE or expires is None:
        text = "There is no payment method for automatic charges."
    elif found.method is MethodState.EXPIRED or found.next_charge is None:
        text = f"The card for automatic charges expired on {_day(expires)}."
    else:
        text = f"The card expires on {_day(expires)}, before the next charge on {_day(found.next_charge)}."
    return Reason(ReasonCode.PAYMENT_METHOD, text)


def _processing(found: Findings) -> Reason | None:
    amounts = {code: each.processing_minor for code, each in found.by_currency.items()}
    if not any(amounts.values()):
        return None
    refs = _oldest_first(
        each for each in found.standings if each.owed and each.invoice.processing and not each.disputed
    )
    are = "is" if len(refs) == 1 else "are"
    text = f"{_invoices(len(refs))}, {_amounts(amounts)}, {are} being paid by bank debit."
    return Reason(ReasonCode.PROCESSING, text, refs)


_FURTHER: tuple[Callable[[Findings], Reason | None], ...] = (
    _written_off,
    _broken_promise,
    _charged_back,
    _disputed,
    _getting_slower,
    _failed_payment,
    _payment_method,
    _processing,
    _getting_better,
)
"""What else there is to say, the gravest first."""


def _charged_automatically(standings: Sequence[InvoiceStanding]) -> bool:
    """Whether the newest invoice is charged rather than sent."""
    newest = max((each.invoice for each in standings), key=lambda i: (i.created_at, i.ref), default=None)
    return newest is not None and newest.collection_method == "charge_automatically"


def _is_about_overdue(found: Findings) -> bool:
    """Whether the last three are among those that the first sentence has told of already."""
    overdue = {each.invoice.ref for each in found.standings if each.past_due}
    return not overdue.isdisjoint(_last_three(found))


def _last_three(found: Findings) -> tuple[RecordRef, ...]:
    told = sorted((each for each in found.standings if tells_of_trend(each)), key=_age)
    return tuple(each.invoice.ref for each in told[-3:])


def _oldest_first(standings: Iterable[InvoiceStanding]) -> tuple[RecordRef, ...]:
    return tuple(each.invoice.ref for each in sorted(standings, key=_age))


def _age(found: InvoiceStanding) -> tuple[date, RecordRef]:
    return found.invoice.due_date or date.min, found.invoice.ref


def _invoices(count: int) -> str:
    return f"{count} invoice" if count == 1 else f"{count} invoices"


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _amounts(minor: Mapping[str, int]) -> str:
    """Per currency, in the order of their codes: never added up. Nothing is said only where it is all there is."""
    parts = [str(Money(minor[code], code)) for code in sorted(minor) if minor[code] or not any(minor.values())]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _day(day: date) -> str:
    """As a person would write it; not by ``strftime``, which speaks the machine's language."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
