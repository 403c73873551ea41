"""The open deals that renew an account's contracts, as its CRM and the mapping say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import structlog

from connector.domain.deal import DealKind
from connector.domain.refs import RecordRef
from connector.domain.renewal_task import RenewalDeal
from connector.errors import AccessLost, NeedsHuman
from connector.ports import DealRecords, Services
from mappings import apply
from mappings.model import FieldMapping

log = structlog.get_logger(__name__)

_KIND = "terms.kind"
_READ = (_KIND, "deal.name", "deal.amount", "deal.currency")
_MOST_DEALS = 20
"""Open deals of one account that are read, the newest first: each costs a call."""


@dataclass(frozen=True, slots=True)
class FoundDeal:
    """An open renewal deal."""

    ref: RecordRef
    told: RenewalDeal


def find_renewal_deals(account: RecordRef, services: Services) -> list[FoundDeal]:
    """Those of the account's open deals that the mapping reads as renewals, by ref.

    A deal that cannot be read is passed over: it keeps nobody from being told about the others.

    Raises:
        AccessLost, RetryLater: the CRM as a whole cannot be asked.
    """
    crm, mapping = services.crms[account.provider], services.mappings[account.provider]
    if not any(rule.canonical == _KIND for rule in mapping.deal):
        return []  # no deal is ever a renewal, so no call is spent on any
    found = []
    for ref in islice(crm.open_deals(account), _MOST_DEALS):
        try:
            records = crm.fetch_deal(ref, mapping)
        except AccessLost:
            raise
        except NeedsHuman as error:
            log.warning("an open deal cannot be read", deal=str(ref), why=error.sentence_id or type(error).__name__)
            continue
        told = _read(records, mapping)
        if told is not None and not records.closed and records.account == account:
            found.append(FoundDeal(ref, told))
    return sorted(found, key=lambda deal: deal.ref)


def _read(records: DealRecords, mapping: FieldMapping) -> RenewalDeal | None:
    """What a task says of the deal; None where it is no renewal. All else that an open deal lacks does not matter."""
    reading = apply.read_all([rule for rule in mapping.deal if rule.canonical in _READ], records.records)
    if reading.values.get(_KIND) != DealKind.RENEWAL:
        return None
    values = reading.values
    return RenewalDeal(
        values.get("deal.name", records.ref.id), values.get("deal.amount"), values.get("deal.currency", "")
    )
