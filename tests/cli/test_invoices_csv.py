"""A file of invoices is read as it stands or refused with a sentence that says what to change; never a traceback."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.health import csv_records, invoices_csv
from connector.cli.health.csv_values import BadCell, DecimalMark, minor_units
from connector.cli.health.invoices_csv import CsvOptions, InvoiceFile, read_invoices
from connector.cli.health.unreadable import UnreadableInvoices
from connector.domain.past_invoice import PastInvoice
from tests.cli.invoice_files import HEADING, refusal, run, written

ROW = "2026-01-01,2026-01-31,2026-02-05,100.00,EUR,no,Acme"
ACME = PastInvoice("Acme", date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 5), 10000, "eur", False, "line 2")


def read(file: Path, **options: object) -> InvoiceFile:
    return read_invoices(str(file), CsvOptions(**options))  # type: ignore[arg-type]  # each test says what it means


def refused(file: Path | str, **options: object) -> UnreadableInvoices:
    with pytest.raises(UnreadableInvoices) as caught:
        read_invoices(str(file), CsvOptions(**options))  # type: ignore[arg-type]  # as above
    return caught.value


def test_a_plain_file_is_read_as_it_stands(tmp_path: Path) -> None:
    unpaid = "2026-02-01,2026-03-03,,1234.5,usd,YES,Beta & Sons"

    found = read(written(tmp_path, ROW, unpaid))

    assert found.invoices == [
        ACME,
        PastInvoice("Beta & Sons", date(2026, 2, 1), date(2026, 3, 3), None, 123450, "usd", True, "line 3"),
    ]
    assert found.last_day == date(2026, 2, 5)


@pytest.mark.parametrize(
    "heading",
    [
        "Invoice Date,Due Date,Settled Date,Total,Currency,Disputed,Customer ID",
        "INVOICE_DATE,DUE_DATE,PAYMENT_DATE,AMOUNT,CURRENCY_CODE,IS_DISPUTED,CUSTOMER_NAME",
        "InvoiceDate,DueDate,SettledDate,InvoiceAmount,curr,Disputed,customerID",
        "document_create_date,due_in_date,clear_date,total_open_amount,invoice_currency,dispute,cust_number",
        " issued , due , paid , amount , currency , disputed , customer ",
        '"issued","due","paid","amount","currency","disputed","customer"',
    ],
)
def test_columns_are_known_by_their_usual_names(tmp_path: Path, heading: str) -> None:
    assert read(written(tmp_path, ROW, heading=heading)).invoices == [ACME]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\r\n")])
def test_delimiters_and_the_marks_at_a_files_beginning_are_found_out(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    line, heading = ROW.replace(",", delimiter), HEADING.replace(",", delimiter)

    assert read(written(tmp_path, line, heading=heading, encoding=encoding, end=end)).invoices == [ACME]


def test_a_file_of_semicolons_may_have_commas_in_its_headings(tmp_path: Path) -> None:
    heading = "issued;due;paid;amount, net, or gross;currency;disputed;customer"
    line = "2026-01-01;2026-01-31;2026-02-05;100,00;EUR;no;Acme"

    found = read(written(tmp_path, line, heading=heading), columns=("amount=amount, net, or gross",))

    assert found.invoices == [ACME]


def test_excels_own_first_line_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    found = read(
        written(tmp_path, "", HEADING.replace(",", ";"), "   ", ROW.replace(",", ";"), ";;;;;;", heading="sep=;")
    )

    assert [one.customer for one in found.invoices] == ["Acme"]


def test_a_column_is_what_somebody_says_it_is(tmp_path: Path) -> None:
    heading = "Booked,DueInDate,Done,Sum,Money,disputed,Whose"
    said = ("issued=booked", "due=DueInDate", "paid=Done", "amount=Sum", "currency=Money", "customer=Whose")

    found = read(written(tmp_path, ROW, heading=heading), columns=said)

    assert found.invoices == [ACME]
    assert found.columns["issued"] == "Booked"


def test_our_own_word_wins_over_another_usual_name(tmp_path: Path) -> None:
    heading = "issued,due,paid,amount,currency,disputed,customer,total,invoice date"

    assert read(written(tmp_path, f"{ROW},999,2020-01-01", heading=heading)).invoices == [ACME]


def test_an_id_tells_customers_apart_where_there_is_a_name_too(tmp_path: Path) -> None:
    heading = "issued,due,paid,amount,currency,Customer Name,Customer ID"

    found = read(written(tmp_path, "2026-01-01,2026-01-31,,1,EUR,Acme,C-7", heading=heading))

    assert [one.customer for one in found.invoices] == ["C-7"]


def test_numbers_of_invoices_are_kept(tmp_path: Path) -> None:
    found = read(written(tmp_path, f"{ROW},R-1", f"{ROW},", heading=f"{HEADING},Invoice No"))

    assert [one.number for one in found.invoices] == ["R-1", "line 3"]


@pytest.mark.parametrize(
    ("heading", "sentence", "names"),
    [
        ("issued,due,amount,customer", "invoices-column-missing", "no column for paid"),
        ("a,b,c", "invoices-column-missing", "customer and issued and due and paid and amount"),
        ("issued,due,due,paid,amount,customer", "invoices-column-ambiguous", "several columns that may be due"),
        ("issued,Due,DUE,paid,amount,customer", "invoices-column-ambiguous", "“Due”, “DUE”"),
        ("issued,due,settled,clear date,amount,customer", "invoices-column-ambiguous", "“settled”, “clear date”"),
        ("issued,due,paid,Total,Invoice amount,customer", "invoices-column-ambiguous", "“Total”, “Invoice amount”"),
        ('issued,"due', "invoices-quotes-broken", "line 1"),
    ],
)
def test_headings_that_leave_a_doubt_are_refused(tmp_path: Path, heading: str, sentence: str, names: str) -> None:
    error = refused(written(tmp_path, heading=heading))

    assert error.sentence_id == sentence
    assert names in str(error)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (("due",), "invoices-column-option"),
        (("due=",), "invoices-column-option"),
        (("when=Due",), "invoices-column-option"),
        (("due=due", "due=paid"), "invoices-column-option"),
        (("due=Fällig",), "invoices-column-unknown"),
    ],
)
def test_a_column_that_makes_no_sense_is_refused(tmp_path: Path, columns: tuple[str, ...], sentence: str) -> None:
    assert refused(written(tmp_path, ROW), columns=columns).sentence_id == sentence


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


def test_credit_notes_and_zero_amounts_are_no_invoices_and_are_counted(tmp_path: Path) -> None:
    line = "2026-01-01,2026-01-31,,{},EUR,,Acme"

    found = read(written(tmp_path, ROW, line.format("-50"), line.format("0.00"), line.format("-1")))

    assert (found.invoices, found.credit_notes, found.zero_amounts) == ([ACME], 2, 1)


def test_a_file_without_currencies_needs_to_be_told_one(tmp_path: Path) -> None:
    file = written(tmp_path, "2026-01-01,2026-01-31,2026-02-05,100.00,Acme", heading="issued,due,paid,amount,customer")

    assert "--currency EUR" in str(refused(file))
    assert read(file, currency="EUR").invoices == [ACME]
    assert refused(file, currency="Euro").sentence_id == "invoices-currency-option"


def test_a_currency_of_its_own_wins_over_the_one_that_was_told(tmp_path: Path) -> None:
    found = read(written(tmp_path, ROW, "2026-01-01,2026-01-31,,1,,,Acme"), currency="USD")

    assert [one.currency for one in found.invoices] == ["eur", "usd"]


@pytest.mark.parametrize(
    ("line", "sentence", "names"),
    [
        ("2026-01-01,2026-01-31", "invoice-row-cells", "2 cells and the heading has 7"),
        (f"{ROW},more", "invoice-row-cells", "8 cells"),
        ("2026-01-01,,,1,EUR,,Acme", "invoice-row-empty", "due is empty"),
        ("2026-01-01,2026-01-31,,,EUR,,Acme", "invoice-row-empty", "amount is empty"),
        ("2026-01-01,2026-01-31,,1,EUR,, ", "invoice-row-empty", "customer is empty"),
        ("2026-01-01,2026-01-31,,1,EURO,,Acme", "invoice-row-currency", "“EURO”"),
        ("2026-01-01,2026-01-31,,1,€,,Acme", "invoice-row-currency", "“€”"),
        ("2026-01-01,2026-01-31,,1,EUR,maybe,Acme", "invoice-row-disputed", "“maybe”"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, sentence: str, names: str) -> None:
    error = refused(written(tmp_path, ROW, line))

    assert error.sentence_id == "invoices-rows-unreadable"
    assert f"[{sentence}]" in str(error)
    assert "Line 3" in str(error)
    assert names in str(error)


def test_trailing_delimiters_are_no_cells(tmp_path: Path) -> None:
    assert read(written(tmp_path, f"{ROW},,,")).invoices == [ACME]


def test_bad_lines_are_left_out_and_counted_when_somebody_says_so(tmp_path: Path) -> None:
    bad = ["2026-01-01,nonsense,,1,EUR,,Acme"] * 30

    found = read(written(tmp_path, *bad, ROW), skip_bad_rows=True)

    assert [one._replace(number="") for one in found.invoices] == [ACME._replace(number="")]
    assert (found.bad_rows, len(found.problems)) == (30, 20)
    assert found.problems[0].startswith("Line 2: due is “nonsense”")


def test_of_many_bad_lines_the_first_are_told(tmp_path: Path) -> None:
    told = str(refused(written(tmp_path, *["nonsense,,,,,,"] * 5000)))

    assert told.count("[invoice-row") == 20
    assert "And at least one more." in told


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    """A cell may hold line ends; the line named is that on which its invoice begins."""
    told = str(refused(written(tmp_path, f'{ROW[:-4]}"Acme\nof\nUtopia"', "2026-01-01,oops,,1,EUR,,Acme")))

    assert "Line 5: due" in told


@pytest.mark.parametrize("content", ["", "\n\n", f"{HEADING}\n", f"{HEADING}\n2026-01-01,2026-01-31,,0,EUR,,Acme\n"])
def test_a_file_without_any_invoice_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(content)
    assert refused(file).sentence_id == "invoices-file-empty"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x00\x01\x02\x03", "invoices-file-binary"),
        (HEADING.encode() + b"\n2026-01-01,\x00", "invoices-file-binary"),
        (HEADING.encode("utf-16-le") + b"\n\x00", "invoices-file-binary"),
        (HEADING.encode() + b"\n" + ROW.encode() + "ä".encode("latin-1"), "invoices-file-encoding"),
        (b"\xff\xfe\x00", "invoices-file-encoding"),
        (b"x" * 200_000, "invoices-line-too-long"),
        (HEADING.encode() + b"\n" + b'"' + b"a\n" * 500, "invoices-record-too-long"),
        (HEADING.encode() + b"\n" + b'"a\n","b\n",' * 500, "invoices-record-too-long"),
        (HEADING.encode() + b'\n"a"b,c', "invoices-quotes-broken"),
        (HEADING.encode() + b'\n"never closed', "invoices-quotes-broken"),
        (b"PK\x03\x04\x14\x00\x06\x00", "invoices-file-binary"),
    ],
)
def test_a_hostile_file_gets_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "invoices.csv"
    file.write_bytes(content)
    assert refused(file).sentence_id == sentence


def test_an_endless_line_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A gigabyte without a line end costs what a page of it costs."""
    file = tmp_path / "invoices.csv"
    with file.open("wb") as opened:
        opened.truncate(2**30)
        opened.write(b"a" * (csv_records.LONGEST_LINE + 10))

    assert refused(file).sentence_id == "invoices-line-too-long"


def test_latin_letters_are_read_when_somebody_says_so(tmp_path: Path) -> None:
    file = written(tmp_path, ROW.replace("Acme", "Müller"), encoding="cp1252")

    assert refused(file).sentence_id == "invoices-file-encoding"
    assert [one.customer for one in read(file, encoding="cp1252").invoices] == ["Müller"]


def test_more_invoices_than_memory_is_meant_for_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoices_csv, "MOST_INVOICES", 3)
    assert len(read(written(tmp_path, *[ROW] * 3)).invoices) == 3
    assert refused(written(tmp_path, *[ROW] * 4)).sentence_id == "invoices-file-too-large"


@pytest.mark.parametrize("file", ["nowhere.csv", ".", "/dev/zero", "\0", "x" * 5000, ""])
def test_what_is_no_file_is_refused(file: str) -> None:
    assert refused(file).sentence_id == "invoices-file-unreadable"


def test_what_a_terminal_would_obey_is_not_repeated(tmp_path: Path) -> None:
    told = str(refused(written(tmp_path, "2026-01-01,\x1b[31mred\x07,,1,EUR,,Acme")))

    assert "\x1b" not in told
    assert "\x07" not in told


@pytest.mark.parametrize("command", ["evaluate", "assess"])
def test_both_commands_end_with_1_and_the_sentence(tmp_path: Path, command: str) -> None:
    file = written(tmp_path, "2026-01-01,01/02/2026,,1,EUR,,Acme")

    done = run(command, "--invoices", file)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "Line 2: due is “01/02/2026”" in done.stderr
    assert "docs/errors.md#invoices-rows-unreadable" in done.stderr
    assert refusal(command, "--invoices", file)["id"] == "invoices-rows-unreadable"


def test_what_was_left_out_is_told_beside_the_answer(tmp_path: Path) -> None:
    done = run("assess", "--invoices", written(tmp_path, ROW, *["x,,,,,,"] * 25), "--skip-bad-rows")

    assert done.exit_code == 0
    assert done.stderr.count("left out: Line") == 20
    assert "left out: and 5 more." in done.stderr


_PIECES = st.sampled_from(
    [
        *(
            HEADING,
            ROW,
            "\n",
            "\r\n",
            "\r",
            ",",
            ";",
            "\t",
            '"',
            '""',
            "\x00",
            "\ufeff",
            "2026-01-01",
            "1,234.5",
            "-",
            "'",
        ),
        *("due", "customer", "ä", "\u2028", "\x1b[2J", " ", "9" * 30, "=1+1", "(", ")", "NaN", "é\u0301", "𝟙𝟚", "٣٫٤"),
    ]
)


def attempt(file: str, options: CsvOptions) -> InvoiceFile | UnreadableInvoices:
    try:
        return read_invoices(file, options)
    except UnreadableInvoices as error:
        return error


@given(st.lists(_PIECES, max_size=40).map("".join), st.sampled_from(["utf-8", "utf-16", "cp1252"]), st.booleans())
def test_whatever_a_file_holds_there_is_an_answer_or_a_sentence(text: str, encoding: str, skip: bool) -> None:
    """Never anything else, and never an invoice of nothing or of nobody."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(text.encode(encoding, "replace"))
        file.flush()
        found = attempt(file.name, CsvOptions(skip_bad_rows=skip, encoding=encoding))
    if isinstance(found, UnreadableInvoices):
        assert found.sentence_id
        assert "\x1b" not in str(found)
    else:
        assert found.invoices
        assert all(one.amount > 0 and one.customer and len(one.currency) == 3 for one in found.invoices)


@given(st.binary(max_size=300))
def test_bytes_that_mean_nothing_get_a_sentence(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        with pytest.raises(UnreadableInvoices):
            read_invoices(file.name, CsvOptions())
