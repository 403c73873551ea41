"""What a check finds: one mistake, where it stands, in a sentence of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from mappings.arguments import did_you_mean
from mappings.sentence import Sentence


class KnownField(Protocol):
    """What a check must know of one CRM field; the connector's own field description fits."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def writable(self) -> bool: ...

    @property
    def length(self) -> int | None: ...

    @property
    def scale(self) -> int | None: ...

    @property
    def choices(self) -> tuple[str, ...]: ...

    @property
    def references(self) -> tuple[str, ...]: ...

    @property
    def relation(self) -> str: ...


Catalog = Mapping[str, Mapping[str, KnownField]]
"""CRM object name -> field name -> field. Objects that are missing were not described, and are not judged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: its sentence's id, where it stands, what is wrong, and what to do.

    A ``serious`` one parks deals or loses what is written; the others may be meant so.
    """

    id: str
    where: str
    sentence: str
    hint: str = ""
    serious: bool = True

    @classmethod
    def because(cls, sentence: Sentence, where: str, *, serious: bool = True, **values: object) -> Self:
        """The finding that a sentence describes, its names filled in."""
        return cls(sentence.id, where, sentence.says(**values), sentence.advises(**values), serious)


def guess(word: str, known: Mapping[str, object]) -> str:
    """How a sentence ends: with ", did you mean Amount?" when something known is close, else with a full stop."""
    return did_you_mean(word, known) or "."
