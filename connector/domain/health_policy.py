"""HealthPolicy: where the words begin, for everybody and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol


class RollUp(StrEnum):
    """What a parent account's health is made of."""

    OWN = "own"  #: its own invoices only
    WORST_CHILD = "worst_child"  #: the worst of itself and the accounts below it
    PAYER = "payer"  #: whoever pays: a child shows the health of the parent that pays for it


class Profile(Protocol):
    """What an account is, as far as a policy asks."""

    @property
    def size(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def plan(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Segment:
    """Other thresholds for some accounts. An empty ``size``, ``country`` or ``plan`` fits every account.

    None leaves a threshold as it is for everybody.
    """

    size: str = ""
    country: str = ""
    plan: str = ""
    flag_below: float | None = None
    watch_below: float | None = None
    severe_below: float | None = None
    severe_days: int | None = None
    renewal_windows: tuple[int, ...] | None = None
    late_chance_flag: float | None = None

    def fits(self, profile: Profile) -> bool:
        """Whether an account is of this segment. Capital letters and outer spaces do not matter."""
        return all(
            not wanted or wanted.strip().casefold() == found.strip().casefold()
            for wanted, found in (
                (self.size, profile.size),
                (self.country, profile.country),
                (self.plan, profile.plan),
            )
        )


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """Where the words begin. Scores run from 0 to 100, chances from 0 to 1; the defaults need no editing."""

    flag_below: float = 60.0  #: a score below it is late
    watch_below: float = 75.0  #: a score below it is worth a look
    severe_below: float = 30.0  #: a score below it is severe, while something is overdue
    severe_days: int = 60  #: an invoice more than so many days past due is severe
    renewal_windows: tuple[int, ...] = (90, 60, 30)  #: days before the renewal, the widest first
    late_chance_flag: float = 1.0  #: a next invoice at least so likely late asks for the flag too; 1 is off
    roll_up: RollUp = RollUp.OWN
    segments: tuple[Segment, ...] = ()  #: the first that fits an account applies

    def for_account(self, profile: Profile) -> HealthPolicy:
        """The policy with the thresholds of the account's segment, which then holds no segments."""
        if not self.segments:
            return self
        segment = next((each for each in self.segments if each.fits(profile)), Segment())
        changes: Mapping[str, Any] = {
            name: value for name in _THRESHOLDS if (value := getattr(segment, name)) is not None
        }
        return replace(self, **changes, segments=())


_THRESHOLDS = ("flag_below", "watch_below", "severe_below", "severe_days", "renewal_windows", "late_chance_flag")
