"""kill -9 at any moment loses nothing and doubles nothing: neither a deal, nor a payment, nor a written value."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest

from connector.cli.demo.book import Sale
from connector.cli.demo.seed import Placed
from connector.cli.demo.verdict import Billing
from tests.e2e.book import CRMS, FEE, SETUP, TRAINING, a_sale, one_each, small_book
from tests.e2e.conftest import fresh_world
from tests.e2e.processes import until
from tests.e2e.world import World

pytestmark = pytest.mark.slow

_ROUNDS = 6
_LONGEST_REST = 0.7
"""Seconds after a deal was closed within which somebody is killed; most of its work takes less."""


class Engine:
    """What the job engine notes about its workers."""

    def __init__(self, world: World) -> None:
        self._url = world.environment["DATABASE_URL"]
        self._seen = self._newest()

    def until_a_new_worker_works(self) -> None:
        """Wait for a worker that was not there when this was last asked."""
        until(lambda: self._newest() > self._seen, "a new worker")
        self._seen = self._newest()

    def _newest(self) -> int:
        with psycopg.connect(self._url) as connection:
            row = connection.execute("select coalesce(max(id), 0) from procrastinate_workers").fetchone()
            return int(row[0]) if row else 0


@pytest.fixture(scope="module")
def own_world(server_url: str, template_database: str) -> Iterator[World]:
    """A world for this file, with one receiver process: it dies and rises often."""
    with fresh_world(server_url, template_database) as world:
        world.environment["WEB_CONCURRENCY"] = "1"
        yield world


@pytest.fixture
def hasty_world(own_world: World) -> World:
    """The file's world with a receiver that answers and a worker in haste."""
    engine = Engine(own_world)
    if "worker" not in own_world.running:
        own_world.start("worker", hasty=True)
        engine.until_a_new_worker_works()
    if "web" not in own_world.running:
        own_world.start_web()
    return own_world


def test_killing_receiver_and_worker_at_random_moments_loses_and_doubles_nothing(hasty_world: World) -> None:
    """While deals close and invoices are paid, one of the two dies each round, with all of its children."""
    engine = Engine(hasty_world)

    def one_dies(chance: random.Random) -> None:
        name = chance.choice(["web", "worker", "worker"])
        hasty_world.running[name].kill()
        if name == "web":
            hasty_world.start_web()
        else:
            hasty_world.start(name, hasty=True)
            engine.until_a_new_worker_works()

    _live_dangerously(hasty_world, "Danger", one_dies, random.Random(11))


def _live_dangerously(world: World, tag: str, one_dies: Callable[[random.Random], None], chance: random.Random) -> None:
    placed = world.place(small_book(tag))
    closing = list(placed)
    chance.shuffle(closing)
    for _ in range(_ROUNDS):
        now, closing = closing[:2], closing[2:]
        world.win(now)
        world.pay(placed)
        time.sleep(chance.uniform(0, _LONGEST_REST))  # the moment is left to chance, so there is nothing to wait for
        one_dies(chance)
    world.settle(90)
    world.pay(placed)
    world.settle()

    assert closing == []
    assert world.problems(placed) == []
    assert {tuple(world.shown(one, "last_invoice_status")) for one in placed} == {("paid",)}


_EFFECTS: Mapping[str, Callable[[World, Placed], object]] = {
    "POST /v1/customers": lambda world, one: Billing(world.control).customers_of(one.account),
    "POST /v1/products": lambda world, one: [
        product for product in _state(world, "products") if product["name"] == one.sale.lines[0].product
    ],
    "POST /v1/subscriptions": lambda world, one: Billing(world.control).bills(one.deal),
    "POST /v1/invoices": lambda world, one: Billing(world.control).bills(one.deal),
    "POST /v1/invoiceitems": lambda world, one: _state(world, "invoiceitems", Billing(world.control), one),
    "POST /v1/invoices/{invoice}/finalize": lambda world, one: [
        invoice for invoice in _state(world, "invoices", Billing(world.control), one) if invoice["status"] == "open"
    ],
}
"""A call that makes something at Stripe, and how to see from outside that it has been made."""


def test_a_worker_killed_between_a_calls_effect_and_its_answer_makes_nothing_twice(hasty_world: World) -> None:
    """Stripe has made the thing and the worker dies before it hears of it: the next one must find it."""
    engine = Engine(hasty_world)
    placed = []
    for number, (operation, is_made) in enumerate(_EFFECTS.items()):
        (deal,) = hasty_world.place([_sale_for(operation, number)])
        hasty_world.fault("stripe", "timeout", operation=operation, after_work=True)
        hasty_world.win([deal])
        until(partial(is_made, hasty_world, deal), f"the effect of {operation}")

        hasty_world.running["worker"].kill()

        assert hasty_world.sandbox.faults.waiting() == []
        placed.append(deal)
        hasty_world.start("worker", hasty=True)
        engine.until_a_new_worker_works()
    hasty_world.settle(90)

    assert hasty_world.problems(placed) == []
    totals = [invoice["total"] for report in hasty_world.reports(placed) for invoice in report.invoices]
    assert sorted(totals) == [240_000] * 2 + [375_000] * 4, "a line was put on an invoice twice, or not at all"
    names = [product["name"] for product in _state(hasty_world, "products") if product["name"].startswith("Unheard")]
    assert sorted(names) == sorted({one.sale.lines[0].product for one in placed}), "a product was made twice"


def _sale_for(operation: str, number: int) -> Sale:
    """A deal whose billing makes that call, of a product that nobody else sells."""
    lines = (TRAINING,) if operation in ("POST /v1/invoices", "POST /v1/invoiceitems") else (FEE, SETUP)
    own = replace(lines[0], product=f"Unheard of {number}")
    return a_sale(CRMS[number % 2], f"Unheard {number}", (own, *lines[1:]))


@pytest.mark.parametrize("written", [True, False])
def test_a_worker_killed_while_its_write_back_is_on_the_wire_leaves_the_truth_on_every_record(
    hasty_world: World, written: bool
) -> None:
    """The batch may have been written, or lost on its way: nobody knows, so it is sent again."""
    placed = hasty_world.place(one_each(f"Torn {written}"))
    hasty_world.win(placed)
    hasty_world.settle()
    hasty_world.fault("salesforce", "timeout", operation="PATCH *composite/sobjects", after_work=written)
    hasty_world.fault("hubspot", "timeout", operation="POST *deals/batch/update", after_work=written)

    assert hasty_world.pay(placed) == len(placed)
    until(lambda: not hasty_world.sandbox.faults.waiting(), "both write-backs to be on the wire")
    if written:
        until(lambda: _statuses(hasty_world, placed) == {"paid"}, "both batches to be written")
    hasty_world.running["worker"].kill()
    assert hasty_world.dirty() > 0
    hasty_world.start("worker", hasty=True)
    hasty_world.settle(90)

    assert _statuses(hasty_world, placed) == {"paid"}
    assert hasty_world.problems(placed) == []


def test_killing_serve_or_its_process_at_random_moments_loses_and_doubles_nothing(own_world: World) -> None:
    """``connector serve``: now the whole of it dies and is started again, now only the process that does the work."""
    own_world.stop_all()
    engine = Engine(own_world)
    own_world.start("serve", hasty=True).until_ready(own_world.url)
    engine.until_a_new_worker_works()

    def one_dies(chance: random.Random) -> None:
        serve = own_world.running["serve"]
        if chance.random() < 0.5:
            serve.kill()
            own_world.start("serve", hasty=True)
        else:
            os.kill(serve.children()[0], signal.SIGKILL)
        engine.until_a_new_worker_works()
        own_world.running["serve"].until_ready(own_world.url)

    _live_dangerously(own_world, "Peril", one_dies, random.Random(21))


def _statuses(world: World, placed: list[Placed]) -> set[object]:
    return {world.shown(one, "last_invoice_status")[0] for one in placed}


def _state(world: World, kind: str, billing: Billing | None = None, one: Placed | None = None) -> list[dict[str, Any]]:
    """What Stripe has of a kind; of one account, if it is named."""
    found: list[dict[str, Any]] = world.control.get("/stripe/state")[kind]
    if billing is None or one is None:
        return found
    customers = billing.customers_of(one.account)
    return [each for each in found if each["customer"] in customers]
