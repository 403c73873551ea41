"""A CSV of past invoices, as any company can export it, read into the domain's words or refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.cli.health.csv_columns import named_columns, places, recognised
from connector.cli.health.csv_records import DELIMITERS, Record, Records
from connector.cli.health.csv_values import (
    BadCell,
    DateReader,
    DecimalMark,
    currency,
    currency_option,
    date_formats,
    is_nothing,
    minor_units,
    yes_or_no,
)
from connector.cli.health.unreadable import UnreadableInvoices, printable
from connector.cli.health.whole_file import BadLines
from connector.domain.past_invoice import PastInvoice
from connector.sentences.health import BAD_ROWS, EMPTY, ROW_CELLS, ROW_EMPTY, TOO_MANY

MOST_INVOICES = 1_000_000
_MOST_TOLD = 20
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """What somebody says about the file, where it does not say so itself."""

    columns: Sequence[str] = ()  #: each as ``due=DueInDate``
    date_formats: Sequence[str] = ()
    decimal_mark: DecimalMark | None = None
    currency: str = ""
    encoding: str = "utf-8"
    skip_bad_rows: bool = False


@dataclass(slots=True)
class InvoiceFile:
    """What was read."""

    columns: Mapping[str, str]  #: our word -> the file's heading
    invoices: list[PastInvoice] = field(default_factory=list)
    credit_notes: int = 0  #: amounts below 0: no invoices, left out
    zero_amounts: int = 0  #: say nothing about paying, left out
    bad_rows: int = 0  #: left out because somebody said --skip-bad-rows
    problems: list[str] = field(default_factory=list)  #: the first of them

    @property
    def readable(self) -> int:
        """How many lines could be read, whether anything follows from them or not."""
        return len(self.invoices) + self.credit_notes + self.zero_amounts

    @property
    def last_day(self) -> date:
        """The last day of which the file knows anything."""
        return max(max(one.issued, one.paid or one.issued) for one in self.invoices)


def read_invoices(file: str, options: CsvOptions) -> InvoiceFile:
    """Every invoice of the file.

    Raises:
        UnreadableInvoices: it cannot be read, or a line of it cannot and ``skip_bad_rows`` was not said.
    """
    named = named_columns(options.columns)
    shown = printable(file)
    with Records(file, options.encoding) as source:
        heading = source.heading()
        if not heading:
            raise UnreadableInvoices.because(EMPTY, file=shown)
        by_delimiter = {delimiter: source.cells(heading, delimiter) for delimiter in DELIMITERS if delimiter in heading}
        delimiter = max(by_delimiter, key=lambda one: _likeness(by_delimiter[one], named), default=",")
        headings = by_delimiter.get(delimiter) or source.cells(heading, ",")
        columns = places(headings, named, shown)
        rows = _Rows(columns, len(headings), options)
        found = InvoiceFile({column: printable(headings[place].strip()) for column, place in columns.items()})
        bad = BadLines()
        for record in source.records(delimiter):
            _take(record, rows, found, bad, skip=options.skip_bad_rows)
            if len(found.invoices) > MOST_INVOICES:
                raise UnreadableInvoices.because(TOO_MANY, file=shown, limit=f"{MOST_INVOICES:,}")
            if found.bad_rows > _MOST_TOLD and not options.skip_bad_rows:
                break
    if found.bad_rows and not found.readable and (same := bad.refusal(shown)):
        raise same
    if found.bad_rows and not options.skip_bad_rows:
        raise UnreadableInvoices.because(BAD_ROWS, file=shown, problems=_told(found))
    if not found.invoices:
        raise UnreadableInvoices.because(EMPTY, file=shown)
    return found


class _Rows:
    """Turns records into invoices."""

    def __init__(self, columns: Mapping[str, int], width: int, options: CsvOptions) -> None:
        self._columns = columns
        self._width = width
        self._dates = DateReader(date_formats(options.date_formats))
        self._mark = options.decimal_mark
        self._currency = currency_option(options.currency)
        self._customers: dict[str, str] = {}

    def invoice(self, line: int, cells: Sequence[str]) -> PastInvoice:
        """One invoice; its amount may be 0 or less.

        Raises:
            BadCell: with the first thing that is wrong with it.
        """
        if any(cell.strip() for cell in cells[self._width :]) or len(cells) <= max(self._columns.values()):
            raise BadCell(ROW_CELLS, cells=len(cells), columns=self._width)
        code = self._code(cells)
        customer = self._needed(cells, "customer")[:_LONGEST_NAME]
        paid = self._cell(cells, "paid")
        return PastInvoice(
            customer=self._customers.setdefault(customer, customer),  # one text for all its invoices
            issued=self._dates.day(self._needed(cells, "issued"), "issued"),
            due=self._dates.day(self._needed(cells, "due"), "due"),
            paid=None if is_nothing(paid) else self._dates.day(paid, "paid"),
            amount=minor_units(self._needed(cells, "amount"), code, self._mark),
            currency=code,
            disputed=yes_or_no(self._cell(cells, "disputed")),
            number=self._cell(cells, "number")[:_LONGEST_NAME] or f"line {line}",
        )

    def dates(self, cells: Sequence[str]) -> list[str]:
        """The cells of a line that should hold dates, as they stand."""
        places = (self._columns[column] for column in ("issued", "due", "paid"))
        return [cells[place].strip() for place in places if place < len(cells)]

    def _code(self, cells: Sequence[str]) -> str:
        said = self._cell(cells, "currency")
        return self._currency if is_nothing(said) and self._currency else currency(said)

    def _needed(self, cells: Sequence[str], column: str) -> str:
        cell = self._cell(cells, column)
        if is_nothing(cell):
            raise BadCell(ROW_EMPTY, column=column, may_be_empty="paid, disputed and number")
        return cell

    def _cell(self, cells: Sequence[str], column: str) -> str:
        place = self._columns.get(column)
        return "" if place is None else cells[place].strip()


def _take(record: Record, rows: _Rows, found: InvoiceFile, bad: BadLines, *, skip: bool) -> None:
    line, cells = record
    try:
        invoice = rows.invoice(line, cells)
    except BadCell as wrong:
        found.bad_rows += 1
        if found.bad_rows <= _MOST_TOLD:
            advice = "" if skip else f" {wrong.sentence.advises(line=line, **wrong.values)}"
            found.problems.append(f"{wrong.sentence.says(line=line, **wrong.values)}{advice} [{wrong.sentence.id}]")
            bad.add(wrong, rows.dates(cells))
        return
    if invoice.amount > 0:
        found.invoices.append(invoice)
    elif invoice.amount < 0:
        found.credit_notes += 1
    else:
        found.zero_amounts += 1


def _likeness(headings: Sequence[str], named: Mapping[str, str]) -> tuple[int, int]:
    """How much a heading line, taken apart by one delimiter, looks like ours."""
    said = {heading.lower() for heading in named.values()}
    return recognised(headings) + sum(heading.strip().lower() in said for heading in headings), len(headings)


def _told(found: InvoiceFile) -> str:
    more = found.bad_rows > len(found.problems)
    return "\n".join([*found.problems, *(["And at least one more."] if more else [])])
