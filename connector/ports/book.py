"""What a run over all accounts asks of the store: many accounts at a time, in a handful of statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.account_facts import AccountFacts
from connector.domain.refs import RecordRef


class Book(Protocol):
    """The whole book of accounts, read in sets."""

    def unassessed(
        self, since: datetime, after: RecordRef | None, limit: int, *, downwards: bool = False
    ) -> list[RecordRef]:
        """Customers whose health was not worked out at or after ``since``, in order of their refs, behind ``after``.

        ``downwards`` begins at the other end. Left out are those whose own HEALTH Target is dirty or parked: it is
        their turn there.
        """
        ...

    def hold(self, customers: Sequence[RecordRef], since: datetime) -> list[RecordRef]:
        """Lock the customers' rows until the transaction ends, in order of their refs; gives those that it got.

        Passed over are rows that somebody holds, and those that were assessed at or after ``since`` meanwhile.
        """
        ...

    def facts(self, customers: Sequence[RecordRef]) -> Iterator[AccountFacts]:
        """What their CRM records are worked out from: as ``show_account`` reads it of one, but for the lines of the
        invoices.
        """
        ...

    def forget_assessments(self) -> int:
        """Have every customer count as not assessed, since the rules have changed; gives how many there are."""
        ...

    def assessed(self, customers: Sequence[RecordRef], at: datetime) -> None:
        """Note when their health was worked out."""
        ...
