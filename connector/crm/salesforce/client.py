"""Salesforce as our Crm port: one query per deal, one call per two hundred written records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from connector.crm.salesforce.checks import run_checks
from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.ids import is_record_id, long_id
from connector.crm.salesforce.ownership import open_deals, owner_of
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.setup import plan_setup
from connector.crm.salesforce.soql import (
    deal_query,
    deleted_query,
    merged_query,
    open_query,
    touched_query,
    won_query,
)
from connector.crm.salesforce.stages import Stages
from connector.crm.salesforce.tasks import Tasks
from connector.crm.salesforce.translate import OBJECTS, deal_records, field_catalog
from connector.crm.salesforce.writes import write_all
from connector.domain.refs import RecordRef
from connector.errors import Gone, NotFound, Rejected, Unsupported
from connector.ports import (
    Check,
    Clock,
    CrmTask,
    CrmWrite,
    DealRecords,
    FieldCatalog,
    FieldInfo,
    RowResult,
    SetupAction,
    Throttle,
    Touched,
)
from connector.sentences.crm import DEAL_DELETED, DEAL_UNSEEN, NOT_A_DEAL
from connector.sentences.salesforce import NOT_A_KIND
from mappings.model import FieldMapping

CURRENCY_FIELD = "CurrencyIsoCode"

_MERGES_LAST = timedelta(seconds=30)
"""A deal that is billed rings again as soon as its record says so; its account was not merged in between."""

_MOST_MERGES = 1_000
"""Accounts of which the answer is kept."""


class SalesforceClient:
    """The ``Crm`` port. Safe among threads; connects on first use."""

    name = "salesforce"

    def __init__(
        self,
        settings: SalesforceSettings,
        throttle: Throttle,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._connection = Connection(settings, throttle, clock, sleep=sleep)
        self._schema = Schema(self._connection, clock)
        self._stages = Stages(self._connection, clock)
        self._tasks = Tasks(self._connection, clock)
        self._clock = clock
        self._merged: dict[str, tuple[datetime, tuple[RecordRef, ...]]] = {}

    @classmethod
    def connect(cls, settings: SalesforceSettings, throttle: Throttle, clock: Clock) -> Self:
        """The client for the org that the settings name. Makes no call yet."""
        return cls(settings, throttle, clock)

    def fetch_deal(self, ref: RecordRef, mapping: FieldMapping) -> DealRecords:
        """The deal in one query, with every field that the mapping reads and the org has.

        A won deal costs a second one, at most twice a minute for each account: which were merged into its own.
        """
        if ref.kind != "deal" or not is_record_id(ref.id):
            raise NotFound.because(NOT_A_DEAL, provider="salesforce", ref=ref)
        deal = RecordRef("salesforce", "deal", long_id(ref.id))
        try:
            return self._fetch(deal, mapping)
        except Rejected as error:
            if error.code != "INVALID_FIELD":
                raise
            self._schema.forget()  # a field went away since we last asked what there is
            return self._fetch(deal, mapping)

    def _fetch(self, deal: RecordRef, mapping: FieldMapping) -> DealRecords:
        query = deal_query(deal.id, mapping.paths("deal"), mapping.paths("line_item"), self._schema.has_path)
        found = self._connection.query(query.soql, ref=deal)
        if not found:
            raise self._why_not_found(deal)
        opportunity = found[0]
        return deal_records(
            deal,
            opportunity,
            self._connection.rest_of(opportunity.get("OpportunityLineItems"), deal),
            self._connection.rest_of(opportunity.get("OpportunityContactRoles"), deal),
            mapping,
            billing_role=self._settings.billing_contact_role,
            currency=self._settings.currency,
            formerly=self._merged_into(opportunity.get("AccountId")) if opportunity["IsWon"] else (),
        )

    def _merged_into(self, account_id: object) -> tuple[RecordRef, ...]:
        """The accounts that are this one now. Only what is billed has links that could follow them."""
        if not account_id:
            return ()
        account, now = str(account_id), self._clock()
        known = self._merged.get(account)
        if known is not None and now - known[0] < _MERGES_LAST:
            return known[1]
        rows = self._connection.query(merged_query(account), deleted=True)
        found = tuple(RecordRef("salesforce", "account", long_id(str(row["Id"]))) for row in rows)
        if len(self._merged) >= _MOST_MERGES:
            self._merged.clear()
        self._merged[account] = (now, found)
        return found

    def _why_not_found(self, deal: RecordRef) -> NotFound:
        """Deleted records answer for a while to those who ask for them; what sharing rules hide never does."""
        if self._connection.query(deleted_query(deal.id), ref=deal, deleted=True):
            return Gone.because(DEAL_DELETED, provider="salesforce", ref=deal, crm="Salesforce")
        return NotFound.because(DEAL_UNSEEN, provider="salesforce", ref=deal)

    def won_since(self, moment: datetime) -> Iterator[RecordRef]:
        """Deals that are won and changed at or after ``moment``, oldest first, fetched page by page.

        A write of ours is a change too: whoever bills must know what is billed already.
        """
        for row in self._connection.rows(won_query(moment)):
            yield RecordRef("salesforce", "deal", long_id(str(row["Id"])))

    def stages_from(self, stages: Sequence[str]) -> tuple[str, ...]:
        """The open stages at or after the first of these, by API name."""
        return self._stages.open_from(stages)

    def open_since(self, moment: datetime, stages: Sequence[str]) -> Iterator[RecordRef]:
        """Open deals at or after any of these stages that changed, or whose account did, at or after ``moment``."""
        wanted = self._stages.open_from(stages)
        if not wanted:
            return
        for row in self._connection.rows(open_query(moment, wanted)):
            yield RecordRef("salesforce", "deal", long_id(str(row["Id"])))

    def touched_since(self, moment: datetime, marker: str) -> Iterator[Touched]:
        """Deals that changed at or after ``moment`` and whose field ``marker`` holds a value, oldest first.

        None where the org has no such field or shows it to others only, or cannot filter by it, as by a long text.
        """
        field = self._schema.shape(OBJECTS["deal"]).fields.get(marker)
        if field is None or not field.get("filterable", True):
            return
        try:
            for row in self._connection.rows(touched_query(moment, marker)):
                at = datetime.fromisoformat(str(row["SystemModstamp"])).astimezone(UTC)
                yield Touched(RecordRef("salesforce", "deal", long_id(str(row["Id"]))), at)
        except Rejected as error:
            if error.code != "INVALID_FIELD":
                raise
            self._schema.forget()  # the field went away since we last asked what there is

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        """Write many records, two hundred to a call; one result per write, in order."""
        return write_all(writes, self._connection, self._schema)

    def open_deals(self, account: RecordRef) -> Sequence[RecordRef]:
        """The open deals of an account, newest first, at most a hundred."""
        return open_deals(self._connection, account)

    def owner_of(self, record: RecordRef) -> RecordRef | None:
        """The active user who owns an account or a deal."""
        return owner_of(self._connection, record)

    def find_task(self, record: RecordRef, subject: str) -> RecordRef | None:
        """The newest task on that record with exactly this subject, done or not."""
        return self._tasks.find(record, subject)

    def create_task(self, task: CrmTask) -> RecordRef:
        """Make a task, once."""
        return self._tasks.create(task)

    def close_task(self, task: RecordRef, note: str) -> bool:
        """Mark a task as done; False when it is gone or done already."""
        return self._tasks.close(task, note)

    def describe(self, kind: str) -> FieldCatalog:
        """The fields that we can see of one of our kinds, or of any object by its own name: ``User``, ``Contract``."""
        if kind not in OBJECTS and not kind[:1].isupper():
            raise Unsupported.because(NOT_A_KIND, provider="salesforce", kind=kind)
        return field_catalog(self._schema.shape(OBJECTS.get(kind, kind)), self._stand_ins(kind))

    def check(self, mapping: FieldMapping) -> list[Check]:
        """Credentials, org, allowance, fields, permissions, webhooks. Never raises for what it finds."""
        self._schema.forget()
        return run_checks(self._settings, self._connection, self._schema, mapping)

    def setup(self, mapping: FieldMapping) -> list[SetupAction]:
        """The fields, the permission set and its assignment that we need; made only where they are missing."""
        self._schema.forget()
        return plan_setup(self._connection, self._schema, mapping)

    def _stand_ins(self, kind: str) -> tuple[FieldInfo, ...]:
        if kind != "deal" or not self._settings.currency:
            return ()
        return (FieldInfo(CURRENCY_FIELD, "Currency of the org", "text", writable=False, length=3),)
