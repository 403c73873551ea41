"""read: CRM records -> canonical values. write: canonical values -> CRM fields. Both follow the table, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mappings import canonical as names
from mappings.model import FieldMapping, FieldRule, MappingProblem, steps
from mappings.sentences import PATH_THROUGH_VALUE, VALUE_MISSING, VALUE_NEGATIVE, VALUE_UNFIT
from mappings.transforms import convert
from mappings.values import says_something, show

Records = Mapping[str, Any]
"""Object name -> its record, relations nested: {"Opportunity": {"Name": ..., "Account": {"Name": ...}}}."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a canonical value came from: its rule, and the CRM paths that said something to it.

    ``paths`` is empty for a value that the rule gave by itself: a constant, a default.
    """

    rule: FieldRule
    paths: tuple[str, ...]

    def __str__(self) -> str:
        where = " and ".join(self.paths) or "the mapping itself"
        return where if self.rule.transform == "text" else f"{where}, as {self.rule.transform}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules made of the records, where each value came from, and everything they could not read."""

    values: Mapping[str, Any]
    problems: tuple[MappingProblem, ...]
    origins: Mapping[str, Origin] = field(default_factory=dict)


def read(rules: Iterable[FieldRule], records: Records) -> dict[str, Any]:
    """Canonical name -> value, for all names that have one.

    Raises:
        MappingProblem: a required value is missing, or one cannot be read; the first in the order of the rules.
    """
    reading = read_all(rules, records)
    if reading.problems:
        raise reading.problems[0]
    return dict(reading.values)


def read_all(rules: Iterable[FieldRule], records: Records) -> Reading:
    """As ``read``, but with every problem at once: what a preview or a readiness check shows."""
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    problems: list[MappingProblem] = []
    for canonical, feeding in by_canonical(rules).items():
        try:
            found = _first_value(feeding, records)
        except MappingProblem as problem:
            problems.append(problem)
            continue
        if found is not None:
            values[canonical], origins[canonical] = found
        elif any(rule.required for rule in feeding):
            problems.append(_missing(canonical, feeding))
    return Reading(values, tuple(problems), origins)


def write(mapping: FieldMapping, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """CRM field -> value for one record of our kind; values that the mapping shows nowhere are left out."""
    targets = mapping.write_back.get(kind, {})
    return {targets[name]: value for name, value in values.items() if targets.get(name)}


def value_at(records: Records, path: str) -> Any:
    """The raw value at a path through relations; None where a relation or a field is empty or absent.

    Raises:
        MappingProblem: the path goes through a plain value as if it were a related record.
    """
    here: Any = records
    walked: list[str] = []
    for name in steps(path):
        if here is None:
            return None
        if not isinstance(here, Mapping):
            raise MappingProblem.because(
                PATH_THROUGH_VALUE, canonical="", field=path, path=path, walked=".".join(walked)
            )
        here = here.get(name)
        walked.append(name)
    return here


def by_canonical(rules: Iterable[FieldRule]) -> dict[str, list[FieldRule]]:
    """Canonical name -> the rules that feed it, in the order they are asked."""
    grouped: dict[str, list[FieldRule]] = {}
    for rule in rules:
        grouped.setdefault(rule.canonical, []).append(rule)
    return grouped


def _first_value(rules: list[FieldRule], records: Records) -> tuple[Any, Origin] | None:
    for rule in rules:
        try:
            raw = value_at(records, rule.field) if rule.field else None
            value = convert(rule, raw, lambda path: value_at(records, path))
        except MappingProblem as problem:
            problem.canonical = problem.canonical or rule.canonical
            raise
        if value is not None:
            return _fitting(rule, value), Origin(rule, _said(rule, records))
    return None


def _fitting(rule: FieldRule, value: Any) -> Any:
    """The value, if its name may hold it; a whole number will do for a decimal one."""
    if names.kind_of(rule.canonical) == "decimal" and isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not names.holds(rule.canonical, value):
        raise _unfit(rule, value)
    if rule.canonical in names.NEVER_NEGATIVE and value < 0:
        raise MappingProblem.because(VALUE_NEGATIVE, canonical=rule.canonical, field=rule.field, value=show(value))
    return value


def _said(rule: FieldRule, records: Records) -> tuple[str, ...]:
    """The paths of a rule that had a say: of ``first_of`` the first that is not empty, of others each such one."""
    if rule.transform == "constant":
        return ()
    filled = tuple(path for path in rule.paths() if says_something(value_at(records, path)))
    return filled[:1] if rule.transform == "first_of" else filled


def _unfit(rule: FieldRule, value: Any) -> MappingProblem:
    """A value of another kind than its name is for: the work of a conversion that does not belong there."""
    return MappingProblem.because(
        VALUE_UNFIT,
        canonical=rule.canonical,
        field=rule.field,
        value=show(value),
        wanted=names.wanted(rule.canonical),
    )


def _missing(canonical: str, rules: list[FieldRule]) -> MappingProblem:
    paths = list(dict.fromkeys(path for rule in rules for path in rule.paths()))
    where = " or ".join(paths) or canonical
    return MappingProblem.because(VALUE_MISSING, canonical=canonical, field=paths[0] if paths else "", where=where)
