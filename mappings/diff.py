"""How one mapping differs from another, in short sentences for the admin who is about to use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mappings.apply import by_canonical
from mappings.load import as_body
from mappings.model import FieldMapping, FieldRule


def mapping_differences(old: FieldMapping, new: FieldMapping) -> list[str]:
    """Sentences that say what ``new`` reads and writes otherwise; none when both do the same."""
    return [
        *_rules(old.deal, new.deal),
        *_rules(old.line_item, new.line_item),
        *_entries("prices", {"order": ", ".join(old.prices.order)}, {"order": ", ".join(new.prices.order)}, "is"),
        *_entries(
            "renewal dates",
            {"the order": ", ".join(old.renewal_from)},
            {"the order": ", ".join(new.renewal_from)},
            "is",
        ),
        *_entries("product table", old.prices.products, new.prices.products, "has the price"),
        *(
            sentence
            for kind in dict.fromkeys([*old.write_back, *new.write_back])
            for sentence in _entries(kind, old.write_back.get(kind, {}), new.write_back.get(kind, {}), "is written to")
        ),
        *_entries("objects", old.objects, new.objects, "is"),
    ]


def rule_says(rule: FieldRule) -> str:
    """A rule in a few words: "Opportunity.Terms__c as net_days (default 30), required"."""
    source = rule.field or "the mapping itself"
    how = "" if rule.transform == "text" else f" as {rule.transform}"
    body: Mapping[str, Any] = rule.args
    given = ", ".join(f"{name} {_shown(value)}" for name, value in body.items())
    return f"{source}{how}{f' ({given})' if given else ''}{', required' if rule.required else ''}"


def _rules(old: Sequence[FieldRule], new: Sequence[FieldRule]) -> Iterator[str]:
    before, after = by_canonical(old), by_canonical(new)
    for canonical in dict.fromkeys([*before, *after]):
        was, now = before.get(canonical, []), after.get(canonical, [])
        if was == now:
            continue
        if not was:
            yield f"{canonical} is now read from {_all(now)}."
        elif not now:
            yield f"{canonical} is no longer read (was {_all(was)})."
        else:
            yield f"{canonical} is read from {_all(now)} (was {_all(was)})."


def _all(rules: Sequence[FieldRule]) -> str:
    return ", else ".join(rule_says(rule) for rule in rules)


def _entries(where: str, old: Mapping[str, str], new: Mapping[str, str], verb: str) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if now is None:
            yield f"{where}: {name} is gone (was {was})."
        else:
            yield f"{where}: {name} {verb} {now}" + (f" (was {was})." if was is not None else ".")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    return str(value)


def same(old: FieldMapping, new: FieldMapping) -> bool:
    """Whether two mappings read and write exactly alike, whatever their versions."""
    return {**as_body(old), "version": 0} == {**as_body(new), "version": 0}
