"""The pace the workers are shipped with: who takes over from one that was killed, and when."""

from __future__ import annotations

import pytest

from connector.cli.demo.verdict import Billing
from tests.e2e.book import one_each
from tests.e2e.processes import until
from tests.e2e.world import World

pytestmark = pytest.mark.slow


def test_a_worker_of_the_procfile_takes_over_from_a_killed_one_within_a_minute(town: World) -> None:
    """No haste here: heartbeats, janitor and sweep at the pace they are shipped with."""
    placed = town.place(one_each("Patience"))
    for _ in placed:
        town.fault("stripe", "timeout", operation="POST /v1/subscriptions", after_work=True)
    town.win(placed)
    until(lambda: all(Billing(town.control).bills(one.deal) for one in placed), "both subscriptions to be made")
    town.running["worker"].kill()
    town.start("worker")

    town.settle(60)

    assert town.problems(placed) == []
