"""What people said about how accounts pay: a word over ours, and promises to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from connector.domain.health_override import Override
from connector.domain.health_word import Health
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef


@dataclass(frozen=True, slots=True)
class NewOverride:
    """A person's word over ours, about to be kept."""

    account: RecordRef
    word: Health
    set_by: str
    why: str
    until: date


@dataclass(frozen=True, slots=True)
class NewPromise:
    """A promise to pay, about to be kept; ``amount`` in minor units of ``currency``, None for all that is owed."""

    customer: RecordRef
    promised_for: date
    noted_by: str
    invoice: RecordRef | None = None
    amount: int | None = None
    currency: str = ""
    note: str = ""


class Said(Protocol):
    """The tables ``health_override`` and ``promise``: nothing in them is changed, only ended."""

    def override(self, new: NewOverride, at: datetime) -> Override:
        """Keep a person's word; it ends whatever was said before it of the same account."""
        ...

    def end_override(self, account: RecordRef, by: str, at: datetime) -> int:
        """End what is in force; gives how many there were."""
        ...

    def overrides(self, account: RecordRef | None = None, limit: int = 100) -> list[Override]:
        """Those that were not ended, newest first; of one account, or of all."""
        ...

    def promise(self, new: NewPromise, at: datetime) -> Promise:
        """Keep a promise to pay."""
        ...

    def invoices_numbered(self, number: str) -> list[tuple[RecordRef, RecordRef, str]]:
        """The invoices that carry a number: each with its customer and its currency."""
        ...

    def withdraw(self, promise: int, at: datetime) -> Promise | None:
        """Take a promise back; None where there is none of that number that stands."""
        ...

    def promises(self, customer: RecordRef | None = None, limit: int = 100) -> list[Promise]:
        """Newest first; of one customer, or of all."""
        ...
