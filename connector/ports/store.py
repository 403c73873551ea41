"""What we ask of the store, table by table; a UnitOfWork is one transaction over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.domain.billing import BillingAccount
from connector.domain.billing_plan import StepKey
from connector.domain.inbox import InboxEvent
from connector.domain.refs import RecordRef
from connector.domain.write_back import RecordState, Values
from connector.ports.accounts import Accounts
from connector.ports.book import Book
from connector.ports.plans import Plans
from connector.ports.portfolios import Portfolios
from connector.ports.receivables import ReceivableRows
from connector.ports.renewals import Renewals
from connector.ports.said import Said
from connector.ports.terms import Terms
from connector.targets import Target


@dataclass(frozen=True, slots=True)
class Link:
    """A remembered step: this CRM record's role is filled by that billing record."""

    key: StepKey
    target: RecordRef
    mapping_version: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step about to be tried. ``number`` counts from 1; ``epoch`` is part of its idempotency key."""

    key: StepKey
    number: int
    epoch: int

    @property
    def idempotency_key(self) -> str:
        return f"{self.key}#{self.epoch}"


@dataclass(frozen=True, slots=True)
class DealBilling:
    """How a deal was billed: to which customer and account, and what its first invoice must come to (minor units)."""

    customer: RecordRef
    account: RecordRef
    expected: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountDeal:
    """A deal billed to a customer, and the record that bills it."""

    deal: RecordRef
    role: str
    target: RecordRef


@dataclass(frozen=True, slots=True)
class ParkedTarget:
    """Work that waits for a person."""

    target: Target
    attempts: int
    error: str
    since: datetime


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One saved version of a CRM's mapping; ``body`` is the mapping as JSON."""

    crm: str
    version: int
    author: str
    why: str
    body: Mapping[str, Any]
    created_at: datetime
    active: bool


@dataclass(frozen=True, slots=True)
class AuditProof:
    """What reading the audit's chain from its beginning has shown."""

    sealed: int  #: lines whose seal is right, counted up to the first that is not
    last_seal: str  #: note it elsewhere: it stands for every line before it
    broken_at: int | None  #: number of the first line that was changed or is missing; None when the chain holds


@dataclass(frozen=True, slots=True)
class TargetCounts:
    """How much work there is, for metrics and the doctor."""

    dirty: int
    parked: int
    oldest_dirty_seconds: float


class Inbox(Protocol):
    def add(self, event: InboxEvent, received_at: datetime) -> bool:
        """Store it; False when (source, event_id) is known already."""
        ...

    def recent(self, limit: int = 50, *, problems_only: bool = False) -> list[InboxEvent]: ...

    def get(self, source: str, event_id: str) -> InboxEvent | None: ...


class Targets(Protocol):
    def mark_dirty(self, target: Target) -> None:
        """Something happened: raise seq, unpark, wake a worker if it was clean; all in this transaction."""
        ...

    def mark_all(self, marked: Iterable[Target], *, unpark: bool = True) -> int:
        """Mark many at once, in sorted order, so that two transactions never wait for each other crosswise.

        With ``unpark=False`` parked Targets stay as they are. Gives how many turned dirty.
        """
        ...

    def replay(self, target: Target) -> None:
        """Work on it now, whatever its state: unpark, forget earlier failures and any wait, and wake a worker."""
        ...

    def wake(self, target: Target) -> None:
        """Queue a wake-up, whatever the Target's state; it does nothing when one is queued already."""
        ...

    def start(self, target: Target) -> int | None:
        """Under the row lock: the seq to work for, or None when clean, parked, or not due before a later moment."""
        ...

    def finish(self, target: Target, seq: int) -> bool:
        """The work for ``seq`` is done. True when more came meanwhile, so that the caller goes round again."""
        ...

    def fail(self, target: Target, error: str, *, retry_in: timedelta | None) -> int:
        """The work failed: come back after ``retry_in``, or park when None. Gives the number of attempts so far."""
        ...

    def attempts(self, target: Target) -> int: ...

    def failing_for(self, target: Target) -> timedelta:
        """How long ago the first failure of the present row of failures was; zero when there is none."""
        ...

    def sweep(self, limit: int = 500) -> int:
        """Wake whatever is dirty and due, one process at a time. Gives how many."""
        ...

    def parked(self, limit: int = 100) -> list[ParkedTarget]: ...

    def counts(self) -> TargetCounts: ...


class Links(Protocol):
    def get(self, key: StepKey) -> RecordRef | None: ...

    def of(self, owner: RecordRef) -> dict[str, RecordRef]:
        """Every filled role of one CRM record."""
        ...

    def attempt(self, key: StepKey) -> Attempt:
        """Note, before the call is made, that a step is about to be tried."""
        ...

    def new_epoch(self, key: StepKey) -> None:
        """The step's key is spent: the next attempt uses a new one."""
        ...

    def begun(self, keys: Iterable[StepKey]) -> bool:
        """Whether one of these steps is done, or was tried and nobody knows yet whether it is."""
        ...

    def try_payer(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """Note, before it is done, that the deal is about to be billed to a customer.

        Gives those it may have been billed to before without our hearing of it: a deal may change its account, and
        between recurring and one-off, from one attempt to the next.
        """
        ...

    def remember(self, link: Link) -> None:
        """Fill the role. Raises ValueError if another record fills it already."""
        ...

    def give_up(self, link: Link) -> None:
        """What filled the role is gone for good: the role is empty again, and its idempotency key spent."""
        ...

    def follow(self, old: RecordRef, new: RecordRef) -> None:
        """A CRM record was merged into another: what it filled is the other's now, where that one has nothing."""
        ...

    def owners(self, target: RecordRef) -> list[StepKey]:
        """Which CRM records this billing record stands for."""
        ...

    def deals_of(self, customer: RecordRef) -> list[AccountDeal]:
        """Deals billed to this customer, by remembering them with ``bill_to``."""
        ...

    def billing_of(self, deal: RecordRef) -> DealBilling | None:
        """How a deal was billed, once ``bill_to`` remembered it."""
        ...

    def bill_to(self, deal: RecordRef, billing: DealBilling) -> None:
        """Remember how a deal was billed; the last word wins."""
        ...


class Ledger(Protocol):
    def save(self, account: BillingAccount, seen_at: datetime) -> bool:
        """Bring the ledger up to what billing said at ``seen_at``; False when a newer answer is stored already."""
        ...

    def account(self, customer: RecordRef) -> BillingAccount | None: ...

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        """The customer behind a ledger record, by any of its ids; None when it is not mirrored."""
        ...

    def hold(self, customer: RecordRef) -> bool:
        """Lock the customer's row until the transaction ends; False when it is not mirrored."""
        ...

    def assessed(self, customer: RecordRef, at: datetime) -> None: ...

    def customers(self) -> list[RecordRef]: ...


class Records(Protocol):
    """CRM record state: desired and written."""

    def desire(self, ref: RecordRef, values: Values) -> bool:
        """Merge values into what the record should show; True when something now differs from what was written."""
        ...

    def waiting(self, crm: str, limit: int) -> list[RecordState]:
        """Records of one CRM that differ and may be written now, longest waiting first."""
        ...

    def sending(self, states: Sequence[RecordState]) -> None:
        """These states' differences are about to be sent: until told, nobody knows what stands in the CRM.

        Whoever dies between the call and its answer may have written them. A value that then goes back to what was
        written before would look written, and the record would show the wrong one for good.
        """
        ...

    def written(self, ref: RecordRef, values: Values, at: datetime) -> None: ...

    def written_at(self, refs: Sequence[RecordRef]) -> dict[RecordRef, datetime]:
        """When each of these was last written by us; those that never were are left out."""
        ...

    def billed_and_written(
        self, crm: str, since: datetime, after: RecordRef | None, limit: int
    ) -> list[tuple[RecordRef, datetime]]:
        """Billed deals of one CRM that we last wrote at or after ``since``, and when, oldest write first.

        With ``after``, of those written at ``since`` itself only those behind it: so a page follows the one before.
        """
        ...

    def failed(self, ref: RecordRef, error: str, *, retry_in: timedelta | None) -> None:
        """This row alone failed: try it again after ``retry_in``, or park it when None.

        Each failure in a row makes the wait longer, up to an hour, and the last of many parks it. A parked row is
        tried again when its values change, and by itself: after an hour, later once a day.
        """
        ...

    def desire_all(self, values: Mapping[RecordRef, Values]) -> dict[RecordRef, bool]:
        """``desire`` for many records at once, touching only those with news: a quiet change alone is none.

        Gives those that changed, and whether they now differ from what was written.
        """
        ...

    def get(self, ref: RecordRef) -> RecordState | None: ...

    def parked(self, limit: int = 100) -> list[tuple[RecordRef, str]]: ...

    def revive(self) -> list[str]:
        """Unpark rows whose time has come. Gives the CRMs that have rows to be written now."""
        ...


class AdminSettings(Protocol):
    """Settings that admins change while we run, and the watermarks of polling."""

    def get(self, name: str) -> Any: ...

    def put(self, name: str, value: Any, *, by: str, why: str = "") -> None: ...

    def watermark(self, name: str) -> datetime | None: ...

    def set_watermark(self, name: str, moment: datetime) -> None: ...


class Audit(Protocol):
    def record(self, what: str, subject: str, detail: Mapping[str, Any], at: datetime) -> None: ...

    def recent(self, limit: int = 50) -> list[Mapping[str, Any]]: ...

    def seal(self, limit: int = 10_000) -> int:
        """Chain what is not chained yet, so that a later change shows. Gives how many lines."""
        ...

    def verify(self) -> AuditProof:
        """Work out the chain again from its first line."""
        ...


class Mappings(Protocol):
    """Every mapping version an admin saved."""

    def save(self, crm: str, body: Mapping[str, Any], *, author: str, why: str) -> int:
        """Keep a new version and give its number; it is not in use before ``activate``."""
        ...

    def activate(self, crm: str, version: int) -> None:
        """Use this version from now on; 0 is the one we ship. Raises LookupError when there is no such version."""
        ...

    def active(self, crm: str) -> MappingVersion | None:
        """The version in use; None while it is the one we ship."""
        ...

    def active_version(self, crm: str) -> int:
        """The number of the version in use; 0 while it is the one we ship."""
        ...

    def get(self, crm: str, version: int) -> MappingVersion | None:
        """One saved version."""
        ...

    def billed_by_others(self, crm: str, version: int, after: RecordRef | None, limit: int) -> list[RecordRef]:
        """Billed deals of a CRM that another version than this one has billed, by name, from after ``after`` on."""
        ...

    def versions(self, crm: str, limit: int = 100) -> list[MappingVersion]:
        """Newest first."""
        ...


class UnitOfWork(Protocol):
    """One transaction."""

    inbox: Inbox
    targets: Targets
    links: Links
    ledger: Ledger
    receivables: ReceivableRows
    book: Book
    records: Records
    settings: AdminSettings
    audit: Audit
    mappings: Mappings
    accounts: Accounts
    said: Said
    renewals: Renewals
    plans: Plans
    portfolios: Portfolios
    terms: Terms


class Store(Protocol):
    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """One transaction: committed when the block ends well, rolled back when it raises.

        Raises Unreachable when the database cannot be reached.
        """
        ...

    def receive(self, events: Sequence[InboxEvent], received_at: datetime) -> int:
        """Store what is new, mark dirty what it is about and wake a worker: all or nothing, committed on return.

        Gives how many were new. Raises Unreachable when the database cannot be reached.
        """
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock shared by all processes while the block runs; it falls with the process.

        Raises RetryLater when it stays busy.
        """
        ...

    def ping(self) -> None:
        """Raises Unreachable."""
        ...
