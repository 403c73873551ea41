"""A CSV file as records of cells, with bounds on everything: an odd file is refused, never a burden."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from connector.cli.health.unreadable import UnreadableInvoices, printable
from connector.sentences.health import (
    FILE_UNREADABLE,
    LINE_TOO_LONG,
    NOT_TEXT,
    NUL,
    QUOTES_BROKEN,
    RECORD_TOO_LONG,
)

LONGEST_LINE = 65_536
MOST_LINES_OF_RECORD = 200
DELIMITERS = (",", ";", "\t")

Record = tuple[int, list[str]]
"""The line on which it begins, and its cells."""


class Records:
    """The records of one file, one after the other. To be used as a context manager.

    Raises:
        UnreadableInvoices: it cannot be opened, or at some line it is no CSV.
    """

    def __init__(self, file: str, encoding: str = "utf-8") -> None:
        self._file = printable(file)
        self._stream, self._encoding = _opened(file, encoding)
        self._line = 0
        self._of_record = 0

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def heading(self) -> str:
        """The first line that is not blank, as it stands: which delimiter it has is for the reader to say."""
        for line in self._lines():
            if line.strip() and not line.lower().startswith("sep="):  # which Excel writes for itself
                return line.rstrip("\r\n")
        return ""

    def cells(self, line: str, delimiter: str) -> list[str]:
        """One line taken apart."""
        try:
            return next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise UnreadableInvoices.because(QUOTES_BROKEN, line=self._line, file=self._file) from error

    def records(self, delimiter: str) -> Iterator[Record]:
        """Every further record, without blank lines."""
        reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        while True:
            first, self._of_record = self._line + 1, 0
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise UnreadableInvoices.because(QUOTES_BROKEN, line=first, file=self._file) from error
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield first, cells

    def _lines(self) -> Iterator[str]:
        while line := self._next_line():
            self._line += 1
            self._of_record += 1
            if len(line) > LONGEST_LINE:
                raise UnreadableInvoices.because(LINE_TOO_LONG, line=self._line, file=self._file, limit=LONGEST_LINE)
            if "\0" in line:
                raise UnreadableInvoices.because(NUL, line=self._line, file=self._file)
            if self._of_record > MOST_LINES_OF_RECORD:
                first = self._line - self._of_record + 1
                raise UnreadableInvoices.because(
                    RECORD_TOO_LONG, line=first, file=self._file, limit=MOST_LINES_OF_RECORD
                )
            yield line

    def _next_line(self) -> str:
        try:
            return self._stream.readline(LONGEST_LINE + 1)
        except UnicodeError as error:
            raise UnreadableInvoices.because(
                NOT_TEXT, file=self._file, encoding=self._encoding.upper(), line=self._line
            ) from error
        except OSError as error:
            raise UnreadableInvoices.because(FILE_UNREADABLE, file=self._file, problem=error.strerror) from error


def _opened(file: str, encoding: str) -> tuple[TextIO, str]:
    """The file as text, and the encoding it turned out to have: the first bytes may tell."""
    try:
        path = Path(file)
        if not (path.is_file() or path.is_fifo()):
            problem = "it is a folder" if path.is_dir() else "there is no such file"
            raise UnreadableInvoices.because(FILE_UNREADABLE, file=printable(file), problem=problem)
        raw = path.open("rb")
        start = raw.peek(4)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "that is no name of a file"
        raise UnreadableInvoices.because(FILE_UNREADABLE, file=printable(file), problem=problem) from error
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif start.startswith(codecs.BOM_UTF8):
        encoding = "utf-8"
    told = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(raw, encoding=told, newline=""), encoding
