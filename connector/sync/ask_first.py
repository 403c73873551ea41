"""Won deals that are not billed before a person asks for it: they may be billed already, where we cannot see it."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.domain.planning import INVOICE, SUBSCRIPTION
from connector.ports import DealRecords, Services, UnitOfWork
from connector.sentences.billing_again import TOOK_IN_A_BILLED_DEAL, WON_BEFORE_US
from mappings.sentence import Sentence

FIRST_LOOK = timedelta(days=1)
"""How far back the very first look at a CRM reaches: what was won before the connector was there is not billed."""


def reason_to_ask(records: DealRecords, services: Services) -> str:
    """Why a person should decide, in a sentence for the deal's record; empty when there is no reason."""
    return _was_won_before_us(records, services) or _took_in_a_billed_deal(records, services)


def first_seen(crm: str, work: UnitOfWork, services: Services) -> datetime:
    """When the connector first dealt with this CRM: now, if it never did before."""
    began = work.settings.watermark(f"{crm}:began")
    if began is None:
        began = services.clock()
        work.settings.set_watermark(f"{crm}:began", began)
    return began


def _was_won_before_us(records: DealRecords, services: Services) -> str:
    """Every later edit rings an old deal's bell, too: a mass update must not bill what was sold years ago.

    What counts is when the CRM saw the deal come to be won, never its close date: that one is often left as it was.
    """
    crm = records.ref.provider
    with services.store.begin() as work:
        began = first_seen(crm, work, services)
    if records.won_at is None or records.won_at >= began - FIRST_LOOK:
        return ""
    return _in_full(
        WON_BEFORE_US, won=records.won_at.date().isoformat(), began=began.date().isoformat(), deal=_named(records)
    )


def _took_in_a_billed_deal(records: DealRecords, services: Services) -> str:
    for absorbed in records.absorbed:
        with services.store.begin() as work:
            filled = work.links.of(absorbed)
        billed_by = filled.get(SUBSCRIPTION) or filled.get(INVOICE)
        if billed_by is not None:
            return _in_full(
                TOOK_IN_A_BILLED_DEAL,
                other=absorbed.id,
                kind=billed_by.kind,
                billed_by=billed_by.id,
                deal=_named(records),
            )
    return ""


def _named(records: DealRecords) -> str:
    """The deal as a command takes it."""
    return f"{records.ref.provider}:{records.ref.id}"


def _in_full(sentence: Sentence, **values: object) -> str:
    return f"{sentence.says(**values)} {sentence.advises(**values)}"
