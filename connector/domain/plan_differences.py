"""What changed between two plans of one deal, in short sentences: read by the person who approves the second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.domain.deal import Interval
from connector.domain.money import Money, exponent

Document = Mapping[str, Any]

_LABELS = {
    "first_invoice": "first invoice",
    "net_days": "days until due",
    "automatic_tax": "automatic tax",
    "ends": "ends by itself",
    "email": "e-mail address",
    "on": "day",
    "price_id": "price",
    "unit_amount": "unit price",
    "anchor": "full periods begin",
}
"""Fields whose own name would not read well; the others are called as they are."""

_MONEY = frozenset({"amount", "first_invoice", "total", "unit_amount"})
_LINE_LISTS = frozenset({"recurring", "one_off", "lines"})
_STEPS_OWN = frozenset({"kind", "key", "phases", "changes", *_LINE_LISTS})
_BEFORE_BILLING = frozenset({"customer", "product"})


@dataclass(slots=True)
class _Part:
    """A step or a line: its name, what it comes to, and each of its values as a person reads it, by label.

    ``unnamed`` is set for the only step that bills: "starts" is then plain enough.
    """

    name: str
    summary: str
    values: dict[str, str] = field(default_factory=dict)
    unnamed: bool = False


def differences(old: Document, new: Document) -> list[str]:
    """Sentences that say how ``new`` differs from ``old``; none exactly when both documents say the same.

    A line is recognised by its CRM line, so that a renamed one is the same line.
    """
    before, after = _parts(old), _parts(new)
    said: list[str] = []
    for key, part in after.items():
        if key not in before:
            said.append(f"{part.name} is new{part.summary}")
        else:
            said += _changes(before[key], part)
    said += [f"{part.name} is gone{part.summary}" for key, part in before.items() if key not in after]
    if not said and old != new:
        said.append("the same, in another order")
    return said


def _changes(before: _Part, after: _Part) -> Iterator[str]:
    prefix = "" if after.unnamed else f"{after.name}: "
    for label in dict.fromkeys([*after.values, *before.values]):
        was, now = before.values.get(label, "none"), after.values.get(label, "none")
        if was != now:
            yield f"{prefix}{label} {was} -> {now}"


def _parts(plan: Document) -> dict[tuple[str, ...], _Part]:
    """The document taken apart, so that both sides can be laid beside each other."""
    parts: dict[tuple[str, ...], _Part] = {("plan",): _Part("plan", "", {"deal": str(plan["deal"])}, unnamed=True)}
    billing = [step for step in plan["steps"] if step["kind"] not in _BEFORE_BILLING]
    for step in plan["steps"]:
        key = ("step", step["kind"], step["key"])
        currency = str(step.get("currency", ""))
        values = dict(_values(step, currency, _STEPS_OWN))
        parts[key] = _Part(_step_name(step), _step_summary(step, currency), values, unnamed=billing == [step])
        for number, phase in enumerate(step.get("phases", ()), 1):
            parts[key].values.update(_phase_values(phase, number, len(step["phases"])))
            _add_lines(parts, (*key, str(number)), phase, currency, f" from {phase['start']}" if number > 1 else "")
        _add_lines(parts, key, step, currency, "")
        for change in step.get("changes", ()):
            place, line = (*key, "change", change["item_id"]), change["line"]
            if line is None:
                parts[place] = _Part(f"removal of item {change['item_id']}", "")
            else:
                _add_line(parts, place, line, currency, "")
    parts[("notes",)] = _Part("notes", "", {f"note “{note}”": "told" for note in plan["notes"]}, unnamed=True)
    return parts


def _add_lines(
    parts: dict[tuple[str, ...], _Part], key: tuple[str, ...], owner: Document, currency: str, when: str
) -> None:
    for kind in sorted(_LINE_LISTS & owner.keys()):
        for line in owner[kind]:
            _add_line(parts, (*key, kind), line, currency, when)


def _add_line(
    parts: dict[tuple[str, ...], _Part], key: tuple[str, ...], line: Document, currency: str, when: str
) -> None:
    """One CRM line may stand in a plan several times: the months that lie back, one line each."""
    number = 1
    while (place := (*key, str(line["line"]), str(number))) in parts:
        number += 1
    quantity, amount = line.get("quantity", 0), line.get("amount", 0)
    summary = f": {quantity} for {Money(amount, currency)}" if currency and not line.get("metered") else ""
    parts[place] = _Part(f"{line['description']}{when}", summary, dict(_values(line, currency, frozenset({"line"}))))


def _step_name(step: Document) -> str:
    if step["kind"] in _BEFORE_BILLING:
        return f"{step['kind']} {step.get('name', '')}".strip()
    return str(step["key"]).rpartition("/")[2]


def _step_summary(step: Document, currency: str) -> str:
    total = step.get("total", step.get("first_invoice", step.get("amount")))
    return f": {Money(total, currency)}" if total is not None and currency else ""


def _phase_values(phase: Document, number: int, phases: int) -> Iterator[tuple[str, str]]:
    which = f"phase {number} " if phases > 1 else ""
    yield (f"{which}starts" if number > 1 else "starts"), str(phase["start"])
    yield f"{which}ends", str(phase.get("end") or "never")
    if phase.get("trial"):
        yield f"{which}free", "yes"


def _values(owner: Document, currency: str, without: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Every value of a step or line with its label; what is nested is named by its own fields."""
    for name, value in owner.items():
        if name in without:
            continue
        label = _LABELS.get(name, name.replace("_", " "))
        if name == "custom_fields":
            yield from ((str(title), str(text)) for title, text in value)
        elif name == "metadata":
            yield from ((f"metadata {key}", str(text)) for key, text in value.items())
        elif name == "interval":
            yield label, str(Interval(value["unit"], value["count"])) if value else "once"
        elif name == "period" and value:
            yield label, f"{value['start']} until {value['end']}"
        elif isinstance(value, Mapping):
            yield from _values(value, currency, frozenset())
        else:
            yield label, _read(name, value, currency)


def _read(name: str, value: Any, currency: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _MONEY and currency:
        major = Decimal(value).scaleb(-exponent(currency))  # a unit price may be finer than the currency
        return str(Money(value, currency)) if isinstance(value, int) else f"{currency.upper()} {major:,f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return str(value)
