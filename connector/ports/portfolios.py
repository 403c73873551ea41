"""What we remember of all accounts together: fitted figures, version by version, and the histories they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Protocol

from connector.domain.past_invoice import PastInvoice
from connector.domain.portfolio import Portfolio


class Portfolios(Protocol):
    """Every portfolio that was fitted to the ledger."""

    def newest(self) -> Portfolio:
        """The last version; the figures that we ship (version 0) before any was fitted."""
        ...

    def in_use(self, day: date) -> Portfolio:
        """The last version fitted before that day: what is learnt today counts from tomorrow.

        So no account's score changes within a day because others were looked at.
        """
        ...

    def save(self, portfolio: Portfolio, fitted_at: datetime) -> int:
        """Keep a new version and give its number. It is in use from the day after its own (``as_of``)."""
        ...

    def histories(self) -> Iterator[Sequence[PastInvoice]]:
        """Each customer's invoices that tell how it pays, read as they are asked for; customers in order of their refs.

        To be read to its end, or given up, before the transaction ends.
        """
        ...
