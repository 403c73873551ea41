"""What all accounts together say: it stands in for what a single account has not shown yet."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import fsum

from connector.domain.lateness import Outcome, account_means

ENOUGH_ACCOUNTS = 30
"""From so many accounts on, a company's own figures stand alone; below, the shipped ones fill in what is missing.

Means of accounts differ from each other by about 0.2: the mean of thirty is good to about 0.04, less than what one
single invoice moves.
"""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Means over the accounts' own means, so that one large account does not speak for all. All from 0 to 1.

    The defaults serve until a company's own ledger says more; ``version`` 0 is these.
    """

    mean_lateness: float = 0.15  #: of the graded lateness
    late_rate: float = 0.3  #: of invoices paid late
    serious_rate: float = 0.1  #: of invoices more than 15 days late
    accounts: int = 0
    invoices: int = 0
    as_of: date | None = None
    version: int = 0


def fit(accounts: Iterable[Sequence[Outcome]], as_of: date) -> Portfolio:
    """What a company's own accounts say by ``as_of``: each account's outcomes come in one sequence, one at a time.

    Accounts of which nothing has come due are left out. Fewer than ``ENOUGH_ACCOUNTS`` speak in proportion: of ten,
    a third of each figure is theirs and the rest the shipped default. The order of the accounts changes nothing.
    """
    lateness, late, serious = array("d"), array("d"), array("d")
    invoices = 0
    for outcomes in accounts:
        means = account_means(sorted(outcomes), as_of)  # their order changes not even the last digit
        if means is None:
            continue
        invoices += len(outcomes)
        lateness.append(means.lateness)
        late.append(means.late)
        serious.append(means.serious)
    shipped = Portfolio()
    return Portfolio(
        mean_lateness=_mean(lateness, shipped.mean_lateness),
        late_rate=_mean(late, shipped.late_rate),
        serious_rate=_mean(serious, shipped.serious_rate),
        accounts=len(lateness),
        invoices=invoices,
        as_of=as_of,
    )


def fit_from_others(accounts: Mapping[str, Sequence[Outcome]], as_of: date) -> dict[str, Portfolio]:
    """For each account what all others say by ``as_of``, for a look at many accounts without a ledger behind them.

    What an account does then never moves what it borrows, not by the last digit (the sums are exact): paying an
    invoice cannot lower its own score by way of the portfolio. Accounts of which nothing has come due borrow too.
    """
    means = {name: account_means(sorted(outcomes), as_of) for name, outcomes in accounts.items()}
    known = [each for each in means.values() if each is not None]
    invoices = sum(len(accounts[name]) for name, each in means.items() if each is not None)
    lateness = sum(Fraction(each.lateness) for each in known)
    late = sum(Fraction(each.late) for each in known)
    serious = sum(Fraction(each.serious) for each in known)
    shipped = Portfolio()
    found = {}
    for name, own in means.items():
        others = len(known) - (own is not None)
        found[name] = Portfolio(
            mean_lateness=_filled(lateness - Fraction(own.lateness if own else 0), others, shipped.mean_lateness),
            late_rate=_filled(late - Fraction(own.late if own else 0), others, shipped.late_rate),
            serious_rate=_filled(serious - Fraction(own.serious if own else 0), others, shipped.serious_rate),
            accounts=others,
            invoices=invoices - (len(accounts[name]) if own else 0),
            as_of=as_of,
        )
    return found


def _filled(total: Fraction, accounts: int, shipped: float) -> float:
    """A mean, filled up with the shipped figure to ``ENOUGH_ACCOUNTS``."""
    missing = max(0, ENOUGH_ACCOUNTS - accounts)
    return float((total + missing * Fraction(shipped)) / (accounts + missing))


def _mean(values: array[float], shipped: float) -> float:
    """Of the accounts' values, filled up with the shipped figure to ``ENOUGH_ACCOUNTS``."""
    missing = max(0, ENOUGH_ACCOUNTS - len(values))
    return (fsum(values) + missing * shipped) / (len(values) + missing)
