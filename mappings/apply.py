"""read: CRM records -> canonical values. write: canonical values -> CRM fields. Both follow the table, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.model import FieldMapping, FieldRule, MappingProblem
from mappings.transforms import convert

Records = Mapping[str, Any]
"""Object name -> its record, relations nested: {"Opportunity": {"Name": ..., "Account": {"Name": ...}}}."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules made of the records, and everything they could not read."""

    values: Mapping[str, Any]
    problems: tuple[MappingProblem, ...]


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
    problems: list[MappingProblem] = []
    for canonical, feeding in _by_canonical(rules).items():
        try:
            value = _first_value(feeding, records)
        except MappingProblem as problem:
            problems.append(problem)
            continue
        if value is not None:
            values[canonical] = value
        elif any(rule.required for rule in feeding):
            problems.append(_missing(canonical, feeding))
    return Reading(values, tuple(problems))


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
    for name in path.split("."):
        if here is None:
            return None
        if not isinstance(here, Mapping):
            raise MappingProblem(
                f"{path}: {'.'.join(walked)} is a value, not a related record.",
                canonical="",
                field=path,
                hint="Shorten the path, or name the relation it should go through.",
            )
        here = here.get(name)
        walked.append(name)
    return here


def _by_canonical(rules: Iterable[FieldRule]) -> dict[str, list[FieldRule]]:
    grouped: dict[str, list[FieldRule]] = {}
    for rule in rules:
        grouped.setdefault(rule.canonical, []).append(rule)
    return grouped


def _first_value(rules: list[FieldRule], records: Records) -> Any:
    for rule in rules:
        try:
            raw = value_at(records, rule.field) if rule.field else None
            value = convert(rule, raw, lambda path: value_at(records, path))
        except MappingProblem as problem:
            problem.canonical = problem.canonical or rule.canonical
            raise
        if value is not None:
            return value
    return None


def _missing(canonical: str, rules: list[FieldRule]) -> MappingProblem:
    paths = list(dict.fromkeys(path for rule in rules for path in rule.paths()))
    where = " or ".join(paths) or canonical
    return MappingProblem(
        f"{where} is empty, but {canonical} is needed.",
        canonical=canonical,
        field=paths[0] if paths else "",
        hint=f"Fill in {where}, or add a rule with a default for {canonical} to the mapping.",
    )
