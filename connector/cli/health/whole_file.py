"""What is wrong with every line of a file alike: said once, with the option that helps, and not twenty times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.cli.health.csv_values import BadCell, date_formats, is_nothing, reads_as
from connector.cli.health.unreadable import UnreadableInvoices, quoted
from connector.sentences.health import CURRENCY_MISSING, DATES_OF_ANOTHER_FORM, ROW_CURRENCY, ROW_DATE

_DAYS = ("MM/DD/YYYY", "DD/MM/YYYY", "YYYY/MM/DD", "MM/DD/YY", "DD/MM/YY")
_DAYS_WITH_MONTHS_NAME = ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


class BadLines:
    """The first lines that could not be read, which may all have the same cause."""

    def __init__(self) -> None:
        self._bad: list[BadCell] = []
        self._dates: list[str] = []

    def add(self, bad: BadCell, dates: Iterable[str]) -> None:
        """One more line, and its cells of dates."""
        self._bad.append(bad)
        self._dates.extend(text for text in dates if not is_nothing(text))

    def refusal(self, file: str) -> UnreadableInvoices | None:
        """The one sentence for them all, where no line of the file could be read and one will do."""
        kinds = {bad.sentence for bad in self._bad}
        if kinds == {ROW_CURRENCY} and all(bad.values["text"] == quoted("") for bad in self._bad):
            return UnreadableInvoices.because(CURRENCY_MISSING, file=file)
        if kinds == {ROW_DATE} and (options := _options(self._dates)):
            text = self._bad[0].values["text"]
            return UnreadableInvoices.because(DATES_OF_ANOTHER_FORM, file=file, text=text, options=options)
        return None


def _options(texts: Sequence[str]) -> str:
    """What to say on the command line so that every one of these is read; nothing when no common form does."""
    for time in _TIMES:
        fitting = [form for form in _forms(time) if all(reads_as(text, date_formats([form])) for text in texts)]
        if fitting:
            return " or ".join(
                f"--date-format {form}" if " " not in form else f"--date-format '{form}'" for form in fitting
            )
    return ""


def _forms(time: str) -> list[str]:
    """How exports commonly write days, beside 2026-01-31, with such a time behind."""
    days = [day.replace("/", mark) for day in _DAYS for mark in "/.-"]
    if time:
        directives = (("YYYY", "%Y"), ("YY", "%y"), ("MM", "%m"), ("DD", "%d"))
        for word, directive in directives:
            days = [day.replace(word, directive) for day in days]
    return [day + time for day in (*days, *_DAYS_WITH_MONTHS_NAME)]
