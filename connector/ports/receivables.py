"""What the figures of receivables and revenue ask of the store: the ledger's rows, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol

from connector.domain.cash_forecast import RunningItem
from connector.domain.mrr_history import MrrChange
from connector.domain.promise import Promise
from connector.domain.receivable_rows import CustomerFacts, InvoiceHistory


class ReceivableRows(Protocol):
    """The ledger as plain rows, for figures over all of it."""

    def customers(self) -> Iterable[CustomerFacts]:
        """Every customer, with the account behind it."""
        ...

    def invoices(self, until: date) -> Iterator[InvoiceHistory]:
        """Every invoice that was finalised by the end of that UTC day, one at a time, in order of customers."""
        ...

    def drafts(self) -> Sequence[InvoiceHistory]:
        """What is made and not sent yet, each on the day of its making and with its due date."""
        ...

    def running(self) -> Sequence[RunningItem]:
        """Every item that recurs, with an amount, of subscriptions that run."""
        ...

    def promises(self) -> Sequence[Promise]:
        """Every promise to pay, also what was withdrawn since."""
        ...

    def mrr_changes(self, until: date) -> Iterator[MrrChange]:
        """Every change of monthly revenue by the end of that UTC day, oldest first."""
        ...
