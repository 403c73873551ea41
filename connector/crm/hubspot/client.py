"""HubSpot as our Crm: deals read, records written, fields described, the account checked and set up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Self

from connector.crm.hubspot.api import HubSpotApi
from connector.crm.hubspot.calls import Calls
from connector.crm.hubspot.catalog import Catalog
from connector.crm.hubspot.changed_deals import ChangedDeals
from connector.crm.hubspot.checks import AccountCheck
from connector.crm.hubspot.deals import DealReader
from connector.crm.hubspot.ownership import Ownership
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.setup import AccountSetup
from connector.crm.hubspot.tasks import Tasks
from connector.crm.hubspot.writes import BatchWriter
from connector.domain.refs import RecordRef
from connector.ports import (
    Check,
    Clock,
    CrmTask,
    CrmWrite,
    DealRecords,
    FieldCatalog,
    RowResult,
    SetupAction,
    Throttle,
    Touched,
)
from mappings.model import FieldMapping


class HubSpotClient:
    """One HubSpot account. Safe to share between threads."""

    name = "hubspot"

    def __init__(
        self,
        settings: HubSpotSettings,
        throttle: Throttle,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        api = HubSpotApi(settings, Calls(throttle, clock, settings.time_zone, sleep))
        catalog = Catalog(api, clock)
        self._catalog = catalog
        self._deals = DealReader(api, catalog)
        self._changed = ChangedDeals(api, catalog)
        self._writer = BatchWriter(api, catalog)
        self._tasks = Tasks(api, settings.time_zone)
        self._ownership = Ownership(api, catalog)
        self._check = AccountCheck(api, catalog, settings)
        self._setup = AccountSetup(api)

    @classmethod
    def connect(cls, settings: HubSpotSettings, throttle: Throttle, clock: Clock) -> Self:
        """A client for these settings; nothing is asked of HubSpot yet."""
        return cls(settings, throttle, clock)

    def fetch_deal(self, ref: RecordRef, mapping: FieldMapping) -> DealRecords:
        """The deal as it stands, with every property the mapping reads.

        Raises: NotFound, AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._deals.fetch(ref, mapping)

    def won_since(self, moment: datetime) -> Iterator[RecordRef]:
        """Won deals that changed at or after ``moment``, oldest change first.

        HubSpot's search lags its records by seconds: whoever keeps the watermark looks back a little further.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._changed.won_since(moment)

    def stages_from(self, stages: Sequence[str]) -> tuple[str, ...]:
        """The open stages at or after any of these, by id, each within its own pipeline."""
        return self._catalog.stages_from(stages)

    def open_since(self, moment: datetime, stages: Sequence[str]) -> Iterator[RecordRef]:
        """Open deals at or after any of these stages that changed at or after ``moment``, oldest change first.

        A change of the company alone is not among them: HubSpot's search cannot join.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._changed.open_since(moment, stages)

    def touched_since(self, moment: datetime, marker: str) -> Iterator[Touched]:
        """Deals that changed at or after ``moment`` and whose property ``marker`` holds a value, oldest change first.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._changed.touched_since(moment, marker)

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        """One result per write, in order.

        Raises: RetryLater, AccessLost: nothing is known of any row.
        """
        return self._writer.write(writes)

    def open_deals(self, account: RecordRef) -> Sequence[RecordRef]:
        """The open deals of a company, newest first, at most a hundred.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._ownership.open_deals(account)

    def owner_of(self, record: RecordRef) -> RecordRef | None:
        """The person who owns a company or a deal.

        Raises: NotFound, AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._ownership.owner_of(record)

    def find_task(self, record: RecordRef, subject: str) -> RecordRef | None:
        """The newest task on that record with exactly this subject, done or not.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._tasks.find(record, subject)

    def create_task(self, task: CrmTask) -> RecordRef:
        """Make a task, once.

        Raises: NotFound, AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._tasks.create(task)

    def close_task(self, task: RecordRef, note: str) -> bool:
        """Mark a task as done; False when it is gone or done already.

        Raises: AccessLost, Rejected, RateLimited, Unreachable.
        """
        return self._tasks.close(task, note)

    def describe(self, kind: str) -> FieldCatalog:
        """The properties of our kind ``deal``, ``account``, ``contact``, ``line_item`` or ``product``."""
        return self._catalog.of(kind)

    def check(self, mapping: FieldMapping) -> list[Check]:
        """Token, scopes, properties, won stages, daily calls, webhooks. Changes nothing."""
        return self._check.run(mapping)

    def setup(self, mapping: FieldMapping) -> list[SetupAction]:
        """The property group and every property of ours that the mapping names, made or to be made."""
        return self._setup.plan(mapping)
