"""A CRM in memory, beside the billing system. They keep the promises of tests/contracts, as the real ones do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import Gone, NeedsHuman, NotFound, Rejected, RetryLater
from connector.ports import (
    Check,
    Clock,
    CrmTask,
    CrmWrite,
    DealRecords,
    FieldCatalog,
    FieldInfo,
    LineRecords,
    RowResult,
    SetupAction,
    Touched,
)
from mappings.model import FieldMapping, FieldRule
from tests.fake_billing import FakeBilling, Trouble, no_trouble

__all__ = ["MAPPING", "FakeBilling", "FakeCrm", "Trouble", "a_fake_deal", "no_trouble"]

MAPPING = FieldMapping(
    crm="fake",
    version=1,
    objects={"deal": "Deal", "account": "Company", "line_item": "Line"},
    deal=(
        FieldRule("deal.name", "Deal.name"),
        FieldRule("deal.currency", "Deal.currency", "currency"),
        FieldRule("terms.start", "Deal.start", "date"),
        FieldRule("terms.net_days", "Deal.net_days", "net_days"),
        FieldRule("terms.po_number", "Deal.po_number"),
        FieldRule("account.name", "Company.name", required=True),
        FieldRule("account.customer_id", "Company.customer_id"),
        FieldRule("contact.email", "Contact.email", "email"),
    ),
    line_item=(
        FieldRule("line.quantity", "Line.quantity", "decimal"),
        FieldRule("line.unit_price", "Line.price", "decimal"),
        FieldRule("line.interval", "Line.interval", "interval"),
        FieldRule("product.name", "Line.name"),
        FieldRule("product.code", "Line.code"),
    ),
    write_back={
        kind: {name: f"billing_{name}" for name in names}
        for kind, names in {
            "account": ("customer_id", "open_balance", "overdue_balance", "health", "late_payer", "synced_at"),
            "deal": ("customer_id", "subscription_id", "open_balance", "sync_status", "sync_message", "synced_at"),
        }.items()
    },
)


OPEN_STAGES = ("talking", "offered", "promised")
"""Of the fake CRM's one pipeline, in order."""


@dataclass
class FakeCrm:
    """A CRM that holds deals as plain records and remembers what was written to them."""

    name: str = "fake"
    deals: dict[RecordRef, DealRecords] = field(default_factory=dict)
    changed_at: dict[RecordRef, datetime] = field(default_factory=dict)
    shown: dict[RecordRef, dict[str, Value]] = field(default_factory=dict)
    refusals: dict[RecordRef, RetryLater | NeedsHuman] = field(default_factory=dict)
    hidden: set[RecordRef] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    trouble: Trouble = no_trouble
    owners: dict[RecordRef, RecordRef] = field(default_factory=dict)  #: of an account or a deal; else the deal's own
    inactive: set[RecordRef] = field(default_factory=set)  #: owners who left
    tasks: dict[RecordRef, CrmTask] = field(default_factory=dict)
    closed_tasks: dict[RecordRef, str] = field(default_factory=dict)  #: the note with which each was closed
    clock: Clock | None = None  #: with one, what we write is a change of the deal too, as it is in a real CRM

    def has(self, deal: DealRecords, at: datetime | None = None) -> RecordRef:
        """Put a deal there, as a person in the CRM would."""
        self.deals[deal.ref] = deal
        for ref in (deal.ref, deal.account):
            if ref is not None:
                self.shown.setdefault(ref, {})
        if at is not None:
            self.changed_at[deal.ref] = at
        return deal.ref

    def fetch_deal(self, ref: RecordRef, mapping: FieldMapping) -> DealRecords:
        self._call("fetch_deal")
        if ref in self.hidden:
            raise NotFound("There is no such deal, or we cannot see it.", ref=ref)
        if ref not in self.deals:
            raise Gone("The deal is gone.", ref=ref)
        return self.deals[ref]

    def won_since(self, moment: datetime) -> Iterable[RecordRef]:
        self._call("won_since")
        return sorted(
            (ref for ref, at in self.changed_at.items() if at >= moment and self.deals[ref].won),
            key=lambda ref: self.changed_at[ref],
        )

    def stages_from(self, stages: Sequence[str]) -> tuple[str, ...]:
        first = min((OPEN_STAGES.index(stage) for stage in stages if stage in OPEN_STAGES), default=len(OPEN_STAGES))
        return OPEN_STAGES[first:]

    def open_since(self, moment: datetime, stages: Sequence[str]) -> Iterable[RecordRef]:
        self._call("open_since")
        wanted = self.stages_from(stages)
        changed = [
            ref
            for ref, at in self.changed_at.items()
            if at >= moment and not self.deals[ref].closed and self.deals[ref].stage in wanted
        ]
        return sorted(changed, key=lambda ref: self.changed_at[ref])

    def touched_since(self, moment: datetime, marker: str) -> Iterable[Touched]:
        self._call("touched_since")
        marked = {ref for ref in self.deals if self.shown[ref].get(marker) not in (None, "")}
        changed = [Touched(ref, at) for ref, at in self.changed_at.items() if at >= moment and ref in marked]
        return sorted(changed, key=lambda touched: touched.at)

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        if not writes:
            return []
        self._call("write")
        results = []
        for write in writes:
            refused: Exception | None = self.refusals.get(write.ref)
            if refused is None and write.ref not in self.shown:
                refused = NotFound("The record is gone.", ref=write.ref)
            if refused is None:
                self.shown[write.ref].update(write.fields)
                if self.clock is not None and write.ref in self.deals:
                    self.changed_at[write.ref] = self.clock()
            results.append(RowResult(write.ref, refused))
        return results

    def open_deals(self, account: RecordRef) -> Sequence[RecordRef]:
        self._call("open_deals")
        found = [ref for ref, deal in self.deals.items() if deal.account == account and not deal.closed]
        return found[::-1][:100]

    def owner_of(self, record: RecordRef) -> RecordRef | None:
        self._call("owner_of")
        if record not in self.shown:
            raise NotFound("The record is gone.", ref=record)
        deal = self.deals.get(record)
        owner = self.owners.get(record) or (deal.owner if deal else None)
        return None if owner in self.inactive else owner

    def find_task(self, record: RecordRef, subject: str) -> RecordRef | None:
        self._call("find_task")
        found = [ref for ref, task in self.tasks.items() if (task.record, task.subject) == (record, subject)]
        return found[-1] if found else None

    def create_task(self, task: CrmTask) -> RecordRef:
        """``trouble("after create_task")`` strikes after the task was made: its answer is lost."""
        self._call("create_task")
        if task.record not in self.shown:
            raise NotFound("The record is gone.", ref=task.record)
        if task.owner in self.inactive:
            raise Rejected("The owner is not active.", ref=task.record)
        ref = RecordRef(self.name, "task", f"task-{len(self.tasks) + 1}")
        self.tasks[ref] = task
        self.trouble("after create_task")
        return ref

    def close_task(self, task: RecordRef, note: str) -> bool:
        self._call("close_task")
        if task not in self.tasks or task in self.closed_tasks:
            return False
        self.closed_tasks[task] = note
        return True

    def describe(self, kind: str) -> FieldCatalog:
        names = MAPPING.write_back.get(kind, {}).values()
        return FieldCatalog(kind, {name: FieldInfo(name, name, "text") for name in names})

    def check(self, mapping: FieldMapping) -> list[Check]:
        return []

    def setup(self, mapping: FieldMapping) -> list[SetupAction]:
        return []

    def _call(self, operation: str) -> None:
        self.calls.append(operation)
        self.trouble(operation)


def a_fake_deal(
    number: str = "1",
    *,
    account: str = "1",
    won: bool = True,
    lines: Sequence[Mapping[str, Any]] = ({"name": "Seats", "quantity": 5, "price": "20.00", "interval": "monthly"},),
    email: str = "ap@acme.example",
    **deal: Any,
) -> DealRecords:
    """A deal as the fake CRM holds it."""
    return DealRecords(
        ref=RecordRef("fake", "deal", number),
        won=won,
        closed=won,
        account=RecordRef("fake", "account", account),
        contact=RecordRef("fake", "contact", account),
        owner=None,
        records={
            "Deal": {"name": f"Deal {number}", "currency": "EUR", **deal},
            "Company": {"name": f"Company {account}"},
            "Contact": {"email": email},
        },
        lines=tuple(
            LineRecords(
                RecordRef("fake", "line_item", f"{number}-{n}"), RecordRef("fake", "product", str(n)), {"Line": line}
            )
            for n, line in enumerate(lines)
        ),
    )
