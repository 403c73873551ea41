"""Stripe's own log of events, read back: what a dead, or never configured, endpoint missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from stripe import StripeClient
from stripe.params import EventListParams

from connector.billing.stripe.calls import PAGE, Calls, Json, reading
from connector.billing.stripe.events import WANTED, to_inbox
from connector.domain.inbox import InboxEvent
from connector.ports import Clock

_REACH = timedelta(days=30) - timedelta(minutes=5)
"""How far back the log goes. Source: docs.stripe.com/api/events."""

_OVERLAP = timedelta(minutes=2)
"""``created`` is in whole seconds, and an event may show up a little after its time."""

_AHEAD = timedelta(hours=1)
"""Stripe's clock may be ahead of ours."""

_WINDOW = 6 * 3600
"""Seconds of the log read at a time where much happened; twice as many after each span that one page told."""

_MOST_PAGES = 50


class EventLog:
    """Reads the log, which Stripe gives newest first, oldest first: window by window, so that memory stays small."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._list = reading(client, "/v1/events")
        self._calls = calls
        self._clock = clock

    def since(self, moment: datetime) -> Iterator[InboxEvent]:
        """Every event of a type we subscribe to, created at or shortly before ``moment`` or later, oldest first."""
        now = self._clock()
        begin = int(max(moment - _OVERLAP, now - _REACH).timestamp())
        end = int((now + _AHEAD).timestamp())
        wanted = frozenset(WANTED)
        step = _WINDOW
        while begin < end:
            until = min(begin + step, end)
            told = 0
            for event in self._window(begin, until):
                told += 1
                if event["type"] in wanted:
                    yield to_inbox(event, json.dumps(event, default=str, separators=(",", ":")))
            begin = until
            step = 2 * step if told <= PAGE else _WINDOW

    def _window(self, begin: int, end: int) -> Iterator[Json]:
        """The events of one span of seconds; a span too full for memory is read as two halves."""
        found: list[Json] = []
        params = EventListParams(created={"gte": begin, "lt": end})
        for page in self._calls.pages("events.list", self._list, params, _MOST_PAGES + 1):
            found += page
            if len(found) > _MOST_PAGES * PAGE and end - begin > 1:
                middle = (begin + end) // 2
                yield from self._window(begin, middle)
                yield from self._window(middle, end)
                return
        yield from reversed(found)
