"""A file of invoices is read as it stands or refused with a sentence that says what to change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connector.domain.past_invoice import PastInvoice
from tests.cli.invoice_files import ACME, HEADING, ROW, read, refusal, refused, run, written


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
        ("a,b,c", "invoices-column-missing", "customer, issued, due, paid and amount"),
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


def test_credit_notes_and_zero_amounts_are_no_invoices_and_are_counted(tmp_path: Path) -> None:
    line = "2026-01-01,2026-01-31,,{},EUR,,Acme"

    found = read(written(tmp_path, ROW, line.format("-50"), line.format("0.00"), line.format("-1")))

    assert (found.invoices, found.credit_notes, found.zero_amounts) == ([ACME], 2, 1)


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
    told = str(refused(written(tmp_path, *["nonsense,,,,EUR,,"] * 5000)))

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


def test_latin_letters_are_read_when_somebody_says_so(tmp_path: Path) -> None:
    file = written(tmp_path, ROW.replace("Acme", "Müller"), encoding="cp1252")

    assert refused(file).sentence_id == "invoices-file-encoding"
    assert [one.customer for one in read(file, encoding="cp1252").invoices] == ["Müller"]


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
