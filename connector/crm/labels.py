"""Paths with a label in brackets: ``company[Bill To].name``, ``contact[Billing].email``, ``Contact[Billing].Email``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_LABELLED = re.compile(r"(?P<object>\w+)(?:\[(?P<label>[^\[\]]*)\])?(?:\.(?P<rest>.+))?", re.DOTALL)


class Parts(NamedTuple):
    """What a mapping path says: the object, the label it must carry (empty: none), and what is read of it."""

    object: str
    label: str
    rest: str

    @property
    def name(self) -> str:
        """The name under which such a record stands in the records of a deal."""
        return f"{self.object}[{self.label}]" if self.label else self.object


def parts(path: str) -> Parts:
    """The parts of a path; all of them empty for a text that is no path."""
    found = _LABELLED.fullmatch(path)
    return Parts(*(found[name] or "" for name in ("object", "label", "rest"))) if found else Parts("", "", "")


def unlabelled(path: str) -> str:
    """The same path without its label."""
    found = parts(path)
    return f"{found.object}.{found.rest}" if found.rest else found.object


def labels_of(paths: Iterable[str], name: str) -> tuple[str, ...]:
    """The labels that any path asks for on one object, in order and once each."""
    found = (parts(path) for path in paths)
    return tuple(dict.fromkeys(each.label for each in found if each.object == name and each.label))


def same_label(one: object, other: str) -> bool:
    """Labels are what people typed: capitals and outer spaces say nothing."""
    return str(one or "").strip().casefold() == other.strip().casefold()


def as_one(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Several records as one: each field holds all of their values, once each and parted by semicolons.

    So can one rule read the addresses of all who get an invoice. What a relation leads to is the first record's.
    """
    if len(records) <= 1:
        return records[0] if records else {}
    return {name: _all_values([each.get(name) for each in records]) for name in records[0]}


def _all_values(values: Sequence[Any]) -> Any:
    if any(isinstance(value, Mapping) for value in values):
        return values[0]
    told = dict.fromkeys(str(value) for value in values if value not in (None, ""))
    return ";".join(told) or None
