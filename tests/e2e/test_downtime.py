"""What happens while the connector is down is made up for when it is back."""

from __future__ import annotations

import pytest

from tests.e2e.book import one_each, small_book
from tests.e2e.processes import until
from tests.e2e.world import World

pytestmark = pytest.mark.slow


def test_deals_closed_while_the_receiver_is_down_are_billed_when_it_is_back(town: World) -> None:
    """The vendors' own retries bring the webhooks, and the payments that were made meanwhile, too."""
    before = town.place(one_each("Early"))
    town.win(before)
    town.settle()
    assert town.running["web"].stop() == 0
    seen = len(town.sandbox.deliveries.history)

    placed = town.place(small_book("Down"))
    town.win(placed)
    paid = town.pay(before)
    until(lambda: _unanswered(town, seen) >= {"salesforce", "hubspot", "stripe"}, "every vendor to find us away")
    assert [one.customer for one in town.reports(placed) if one.customer] == []
    town.start_web()
    town.settle()

    assert paid == len(before)
    assert town.problems(before + placed) == []
    assert {tuple(town.shown(one, "last_invoice_status")) for one in before} == {("paid",)}


def test_without_any_webhook_deals_and_payments_are_found_by_asking(deaf_world: World) -> None:
    """No vendor knows our address; a worker alone, with no receiver at all, does the whole job."""
    placed = deaf_world.place(small_book("Deaf"))
    deaf_world.win(placed)
    deaf_world.start("worker")

    until(lambda: deaf_world.problems(placed) == [], "every deal to be billed and shown")
    paid = deaf_world.pay(placed)
    until(
        lambda: {tuple(deaf_world.shown(one, "last_invoice_status")) for one in placed} == {("paid",)},
        "every record to say that it is paid",
    )

    assert paid == len(placed)
    assert deaf_world.problems(placed) == []
    assert not deaf_world.sandbox.deliveries.history, "a webhook was sent after all"


def _unanswered(town: World, since: int) -> set[str]:
    """The vendors whose delivery nobody took."""
    return {one.vendor for one in list(town.sandbox.deliveries.history)[since:] if one.status == 0}
