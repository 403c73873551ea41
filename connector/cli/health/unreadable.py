"""A file of invoices that cannot be read: the command says why, and ends with 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from connector.cli.output import tell
from connector.errors import Misconfigured

_LONGEST_QUOTE = 40


class UnreadableInvoices(Misconfigured):
    """The file, a line of it, or what was said about it makes no sense."""


@contextmanager
def bad_input_told() -> Iterator[None]:
    """End the command with 1 and a sentence where its input is to blame, not the connector."""
    try:
        yield
    except UnreadableInvoices as error:
        context = click.get_current_context()
        tell(error, context)
        context.exit(1)


def quoted(text: str) -> str:
    """A piece of the file as an error may show it: short, on one line, and without what a terminal would obey."""
    short = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    return f"“{printable(short)}”"


def printable(text: str) -> str:
    """The text without characters that move a cursor or change a colour."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
