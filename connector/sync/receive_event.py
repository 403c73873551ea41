"""A verified webhook delivery -> inbox rows and dirty Targets, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.inbox import InboxEvent
from connector.ports import Services


def receive(events: Sequence[InboxEvent], services: Services) -> int:
    """Remember verified events and the work they ask for, exactly once; gives how many were new.

    Nothing may be acknowledged to the sender before this returns: then everything is committed.

    Raises:
        RetryLater: the store is away or busy, and nothing was remembered; the sender must deliver again.
    """
    if not events:
        return 0
    return services.store.receive(events, services.clock())
