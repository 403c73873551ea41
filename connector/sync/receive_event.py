"""A verified webhook delivery -> inbox rows and dirty Targets, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.inbox import InboxEvent
from connector.ports import Services
from connector.targets import target_of


def receive(events: Sequence[InboxEvent], services: Services) -> int:
    """Remember verified events and the work they ask for, exactly once; gives how many were new.

    Nothing may be acknowledged to the sender before this returns: then everything is committed. Targets are marked in
    sorted order, so that two deliveries about the same records never wait for each other crosswise.

    Raises:
        RetryLater: the store is away or busy, and nothing was remembered; the sender must deliver again.
    """
    if not events:
        return 0
    received_at = services.clock()
    with services.store.begin() as work:
        new = [event for event in events if work.inbox.add(event, received_at)]
        for target in sorted({target for event in new if (target := target_of(event))}):
            work.targets.mark_dirty(target)
    return len(new)
