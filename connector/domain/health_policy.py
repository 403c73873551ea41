"""HealthPolicy: where the words begin, for everybody and by segment; read from JSON and written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Protocol

from connector.errors import Misconfigured
from connector.sentences import health_policy as say


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
        pairs = ((self.size, profile.size), (self.country, profile.country), (self.plan, profile.plan))
        return all(
            not wanted.strip() or wanted.strip().casefold() == found.strip().casefold() for wanted, found in pairs
        )

    def changes(self) -> dict[str, Any]:
        """The thresholds it sets."""
        return {name: value for name in _THRESHOLDS if (value := getattr(self, name)) is not None}

    def document(self) -> dict[str, Any]:
        """As JSON holds it: only what it says."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: _plain(value) for name, value in said.items() if value not in ("", None)}


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
        return replace(self, **segment.changes(), segments=())

    @classmethod
    def parse(cls, document: object) -> HealthPolicy:
        """Read what ``document()`` wrote, or an admin; whatever is left out keeps its default.

        Raises:
            Misconfigured: it is no JSON object, names something unknown, or holds a value that cannot be.
        """
        given = _object(document, "The health policy", (*_THRESHOLDS, "roll_up", "segments"))
        values: dict[str, Any] = _thresholds(given, "")
        if "roll_up" in given:
            values["roll_up"] = _roll_up(given["roll_up"])
        listed = given.get("segments", ())
        if not isinstance(listed, list | tuple):
            raise Misconfigured.because(say.SEGMENTS)
        segments = tuple(_segment(each, f"Segment {number}") for number, each in enumerate(listed, start=1))
        policy = replace(cls(), **values, segments=segments)
        _check_order(policy, "")
        for number, segment in enumerate(segments, start=1):
            _check_order(replace(policy, **segment.changes()), f" of segment {number}")
        return policy

    def document(self) -> dict[str, Any]:
        """The policy as JSON holds it: every threshold of everybody, and of each segment what it changes."""
        return {
            **{name: _plain(getattr(self, name)) for name in _THRESHOLDS},
            "roll_up": self.roll_up.value,
            "segments": [segment.document() for segment in self.segments],
        }


_LEAST_AND_MOST = {
    "flag_below": (0, 100),
    "watch_below": (0, 100),
    "severe_below": (0, 100),
    "severe_days": (0, 3650),
    "late_chance_flag": (0, 1),
}
_THRESHOLDS = (*_LEAST_AND_MOST, "renewal_windows")
_TRAITS = ("size", "country", "plan")
_MOST_WINDOWS, _LONGEST_WINDOW = 12, 730


def _object(document: object, what: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise Misconfigured.because(say.NOT_AN_OBJECT, what=what)
    strange = sorted(str(name) for name in document if name not in known)
    if strange:
        raise Misconfigured.because(say.UNKNOWN, what=what, name=strange[0], known=", ".join(known))
    return document


def _thresholds(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Those that are given, in their ranges; ``where`` tells a segment's."""
    values: dict[str, Any] = {}
    for name, (least, most) in _LEAST_AND_MOST.items():
        if name not in given:
            continue
        value = given[name]
        whole = name == "severe_days"
        if (
            isinstance(value, bool)
            or not isinstance(value, int if whole else int | float)
            or not least <= value <= most
        ):
            kind = "a whole number" if whole else "a number"
            raise Misconfigured.because(say.RANGE, name=name + where, kind=kind, least=least, most=most)
        values[name] = value if whole else float(value)
    if "renewal_windows" in given:
        values["renewal_windows"] = _windows(given["renewal_windows"], where)
    return values


def _windows(value: object, where: str) -> tuple[int, ...]:
    """Days before the renewal, the widest first. None at all switches the flag off."""
    days = list(value) if isinstance(value, list | tuple) else [None]
    right = all(isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= _LONGEST_WINDOW for day in days)
    if not right or len(days) > _MOST_WINDOWS or len(set(days)) < len(days):
        raise Misconfigured.because(say.WINDOWS, where=where, most=_MOST_WINDOWS, longest=_LONGEST_WINDOW)
    return tuple(sorted((day for day in days if day is not None), reverse=True))


def _roll_up(value: object) -> RollUp:
    try:
        return RollUp(str(value))
    except ValueError:
        raise Misconfigured.because(say.ROLL_UP, choices=", ".join(RollUp)) from None


def _segment(document: object, what: str) -> Segment:
    given = _object(document, what, (*_TRAITS, *_THRESHOLDS))
    traits = {name: given.get(name, "") for name in _TRAITS}
    if not all(isinstance(trait, str) for trait in traits.values()) or not any(map(str.strip, traits.values())):
        raise Misconfigured.because(say.FITS_NOBODY, what=what)
    return Segment(**traits, **_thresholds(given, f" of {what.lower()}"))


def _check_order(policy: HealthPolicy, where: str) -> None:
    if not policy.severe_below <= policy.flag_below <= policy.watch_below:
        raise Misconfigured.because(
            say.ORDER, where=where, severe=policy.severe_below, flag=policy.flag_below, watch=policy.watch_below
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
