"""A FieldMapping: an admin's table of CRM field <-> canonical field, as data."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*(?:\.\w+)+)\}")
"""A CRM path within a template: ``{Opportunity.Account.Name}``."""


class MappingProblem(ValueError):
    """A value that its rule cannot read. Carries what a person needs to fix it."""

    def __init__(self, message: str, *, canonical: str, field: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.canonical = canonical
        self.field = field
        self.hint = hint


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One line of the table, CRM -> canonical.

    ``field`` is a path that begins with the CRM's own object name: ``Opportunity.Account.Name``, ``company.city``.
    ``transform`` names a conversion in ``mappings.transforms``; ``args`` are its arguments. Several rules may feed one
    canonical field: the first that yields a value wins.
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
        inside = PLACEHOLDER.findall(template) if isinstance(template, str) else []
        return tuple(dict.fromkeys(path for path in (self.field, *others, *inside) if path))


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The mapping of one CRM, in one version.

    ``deal`` rules read a deal and what hangs on it; ``line_item`` rules read each line with its product.
    ``write_back`` maps our record kind ("deal", "account") to canonical value -> bare CRM field name.
    ``objects`` names the CRM's own object for each of our kinds.
    """

    crm: str
    version: int
    objects: Mapping[str, str]
    deal: tuple[FieldRule, ...]
    line_item: tuple[FieldRule, ...]
    write_back: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)

    def paths(self, group: str) -> tuple[str, ...]:
        """Every CRM path that the rules of a group (``deal`` or ``line_item``) read, once each, in order."""
        rules = self.deal if group == "deal" else self.line_item
        return tuple(dict.fromkeys(path for rule in rules for path in rule.paths()))
