"""The demo's scenes are judged by sums of their own: whatever did not happen as it should makes the demo fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from connector.cli.demo.book import Line, Pays, Sale, Scene, the_book
from connector.cli.demo.control import Control
from connector.cli.demo.scene_tables import print_scenes
from connector.cli.demo.scene_verdict import judge_scenes, period_of, proration
from connector.cli.demo.scenes import Refusal, Seen
from connector.cli.demo.seed import Placed, days_served
from connector.cli.demo.verdict import Billing, DealReport
from connector.cli.plan import Preview
from connector.domain.billing_plan import META_AMENDED_BY, META_DEAL, StepKey
from connector.domain.forecast import Forecast, ForecastInvoice, ForecastLine, TaxForecast
from connector.domain.refs import RecordRef

ACCOUNT = RecordRef("hubspot", "account", "1")
CONTRACT, UPSELL = RecordRef("hubspot", "deal", "11"), RecordRef("hubspot", "deal", "12")
SEATS = Line("Seat", 10, Decimal("20.00"), "monthly", (0, 2))
MORE_SEATS = Line("Seat", 25, Decimal("18.00"), "monthly", (2, 4))
FEE = Line("Fee", 2, Decimal("120.00"), "yearly")
SUPPORT = Line("Support", 5, Decimal("120.00"), "yearly")


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_each_scene_plays_on_both_crms(crm: str) -> None:
    """In a book of at least forty accounts, whose upsells follow a first deal of the same account."""
    mine = [sale for sale in the_book() if sale.crm == crm]

    assert {sale.scene for sale in mine} == {*Scene, None}
    assert all(
        any(one.account == sale.account and not one.second for one in mine)
        for sale in mine
        if sale.scene is Scene.UPSELL
    )
    assert len({sale.account for sale in the_book()}) >= 40


def test_the_rest_of_a_period_is_worked_out_by_day() -> None:
    """The figures of docs/deal-shapes.md, shape 17."""
    year, month = (date(2027, 1, 1), date(2028, 1, 1)), (date(2027, 4, 1), date(2027, 5, 1))

    assert proration(Decimal("600.00"), year, date(2027, 7, 1)) == Decimal("302.47")
    assert proration(Decimal("60.00"), month, date(2027, 4, 16)) == Decimal("30.00")


def test_periods_count_from_the_contracts_first_day() -> None:
    """A month from the 31st ends where the month does, and the next one is not pulled along."""
    monthly = replace(SEATS, months=None)

    assert period_of(monthly, date(2027, 1, 31), date(2027, 2, 27)) == (date(2027, 1, 31), date(2027, 2, 28))
    assert period_of(monthly, date(2027, 1, 31), date(2027, 3, 1)) == (date(2027, 2, 28), date(2027, 3, 31))
    assert period_of(FEE, date(2027, 1, 1), date(2027, 12, 31)) == (date(2027, 1, 1), date(2028, 1, 1))


def test_the_lines_of_a_ramp_follow_each_other() -> None:
    assert days_served(SEATS, date(2027, 1, 1)) == (date(2027, 1, 1), date(2027, 2, 28))
    assert days_served(MORE_SEATS, date(2027, 1, 1)) == (date(2027, 3, 1), date(2027, 4, 30))
    assert days_served(FEE, date(2027, 1, 1)) == (None, None)


def test_a_ramp_that_went_as_foreseen_is_told() -> None:
    (report,) = _ramp()

    assert report.problems == []
    assert report.scene["phases"] == [("2027-01-01", 10), ("2027-03-01", 25)]
    assert report.scene["foreseen_total"] == 130_000
    assert [one["total"] for one in report.scene["billed"]] == [20_000, 20_000, 45_000]
    assert "3 of 4 invoices so far, each as foreseen: EUR 850.00 of EUR 1,300.00" in _printed(report)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda state, seen: state["subscription_schedules"][0]["phases"].pop(), "the schedule has the phases"),
        (lambda state, seen: state["subscription_schedules"].clear(), "the schedule has the phases []"),
        (lambda state, seen: state["invoices"].pop(), "the preview foresaw"),
        (lambda state, seen: state["invoices"][2].update(total=44_999), "the preview foresaw"),
        (lambda state, seen: seen.previews.clear(), "was never previewed"),
        (lambda state, seen: seen.previews.update({CONTRACT: _preview(45_001)}), "but 130000 was sold"),
        (lambda state, seen: setattr(seen, "written_by_previews", 1), "previews made 1 writes"),
    ],
)
def test_a_ramp_that_went_another_way_is_found(spoil: Callable[[dict[str, Any], Seen], object], problem: str) -> None:
    (report,) = _ramp(spoil)

    assert any(problem in one for one in report.problems)


def test_an_upsell_billed_for_the_days_that_are_left_is_told() -> None:
    (_, report) = _upsell()

    assert report.problems == []
    assert (report.scene["wanted"], report.scene["prorated"], report.scene["days"]) == (30_247, [30_247], [184, 365])
    assert "one invoice for 184 of 365 days: EUR 302.47" in _printed(report)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda state: state["invoices"][0].update(total=30_246), "invoices of [30246] instead of 30247"),
        (lambda state: state["invoices"].clear(), "invoices of [] instead of 30247"),
        (lambda state: state["invoices"][0].update(created=_second(date(2027, 7, 2))), "on 2027-07-01"),
        (lambda state: state["subscriptions"][0]["metadata"].clear(), "changed nothing instead of sub_1"),
        (lambda state: state["subscriptions"][0]["items"]["data"].pop(), "holds 2 units instead of 7"),
    ],
)
def test_an_upsell_that_went_another_way_is_found(spoil: Callable[[dict[str, Any]], object], problem: str) -> None:
    (_, report) = _upsell(spoil)

    assert any(problem in one for one in report.problems)


def test_a_refusal_that_healed_by_itself_is_told() -> None:
    report = _refusal(Refusal("needs_attention", "Change the term.", "changes it", "deal.propertyChange", "billed"))

    assert report.problems == []
    assert report.scene["record_said"] == "Change the term."
    assert "somebody changes it in the CRM" in _printed(report)


@pytest.mark.parametrize(
    ("refusal", "problem"),
    [
        (None, "was never seen refused"),
        (Refusal("billed", "", "changes it", "bell", "billed"), "was not refused"),
        (Refusal("needs_attention", "", "changes it", "bell", "billed"), "was not refused"),
        (Refusal("needs_attention", "Why.", "changes it", "bell", "needs_attention", "Why."), "is still refused"),
        (Refusal("needs_attention", "Why.", "changes it", "bell", "billed", "Why."), "is still refused"),
        (Refusal("needs_attention", "Why.", "changes it", "", "billed"), "no webhook told of the change"),
    ],
)
def test_a_refusal_that_did_not_heal_is_found(refusal: Refusal | None, problem: str) -> None:
    report = _refusal(refusal)

    assert any(one.startswith(problem) for one in report.problems)


def _ramp(spoil: Callable[[dict[str, Any], Seen], object] = lambda state, seen: None) -> list[DealReport]:
    seen = Seen(previews={CONTRACT: _preview()}, won_on={CONTRACT: date(2027, 1, 1)})
    phases = [
        {"start_date": _second(date(2027, month, 1)), "items": [{"quantity": quantity}]}
        for month, quantity in ((1, 10), (3, 25))
    ]
    state = _state(
        subscription_schedules=[
            {**_named("subscription_schedule", "sub_sched_1"), "phases": phases, "subscription": "sub_1"}
        ],
        invoices=[_invoice(month, 1, total) for month, total in ((1, 20_000), (2, 20_000), (3, 45_000))],
    )
    spoil(state, seen)
    return _judged(state, seen, _report(Scene.RAMP, (SEATS, MORE_SEATS), CONTRACT, "sub_sched_1", months=4))


def _upsell(spoil: Callable[[dict[str, Any]], object] = lambda state: None) -> list[DealReport]:
    seen = Seen(won_on={CONTRACT: date(2027, 1, 1), UPSELL: date(2027, 7, 1)})
    subscription = _named("subscription", "sub_1")
    subscription["metadata"][META_AMENDED_BY] = f"hubspot:deal:9 {UPSELL}"
    subscription["items"] = {"data": [{"quantity": 2}, {"quantity": 5}]}
    state = _state(subscriptions=[subscription], invoices=[{**_invoice(7, 1, 30_247), "id": "in_7", "parent": None}])
    spoil(state)
    contract = _report(None, (FEE,), CONTRACT, "sub_1")
    return _judged(state, seen, contract, _report(Scene.UPSELL, (SUPPORT,), UPSELL, "in_7"))


def _refusal(refusal: Refusal | None) -> DealReport:
    seen = Seen(refusals={} if refusal is None else {CONTRACT: refusal})
    (report,) = _judged(_state(), seen, _report(Scene.REFUSAL, (FEE,), CONTRACT, "sub_1"))
    return report


def _judged(state: dict[str, Any], seen: Seen, *reports: DealReport) -> list[DealReport]:
    """As the demo does it, from what Stripe itself holds."""

    class Stripe:
        def get(self, _path: str) -> dict[str, Any]:
            return state

    billing = Billing(cast("Control", Stripe()))
    for report in reports:
        report.invoices = billing.invoices_by(report.billed_by)
    judge_scenes(reports, seen, billing)
    return list(reports)


def _report(
    scene: Scene | None, lines: tuple[Line, ...], deal: RecordRef, billed_by: str, months: int = 12
) -> DealReport:
    sale = Sale("hubspot", "Acme", "Bonn", "DE", "EUR", Pays.EARLY, lines, 14, term_months=months, scene=scene)
    placed = Placed(sale, deal, ACCOUNT, RecordRef("hubspot", "contact", "1"))
    return DealReport(placed, won=True, billed_by=billed_by)


def _preview(last: int = 45_000) -> Preview:
    step, line = StepKey(CONTRACT, "subscription"), RecordRef("hubspot", "line_item", "1")
    invoices = tuple(
        ForecastInvoice(
            step, date(2027, month, 1), None, "eur", TaxForecast.NONE, (ForecastLine(line, "Seat", 1, total),)
        )
        for month, total in ((1, 20_000), (2, 20_000), (3, 45_000), (4, last))
    )
    foreseen = Forecast(invoices, date(2027, 5, 1))
    return Preview(cast("Any", None), foreseen, [])


def _state(**kinds: list[dict[str, Any]]) -> dict[str, Any]:
    empty: dict[str, Any] = {name: [] for name in ("customers", "invoices", "subscriptions", "subscription_schedules")}
    return {"now": _second(date(2027, 3, 31)), **empty, **kinds}


def _named(kind: str, ident: str) -> dict[str, Any]:
    return {"object": kind, "id": ident, "metadata": {META_DEAL: str(CONTRACT)}}


def _invoice(month: int, day: int, total: int) -> dict[str, Any]:
    parent = {"subscription_details": {"subscription": "sub_1"}}
    return {"id": f"in_{month}", "created": _second(date(2027, month, day)), "total": total, "parent": parent}


def _second(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())


def _printed(report: DealReport) -> str:
    screen = StringIO()
    print_scenes(Console(file=screen, width=300), [report])
    return screen.getvalue()
