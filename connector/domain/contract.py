"""A contract that runs already: a subscription as it stands in billing, seen as what an amendment may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connector.domain.deal import CollectionMethod, Interval
from connector.domain.refs import RecordRef


@dataclass(frozen=True, slots=True)
class ContractItem:
    """One recurring line as it runs. Amounts in minor units per unit and period; None for tiered prices."""

    id: str
    product_id: str
    price_id: str
    unit_amount: Decimal | None
    quantity: int
    interval: Interval | None
    period_start: date
    period_end: date  #: the first day of the next period
    line: RecordRef | None = None  #: the CRM line it came from
    metered: bool = False
    product: RecordRef | None = None  #: the CRM product that ``product_id`` was made from, where one was
    description: str = ""


@dataclass(frozen=True, slots=True)
class LaterPhase:
    """A stretch of the contract that has not begun yet, with other lines than before.

    Its items' ``id`` is whatever names them to the reader of a ChangeSubscription; their ``period`` is the first one of
    the phase.
    """

    start: date
    end: date | None
    items: tuple[ContractItem, ...]


@dataclass(frozen=True, slots=True)
class RunningContract:
    """A subscription, or a schedule that has not started it yet, with all that a change must know."""

    subscription: RecordRef
    customer: RecordRef
    status: str
    currency: str
    items: tuple[ContractItem, ...]
    started: date
    deal: RecordRef | None = None
    contract_end: date | None = None  #: the last day, where the deal named a term
    ends: date | None = None  #: the first day it no longer runs, where billing will end it by itself
    schedule: RecordRef | None = None  #: what changes it by phase; a change must go through it
    collection: CollectionMethod = CollectionMethod.SEND_INVOICE
    net_days: int | None = None
    latest_invoice: RecordRef | None = None
    anchor: date | None = None  #: a day on which a full period began, unclamped: periods count from it; None: the start
    later: tuple[LaterPhase, ...] = ()  #: what the schedule holds after the running phase, in order
    amended_by: tuple[RecordRef, ...] = ()  #: later deals that changed it, oldest first
