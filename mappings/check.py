"""A mapping held against the fields a CRM really has: every mistake, with a hint, before it costs a deal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mappings.arguments import did_you_mean, full_stop, problems_with
from mappings.canonical import NAMES, NEEDED, is_known
from mappings.model import FieldMapping, FieldRule
from mappings.transforms import PLAIN, TRANSFORMS


class KnownField(Protocol):
    """What a check must know of one CRM field; the connector's own field description fits."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def writable(self) -> bool: ...

    @property
    def choices(self) -> tuple[str, ...]: ...


Catalog = Mapping[str, Mapping[str, KnownField]]
"""CRM object name -> field name -> field. Objects that are missing were not described, and are not judged."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: what kind it is, where it stands, a sentence, and what to do."""

    id: str
    where: str
    sentence: str
    hint: str = ""


_READABLE: Mapping[str, frozenset[str]] = {
    "decimal": frozenset({"number", "money", "percent", "text", "choice"}),
    "whole_number": frozenset({"number", "money", "percent", "text", "choice"}),
    "percent": frozenset({"number", "percent", "text", "choice"}),
    "date": frozenset({"date", "datetime", "text"}),
    "boolean": frozenset({"checkbox", "choice", "text"}),
    "currency": frozenset({"choice", "text"}),
    "email": frozenset({"text", "choice", "other"}),
    "interval": frozenset({"choice", "text", "number"}),
    "months": frozenset({"choice", "text", "number"}),
    "net_days": frozenset({"choice", "text", "number"}),
    "collection": frozenset({"choice", "text"}),
}
"""Which types of CRM field each conversion can read; one that is not listed reads any."""


def check(mapping: FieldMapping, catalog: Catalog) -> list[Finding]:
    """Everything in the mapping that cannot work; an empty list when all can."""
    return [
        *(finding for group in NAMES for finding in _check_group(mapping, group, catalog)),
        *_check_write_back(mapping, catalog),
    ]


def _check_group(mapping: FieldMapping, group: str, catalog: Catalog) -> Iterator[Finding]:
    rules = mapping.deal if group == "deal" else mapping.line_item
    for canonical in sorted(NEEDED[group] - {rule.canonical for rule in rules}):
        yield Finding(
            "needed",
            canonical,
            f"No rule feeds {canonical}.",
            f"Add a rule that says which CRM field holds {canonical}.",
        )
    for rule in rules:
        yield from _check_rule(rule, group)
        yield from _check_paths(rule, catalog)


def _check_rule(rule: FieldRule, group: str) -> Iterator[Finding]:
    if not is_known(group, rule.canonical):
        guess = did_you_mean(rule.canonical, NAMES[group])
        yield Finding("canonical", rule.canonical, full_stop(f"There is no canonical value {rule.canonical}{guess}"))
        return
    for problem in problems_with(rule.transform, rule.args, has_field=bool(rule.field)):
        yield Finding("conversion", rule.canonical, f"{rule.canonical}: {full_stop(problem)}")
    held, made = NAMES[group].get(rule.canonical, "any"), _yields(rule)
    if "any" not in {held, made} and not (made == held or (held == "decimal" and made == "whole_number")):
        yield Finding(
            "kind",
            rule.canonical,
            f"{rule.canonical} holds a {held}, but {rule.transform} makes a {made}.",
            f"Use one of: {', '.join(sorted(name for name in PLAIN if TRANSFORMS[name].yields == held))}.",
        )


def _yields(rule: FieldRule) -> str:
    """What the rule's conversion makes; ``then`` has the last word where there is one."""
    last = TRANSFORMS.get(rule.transform)
    if last and "then" in last.takes:
        last = TRANSFORMS.get(str(rule.args.get("then", "text")))
    return last.yields if last else "any"


def _check_paths(rule: FieldRule, catalog: Catalog) -> Iterator[Finding]:
    for path in rule.paths():
        name, *relations, field = path.split(".")
        if relations or name not in catalog:
            continue  # what a relation leads to was not described
        fields = catalog[name]
        if field not in fields:
            guess = did_you_mean(field, fields)
            yield Finding(
                "field",
                path,
                full_stop(f"{name} has no field {field} that we can see{guess}"),
                "Check its spelling and access.",
            )
        elif path == rule.field:
            yield from _check_field(rule, fields[field])


def _check_field(rule: FieldRule, field: KnownField) -> Iterator[Finding]:
    readable = _READABLE.get(rule.transform)
    if readable and field.type not in readable and "table" not in rule.args:
        yield Finding("type", rule.field, f"{rule.field} is a {field.type}, which {rule.transform} cannot read.")
    table = rule.args.get("table")
    if rule.transform == "enum" and isinstance(table, Mapping) and "other" not in rule.args:
        for choice in _untranslated(field.choices, table):
            yield Finding("choice", rule.field, f"{rule.field} may be {choice!r}, which has no translation.")


def _untranslated(choices: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    known = {word.casefold() for word in table}
    return [choice for choice in choices if choice.casefold() not in known]


def _check_write_back(mapping: FieldMapping, catalog: Catalog) -> Iterator[Finding]:
    for kind, targets in mapping.write_back.items():
        name = mapping.objects.get(kind, "")
        if not name:
            yield Finding("object", f"write_back.{kind}", f"objects does not say what the CRM calls our {kind}.")
        if name not in catalog:
            continue
        for value, field in targets.items():
            known = catalog[name].get(field)
            if known is None:
                guess = did_you_mean(field, catalog[name])
                yield Finding(
                    "target",
                    f"{name}.{field}",
                    full_stop(f"{value} should be written to {name}.{field}, which does not exist{guess}"),
                    "Run setup, or correct the name.",
                )
            elif not known.writable:
                yield Finding(
                    "read_only", f"{name}.{field}", f"{name}.{field} cannot be written, so {value} cannot show."
                )
