"""Dates, amounts and currencies of a file: exact, and refused where they could mean two things."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connector.cli.health.csv_values import BadCell, DecimalMark, minor_units
from tests.cli.invoice_files import ACME, ROW, read, refused, written


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("20260131", date(2026, 1, 31)),
        ("20260131.0", date(2026, 1, 31)),
        ("2026-01-31 00:00:00", date(2026, 1, 31)),
        ("2026-01-31T23:30:00Z", date(2026, 1, 31)),
        ("2026-01-31T23:30:00-02:00", date(2026, 2, 1)),
    ],
)
def test_iso_dates_are_read_with_a_time_or_without(tmp_path: Path, text: str, day: date) -> None:
    [found] = read(written(tmp_path, f"2026-01-01,{text},,1,EUR,,Acme")).invoices
    assert found.due == day


@pytest.mark.parametrize(
    "text", ["01/02/2026", "1.2.2026", "31/01/26", "Jan 31 2026", "2026", "yesterday", "2026-02-30"]
)
def test_a_date_that_may_mean_two_days_is_refused_with_the_option_that_helps(tmp_path: Path, text: str) -> None:
    error = refused(written(tmp_path, f"2026-01-01,{text},,1,EUR,,Acme"))

    assert f"Line 2: due is “{text}”" in str(error)
    assert "--date-format DD/MM/YYYY" in str(error)
    assert "[invoice-row-date]" in str(error)


@pytest.mark.parametrize(
    ("issued", "due", "options"),
    [
        ("1/2/2026", "1/31/2026", "Add --date-format MM/DD/YYYY."),
        ("31/01/2026", "02/03/2026", "Add --date-format DD/MM/YYYY."),
        ("1.2.2026", "3.4.2026", "Add --date-format MM.DD.YYYY or --date-format DD.MM.YYYY."),
        ("01/02/26", "01/31/26", "Add --date-format MM/DD/YY."),
        ("2026/01/02", "2026/01/31", "Add --date-format YYYY/MM/DD."),
        ("2 Jan 2026", "31 Jan 2026", "Add --date-format '%d %b %Y'."),
        ("1/2/2026 0:00", "1/31/2026 0:00", "Add --date-format '%m/%d/%Y %H:%M'."),
    ],
)
def test_dates_that_are_all_of_one_other_form_are_told_once_with_the_option_to_add(
    tmp_path: Path, issued: str, due: str, options: str
) -> None:
    file = written(tmp_path, *[f"{issued},{due},,1,EUR,,Acme"] * 30)

    error = refused(file)

    assert error.sentence_id == "invoices-dates-form"
    assert f"writes its dates as in “{issued}”" in str(error)
    assert str(error).endswith(options)
    said = options.removeprefix("Add --date-format ").removesuffix(".").split(" or ")[0].strip("'")
    assert len(read(file, date_formats=(said,)).invoices) == 30


@pytest.mark.parametrize(
    "lines",
    [
        ["31/01/2026,31/02/2026,,1,EUR,,Acme"] * 2,  # no form reads the second
        ["2026-01-01,31/01/2026,,1,EUR,,Acme"] * 2,  # two forms
        [ROW, "31/01/2026,31/03/2026,,1,EUR,,Acme"],
        ["31/01/2026,31/03/2026,,1,EUR,,Acme", "31/01/2026,31/03/2026"],
    ],
)
def test_dates_of_several_forms_are_told_line_by_line(tmp_path: Path, lines: list[str]) -> None:
    assert refused(written(tmp_path, *lines)).sentence_id == "invoices-rows-unreadable"


def test_leaving_out_bad_rows_does_not_hide_that_all_dates_are_of_another_form(tmp_path: Path) -> None:
    file = written(tmp_path, *["31/01/2026,31/03/2026,,1,EUR,,Acme"] * 3)

    assert refused(file, skip_bad_rows=True).sentence_id == "invoices-dates-form"


@pytest.mark.parametrize(
    ("said", "text", "day"),
    [
        ("DD/MM/YYYY", "02/03/2026", date(2026, 3, 2)),
        ("MM/DD/YYYY", "2/3/2026", date(2026, 2, 3)),
        ("%d.%m.%y", "02.03.26", date(2026, 3, 2)),
        ("%d %b %Y", "2 Mar 2026", date(2026, 3, 2)),
    ],
)
def test_dates_are_read_as_somebody_says_they_are_written(tmp_path: Path, said: str, text: str, day: date) -> None:
    [found] = read(written(tmp_path, f"{text},{text},,1,EUR,,Acme"), date_formats=(said,)).invoices
    assert (found.issued, found.due) == (day, day)


def test_columns_may_write_their_dates_differently(tmp_path: Path) -> None:
    file = written(tmp_path, "2026-01-01,20260131,2026-02-05 00:00:00,100,EUR,,Acme")

    [found] = read(file, date_formats=("%Y%m%d", "YYYY-MM-DD", "%Y-%m-%d %H:%M:%S")).invoices

    assert (found.issued, found.due, found.paid) == (ACME.issued, ACME.due, ACME.paid)


@pytest.mark.parametrize("said", ["DD/MM", "YYYY", "%d", "%Q", "no date", "%", ""])
def test_a_format_that_names_no_day_is_refused(tmp_path: Path, said: str) -> None:
    assert refused(written(tmp_path, ROW), date_formats=(said,)).sentence_id == "invoices-date-format"


@pytest.mark.parametrize("text", ["1900-01-01", "9999-12-31", "2101-01-01"])
def test_days_that_stand_for_none_are_refused(tmp_path: Path, text: str) -> None:
    assert "[invoice-row-date-range]" in str(refused(written(tmp_path, f"2026-01-01,2026-01-31,{text},1,EUR,,Acme")))


@pytest.mark.parametrize("text", ["", " ", "null", "None", "NaT", "nan", "-", "N/A"])
def test_an_invoice_without_a_paid_date_is_unpaid(tmp_path: Path, text: str) -> None:
    [found] = read(written(tmp_path, f"2026-01-01,2026-01-31,{text},1,EUR,,Acme")).invoices
    assert found.paid is None


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("100", "eur", 10000),
        ("100.5", "eur", 10050),
        ("1,234.56", "eur", 123456),
        ("1.234,56", "eur", 123456),
        ("1 234,56", "eur", 123456),
        ("1\u00a0234\u00a0567.89", "eur", 123456789),
        ("1'234.50", "chf", 123450),
        ("1,234,567", "eur", 123456700),
        ("12345,6", "eur", 1234560),
        ("100.00", "jpy", 100),
        ("1.5", "kwd", 1500),
        ("-3", "eur", -300),
        ("(3.10)", "eur", -310),
        ("999999999999999", "eur", 99999999999999900),
    ],
)
def test_amounts_are_exact(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "sentence"),
    [
        ("1,234", "eur", "invoice-row-amount-unclear"),
        ("1.234", "eur", "invoice-row-amount-unclear"),
        ("1.234", "kwd", "invoice-row-amount-unclear"),
        ("1.2345", "eur", "invoice-row-amount-decimals"),
        ("100.5", "jpy", "invoice-row-amount-decimals"),
        ("12,34,567.00", "inr", "invoice-row-amount"),
        ("1,23.45", "eur", "invoice-row-amount"),
        ("EUR 12", "eur", "invoice-row-amount"),
        ("1e5", "eur", "invoice-row-amount"),
        ("1e999999999", "eur", "invoice-row-amount"),
        ("nan", "eur", "invoice-row-amount"),
        ("Infinity", "eur", "invoice-row-amount"),
        ("9" * 16, "eur", "invoice-row-amount"),
        ("--1", "eur", "invoice-row-amount"),
        ("1..2", "eur", "invoice-row-amount"),
    ],
)
def test_amounts_that_are_unclear_are_refused(text: str, currency: str, sentence: str) -> None:
    with pytest.raises(BadCell) as caught:
        minor_units(text, currency)
    assert caught.value.sentence.id == sentence


def test_the_decimal_mark_settles_what_is_unclear() -> None:
    assert minor_units("1,234", "eur", DecimalMark.POINT) == 123400
    assert minor_units("1.234", "eur", DecimalMark.COMMA) == 123400
    assert minor_units("1.234", "kwd", DecimalMark.POINT) == 1234
    with pytest.raises(BadCell):
        minor_units("1,234", "eur", DecimalMark.COMMA)


def test_a_refusal_of_an_unclear_amount_names_both_readings_and_the_option(tmp_path: Path) -> None:
    text = str(refused(written(tmp_path, '2026-01-01,2026-01-31,,"1,234",EUR,,Acme')))

    assert "may mean 1.234 or 1234" in text
    assert "--decimal comma" in text


def test_a_file_without_currencies_needs_to_be_told_one(tmp_path: Path) -> None:
    file = written(tmp_path, "2026-01-01,2026-01-31,2026-02-05,100.00,Acme", heading="issued,due,paid,amount,customer")

    assert refused(file).sentence_id == "invoices-currency-missing"
    assert "--currency EUR" in str(refused(file))
    assert read(file, currency="EUR").invoices == [ACME]
    assert refused(file, currency="Euro").sentence_id == "invoices-currency-option"


def test_a_column_of_currencies_that_is_empty_on_every_line_is_told_once(tmp_path: Path) -> None:
    empty = "2026-01-01,2026-01-31,,1,,,Acme"

    assert refused(written(tmp_path, *[empty] * 30)).sentence_id == "invoices-currency-missing"
    assert refused(written(tmp_path, empty, ROW)).sentence_id == "invoices-rows-unreadable"


def test_a_currency_of_its_own_wins_over_the_one_that_was_told(tmp_path: Path) -> None:
    found = read(written(tmp_path, ROW, "2026-01-01,2026-01-31,,1,,,Acme"), currency="USD")

    assert [one.currency for one in found.invoices] == ["eur", "usd"]
