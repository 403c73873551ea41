"""The event log on canned answers: windows, halves, order and reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.billing.stripe import event_log
from connector.billing.stripe.client import StripeBilling
from tests.billing.stripe.conftest import NOW, Wire, a_list

NOW_SECONDS = int(NOW.timestamp())


def an_event(created: int) -> dict[str, Any]:
    return {
        "id": f"evt_{created}",
        "object": "event",
        "type": "invoice.paid",
        "created": created,
        "livemode": False,
        "data": {"object": {"object": "invoice", "customer": "cus_1"}},
    }


def spans(wire: Wire) -> list[tuple[int, int]]:
    """What was asked for, relative to now."""
    return [
        (int(asked.params["created[gte]"]) - NOW_SECONDS, int(asked.params["created[lt]"]) - NOW_SECONDS)
        for asked in wire.asked
    ]


def test_a_short_gap_is_one_call_that_overlaps(wire: Wire, billing: StripeBilling) -> None:
    """Two minutes back, since events come in whole seconds and a little late, and an hour ahead of our clock."""
    wire.on("GET", "/v1/events", a_list())

    assert list(billing.events_since(NOW - timedelta(minutes=10))) == []
    assert spans(wire) == [(-720, 3600)]


def test_a_long_gap_is_read_window_by_window_oldest_first(wire: Wire, billing: StripeBilling) -> None:
    """Stripe gives each window newest first; together they come out oldest first."""

    def answer(params: dict[str, str]) -> dict[str, Any]:
        begin = int(params["created[gte]"])
        return a_list(an_event(begin + 2), an_event(begin + 1))

    wire.on("GET", "/v1/events", answer)

    times = [event.occurred_at for event in billing.events_since(NOW - timedelta(hours=30))]

    assert len(wire.asked) == 3
    assert len(times) == 6
    assert times == sorted(times)
    assert [begin for begin, _ in spans(wire)][1:] == [end for _, end in spans(wire)][:-1]


def test_the_log_reaches_thirty_days(wire: Wire, billing: StripeBilling) -> None:
    """Older moments are clamped; asking further back would be refused."""
    wire.on("GET", "/v1/events", a_list())

    list(billing.events_since(NOW - timedelta(days=400)))

    assert spans(wire)[0][0] == -(30 * 86_400 - 300)
    assert spans(wire)[-1][1] == 3600


def test_a_quiet_log_is_read_in_ever_longer_spans(wire: Wire, billing: StripeBilling) -> None:
    """A month without events is not worth a call for every six hours."""
    wire.on("GET", "/v1/events", a_list())

    list(billing.events_since(NOW - timedelta(days=29)))

    assert [end - begin for begin, end in spans(wire)][:-1] == [hours * 3600 for hours in (6, 12, 24, 48, 96, 192)]


def test_a_busy_log_is_read_in_short_spans_again(
    wire: Wire, billing: StripeBilling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long spans would hold too many events in memory at once."""
    monkeypatch.setattr(event_log, "PAGE", 2)
    busy = NOW_SECONDS - 12 * 3600

    def answer(params: dict[str, str]) -> dict[str, Any]:
        begin, end = int(params["created[gte]"]), int(params["created[lt]"])
        return a_list(*[an_event(at) for at in (busy + 2, busy + 1, busy) if begin <= at < end])

    wire.on("GET", "/v1/events", answer)

    told = [event.event_id for event in billing.events_since(NOW - timedelta(hours=20))]

    assert told == [f"evt_{busy + n}" for n in (0, 1, 2)]
    assert [end - begin for begin, end in spans(wire)][:3] == [6 * 3600, 12 * 3600, 120 + 3 * 3600]


def test_a_window_too_full_for_memory_is_halved(
    wire: Wire, billing: StripeBilling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost or told twice, and the order stays."""
    monkeypatch.setattr(event_log, "PAGE", 1)
    monkeypatch.setattr(event_log, "_MOST_PAGES", 2)
    moments = [NOW_SECONDS - 600, NOW_SECONDS - 500, NOW_SECONDS - 100, NOW_SECONDS]

    def answer(params: dict[str, str]) -> dict[str, Any]:
        begin, end = int(params["created[gte]"]), int(params["created[lt]"])
        return a_list(*[an_event(at) for at in reversed(moments) if begin <= at < end])

    wire.on("GET", "/v1/events", answer)

    told = [event.event_id for event in billing.events_since(NOW - timedelta(minutes=10))]

    assert told == [f"evt_{at}" for at in moments]
    first, second, *_ = spans(wire)
    assert second == (first[0], (first[0] + first[1]) // 2)
