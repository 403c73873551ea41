"""What we remember of renewals: the deals that carry an account's flag, and the tasks made for their owners."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from connector.domain.refs import RecordRef
from connector.domain.write_back import Values


@dataclass(frozen=True, slots=True)
class RenewalTask:
    """One task for an owner: at most one per account, renewal and window.

    It is kept before it is made: ``task`` is None while nobody knows whether the CRM has it.
    """

    account: RecordRef
    renewal: date
    window: int
    subject: str
    record: RecordRef  #: the deal or account it hangs on
    task: RecordRef | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RenewalRow:
    """One account before its renewal, as the list of them shows it. Money in major units, as its record shows it."""

    account: RecordRef
    name: str
    late_payer: bool
    window: int
    renewal: date
    source: str
    shown: Values  #: what its record shows
    task: RecordRef | None = None


class Renewals(Protocol):
    """The tables ``flagged_deal`` and ``renewal_task``."""

    def flagged(self, account: RecordRef) -> list[RecordRef]:
        """The open deals that carry the account's flag."""
        ...

    def carry(self, account: RecordRef, deals: Sequence[RecordRef], at: datetime) -> list[RecordRef]:
        """These deals, and no others, carry the account's flag from now on. Gives those that do no longer."""
        ...

    def put_down(self, deal: RecordRef, of: RecordRef | None, at: datetime) -> RecordRef | None:
        """A deal is ``of`` that account now, or gone: it carries no other's flag any more. Gives whose it carried."""
        ...

    def task(self, account: RecordRef, renewal: date, window: int) -> RenewalTask | None:
        """What was kept of one window's task."""
        ...

    def begin(self, task: RenewalTask, at: datetime) -> None:
        """Keep a task before it is made: it may then be made without our hearing of it.

        Trying it once more keeps what it hangs on and is called now.
        """
        ...

    def made(self, task: RenewalTask, ref: RecordRef, at: datetime) -> None:
        """The CRM has it, by that name."""
        ...

    def closed(self, task: RenewalTask, at: datetime) -> None:
        """It is done with, whoever closed it; without a name it was never made, and may be begun again."""
        ...

    def open_tasks(self, account: RecordRef) -> list[RenewalTask]:
        """Those not closed yet, whether they are known to be made or not, oldest first."""
        ...

    def seen(self, account: RecordRef, day: date) -> None:
        """The account's renewal deals and tasks were looked at."""
        ...

    def due(self, day: date, crms: Collection[str], limit: int) -> list[RecordRef]:
        """Accounts of these CRMs whose renewal deals were not looked at since a day, the nearest renewal first:
        those that are flagged, and those whose tasks wait to be closed.
        """
        ...

    def upcoming(self, until: date, limit: int, *, late_only: bool = False) -> list[RenewalRow]:
        """Accounts inside a renewal window that renew by a day, the nearest first.

        Each with the task of its narrowest window, else the newest of an earlier renewal that is still open.
        """
        ...
