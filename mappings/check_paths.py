"""The CRM paths of a rule held against the CRM's description: objects, relations, fields, types, picklist values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mappings import sentences
from mappings.arguments import problems_with
from mappings.canonical import LONGEST, LONGEST_METADATA, METADATA, holds
from mappings.finding import Catalog, Finding, KnownField, guess
from mappings.model import FieldRule, MappingProblem, object_and_label, steps
from mappings.transforms import PLAIN, TRANSFORMS, convert
from mappings.values import show

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "deal": ("deal", "account", "contact", "owner"),
    "line_item": ("line_item", "product"),
}
"""Which of our kinds the rules of a group can read."""

_ANY_TEXT = frozenset({"text", "long_text", "choice"})
_READABLE: Mapping[str, frozenset[str]] = {
    "decimal": frozenset({"number", "money", "percent", "text", "choice"}),
    "whole_number": frozenset({"number", "money", "percent", "text", "choice"}),
    "percent": frozenset({"number", "percent", "text", "choice"}),
    "date": frozenset({"date", "datetime", "text"}),
    "boolean": frozenset({"checkbox", "choice", "text"}),
    "currency": frozenset({"choice", "text"}),
    "email": frozenset({"text", "choice", "other"}),
    "emails": _ANY_TEXT | {"other"},
    "text_list": _ANY_TEXT | {"other"},
    "interval": frozenset({"choice", "text", "number"}),
    "months": frozenset({"choice", "text", "number"}),
    "net_days": frozenset({"choice", "text", "number"}),
    "collection": frozenset({"choice", "text"}),
    "deal_kind": frozenset({"choice", "text"}),
    "tax_status": frozenset({"choice", "text", "checkbox"}),
}
"""Which types of CRM field each conversion can read; one that is not listed reads any."""

_WHOLE = frozenset({"whole_number", "months", "net_days"})
_NUMBERS = frozenset({"number", "money", "percent"})
_MOST_CHOICES = 1_000
_LONGEST_WALK = 10


def check_paths(rule: FieldRule, group: str, objects: Mapping[str, str], catalog: Catalog) -> Iterator[Finding]:
    """Every mistake in the paths that a rule reads."""
    for path in rule.paths():
        head, *relations, field = steps(path)
        name, _ = object_and_label(head)
        found = list(_unreachable(path, name, group, objects))
        if found:
            yield from found
            continue
        holders, problems = _walk(path, name, relations[:_LONGEST_WALK], catalog)
        yield from problems
        if not holders:
            continue  # not described, or told already
        known = next((catalog[holder][field] for holder in holders if field in catalog[holder]), None)
        if known is None:
            yield _unknown_field(path, field, holders[0], catalog)
        else:
            yield from _check_field(rule, path, known)


def _unreachable(path: str, name: str, group: str, objects: Mapping[str, str]) -> Iterator[Finding]:
    kinds = {called: kind for kind, called in objects.items()}
    readable = {called: kind for called, kind in kinds.items() if kind in _GROUPS[group]}
    if readable and name not in readable:
        yield Finding.because(
            sentences.UNREACHABLE_OBJECT,
            path,
            path=path,
            group=group,
            object=name,
            guess=guess(name, readable),
            objects=", ".join(readable),
        )


def _walk(path: str, name: str, relations: list[str], catalog: Catalog) -> tuple[list[str], list[Finding]]:
    """The described objects that may hold the path's field, and what is wrong on the way there."""
    holders = [name] if name in catalog else []
    for relation in relations:
        if not holders:
            return [], []
        known = {each.relation: each for holder in holders for each in catalog[holder].values() if each.relation}
        if relation not in known:
            finding = Finding.because(
                sentences.UNKNOWN_RELATION,
                path,
                object=holders[0],
                relation=relation,
                guess=guess(relation, known),
            )
            return [], [finding]
        holders = [target for target in known[relation].references if target in catalog]
    return holders, []


def _unknown_field(path: str, field: str, holder: str, catalog: Catalog) -> Finding:
    fields = catalog[holder]
    relation = next((each for each in fields.values() if each.relation == field), None)
    ending = f": {field} leads to another record, so name one of its fields." if relation else guess(field, fields)
    return Finding.because(sentences.UNKNOWN_FIELD, path, object=holder, field=field, guess=ending)


def _check_field(rule: FieldRule, path: str, field: KnownField) -> Iterator[Finding]:
    transform = _reading(rule, path)
    readable = _READABLE.get(transform)
    if readable and field.type not in readable and "table" not in rule.args:
        fitting = sorted(
            name
            for name in PLAIN
            if TRANSFORMS[name].yields == TRANSFORMS[transform].yields
            and field.type in _READABLE.get(name, {field.type})
            and (name != "text" or holds(rule.canonical, "any words"))
        )
        yield Finding.because(
            sentences.WRONG_TYPE,
            path,
            path=path,
            type=field.type.replace("_", " "),
            transform=transform,
            fitting=", ".join(fitting) or "regex, template",
        )
        return
    if path == rule.field and not any(problems_with(rule.transform, rule.args, has_field=True)):
        yield from _untranslated(rule, field)
    yield from _lost(rule, path, transform, field)


def _reading(rule: FieldRule, path: str) -> str:
    """The conversion that reads a path's value first; a template and a pattern read anything."""
    if rule.transform == "first_of":
        return str(rule.args.get("then", "text"))
    return rule.transform if path == rule.field else "text"


def _untranslated(rule: FieldRule, field: KnownField) -> Iterator[Finding]:
    for choice in field.choices[:_MOST_CHOICES]:
        try:
            made = convert(rule, choice, lambda _path: None)
        except MappingProblem:
            made = _UNREADABLE
        if made is _UNREADABLE or (isinstance(made, str) and not holds(rule.canonical, made)):
            yield Finding.because(
                sentences.UNTRANSLATED_CHOICE,
                rule.field,
                path=rule.field,
                choice=show(choice),
                transform=rule.transform,
            )


_UNREADABLE = object()


def _lost(rule: FieldRule, path: str, transform: str, field: KnownField) -> Iterator[Finding]:
    """Precision and text that would not arrive; a person may know that no record has that much."""
    if transform in _WHOLE and field.type in _NUMBERS and field.scale:
        yield Finding.because(
            sentences.LOST_DECIMALS, path, serious=False, path=path, scale=field.scale, transform=transform
        )
    longest = LONGEST_METADATA if rule.canonical.startswith(METADATA) else LONGEST.get(rule.canonical)
    if longest and field.length and field.length > longest and transform == "text" and not field.choices:
        yield Finding.because(
            sentences.LOST_TEXT,
            path,
            serious=False,
            path=path,
            length=field.length,
            canonical=rule.canonical,
            longest=longest,
        )
