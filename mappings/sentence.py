"""A sentence a user may see: its stable id, why it appears, what to change, and who can change it.

Every refusal, finding and note is one of these, so that the same mistake reads the same everywhere and
``docs/errors.md`` lists them all. A sentence's text may hold ``{names}`` that are filled in when it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Any


class Who(StrEnum):
    """Who can put it right."""

    SALES = "sales"
    ADMIN = "admin"
    FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One entry of the catalogue.

    ``text`` is what the user reads, ``fix`` what to change; both may hold ``{names}``. ``cause`` tells the reader of
    the catalogue when it appears. ``field`` is the canonical field to correct, where one is to blame.
    """

    id: str
    text: str
    fix: str
    cause: str
    who: Who
    field: str = ""

    def says(self, **values: object) -> str:
        """The text with its names filled in. Raises KeyError when one is not given."""
        return self.text.format(**values)

    def advises(self, **values: object) -> str:
        """The fix with its names filled in. Raises KeyError when one is not given."""
        return self.fix.format(**values)

    def names(self) -> frozenset[str]:
        """Every name that must be given to say it and to advise."""
        parsed = [*Formatter().parse(self.text), *Formatter().parse(self.fix)]
        return frozenset(name for _, name, _, _ in parsed if name)


def all_in(module: Any) -> tuple[Sentence, ...]:
    """Every sentence that a module defines, in its order."""
    return tuple(value for value in vars(module).values() if isinstance(value, Sentence))
