"""Override: a person's word about how an account pays, over ours, until a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from connector.domain.health_word import Health
from connector.domain.refs import RecordRef


@dataclass(frozen=True, slots=True)
class Override:
    """Who says that an account pays so, why, and until when. It is never changed, only ended."""

    id: int
    account: RecordRef
    word: Health
    set_by: str
    why: str
    set_at: datetime
    until: date  #: the last day on which it holds
    ended_at: datetime | None = None

    def holds(self, today: date) -> bool:
        """Whether it is in force on that day."""
        if not self.set_at.date() <= today <= self.until:
            return False
        return self.ended_at is None or self.ended_at.date() > today


def in_force(overrides: Iterable[Override], today: date) -> Override | None:
    """Of several the one that was set last."""
    return max((each for each in overrides if each.holds(today)), key=lambda each: (each.set_at, each.id), default=None)
