"""Set what a deal's record should say about its billing, and have it written."""

from __future__ import annotations

from collections.abc import Mapping

from connector import targets
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.ports import Services


def tell_deal(deal: RecordRef, values: Mapping[str, Value], services: Services) -> None:
    """Values that the record shows already cost nothing."""
    with services.store.begin() as work:
        if work.records.desire(deal, values):
            work.targets.mark_dirty(targets.for_crm(deal.provider))
