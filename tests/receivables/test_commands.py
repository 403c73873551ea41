"""``connector receivables`` and ``connector revenue`` on the random ledger: figures open to rows that make them up."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner

from connector.cli import cli
from connector.domain.receivable_parts import BUCKETS, MADE_OF

pytestmark = pytest.mark.xdist_group("receivables")

DAY = "2026-08-15"
SETTINGS = {"STRIPE_API_KEY": "sk_test_abc", "STRIPE_WEBHOOK_SECRETS": "whsec_abc"}


@pytest.fixture(scope="module")
def run(book_url: str) -> Any:
    """What a command prints; the ledger does not change, so that nothing is asked twice."""

    @cache
    def running(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*words], env={**SETTINGS, "DATABASE_URL": book_url})
        assert done.exit_code == code, done.output
        return done.output

    return running


def by_currency(rows: list[dict[str, Any]], **wanted: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if all(row[name] == value for name, value in wanted.items()):
            sums[row["currency"]] += Decimal(row["amount"])
    return dict(sums)


def figure(told: dict[str, Any], name: str) -> dict[str, Decimal]:
    return {row["currency"]: Decimal(row["value"]) for row in told["figures"] if row["figure"] == name}


@pytest.mark.parametrize("name", ["open", "overdue", "sales", "written_off", "31-60", "opening", "returned"])
def test_the_rows_behind_a_figure_add_up_to_it(run: Any, name: str) -> None:
    told = json.loads(run("receivables", "--as-of", DAY, "--json"))
    opened = json.loads(run("receivables", "--as-of", DAY, "--open", name, "--json"))["rows"]
    assert by_currency(opened) == figure(told, name)
    assert all(row["invoice"].startswith("stripe:invoice:in_") for row in opened)


def test_a_ratio_opens_to_both_its_parts(run: Any) -> None:
    told = json.loads(run("receivables", "--as-of", DAY, "--json"))
    opened = json.loads(run("receivables", "--as-of", DAY, "--open", "dso", "--json"))["rows"]
    [dso] = [row["value"] for row in told["figures"] if row["figure"] == "dso" and row["currency"] == "JPY"]
    left, sold = (by_currency(opened, part=part)["JPY"] for part in ("open", "sales"))
    assert Decimal(dso) == round(left * 90 / sold, 2)


def test_money_has_its_currencys_decimals_in_every_form(run: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(run("receivables", "--as-of", DAY, "--format", "csv"))))
    decimals = {row["currency"]: len(row["value"].partition(".")[2]) for row in rows if row["figure"] == "open"}
    assert decimals == {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
    told = json.loads(run("receivables", "--as-of", DAY, "--format", "json"))
    assert {(row["currency"], row["figure"]): row["value"] for row in told["figures"]} == {
        (row["currency"], row["figure"]): row["value"] or None for row in rows
    }


def test_credits_open_to_the_customers_that_have_them(run: Any) -> None:
    today = "2026-11-21"
    told = json.loads(run("receivables", "--as-of", today, "--json"))
    opened = json.loads(run("receivables", "--as-of", today, "--open", "unapplied_credits", "--json"))["rows"]
    assert by_currency(opened) == figure(told, "unapplied_credits")
    assert run("receivables", "--as-of", DAY, "--open", "unapplied_credits") == "Nothing is behind unapplied_credits.\n"


def test_a_past_day_knows_no_credits_and_no_contracts(run: Any) -> None:
    told = json.loads(run("receivables", "--as-of", DAY, "--currency", "EUR", "--json"))
    assert [row["value"] for row in told["figures"] if row["figure"] == "unapplied_credits"] == [None]
    assert {row["contracted"] for row in told["debtors"]} == {None}


def test_segments_add_up_to_the_whole(run: Any) -> None:
    whole = json.loads(run("receivables", "--as-of", DAY, "--json"))
    split = json.loads(run("receivables", "--as-of", DAY, "--by", "country", "--json"))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in split["figures"]:
        if row["figure"] == "open":
            sums[row["currency"]] += Decimal(row["value"])
    assert sums == figure(whole, "open")
    assert {row["segment"] for row in split["figures"]} == {"", "DE", "US", "JP"}
    heads = run("receivables", "--as-of", DAY, "--by", "country", "--currency", "KWD").splitlines()[2]
    assert [cell.strip() for cell in heads.split("┃")[2:-1]] == ["KWD (none)", "KWD DE", "KWD JP", "KWD US"]


def test_the_debtors_and_the_weeks_hold_all_that_is_open(run: Any) -> None:
    told = json.loads(run("receivables", "--as-of", DAY, "--json"))
    open_now = figure(told, "open")
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for row in told["debtors"]:
        owed[row["currency"]] += Decimal(row["open"])
    assert owed == open_now
    coming: dict[str, Decimal] = defaultdict(Decimal)
    for row in told["cash"]:
        coming[row["currency"]] += Decimal(row["expected"])
    assert coming == open_now


def test_a_week_opens_to_what_is_expected_in_it(run: Any) -> None:
    told = json.loads(run("receivables", "--as-of", DAY, "--json"))
    opened = json.loads(run("receivables", "--as-of", DAY, "--open", "2026-08-20", "--json"))["rows"]
    first = {row["currency"]: Decimal(row["expected"]) for row in told["cash"] if row["week"] == "2026-08-16"}
    assert by_currency(opened) == {code: amount for code, amount in first.items() if amount}
    assert all(DAY < row["expected"] <= "2026-08-22" for row in opened)


def test_people_read_tables(run: Any) -> None:
    text = run("receivables", "--as-of", DAY, "--currency", "eur")
    for told in ("Receivables on 2026-08-15", "average days delinquent (days)", "Top debtors", "Cash to come, by week"):
        assert told in text
    assert "KWD" not in text
    assert "Behind 61-90" in run("receivables", "--as-of", "2025-06-30", "--currency", "KWD", "--open", "61-90")
    assert run("receivables", "--as-of", "2020-01-01") == "Nothing was invoiced by 2020-01-01.\n"
    assert run("receivables", "--as-of", "2020-01-01", "--open", "sales") == "Nothing is behind sales.\n"
    header = run("receivables", "--as-of", DAY, "--open", "overdue", "--format", "csv").partition("\n")[0]
    assert header == "currency,segment,part,invoice,number,customer,name,issued,due,amount,days"


@pytest.mark.parametrize("command", ["receivables", "revenue"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--open", "happiness"), "no figure that opens"),
        (("--as-of", "2199-01-01"), "is still to come"),
        (("--as-of", "yesterday"), "Invalid value"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(
    run: Any, command: str, words: tuple[str, ...], said: str
) -> None:
    assert said in run(command, *words, code=2)


def test_a_day_beyond_the_weeks_opens_to_nothing(run: Any) -> None:
    assert "in no week that is forecast" in run("receivables", "--as-of", DAY, "--open", "2031-01-01", code=2)


@pytest.mark.parametrize("name", ["mrr", "new", "reactivation", "expansion", "contraction", "churn"])
def test_the_customers_behind_revenue_add_up_to_it(run: Any, name: str) -> None:
    """To within half a minor unit a customer: MRR has decimals beyond it, and is rounded only to be shown."""
    told = json.loads(run("revenue", "--as-of", DAY, "--json"))["currencies"]
    opened = json.loads(run("revenue", "--as-of", DAY, "--open", name, "--json"))["rows"]
    for each in told:
        mine = [Decimal(row["amount"]) for row in opened if row["currency"] == each["currency"]]
        shown = Decimal(each["mrr"]) if name == "mrr" else _sum(month[name] for month in each["months"])
        step = Decimal({"EUR": "0.01", "USD": "0.01", "JPY": "1", "KWD": "0.001"}[each["currency"]])
        assert mine
        assert abs(sum(mine, start=Decimal(0)) - shown) <= step * (len(mine) + 12)


def test_months_explain_what_moved_mrr(run: Any) -> None:
    [told] = json.loads(run("revenue", "--as-of", DAY, "--currency", "jpy", "--json"))["currencies"]
    months = told["months"]
    assert [month["month"] for month in months][-1] == "2026-08"
    for before, after in pairwise(months):
        moved = sum(int(after[name]) for name in ("new", "reactivation", "expansion", "contraction", "churn"))
        assert abs(int(before["mrr"]) + moved - int(after["mrr"])) <= 6
    assert all(Decimal(month["grr"]) <= 100 for month in months)
    assert Decimal(told["grr"]) <= Decimal(told["nrr"])


def test_lifetime_value_is_told_only_with_a_margin(run: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(run("revenue", "--as-of", DAY, "--margin", "80", "--format", "csv"))))
    assert {row["currency"] for row in rows if row["figure"] == "clv"} == {"EUR", "USD", "JPY", "KWD"}
    assert "clv" not in run("revenue", "--as-of", DAY, "--format", "csv")


def test_revenue_in_tables(run: Any) -> None:
    text = run("revenue", "--as-of", DAY, "--currency", "usd")
    for told in ("Recurring revenue on", "USD by month", "USD by cohort", "logo churn"):
        assert told in text
    same = run("revenue", "--as-of", DAY, "--open", "mrr", "--format", "csv")
    assert run("revenue", "--as-of", DAY, "--open", "arpa", "--format", "csv") == same
    for opened in ("nrr", "cohorts"):
        assert f"Behind {opened}" in run("revenue", "--as-of", DAY, "--open", opened)
    assert run("revenue", "--as-of", "2020-01-01") == "No subscription earned anything by 2020-01-01.\n"
    assert run("revenue", "--as-of", "2020-01-01", "--open", "mrr") == "Nothing is behind mrr.\n"
    assert run("revenue", "--as-of", DAY, "--open", "mrr", "--format", "csv").startswith("currency,month,figure,")


def test_every_figure_that_is_told_says_what_it_opens_to(run: Any) -> None:
    told = json.loads(run("receivables", "--as-of", DAY, "--json"))
    closed = {row["figure"] for row in told["figures"] if not row["made_of"]}
    assert closed == {"unapplied_credits"}  # which opens to customers, not to invoices
    assert set(MADE_OF) >= {part.value for part in BUCKETS}


def _sum(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), start=Decimal(0))
