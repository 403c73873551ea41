"""What all accounts together say: it stands in for what a single account has not shown yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
