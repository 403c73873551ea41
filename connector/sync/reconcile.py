"""Ask each side what its webhooks missed: won and edited deals from a CRM, events from billing's own log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from connector import targets
from connector.domain.refs import RecordRef
from connector.ports import Services
from connector.sync.ask_first import FIRST_LOOK, first_seen
from connector.sync.batches import batches
from connector.sync.notice_edits import is_billed, notice_edits
from connector.sync.read_everybody import read_everybody
from connector.sync.receive_event import receive
from connector.targets import TargetKind

_OVERLAP = timedelta(minutes=5)
"""How far each look reaches behind the last: clocks differ, and a CRM's index lags its writes."""

_LOG_REACHES = timedelta(days=29)
"""Source: Stripe's events list reaches back 30 days. A CRM is asked for its deals, which it never forgets."""


def reconcile(provider: str, services: Services) -> None:
    """Find what no doorbell rang for since the last look, and mark it; then remember how far this look reached.

    Raises:
        RetryLater, NeedsHuman: from the provider, or because the day's allowance is nearly used; the watermark stays,
            so that the next look starts there again.
    """
    services.throttle.wait(f"{provider}:optional")  # a day's last calls are kept for billing and writing back
    started = services.clock()
    with services.store.begin() as work:
        last = work.settings.watermark(provider)
        if provider in services.crms:
            first_seen(provider, work, services)
    since = (last or started - FIRST_LOOK) - _OVERLAP
    if provider in services.crms:
        crm = services.crms[provider]
        _mark_deals(crm.won_since(since), services)
        if stages := sorted(services.readiness_stages.get(provider, ())):
            _mark_deals(crm.open_since(since, stages), services)
        notice_edits(provider, since, services)
    elif provider == services.billing.name:
        if since < started - _LOG_REACHES:
            read_everybody(services)
        for events in batches(services.billing.events_since(since)):
            receive(events, services)
    with services.store.begin() as work:
        work.settings.set_watermark(provider, started)


def _mark_deals(refs: Iterable[RecordRef], services: Services) -> None:
    for batch in batches(refs):
        with services.store.begin() as work:
            for ref in sorted(set(batch)):
                if not is_billed(ref, work):
                    work.targets.mark_dirty(targets.for_record(TargetKind.DEAL, ref))
