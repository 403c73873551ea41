"""Webhooks that come twice and in any order change no outcome."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest

from tests.e2e.book import small_book
from tests.e2e.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def sent(town: World) -> Iterator[list[Callable[[], None]]]:
    """Every webhook that a vendor sends from now on, as something that sends it once more."""
    send, seen = town.sandbox.deliveries.send, []

    def listen(*delivery: Any, **how: Any) -> None:
        seen.append(lambda: send(*delivery, **how))
        send(*delivery, **how)

    with patch.object(town.sandbox.deliveries, "send", listen):
        yield seen


def test_every_webhook_doubled_and_reordered_bills_each_deal_once(town: World) -> None:
    """Two faults that take turns: a delivery comes twice, or is overtaken by those behind it."""
    placed = town.place(small_book("Twice"))
    town.fault("*", "double", times=1000, rate=0.5)
    town.fault("*", "reorder", times=1000)

    town.win(placed)
    town.settle()
    assert town.problems(placed) == []
    paid = town.pay(placed)
    town.settle()
    town.sandbox.faults.clear()

    assert paid == len(placed)
    assert town.problems(placed) == []
    assert {tuple(town.shown(one, "last_invoice_status")) for one in placed} == {("paid",)}


def test_what_was_delivered_long_ago_changes_nothing_when_it_comes_again(
    town: World, sent: list[Callable[[], None]]
) -> None:
    """Both CRMs' deliveries and all of Stripe's events, twice more each and in shuffled order, after all was done."""
    placed = town.place(small_book("Again"))
    town.win(placed)
    town.settle()
    town.pay(placed)
    town.settle()
    billed = _billed(town, placed)
    written = town.control.get("/log")["counts"]
    vendors_own = list(sent)

    random.Random(7).shuffle(vendors_own)
    for once_more in vendors_own:
        once_more()
    delivered = town.control.post("/stripe/events/deliver", {"times": 2, "shuffle": True})["delivered"]
    town.settle()

    assert vendors_own
    assert delivered > 2 * len(placed)
    assert town.problems(placed) == []
    assert _billed(town, placed) == billed
    assert _creations(town.control.get("/log")["counts"]) == _creations(written)


def _billed(town: World, placed: list[Any]) -> list[Any]:
    return [(one.customer, one.billed_by, [invoice["id"] for invoice in one.invoices]) for one in town.reports(placed)]


def _creations(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    """How often each thing was made or changed at Stripe."""
    return {operation: times for operation, times in counts["stripe"].items() if operation.startswith("POST")}
