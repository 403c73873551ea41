"""What a mapping writes held against the CRM's description: targets that are missing, read-only or too small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mappings import sentences
from mappings.finding import Catalog, Finding, KnownField, guess
from mappings.model import FieldMapping

_TEXTS = frozenset({"text", "long_text"})
_HOLDS: Mapping[str, frozenset[str]] = {
    "text": _TEXTS,
    "long_text": _TEXTS,
    "url": _TEXTS,
    "money": _TEXTS | {"money", "number"},
    "number": _TEXTS | {"number"},
    "percent": _TEXTS | {"percent", "number"},
    "date": _TEXTS | {"date", "datetime"},
    "datetime": _TEXTS | {"datetime"},
    "checkbox": _TEXTS | {"checkbox"},
    "choice": _TEXTS | {"choice"},
}
"""Type of a value -> the types of CRM field that can hold it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value that may be written back: its type, its words, and how much room it needs.

    ``kinds`` are the records that can show it, in our words.
    """

    type: str
    kinds: frozenset[str]
    choices: tuple[str, ...] = ()
    decimals: int = 0
    characters: int = 0


def check_write_back(
    mapping: FieldMapping, catalog: Catalog, written: Mapping[str, Written] | None
) -> Iterator[Finding]:
    """Every mistake in what the mapping writes."""
    for kind, targets in mapping.write_back.items():
        name = mapping.objects.get(kind, "")
        if not name:
            yield Finding.because(
                sentences.NO_OBJECT, f"write_back.{kind}", kind=kind, guess=guess(kind, mapping.objects)
            )
            continue
        yield from _shared(name, targets)
        for value, field in targets.items():
            if written is not None and (value not in written or kind not in written[value].kinds):
                shown = {each: None for each, what in written.items() if kind in what.kinds}
                yield Finding.because(
                    sentences.UNKNOWN_WRITTEN, f"{kind}.{value}", value=value, kind=kind, guess=guess(value, shown)
                )
            elif name in catalog and field:
                what = written[value] if written is not None else None
                yield from _check_target(value, f"{name}.{field}", catalog[name], field, what)


def _shared(name: str, targets: Mapping[str, str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for value, field in targets.items():
        if field in seen:
            target = f"{name}.{field}"
            yield Finding.because(sentences.SHARED_TARGET, target, target=target, value=seen[field], other=value)
        seen.setdefault(field, value)


def _check_target(
    value: str, target: str, fields: Mapping[str, KnownField], name: str, what: Written | None
) -> Iterator[Finding]:
    field = fields.get(name)
    if field is None:
        yield Finding.because(sentences.UNKNOWN_TARGET, target, value=value, target=target, guess=guess(name, fields))
    elif not field.writable:
        yield Finding.because(sentences.READ_ONLY_TARGET, target, target=target, value=value)
    elif what is not None:
        yield from _check_room(value, target, field, what)


def _check_room(value: str, target: str, field: KnownField, what: Written) -> Iterator[Finding]:
    if field.type not in _HOLDS.get(what.type, _TEXTS):
        yield Finding.because(
            sentences.TARGET_TYPE,
            target,
            target=target,
            type=field.type.replace("_", " "),
            value=value,
            kind=what.type.replace("_", " "),
        )
        return
    if field.type == "choice" and field.choices:
        for choice in what.choices:
            if choice not in field.choices:
                yield Finding.because(
                    sentences.TARGET_CHOICE, target, serious=False, target=target, choice=choice, value=value
                )
    if field.type in _TEXTS and field.length is not None and field.length < what.characters:
        yield Finding.because(
            sentences.TARGET_SHORT, target, target=target, length=field.length, value=value, needed=what.characters
        )
    if field.type not in _TEXTS and field.scale is not None and field.scale < what.decimals:
        yield Finding.because(
            sentences.TARGET_DECIMALS,
            target,
            target=target,
            scale=field.scale,
            value=value,
            needed=what.decimals,
        )
