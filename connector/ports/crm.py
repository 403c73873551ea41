"""What we ask of any CRM, and the records that travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import CannotBill
from connector.ports.checks import Check, SetupAction
from mappings.model import FieldMapping


@dataclass(frozen=True, slots=True)
class LineRecords:
    """One line item as the CRM has it: object name -> its record, in the CRM's own field names."""

    ref: RecordRef
    product: RecordRef | None
    records: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DealRecords:
    """A deal and all that belongs to it, as the CRM has it, in the CRM's own field names.

    ``records`` maps an object name ("Opportunity", "Account", "Contact"; "deal", "company", "contact") to its record;
    relations are nested records. Numbers are Decimal. Won and closed are the CRM's own flags, never a label.

    A path with a label in brackets finds its record under that very name: ``company[Bill To]``, ``contact[Billing]``,
    ``Contact[Billing]``. Where several contacts carry the label, each field holds all of their values, once each and
    parted by semicolons.
    """

    ref: RecordRef
    won: bool
    closed: bool
    account: RecordRef | None
    contact: RecordRef | None
    owner: RecordRef | None
    records: Mapping[str, Mapping[str, Any]]
    lines: tuple[LineRecords, ...]
    problem: str = ""  #: why it cannot be read as one deal: "two companies, none of them primary"
    refusal: CannotBill | None = None  #: the same as an error to raise, with its sentence's id, field and advice
    won_at: datetime | None = None  #: when it came to be won, as the CRM itself notes it; None where it does not
    absorbed: tuple[RecordRef, ...] = ()  #: deals that were merged into this one
    stage: str = ""  #: its stage, by id or API name
    payer: RecordRef | None = None  #: who pays, as ``payer.id`` reads it, where it is not the account
    formerly: tuple[RecordRef, ...] = ()  #: accounts that were merged into the deal's account

    @property
    def lost(self) -> bool:
        """Closed, and not won."""
        return self.closed and not self.won


@dataclass(frozen=True, slots=True)
class Touched:
    """A deal that somebody or something has changed, and when, by the CRM's own clock. A write of ours counts too."""

    ref: RecordRef
    at: datetime


@dataclass(frozen=True, slots=True)
class CrmWrite:
    """Fields to set on one CRM record, in the CRM's own names. None clears a field."""

    ref: RecordRef
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class CrmTask:
    """A thing for a person to do about an account or a deal, as their CRM shows it in their list of tasks.

    ``subject`` finds the task again and is one line, as ``task_subject`` makes it; ``body`` is plain text.
    """

    record: RecordRef  #: the account or deal it is about
    owner: RecordRef | None  #: whose it is; None leaves it to the CRM: ourselves in Salesforce, nobody in HubSpot
    subject: str
    body: str
    due: date
    high_priority: bool = False


SUBJECT_LENGTH = 255
"""Characters that a task's subject may have in any CRM we know. Source: Salesforce, Task.Subject."""


def task_subject(text: str) -> str:
    """The text as a subject that every CRM keeps as it is: one line without spaces at its ends, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else f"{line[: SUBJECT_LENGTH - 1].rstrip()}…"


@dataclass(frozen=True, slots=True)
class RowResult:
    """How one row of a batch write went. ``error`` is a RetryLater or a NeedsHuman; None means written."""

    ref: RecordRef
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field as the CRM describes it, in our words."""

    name: str
    label: str
    type: str  #: text, long_text, number, money, percent, date, datetime, checkbox, choice, reference, other
    writable: bool = True
    required: bool = False
    length: int | None = None
    scale: int | None = None
    choices: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  #: the objects that a reference leads to, in the CRM's own names
    relation: str = ""  #: the name by which a path goes through a reference: Account for AccountId


@dataclass(frozen=True, slots=True)
class FieldCatalog:
    """Every field of one CRM object that we can see."""

    object: str
    fields: Mapping[str, FieldInfo]


class Crm(Protocol):
    """What we ask of any CRM."""

    name: str

    def fetch_deal(self, ref: RecordRef, mapping: FieldMapping) -> DealRecords:
        """The deal as it stands, with every field the mapping reads, in the fewest calls.

        Raises: Gone when it was deleted or merged for sure, NotFound when nobody can say; AccessLost, Rejected,
            RateLimited, Unreachable.
        """
        ...

    def won_since(self, moment: datetime) -> Iterable[RecordRef]:
        """Deals that are won and changed at or after ``moment``, oldest first."""
        ...

    def stages_from(self, stages: Sequence[str]) -> tuple[str, ...]:
        """The open stages at or after any of these, by id or API name; what no pipeline has is left out.

        Stages have an order within their pipeline only: a stage of one says nothing about those of another.
        """
        ...

    def open_since(self, moment: datetime, stages: Sequence[str]) -> Iterable[RecordRef]:
        """Open deals at or after any of these stages that changed at or after ``moment``, oldest first.

        Where the CRM can tell, a change of the deal's account counts as one of the deal.
        """
        ...

    def touched_since(self, moment: datetime, marker: str) -> Iterable[Touched]:
        """Deals, won or not, that changed at or after ``moment`` and whose own field ``marker`` holds a value, oldest
        first; none at all where the CRM has no such field, or cannot search by it.

        ``marker`` is the CRM's own name of a field that only we write, so that deals we never dealt with stay out.
        """
        ...

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        """Write many records in full batches; one result per write, in order.

        A refused row is a result, not an exception; an exception means that nothing is known of any row.
        """
        ...

    def open_deals(self, account: RecordRef) -> Sequence[RecordRef]:
        """The open deals of an account, newest first, at most a hundred; none where there is no such account.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        ...

    def owner_of(self, record: RecordRef) -> RecordRef | None:
        """Who owns an account or a deal now; None where nobody does who could be given a task: a queue, a person who
        left.

        Raises: NotFound where there is no such record; AccessLost, Rejected, RateLimited, Unreachable.
        """
        ...

    def find_task(self, record: RecordRef, subject: str) -> RecordRef | None:
        """A task on that record with exactly this subject, done or not; the newest of several.

        Sees what was made a moment ago, by a call whose answer was lost as well: never asked of a search index.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        ...

    def create_task(self, task: CrmTask) -> RecordRef:
        """Make the task. Tried once: after a lost answer ``find_task`` says whether it was made.

        Raises: NotFound where the record is gone; Rejected where its owner cannot be given it; AccessLost, RateLimited,
            Unreachable.
        """
        ...

    def close_task(self, task: RecordRef, note: str) -> bool:
        """Mark the task as done and add the note to what it says; False when it is gone or done already.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        ...

    def describe(self, kind: str) -> FieldCatalog:
        """The fields of our kind ``deal``, ``account``, ``contact``, ``line_item``, ``product`` or ``owner``, or of an
        object that a reference of theirs leads to, by the CRM's own name for it.

        Raises: Unsupported for a kind that the CRM has no object for; NotFound for an object that it does not show us.
        """
        ...

    def check(self, mapping: FieldMapping) -> list[Check]:
        """Credentials, scopes, fields present, budget: what a doctor would ask."""
        ...

    def setup(self, mapping: FieldMapping) -> list[SetupAction]:
        """Everything set-up would make, in order; reads only. ``apply`` of each action makes it."""
        ...
