"""Accounts of one group: the worst of them, and whose word that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connector.domain.health_word import Health
from connector.domain.refs import RecordRef

_SEVERITY = {word: place for place, word in enumerate(("unknown", "good", "watch", "late", "severe"))}
"""An account of which nothing is known says nothing against its group."""


@dataclass(frozen=True, slots=True)
class Relative:
    """An account below another one, by its own invoices or a person's word."""

    ref: RecordRef
    name: str
    word: Health
    reason: str = ""


def worst_of(own: Health, below: Iterable[Relative]) -> tuple[Health, Relative | None]:
    """The worst word of a group, and whose it is where it is not the account's own. Order changes nothing."""
    worst = max(below, key=lambda relative: (_SEVERITY[relative.word], relative.ref), default=None)
    if worst is None or _SEVERITY[worst.word] <= _SEVERITY[own]:
        return own, None
    return worst.word, worst
