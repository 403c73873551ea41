"""Whatever is given as a file of invoices, there is an answer or a sentence; never a traceback, never a burden."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.health import csv_records, invoices_csv
from connector.cli.health.invoices_csv import CsvOptions, InvoiceFile, read_invoices
from connector.cli.health.unreadable import UnreadableInvoices
from tests.cli.invoice_files import HEADING, ROW, read, refused, written


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
