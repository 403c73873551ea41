"""What would have been said at each past month end, and what came: nothing said knows anything of later days.

On a month end T an invoice is known when it was issued on or before T, and paid when it was paid on or before T. The
portfolio is fitted on what was known on T. Each account of which something has come due is scored, and judged on its
invoices that fall due in the 90 days after T, in its main currency on T. Only month ends whose 90 days lie wholly
within the data are judged.

Whether an invoice is disputed is not dated in an export: to leave it out on T for a dispute that may have begun later
would be to look ahead. So what is said on T never knows of disputes, and an invoice that was paid in the end is judged
as any other; only one that is still open and disputed when the data ends is left out of the judgement.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from connector.domain import lateness
from connector.domain.dates import add_months
from connector.domain.lateness import SERIOUS_DAYS, Outcome
from connector.domain.past_invoice import PastInvoice
from connector.domain.payment_features import features
from connector.domain.portfolio import Portfolio, fit

WINDOW_DAYS = 90
LATE_ACCOUNT_DAYS = 5
"""An account pays late when its invoices of a window, weighted by amount, are more than so many days late."""

SETTLING_DAYS = 30
"""How long after the window a model waits before it learns from it: its last invoices have hardly been due before."""

_MONTHS_IN_WINDOW = 4  # 90 days after 31 January are over on 1 May

MOST_MONTH_ENDS = 60
"""The last five years; older behaviour weighs nothing any more, and the work stays bounded."""


class Said(NamedTuple):
    """What was said of one account on one month end."""

    score: float
    next_late_chance: float
    trouble_chance: float
    late_share: float  #: a plain measure beside ours: the share of its invoices that were late, 0 to 1
    average_days_late: float  #: another: the mean of days late, early ones as 0
    features: tuple[float, ...]  #: what a trained model may look at: ``connector.domain.payment_features``


class Judgement(NamedTuple):
    """What was said of one account on one month end, and what came of it."""

    month_end: date
    account: int
    said: Said
    days_late: float  #: of the window's invoices, weighted by amount; unpaid ones up to the last day of the data
    next_late: bool  #: whether the first invoice to fall due was paid late
    trouble: bool  #: whether any of the window's invoices was more than 15 days late
    settled_on: date  #: the first day on which ``settled_late`` is known
    settled_late: bool  #: as ``late``, from what was paid by ``settled_on``: all that an earlier model may learn

    @property
    def late(self) -> bool:
        """Whether the account paid late."""
        return self.days_late > LATE_ACCOUNT_DAYS


class Account:
    """One customer's invoices, made ready to be looked at from many days."""

    def __init__(self, history: Sequence[PastInvoice]) -> None:
        self.by_issue = sorted(history, key=lambda invoice: (invoice.issued, invoice.currency, invoice.due))
        self._issued = [invoice.issued for invoice in self.by_issue]
        self._paid = [
            Outcome(invoice.due, (invoice.paid - invoice.due).days, unpaid=False) if invoice.paid else None
            for invoice in self.by_issue
        ]
        self._by_due = sorted(history, key=lambda invoice: (invoice.due, invoice.issued, invoice.amount))
        self._due = [invoice.due for invoice in self._by_due]

    def known(self, day: date) -> int:
        """How many invoices were issued by ``day``."""
        return bisect_right(self._issued, day)

    def outcomes(self, day: date) -> list[Outcome]:
        """What became of its invoices by ``day``; disputes are not known."""
        found = []
        for place in range(self.known(day)):
            invoice = self.by_issue[place]
            paid = self._paid[place]
            if paid is not None and invoice.paid is not None and invoice.paid <= day:
                found.append(paid)
            elif invoice.due < day:
                found.append(Outcome(invoice.due, (day - invoice.due).days, unpaid=True))
        return found

    def main_currency(self, day: date) -> str:
        """The currency of the newest invoice that was known on ``day``."""
        return self.by_issue[self.known(day) - 1].currency

    def issued_recently(self, day: date) -> int:
        """How many invoices were issued in the 90 days up to ``day``."""
        return self.known(day) - self.known(day - timedelta(days=WINDOW_DAYS))

    def due_after(self, day: date) -> list[PastInvoice]:
        """What falls due in the window after ``day``, first due first; no open disputes."""
        start, end = bisect_right(self._due, day), bisect_right(self._due, day + timedelta(days=WINDOW_DAYS))
        return [invoice for invoice in self._by_due[start:end] if invoice.paid or not invoice.disputed]


def last_day(accounts: Sequence[Account]) -> date | None:
    """The last day on which the data still knows of something: an invoice issued, or one paid."""
    days = [invoice.issued for account in accounts for invoice in account.by_issue]
    days += [invoice.paid for account in accounts for invoice in account.by_issue if invoice.paid]
    return max(days, default=None)


def month_ends(accounts: Sequence[Account]) -> list[date]:
    """Every month end that can be judged, the last ``MOST_MONTH_ENDS`` of them.

    Something is known on it, something falls due after it, and its window lies within the data. A single mistyped day
    far off therefore takes no month end away.
    """
    last = last_day(accounts)
    if last is None:
        return []
    first = min(account.by_issue[0].issued for account in accounts)
    months = {invoice.due.replace(day=1) for account in accounts for invoice in account.by_issue}
    ends = {add_months(month, -back) - timedelta(days=1) for month in months for back in range(_MONTHS_IN_WINDOW)}
    return sorted(day for day in ends if first <= day and day + timedelta(days=WINDOW_DAYS) <= last)[-MOST_MONTH_ENDS:]


def judge(accounts: Sequence[Account]) -> Iterator[Judgement]:
    """Every judgement of every month end, in order of time, then of accounts."""
    last = last_day(accounts)
    if last is None:
        return
    for day in month_ends(accounts):
        outcomes = [account.outcomes(day) for account in accounts]
        portfolio = fit(outcomes, day)
        for number, (account, known) in enumerate(zip(accounts, outcomes, strict=True)):
            window = account.due_after(day) if known else []
            main = account.main_currency(day) if window else ""
            in_main = [invoice for invoice in window if invoice.currency == main]
            if not in_main:
                continue
            settled_on = _month_end(day + timedelta(days=WINDOW_DAYS + SETTLING_DAYS))
            yield Judgement(
                month_end=day,
                account=number,
                said=say(known, account.issued_recently(day), day, portfolio),
                days_late=_weighted_days_late(in_main, last),
                next_late=_days_late(window[0], last) > 0,
                trouble=any(_days_late(invoice, last) > SERIOUS_DAYS for invoice in window),
                settled_on=settled_on,
                settled_late=_weighted_days_late(in_main, settled_on) > LATE_ACCOUNT_DAYS,
            )


def say(outcomes: Sequence[Outcome], recent_invoices: int, day: date, portfolio: Portfolio) -> Said:
    """What our formula and the two plain measures say of one account on one day; at least one outcome is known."""
    score, next_late, trouble, *_ = lateness.judge(
        outcomes,
        day,
        mean_lateness=portfolio.mean_lateness,
        late_rate=portfolio.late_rate,
        serious_rate=portfolio.serious_rate,
        recent_invoices=recent_invoices,
    )
    return Said(
        score=score,
        next_late_chance=next_late,
        trouble_chance=trouble,
        late_share=sum(1 for outcome in outcomes if outcome.days_late > 0) / len(outcomes),
        average_days_late=sum(max(0, outcome.days_late) for outcome in outcomes) / len(outcomes),
        features=features(outcomes, score, next_late, trouble),
    )


def _weighted_days_late(invoices: Sequence[PastInvoice], until: date) -> float:
    """Weighted by amount, all of one currency; unpaid ones are counted up to ``until``."""
    return sum(_days_late(one, until) * one.amount for one in invoices) / sum(one.amount for one in invoices)


def _days_late(invoice: PastInvoice, until: date) -> int:
    paid = invoice.paid if invoice.paid is not None and invoice.paid <= until else until
    return max(0, (paid - invoice.due).days)


def _month_end(day: date) -> date:
    """The last day of its month."""
    return add_months(day.replace(day=1), 1) - timedelta(days=1)
