"""docs/errors.md, made from the catalogue: every sentence a user may see, why it appears and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.sentences.catalogue import THEMES, Theme, every_sentence
from mappings.sentence import Sentence, Who

_HEAD = """\
<!-- Made by `make docs` from connector/sentences and mappings/sentences.py: change those, not this file. -->

# Every sentence you may see

When a deal is not billed, a value is not written or a command cannot do its work, the connector says so in a sentence:
on the CRM record, in `connector parked`, on the command line. Each of them is here, under the id that
`connector parked` and every command that fails show in square brackets after it. What stands in braces, as in
`{line}`, is filled in for the case at hand.

Every entry says why the sentence appears, what to do, and who can do it:
"""

_WHO = {
    Who.SALES: "whoever may edit the deal, its products and its account in the CRM",
    Who.ADMIN: "whoever administers the CRM, the field mapping or the connector and its settings",
    Who.FINANCE: "whoever works in billing: approves, invoices, credits",
}


def document() -> str:
    """The whole file, as it must stand on disk."""
    return "\n".join([*_opening(), *(line for theme in THEMES for line in _chapter(theme)), ""])


def anchor(title: str) -> str:
    """The fragment under which Markdown viewers find a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _opening() -> Iterator[str]:
    yield _HEAD
    for who, meaning in _WHO.items():
        count = sum(sentence.who is who for sentence in every_sentence())
        yield f"- **{who.value}**: {meaning} ({count} of {len(every_sentence())})"
    yield "\n## Contents\n"
    for theme in THEMES:
        yield f"- [{theme.title}](#{anchor(theme.title)}) ({len(theme.sentences)})"


def _chapter(theme: Theme) -> Iterator[str]:
    yield f"\n## {theme.title}\n"
    yield theme.about
    for sentence in theme.sentences:
        yield from _entry(sentence)


def _entry(sentence: Sentence) -> Iterator[str]:
    yield f"\n### `{sentence.id}`\n"
    yield f"> {sentence.text}\n"
    yield f"- **Why:** {sentence.cause}"
    yield f"- **What to do:** {sentence.fix}"
    field = f", in `{sentence.field}`" if sentence.field else ""
    yield f"- **Who:** {sentence.who.value}{field}"
