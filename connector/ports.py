"""What we ask of a CRM, of billing, of a webhook and of the store, and the Services they form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import SecretStr

from connector.domain.billing import BillingAccount
from connector.domain.billing_plan import Catalogue, Step, StepKey
from connector.domain.inbox import Acknowledgement, InboundRequest, InboxEvent
from connector.domain.payment_health import HealthPolicy
from connector.domain.planning import BillingPolicy
from connector.domain.refs import RecordRef
from connector.domain.write_back import RecordState, Value, Values
from connector.targets import Target
from mappings.model import FieldMapping

Clock = Callable[[], datetime]
"""Now, as aware UTC."""


class Throttle(Protocol):
    """A rate limiter shared by all processes."""

    def wait(self, name: str) -> None:
        """Wait for a turn under this limit. Work named with ``:optional`` behind stands back on a scarce day.

        Raises:
            RateLimited: the queue is so long that the work should come back later.
        """
        ...

    def budget(self, name: str, used: int, allowed: int) -> None:
        """Remember how much of a daily allowance the vendor says is used."""
        ...


class Unlimited:
    """A throttle that lets everything through: for commands and tests that make a handful of calls."""

    def wait(self, name: str) -> None:
        """There is always a turn."""

    def budget(self, name: str, used: int, allowed: int) -> None:
        """Nobody counts."""


# --- CRM ------------------------------------------------------------------------------------------------------------


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
    won_at: datetime | None = None  #: when it came to be won, as the CRM itself notes it; None where it does not
    absorbed: tuple[RecordRef, ...] = ()  #: deals that were merged into this one


@dataclass(frozen=True, slots=True)
class CrmWrite:
    """Fields to set on one CRM record, in the CRM's own names. None clears a field."""

    ref: RecordRef
    fields: Mapping[str, Value]


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
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldCatalog:
    """Every field of one CRM object that we can see."""

    object: str
    fields: Mapping[str, FieldInfo]


class CheckStatus(StrEnum):
    """How a doctor's check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: an id, a sentence, and what to do about it."""

    id: str
    status: CheckStatus
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SetupAction:
    """One thing set-up makes, or finds made. ``done`` says it is there already."""

    id: str  #: "field Account.Billing_Health__c"
    sentence: str
    done: bool
    apply: Callable[[], None] | None = field(default=None, compare=False, repr=False)


class Crm(Protocol):
    """What we ask of any CRM."""

    name: str

    def fetch_deal(self, ref: RecordRef, mapping: FieldMapping) -> DealRecords:
        """The deal as it stands, with every field the mapping reads, in the fewest calls.

        Raises: NotFound, AccessLost, Rejected, RateLimited, Unreachable.
        """
        ...

    def won_since(self, moment: datetime) -> Iterable[RecordRef]:
        """Deals that are won and changed at or after ``moment``, oldest first."""
        ...

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        """Write many records in full batches; one result per write, in order.

        A refused row is a result, not an exception; an exception means that nothing is known of any row.
        """
        ...

    def describe(self, kind: str) -> FieldCatalog:
        """The fields of our kind ``deal``, ``account`` or ``line_item``."""
        ...

    def check(self, mapping: FieldMapping) -> list[Check]:
        """Credentials, scopes, fields present, budget: what a doctor would ask."""
        ...

    def setup(self, mapping: FieldMapping) -> list[SetupAction]:
        """Everything set-up would make, in order; reads only. ``apply`` of each action makes it."""
        ...


# --- Billing --------------------------------------------------------------------------------------------------------


class Billing(Protocol):
    """What we ask of billing."""

    name: str

    def prices(self, price_ids: Sequence[str], lookup_keys: Sequence[str]) -> Catalogue:
        """Those of the named prices that exist and are active."""
        ...

    def find(self, step: Step, made: Mapping[StepKey, RecordRef]) -> RecordRef | None:
        """What an earlier attempt at this step made without our hearing so; by consistent lists, never by search."""
        ...

    def made_for(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """Whatever earlier attempts made to bill this deal to this customer, in any form, and what still holds.

        What was cancelled, voided or deleted since is left out.
        """
        ...

    def run(self, step: Step, made: Mapping[StepKey, RecordRef], key: str) -> RecordRef:
        """Make what the step says, once per ``key``.

        Raises: Rejected (nothing was made), RateLimited, Unreachable (something may have been made: ``find`` it),
        KeyUsed (the key is spent on another request, or on a failure that would only be replayed).
        """
        ...

    def release_first_invoice(self, made: RecordRef, expected: int | None) -> None:
        """Finalise and send the first invoice of what a step made, so that its link exists at once.

        ``made`` is a subscription or an invoice. A second call changes nothing.

        Raises: NeedsHuman: the draft does not come to ``expected`` minor units before tax; it is held.
        """
        ...

    def account(self, customer: RecordRef) -> BillingAccount:
        """All that billing knows of one customer now. Raises NotFound when it never existed."""
        ...

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        """The customer behind an invoice, payment, dispute, refund or credit note; None when it has none."""
        ...

    def events_since(self, moment: datetime) -> Iterable[InboxEvent]:
        """Events since ``moment`` in billing's own log, oldest first: what a dead endpoint missed."""
        ...

    def check(self, public_url: str) -> list[Check]:
        """Credentials, endpoint, mode: what a doctor would ask."""
        ...

    def setup(self, public_url: str) -> list[SetupAction]:
        """Everything set-up would make, in order; reads only. ``apply`` of each action makes it."""
        ...

    @property
    def new_secret(self) -> SecretStr | None:
        """The signing secret of a webhook endpoint that set-up has just made: to be shown once, never logged."""
        ...


# --- Webhooks -------------------------------------------------------------------------------------------------------


class Webhook(Protocol):
    """How one sender's requests are told from forgeries, read, and answered."""

    source: str

    def verify(self, request: InboundRequest, now: datetime) -> None:
        """Raises NotGenuine unless the raw bytes are this sender's and fresh."""
        ...

    def parse(self, request: InboundRequest) -> list[InboxEvent]:
        """Every event in the delivery. Raises Unreadable for a body that makes no sense."""
        ...

    def acknowledge(self, request: InboundRequest) -> Acknowledgement:
        """The answer that tells this sender its delivery is safely stored."""
        ...


# --- Store ----------------------------------------------------------------------------------------------------------


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

    def not_assessed_since(self, moment: datetime, limit: int) -> list[RecordRef]:
        """Customers whose health was last worked out before ``moment``, longest ago first."""
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

    def written(self, ref: RecordRef, values: Values, at: datetime) -> None: ...

    def failed(self, ref: RecordRef, error: str, *, retry_in: timedelta | None) -> None:
        """This row alone failed: try it again after ``retry_in``, or park it when None.

        Each failure in a row makes the wait longer, up to an hour, and the last of many parks it. A parked row is
        tried again when its values change, and by itself: after an hour, later once a day.
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
        """Use this version from now on. Raises LookupError when there is no such version."""
        ...

    def active(self, crm: str) -> MappingVersion | None:
        """The version in use; None while it is the one we ship."""
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
    records: Records
    settings: AdminSettings
    audit: Audit
    mappings: Mappings

    def receive(self, events: Sequence[InboxEvent], received_at: datetime) -> int:
        """Store what is new and mark dirty what it is about, in one round trip. Gives how many were new."""
        ...


class Store(Protocol):
    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """One transaction: committed when the block ends well, rolled back when it raises.

        Raises Unreachable when the database cannot be reached.
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


# --- Cards and services ---------------------------------------------------------------------------------------------


class Feature(StrEnum):
    """What a provider can do; feeds the README's table."""

    LINE_ITEMS = "line_items"
    SIGNED_WEBHOOKS = "signed_webhooks"
    POLLING = "polling"
    BATCH_WRITES = "batch_writes"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class CrmProvider:
    """A CRM's card. ``settings`` is a frozen pydantic-settings class; ``connect`` and ``webhook`` take one of it."""

    name: str
    label: str
    settings: type[Any]
    connect: Callable[[Any, Throttle, Clock], Crm]
    webhook: Callable[[Any], Webhook]
    supports: frozenset[Feature]


@dataclass(frozen=True, slots=True)
class BillingProvider:
    """A billing system's card."""

    name: str
    label: str
    settings: type[Any]
    connect: Callable[[Any, Throttle, Clock], Billing]
    webhook: Callable[[Any], Webhook]
    supports: frozenset[Feature]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a use-case may call, built once by ``connector.bootstrap``."""

    store: Store
    crms: Mapping[str, Crm]
    billing: Billing
    webhooks: Mapping[str, Webhook]
    mappings: Mapping[str, FieldMapping]  #: CRM name -> its active mapping
    clock: Clock
    billing_policy: BillingPolicy
    health_policy: HealthPolicy
    throttle: Throttle = field(default_factory=Unlimited)
    public_url: str = ""
    poll_every: timedelta = timedelta(minutes=2)

    def today(self) -> date:
        """The day it is, UTC."""
        return self.clock().date()
