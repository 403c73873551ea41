"""What each conversion makes of what people and CRMs write, and that it never fails with anything but a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.model import FieldRule, MappingProblem
from mappings.transforms import TRANSFORMS, convert
from mappings.words import ONE_TIME


def read(transform: str, raw: Any, args: Mapping[str, Any] | None = None, **others: Any) -> Any:
    rule = FieldRule("deal.anything", "Deal.field", transform, args or {})
    return convert(rule, raw, lambda path: others.get(path.removeprefix("Deal.")))


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("Monthly", ("month", 1)),
        ("monthly", ("month", 1)),
        ("Quarterly", ("month", 3)),
        ("quarterly", ("month", 3)),
        ("Semiannual", ("month", 6)),
        ("per_six_months", ("month", 6)),
        ("Half-Yearly", ("month", 6)),
        ("Annual", ("year", 1)),
        ("annually", ("year", 1)),
        ("Yearly", ("year", 1)),
        ("per_two_years", ("year", 2)),
        ("per_three_years", ("year", 3)),
        ("per_four_years", ("year", 4)),
        ("per_five_years", ("year", 5)),
        ("weekly", ("week", 1)),
        ("biweekly", ("week", 2)),
        ("daily", ("day", 1)),
        ("One-Time", ONE_TIME),
        ("one time", ONE_TIME),
        ("one-off", ONE_TIME),
        ("every 2 weeks", ("week", 2)),
        ("Every 3 Months", ("month", 3)),
        ("2 quarters", ("month", 6)),
        ("12 months", ("year", 1)),
        ("18 months", ("month", 18)),
        ("P1M", ("month", 1)),
        ("P1Y", ("year", 1)),
        ("P1Y6M", ("month", 18)),
        ("P2W", ("week", 2)),
        ("P30D", ("day", 30)),
    ],
)
def test_an_interval_is_read_from_the_words_of_both_crms_and_of_people(raw: str, meaning: tuple[str, int]) -> None:
    assert read("interval", raw) == meaning


@pytest.mark.parametrize(
    "raw", ["bimonthly", "Invoice Plan", "sometimes", "0 months", "P", "P1M1D", "3", True, "-1 months"]
)
def test_an_interval_that_is_not_certain_is_a_problem(raw: Any) -> None:
    with pytest.raises(MappingProblem, match="how often the line is billed"):
        read("interval", raw)


def test_a_bare_number_is_an_interval_once_the_rule_names_its_unit() -> None:
    assert read("interval", "3", {"unit": "month"}) == ("month", 3)
    assert read("interval", Decimal(12), {"unit": "month"}) == ("year", 1)


def test_a_line_without_a_frequency_is_one_time_where_the_mapping_says_so() -> None:
    """HubSpot leaves recurringbillingfrequency empty for a one-off line."""
    assert read("interval", "") is None
    assert read("interval", None, {"default": "one_time"}) == ONE_TIME


@pytest.mark.parametrize(
    ("raw", "days"),
    [
        ("Net 45", 45),
        ("NET30", 30),
        ("net-15", 15),
        ("Net60 days", 60),
        ("30", 30),
        (30, 30),
        (Decimal("30.0"), 30),
        ("30 days", 30),
        ("14 days net", 14),
        ("Due on receipt", 0),
        ("Due Upon Receipt", 0),
        ("Immediate", 0),
        ("Prepaid", 0),
        ("0", 0),
    ],
)
def test_net_days_are_read_from_terms_as_sales_writes_them(raw: Any, days: int) -> None:
    assert read("net_days", raw) == days


@pytest.mark.parametrize(
    "raw", ["2/10 net 30", "Net 30 EOM", "end of month", "999", Decimal("30.5"), "-5", "soon", "Net"]
)
def test_payment_terms_that_are_more_than_days_are_a_problem(raw: Any) -> None:
    with pytest.raises(MappingProblem):
        read("net_days", raw)


@pytest.mark.parametrize(
    ("raw", "months"),
    [
        ("12", 12),
        (24, 24),
        (Decimal("36.0"), 36),
        ("P1Y", 12),
        ("P18M", 18),
        ("P1Y6M", 18),
        ("2 years", 24),
        ("1 month", 1),
    ],
)
def test_a_term_is_read_in_months(raw: Any, months: int) -> None:
    assert read("months", raw) == months


@pytest.mark.parametrize("raw", ["P52W", "P30D", "P0M", "a year or so", "1.5"])
def test_a_term_that_is_not_whole_months_is_a_problem(raw: str) -> None:
    with pytest.raises(MappingProblem):
        read("months", raw)


@pytest.mark.parametrize(
    ("raw", "number"),
    [("12.50", "12.50"), (" 7 ", "7"), (3, "3"), (Decimal("0.1"), "0.1"), ("1e3", "1000"), (".5", "0.5"), ("-4", "-4")],
)
def test_a_number_is_read_exactly(raw: Any, number: str) -> None:
    assert read("decimal", raw) == Decimal(number)


@pytest.mark.parametrize(
    "raw", [0.1, True, "1,234", "12 EUR", "NaN", "Infinity", "1e99", "1e-40", "1" * 29, Decimal("NaN"), "٣", "", [], {}]
)
def test_what_is_not_certainly_a_number_is_never_guessed(raw: Any) -> None:
    """A float has lost its exact value before we see it; 1,234 is a thousand to some and one and a bit to others."""
    if raw == "":
        assert read("decimal", raw) is None
        return
    with pytest.raises(MappingProblem):
        read("decimal", raw)


@pytest.mark.parametrize(
    ("raw", "mark", "number"),
    [
        ("1,234.50", ".", "1234.50"),
        ("1.234,50", ",", "1234.50"),
        ("1 234,5", ",", "1234.5"),
        ("1'234.5", ".", "1234.5"),
    ],
)
def test_grouped_numbers_are_read_once_the_rule_says_which_mark_is_which(raw: str, mark: str, number: str) -> None:
    assert read("decimal", raw, {"decimal_mark": mark}) == Decimal(number)


def test_a_whole_number_may_be_written_with_zeros_behind_the_point_but_with_nothing_else() -> None:
    assert read("whole_number", "12.0") == 12
    with pytest.raises(MappingProblem, match="not a whole number"):
        read("whole_number", "12.5")


def test_a_percentage_runs_from_0_to_100() -> None:
    assert read("percent", "15%") == Decimal(15)
    assert read("percent", Decimal("0.15"), {"fraction": True}) == Decimal(15)
    for raw in ("101", "-1"):
        with pytest.raises(MappingProblem, match="between 0 and 100"):
            read("percent", raw)


@pytest.mark.parametrize(
    ("raw", "args", "day"),
    [
        ("2026-11-21", {}, date(2026, 11, 21)),
        (date(2026, 11, 21), {}, date(2026, 11, 21)),
        ("2026-11-21T23:30:00Z", {}, date(2026, 11, 21)),
        ("2026-11-21T23:30:00Z", {"timezone": "Europe/Berlin"}, date(2026, 11, 22)),
        ("2013-05-08T21:20:00.000+0000", {}, date(2013, 5, 8)),
        ("1790899200000", {}, date(2026, 10, 2)),
        (1790899200000, {}, date(2026, 10, 2)),
        (datetime(2026, 11, 21, 23, tzinfo=timezone(timedelta(hours=-3))), {}, date(2026, 11, 22)),
        (datetime(2026, 11, 21, 23, tzinfo=UTC).replace(tzinfo=None), {}, date(2026, 11, 21)),
    ],
)
def test_a_day_is_read_from_days_and_moments(raw: Any, args: dict[str, str], day: date) -> None:
    assert read("date", raw, args) == day


@pytest.mark.parametrize("raw", ["21.11.2026", "2026-02-30", "tomorrow", "9" * 40, "20261121"])
def test_what_is_not_certainly_a_date_is_a_problem(raw: str) -> None:
    with pytest.raises(MappingProblem):
        read("date", raw)


def test_the_last_day_there_is_has_no_tomorrow() -> None:
    with pytest.raises(MappingProblem, match="not a date we can use"):
        read("date", "9999-12-31T23:59:59Z", {"timezone": "Asia/Tokyo"})


def test_a_date_in_a_time_zone_that_does_not_exist_is_a_problem() -> None:
    with pytest.raises(MappingProblem, match="time zone"):
        read("date", "2026-11-21T23:30:00Z", {"timezone": "Mars/Olympus"})


def test_a_currency_is_three_letters_in_lower_case() -> None:
    assert read("currency", "USD") == "usd"
    for raw in ("US$", "dollar", "€€€", "u1d"):
        with pytest.raises(MappingProblem, match="not a currency"):
            read("currency", raw)


@pytest.mark.parametrize(
    ("raw", "method"),
    [
        ("Send invoice", "send_invoice"),
        ("Wire", "send_invoice"),
        ("Credit Card", "charge_automatically"),
        ("auto-pay", "charge_automatically"),
    ],
)
def test_a_collection_method_is_read_from_how_customers_pay(raw: str, method: str) -> None:
    assert read("collection", raw) == method


def test_a_collection_method_nobody_knows_is_a_problem() -> None:
    with pytest.raises(MappingProblem, match="how invoices are paid"):
        read("collection", "barter")


@pytest.mark.parametrize(("raw", "truth"), [(True, True), ("true", True), ("Yes", True), (0, False), ("false", False)])
def test_a_checkbox_is_yes_or_no(raw: Any, truth: bool) -> None:
    assert read("boolean", raw) is truth


def test_a_checkbox_is_nothing_in_between() -> None:
    with pytest.raises(MappingProblem, match="neither yes nor no"):
        read("boolean", "maybe")


def test_an_email_is_one_address() -> None:
    assert read("email", "Ann Example <ann@example.com>") == "ann@example.com"
    for raw in ("ann@", "ann", "a@example.com, b@example.com", "a b@example.com", f"{'x' * 300}@example.com"):
        with pytest.raises(MappingProblem) as problem:
            read("email", raw)
        assert "example.com" not in str(problem.value)  # personal data stays out of sentences that are logged


def test_an_enumeration_translates_what_its_table_lists_and_refuses_the_rest() -> None:
    table = {"table": {"Card on file": "charge", "Bill me": "invoice"}}

    assert read("enum", "card ON file", table) == "charge"
    assert read("enum", "invoice", table) == "invoice"
    assert read("enum", "Barter", {**table, "other": "invoice"}) == "invoice"
    assert read("enum", None, table) is None
    with pytest.raises(MappingProblem, match="'Barter' has no translation"):
        read("enum", "Barter", table)


def test_words_of_ones_own_go_through_the_table_of_any_conversion() -> None:
    assert read("interval", "Halbjährlich", {"table": {"halbjährlich": "semiannual"}}) == ("month", 6)
    assert read("interval", "Monthly", {"table": {"halbjährlich": "semiannual"}}) == ("month", 1)


def test_a_pattern_captures_its_group_and_says_nothing_where_it_does_not_match() -> None:
    rule = {"pattern": r"term[: ]+(\d+)", "then": "whole_number"}

    assert read("regex", "start now, term: 24 months", rule) == 24
    assert read("regex", "no words of it", rule) is None
    assert read("regex", None, rule) is None
    assert read("regex", "AB-17", {"pattern": r"[A-Z]+-\d+"}) == "AB-17"


@pytest.mark.parametrize("pattern", ["(a+)+b", "(", "a*b*c*d*e*", "(?x) (a+) +b", "x" * 201, "(ab){2,}"])
def test_a_pattern_that_could_run_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(MappingProblem, match="pattern"):
        read("regex", "a" * 60, {"pattern": pattern})


def test_a_pattern_may_repeat_plain_things_and_hold_literal_brackets() -> None:
    assert read("regex", "x(42)", {"pattern": r"\((\d+)\)"}) == "42"
    assert read("regex", "a)b", {"pattern": r"[)]+b"}) == ")b"


def test_the_first_of_several_fields_that_says_anything_wins() -> None:
    rule = {"fields": ["Deal.second", "Deal.third"], "then": "decimal"}

    assert read("first_of", "1", rule, second="2") == Decimal(1)
    assert read("first_of", " ", rule, second="", third="3") == Decimal(3)
    assert read("first_of", None, rule) is None


def test_a_constant_is_itself_whatever_the_crm_says() -> None:
    assert read("constant", "anything", {"value": "usd"}) == "usd"
    assert read("constant", None, {"value": "Net 30", "then": "net_days"}) == 30
    assert read("constant", None, {"value": 30, "then": "whole_number"}) == 30


def test_a_template_fills_in_paths_and_nothing_else() -> None:
    rule = {"template": "{Deal.name} / {Deal.number}"}

    assert read("template", None, rule, name="Acme", number=Decimal(7)) == "Acme / 7"
    assert read("template", None, rule, name="Acme") is None
    assert read("template", None, {**rule, "missing": "?"}, name="Acme") == "Acme / ?"
    assert (
        read("template", None, {"template": "{0.__class__} {Deal.name}"}, name="{Deal.name}")
        == "{0.__class__} {Deal.name}"
    )


def test_only_plain_conversions_follow_another() -> None:
    with pytest.raises(MappingProblem, match="cannot follow"):
        read("constant", None, {"value": "x", "then": "regex"})


def test_text_is_trimmed_and_single() -> None:
    assert read("text", "  x ") == "x"
    assert read("text", "  ") is None
    assert read("text", True) == "true"
    assert read("text", Decimal("1E+2")) == "100"
    assert read("text", date(2026, 1, 2)) == "2026-01-02"
    for raw in ({"Name": "x"}, ["x"], 1.5):
        with pytest.raises(MappingProblem, match="not a single value"):
            read("text", raw)


def test_a_problem_names_the_field_the_canonical_value_and_what_to_do() -> None:
    with pytest.raises(MappingProblem) as caught:
        read("net_days", "soon")

    problem = caught.value
    assert (problem.canonical, problem.field) == ("deal.anything", "Deal.field")
    assert problem.message == "Deal.field: 'soon' does not say in how many days an invoice falls due."
    assert "Net 30" in problem.hint


def test_a_conversion_that_does_not_exist_is_a_problem() -> None:
    with pytest.raises(MappingProblem, match="no conversion called 'nett'"):
        read("nett", "x")


def test_a_value_as_long_as_a_book_is_a_problem_and_is_not_repeated() -> None:
    with pytest.raises(MappingProblem) as caught:
        read("text", "x" * 20_000)
    assert len(caught.value.message) < 200


_ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(),
    st.text("0123456789.,-+eE%pPyYmMwWdD \u0663", max_size=15),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.lists(st.text(), max_size=2),
    st.dictionaries(st.text(), st.text(), max_size=2),
)
_ARGS: Mapping[str, Mapping[str, Any]] = {
    "enum": {"table": {"a": "b"}},
    "regex": {"pattern": r"(\d+)", "then": "whole_number"},
    "first_of": {"fields": ["Deal.x"], "then": "date"},
    "constant": {"value": "1", "then": "decimal"},
    "template": {"template": "{Deal.x}!"},
}


@settings(max_examples=300)
@given(raw=_ANYTHING, other=_ANYTHING, transform=st.sampled_from(sorted(TRANSFORMS)))
def test_whatever_a_crm_holds_a_conversion_gives_a_value_or_a_problem(raw: Any, other: Any, transform: str) -> None:
    kinds: dict[str, Any] = {
        "text": str,
        "decimal": Decimal,
        "whole_number": int,
        "date": date,
        "boolean": bool,
        "interval": tuple,
        "text_list": tuple,
        "any": object,
    }
    try:
        value = read(transform, raw, _ARGS.get(transform), x=other)
    except MappingProblem:
        return
    assert value is None or isinstance(value, kinds[TRANSFORMS[transform].yields])


@given(number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_no_digit_of_an_amount_is_lost(number: Decimal) -> None:
    assert read("decimal", format(number, "f")) == number
    assert read("decimal", number) == number


@pytest.mark.parametrize(
    ("transform", "raw", "meaning"),
    [
        ("emails", "ap@acme.example; Bo <bo@acme.example>,AP@acme.example\nfin@acme.example", 3),
        ("emails", " ; , ", 0),
        ("text_list", "a;b, a", 2),
    ],
)
def test_a_list_is_parted_by_any_usual_mark_and_says_each_once(transform: str, raw: str, meaning: int) -> None:
    assert len(read(transform, raw) or ()) == meaning


def test_the_addresses_of_a_list_are_bare() -> None:
    assert read("emails", "ap@acme.example; Bo <bo@acme.example>") == ("ap@acme.example", "bo@acme.example")


@pytest.mark.parametrize("raw", ["ap@acme.example; nobody", "x;" * 60])
def test_one_bad_entry_is_a_problem_of_the_whole_list(raw: str) -> None:
    """An invoice that silently leaves one recipient out is the kind of thing nobody finds."""
    with pytest.raises(MappingProblem):
        read("emails", raw)


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("New Business", "new"),
        ("newbusiness", "new"),
        ("New Customer", "new"),
        ("Existing Business", "amendment"),
        ("existingbusiness", "amendment"),
        ("Existing Customer - Upgrade", "amendment"),
        ("Existing Customer - Downgrade", "amendment"),
        ("Amendment", "amendment"),
        ("Renewal", "renewal"),
        ("Cancellation", "cancellation"),
        ("Cancelled", "cancellation"),
        ("Quote", "new"),
    ],
)
def test_what_a_deal_does_is_read_from_the_words_of_both_crms(raw: str, meaning: str) -> None:
    assert read("deal_kind", raw) == meaning


def test_a_deal_that_does_something_unheard_of_is_a_problem_that_names_what_is_known() -> None:
    with pytest.raises(MappingProblem, match="does not say what the deal does") as caught:
        read("deal_kind", "Partner")
    assert "Renewal" in caught.value.hint


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [("Exempt", "exempt"), ("Reverse charge", "reverse"), ("none", "none"), (True, "exempt"), (False, "none")],
)
def test_a_tax_status_is_a_word_or_a_checkbox(raw: object, meaning: str) -> None:
    assert read("tax_status", raw) == meaning


@pytest.mark.parametrize(("raw", "meaning"), [(Decimal("12.0"), ("year", 1)), (Decimal(18), ("month", 18))])
def test_a_number_of_months_is_an_interval_however_its_zeros_are_written(raw: Decimal, meaning: object) -> None:
    """Salesforce sends every number as a double: 12.0."""
    assert read("interval", raw, {"unit": "months"}) == meaning


@pytest.mark.parametrize("raw", [Decimal("11.5"), Decimal("1E+999999"), Decimal("NaN"), Decimal(-3)])
def test_a_number_that_counts_no_months_is_a_problem(raw: Decimal) -> None:
    with pytest.raises(MappingProblem):
        read("interval", raw, {"unit": "months"})


@pytest.mark.parametrize("raw", [Decimal("14.0"), Decimal("14.00"), Decimal(14), 14, "14"])
def test_a_table_knows_a_number_however_many_decimals_it_is_written_with(raw: object) -> None:
    """Salesforce says 14.0 for every 14, be the field for whole numbers or not."""
    rule = FieldRule("terms.net_days", "Opportunity.Days__c", "net_days", {"table": {"14": "30"}})

    assert convert(rule, raw, lambda _: None) == 30


@pytest.mark.parametrize("raw", [Decimal("14.5"), Decimal(140), True, "14th"])
def test_a_table_takes_no_other_value_for_its_number(raw: object) -> None:
    rule = FieldRule("terms.po_number", "Opportunity.Days__c", "text", {"table": {"14": "fourteen"}})

    assert convert(rule, raw, lambda _: None) != "fourteen"


def test_a_whole_number_of_salesforce_is_shown_as_one() -> None:
    """A purchase order from a number field would read 4711.0 on the invoice."""
    rule = FieldRule("terms.po_number", "Opportunity.PO__c")

    assert convert(rule, Decimal("4711.0"), lambda _: None) == "4711"
    assert convert(rule, Decimal("4711.50"), lambda _: None) == "4711.50"
    assert convert(rule, Decimal(4710), lambda _: None) == "4710"
