"""A mapping held against the fields a CRM really has: every mistake, with a hint, before it costs a deal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mappings import sentences
from mappings.arguments import full_stop, problems_with
from mappings.canonical import (
    CHOICES,
    METADATA,
    MOST_METADATA,
    NAMES,
    NEEDED,
    a_kind,
    holds,
    is_known,
    kind_of,
    metadata_problem,
    wanted,
)
from mappings.check_paths import check_paths
from mappings.check_targets import Written, check_write_back
from mappings.finding import Catalog, Finding, KnownField, guess
from mappings.model import RENEWAL_SOURCES, FieldMapping, FieldRule, MappingProblem
from mappings.transforms import PLAIN, TRANSFORMS, convert
from mappings.values import show

__all__ = ["Catalog", "Finding", "KnownField", "Written", "check"]

_READS_CHOICES: Mapping[str, str] = {
    "terms.collection": "collection",
    "terms.kind": "deal_kind",
    "account.tax_status": "tax_status",
    "payer.tax_status": "tax_status",
}
"""Names of a few words -> the conversion that knows what people say for them."""


def check(
    mapping: FieldMapping,
    catalog: Catalog,
    written: Mapping[str, Written] | None = None,
    optional: Collection[str] = (),
) -> list[Finding]:
    """Everything in the mapping that cannot work, or may lose something; an empty list when all is well.

    ``written`` describes the values that may be written back, by name; without it only their targets are looked at.
    ``optional`` names paths and targets that a CRM may lack, as those of the shipped mapping: they are told together.
    """
    found = [
        *(finding for group in NAMES for finding in _check_group(mapping, group, catalog)),
        *_check_metadata(mapping),
        *_check_prices(mapping),
        *_check_renewals(mapping),
        *check_write_back(mapping, catalog, written),
    ]
    missing = [finding.where for finding in found if finding.id in _MISSING and finding.where in optional]
    told = [finding for finding in found if not (finding.id in _MISSING and finding.where in optional)]
    return [*told, *_optional(list(dict.fromkeys(missing)))]


_MISSING = frozenset({sentences.UNKNOWN_FIELD.id, sentences.UNKNOWN_RELATION.id, sentences.UNKNOWN_TARGET.id})


def _optional(missing: list[str]) -> Iterator[Finding]:
    if missing:
        fields = ", ".join(missing[:8]) + (" …" if len(missing) > 8 else "")
        yield Finding.because(sentences.OPTIONAL_MISSING, missing[0], serious=False, count=len(missing), fields=fields)


def _check_group(mapping: FieldMapping, group: str, catalog: Catalog) -> Iterator[Finding]:
    rules = mapping.deal if group == "deal" else mapping.line_item
    for canonical in sorted(NEEDED[group] - {rule.canonical for rule in rules}):
        yield Finding.because(sentences.NO_RULE, canonical, canonical=canonical)
    for rule in rules:
        yield from _check_rule(rule, group)
        stands_alone = rule.required or sum(other.canonical == rule.canonical for other in rules) == 1
        for finding in check_paths(rule, group, mapping.objects, catalog):
            told_by_another = finding.id in _MISSING and not stands_alone
            yield replace(finding, serious=False) if told_by_another else finding


def _check_rule(rule: FieldRule, group: str) -> Iterator[Finding]:
    canonical = rule.canonical
    if not is_known(group, canonical):
        yield Finding.because(
            sentences.UNKNOWN_CANONICAL, canonical, canonical=canonical, guess=guess(canonical, NAMES[group])
        )
        return
    broken = list(problems_with(rule.transform, rule.args, has_field=bool(rule.field)))
    for problem in broken:
        yield Finding.because(sentences.BAD_CONVERSION, canonical, canonical=canonical, problem=full_stop(problem))
    kind = list(_check_kind(rule))
    yield from kind
    if not broken and not kind:
        yield from _check_own_values(rule)


def _check_kind(rule: FieldRule) -> Iterator[Finding]:
    held, made = kind_of(rule.canonical), _yields(rule)
    fits = "any" in {held, made} or made == held or (held == "decimal" and made == "whole_number")
    a_word = rule.canonical in CHOICES and rule.transform == "text" and "table" not in rule.args
    if fits and not a_word:
        return
    fitting = sorted(name for name in PLAIN if TRANSFORMS[name].yields == held)
    if rule.canonical in CHOICES:
        fitting = [_READS_CHOICES[rule.canonical], "enum"]
    yield Finding.because(
        sentences.WRONG_KIND,
        rule.canonical,
        canonical=rule.canonical,
        held=wanted(rule.canonical),
        transform=rule.transform,
        made=a_kind(made),
        fitting=", ".join(fitting),
    )


def _yields(rule: FieldRule) -> str:
    """What the rule's conversion makes; ``then`` has the last word where there is one."""
    last = TRANSFORMS.get(rule.transform)
    if last and "then" in last.takes:
        last = TRANSFORMS.get(str(rule.args.get("then", "text")))
    return last.yields if last else "any"


def _check_own_values(rule: FieldRule) -> Iterator[Finding]:
    """What the rule itself would give: its constant, its default, the right-hand side of its enumeration."""
    for value in _own_values(rule):
        try:
            made = convert(replace(rule, args=_without_table(rule)), value, lambda _path: None)
        except MappingProblem as problem:
            said = problem.message.removeprefix(f"{rule.field or rule.canonical}: ")
            yield Finding.because(sentences.BAD_CONVERSION, rule.canonical, canonical=rule.canonical, problem=said)
            continue
        made = Decimal(made) if isinstance(made, int) and kind_of(rule.canonical) == "decimal" else made
        if made is not None and not holds(rule.canonical, made):
            yield Finding.because(
                sentences.BAD_TABLE_VALUE,
                rule.canonical,
                canonical=rule.canonical,
                value=show(made),
                wanted=wanted(rule.canonical),
            )


def _own_values(rule: FieldRule) -> Iterator[Any]:
    if rule.transform == "constant":
        yield None
        return
    table = rule.args.get("table", {})
    if isinstance(table, Mapping):
        yield from table.values()
    for name in ("other", "default"):
        if name in rule.args:
            yield rule.args[name]


def _without_table(rule: FieldRule) -> Mapping[str, Any]:
    """The arguments for a value that is translated already; an enumeration needs its table to know it."""
    args = {name: value for name, value in rule.args.items() if name != "default"}
    if rule.transform == "enum":
        return args | {"table": {str(number): value for number, value in enumerate(_own_values(rule))}}
    args.pop("table", None)
    return args


def _check_metadata(mapping: FieldMapping) -> Iterator[Finding]:
    names = dict.fromkeys(rule.canonical for rule in mapping.deal if rule.canonical.startswith(METADATA))
    for canonical in names:
        if problem := metadata_problem(canonical):
            yield Finding.because(sentences.BAD_METADATA, canonical, canonical=canonical, problem=problem)
    if len(names) > MOST_METADATA:
        problem = f"there are {len(names)} free values, and billing takes {MOST_METADATA}"
        yield Finding.because(sentences.BAD_METADATA, METADATA, canonical="metadata", problem=problem)


def _check_prices(mapping: FieldMapping) -> Iterator[Finding]:
    prices = mapping.prices
    if prices.products and "product_table" not in prices.order:
        yield Finding.because(sentences.PRICES_UNUSED, "prices.products")
    if "inline" in prices.order:
        return
    fed = {rule.canonical for rule in mapping.line_item}
    usable = ("price_id" in prices.order and "product.price_id" in fed) or (
        "product.code" in fed
        and ("lookup_key" in prices.order or (prices.products and "product_table" in prices.order))
    )
    if not usable:
        needs = "product.price_id" if prices.order == ("price_id",) else "product.code"
        yield Finding.because(
            sentences.PRICES_UNFED,
            "prices.order",
            order=", ".join(prices.order),
            problem="no rule or table says which",
            canonical=needs,
        )


def _check_renewals(mapping: FieldMapping) -> Iterator[Finding]:
    read = any(rule.canonical == "terms.renewal_date" for rule in mapping.deal)
    chosen = mapping.renewal_from != RENEWAL_SOURCES
    if chosen and not read and mapping.renewal_from[:1] == ("crm_field",):
        yield Finding.because(sentences.RENEWAL_UNFED, "renewal_from", serious=False)
    if read and "crm_field" not in mapping.renewal_from:
        yield Finding.because(sentences.RENEWAL_UNUSED, "renewal_from", serious=False)
