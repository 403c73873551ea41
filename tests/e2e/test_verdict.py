"""The demo's judge has eyes: whatever is wrong on either side is found, and makes the demo fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stripe
from click.testing import CliRunner

from connector.cli.demo.seed import Placed
from connector.cli.demo.verdict import DealReport, pays_summary
from connector.domain.billing_plan import META_ACCOUNT, META_DEAL
from tests.e2e.book import CRMS, one_each
from tests.e2e.world import World

pytestmark = pytest.mark.slow

_demo = import_module("connector.cli.demo")  # the package shows the command under the same name


@pytest.fixture(scope="module")
def billed(town: World) -> list[Placed]:
    """One deal on each CRM, billed and shown as it is."""
    placed = town.place(one_each("Judged"))
    town.win(placed)
    town.settle()
    assert town.problems(placed) == []
    return placed


@pytest.mark.parametrize("kind", ["deal", "account"])
@pytest.mark.parametrize("number", [0, 1], ids=CRMS)
def test_a_record_that_shows_something_else_is_found(town: World, billed: list[Placed], number: int, kind: str) -> None:
    one = billed[number]
    restore = _write(town, one, kind, "open_balance", "1.00")
    try:
        assert any("open_balance" in problem and kind in problem for problem in _problems(town, one))
    finally:
        restore()
    assert _problems(town, one) == []


@pytest.mark.parametrize("number", [0, 1], ids=CRMS)
def test_a_balance_that_ledger_and_record_agree_on_but_billing_does_not_is_found(
    town: World, billed: list[Placed], number: int
) -> None:
    """The judge does not take the connector's own word for what is owed."""
    one = billed[number]
    with town.services.store.begin() as work:
        state = work.records.get(one.account)
        assert state is not None
        work.records.desire(one.account, {"open_balance": Decimal("1.00")})
        work.records.written(one.account, {"open_balance": Decimal("1.00")}, town.services.clock())
    restore = _write(town, one, "account", "open_balance", "1.00")
    try:
        assert [problem for problem in _problems(town, one) if "is owed" in problem]
    finally:
        restore()
        with town.services.store.begin() as work:
            work.records.desire(one.account, state.desired)
            work.records.written(one.account, state.written, town.services.clock())
    assert _problems(town, one) == []


def test_a_deal_billed_twice_is_found(town: World) -> None:
    (one, _) = _billed_anew(town, "Doubled")
    customer = town.reports([one])[0].customer
    product = town.control.get("/stripe/state")["products"][0]["id"]
    price = {"currency": "usd", "product": product, "unit_amount": 100, "recurring": {"interval": "month"}}
    _stripe(town).subscriptions.create(
        {
            "customer": customer,
            "items": [{"price_data": price}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "metadata": {META_DEAL: str(one.deal)},
        }
    )
    town.settle()

    assert any(problem.startswith("billed 2 times") for problem in _problems(town, one))


def test_an_account_with_two_customers_is_found(town: World) -> None:
    (_, one) = _billed_anew(town, "Split")
    _stripe(town).customers.create({"name": "Somebody else", "metadata": {META_ACCOUNT: str(one.account)}})
    town.settle()

    assert "2 customers for one account" in _problems(town, one)


def test_a_won_deal_that_was_never_billed_is_found(town: World) -> None:
    """As if its webhook and every poll had been missed."""
    for one in town.place(one_each("Missed")):
        assert "billed 0 times: never" in _problems(town, one)


def test_a_deal_billed_though_it_is_open_is_found(town: World, billed: list[Placed]) -> None:
    open_ones = [replace(one, sale=replace(one.sale, won=False)) for one in billed]

    assert all(report.problems[0].startswith("an open deal was billed") for report in town.reports(open_ones))


def test_each_account_counts_once_in_the_summary(town: World, billed: list[Placed]) -> None:
    """By its health word; two deals of one account are one payer."""
    reports = town.reports([*billed, *billed])

    assert sum(pays_summary(reports).values()) == len(billed)


@pytest.mark.parametrize(("problems", "status"), [([], 0), (["billed 2 times: sub_1, sub_2"], 1)])
def test_one_problem_makes_the_demo_fail(
    town: World,
    billed: list[Placed],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    problems: list[str],
    status: int,
) -> None:
    """With exit status 1, "ok": false in the report, and the problem itself on the screen."""
    reports: list[DealReport] = town.reports(billed)
    reports[0].problems += problems

    @contextmanager
    def standing_stage(_directory: Path) -> Iterator[Any]:
        yield SimpleNamespace(control=town.control, public_url=town.url, addresses=town.sandbox.addresses())

    monkeypatch.setattr(_demo, "set_up", standing_stage)
    monkeypatch.setattr(_demo, "play", lambda *_: reports)
    file = tmp_path / "demo.json"
    result = CliRunner().invoke(_demo.demo, ["--once", "--json", str(file)], env={"COLUMNS": "220"})

    told = json.loads(file.read_text())
    assert result.exit_code == status
    assert told["ok"] is (status == 0)
    assert told["deals"][0]["problems"] == problems
    assert told["deals"][0]["invoices"][0]["total"] == 14_500
    assert told["refused"] == town.control.get("/log")["refused"]
    assert all(problem in result.output for problem in problems)


def _problems(town: World, one: Placed) -> list[str]:
    return [problem for report in town.reports([one]) for problem in report.problems]


def _billed_anew(town: World, tag: str) -> list[Placed]:
    placed = town.place(one_each(tag))
    town.win(placed)
    town.settle()
    assert town.problems(placed) == []
    return placed


def _write(town: World, one: Placed, kind: str, name: str, value: str) -> Callable[[], None]:
    """Change a field behind the connector's back; gives what puts it back."""
    field = town.services.mappings[one.sale.crm].write_back[kind][name]
    record = one.deal if kind == "deal" else one.account
    before = town.desks[one.sale.crm].shown(record)[field]

    def put(value: Any) -> None:
        if one.sale.crm == "salesforce":
            table = {"deal": "Opportunity", "account": "Account"}[kind]
            town.control.patch(f"/salesforce/records/{table}/{record.id}", {field: float(value)})
        else:
            table = {"deal": "deals", "account": "companies"}[kind]
            town.control.patch(f"/hubspot/objects/{table}/{record.id}", {"properties": {field: str(value)}})

    put(value)
    return lambda: put(before)


def _stripe(town: World) -> Any:
    """The official client, as somebody else with the same key."""
    client = stripe.StripeClient(
        town.environment["STRIPE_API_KEY"], base_addresses={"api": town.environment["STRIPE_API_BASE"]}
    )
    return client.v1
