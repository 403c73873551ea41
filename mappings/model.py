"""A FieldMapping: an admin's table of CRM field <-> canonical field, as data.

A CRM path begins with the CRM's own object name and goes through relations to a field:
``Opportunity.Account.Owner.Email``, ``company.city``. A label in brackets after the object picks the associated record
that carries it: ``company[Bill To].name``, ``Contact[Billing].Email``. Records have it under that very name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from mappings.sentence import Sentence

_LABEL = r"\[[^\[\]{}\x00-\x1f]{1,80}\]"
_STEP = r"[A-Za-z_]\w*"
PATH = re.compile(rf"({_STEP}(?:{_LABEL})?)((?:\.{_STEP})+)", re.ASCII)
"""A CRM path: an object with or without a label, then at least one step."""

PLACEHOLDER = re.compile(rf"\{{({PATH.pattern})\}}", re.ASCII)
"""A CRM path within a template: ``{Opportunity.Account.Name}``. Its first group is the path."""

SHIPPED = 0
"""The version of a mapping that comes with the connector; saved ones count from 1."""

PRICE_SOURCES = ("price_id", "lookup_key", "product_table", "inline")
"""Where a line may find its price: the price id on its product, a price whose lookup key is the product's code, the
mapping's own table from product code to price id, or the deal's own price on a product made once."""


RENEWAL_SOURCES = ("crm_field", "contract_end", "schedule", "subscription_item")
"""Where an account's renewal date may be read: a field that a ``terms.renewal_date`` rule reads, the end of the term
that was sold, the day on which billing ends the subscription by itself, or the end of the period that is paid for."""


class MappingProblem(ValueError):
    """A value that its rule cannot read. Carries what a person needs to fix it.

    ``sentence_id`` names its sentence in ``mappings.sentences``.
    """

    def __init__(self, message: str, *, canonical: str, field: str, hint: str = "", sentence_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.canonical = canonical
        self.field = field
        self.hint = hint
        self.sentence_id = sentence_id

    @classmethod
    def because(cls, sentence: Sentence, *, canonical: str, field: str, **values: object) -> Self:
        """The problem that a sentence of the catalogue describes, its names filled in."""
        said = {"canonical": canonical, "where": field or canonical, **values}
        return cls(
            sentence.says(**said),
            canonical=canonical,
            field=field,
            hint=sentence.advises(**said),
            sentence_id=sentence.id,
        )


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One line of the table, CRM -> canonical.

    ``field`` is a CRM path. ``transform`` names a conversion in ``mappings.transforms``; ``args`` are its arguments.
    Several rules may feed one canonical field: the first that yields a value wins.
    """

    canonical: str
    field: str
    transform: str = "text"
    args: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    required: bool = False

    def paths(self) -> tuple[str, ...]:
        """Every CRM path this rule reads: its field, and those that ``first_of`` and ``template`` name."""
        named = self.args.get("fields", ())
        others = named if isinstance(named, list | tuple) else ()
        template = self.args.get("template", "")
        inside = placeholders(template) if isinstance(template, str) else ()
        return tuple(dict.fromkeys(path for path in (self.field, *others, *inside) if path))


@dataclass(frozen=True, slots=True)
class PriceRules:
    """How a product line finds its price: each source of ``order`` is asked in turn, the first that has one wins.

    ``products`` maps a product code to a price id. A line that finds no price where ``inline`` is not in the order
    parks its deal.
    """

    order: tuple[str, ...] = ("price_id", "lookup_key", "product_table", "inline")
    products: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The mapping of one CRM, in one version.

    ``deal`` rules read a deal and what hangs on it; ``line_item`` rules read each line with its product.
    ``write_back`` maps our record kind ("deal", "account") to canonical value -> bare CRM field name.
    ``objects`` names the CRM's own object for each of our kinds. ``renewal_from`` ranks the sources of a renewal date:
    the first that names a day to come wins.
    """

    crm: str
    version: int
    objects: Mapping[str, str]
    deal: tuple[FieldRule, ...]
    line_item: tuple[FieldRule, ...]
    write_back: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    prices: PriceRules = dataclasses.field(default_factory=PriceRules)
    renewal_from: tuple[str, ...] = RENEWAL_SOURCES

    def paths(self, group: str) -> tuple[str, ...]:
        """Every CRM path that the rules of a group (``deal`` or ``line_item``) read, once each, in order."""
        rules = self.deal if group == "deal" else self.line_item
        return tuple(dict.fromkeys(path for rule in rules for path in rule.paths()))


def steps(path: str) -> tuple[str, ...]:
    """A path's parts: the object with its label, then relations, then the field. A dot within a label parts nothing."""
    match = PATH.fullmatch(path)
    if match is None:
        return tuple(path.split("."))
    return (match[1], *match[2][1:].split("."))


def object_and_label(head: str) -> tuple[str, str]:
    """``company[Bill To]`` -> ("company", "Bill To"); without a label it is empty."""
    name, _, label = head.partition("[")
    return name, label.removesuffix("]")


def placeholders(template: str) -> tuple[str, ...]:
    """The CRM paths within a template, in order."""
    return tuple(match[1] for match in PLACEHOLDER.finditer(template))
