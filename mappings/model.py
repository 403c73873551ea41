"""A FieldMapping: an admin's table of CRM field <-> canonical field, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


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
    args: Mapping[str, Any] = MappingProxyType({})
    required: bool = False


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
    write_back: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def paths(self, group: str) -> tuple[str, ...]:
        """Every CRM path that the rules of a group (``deal`` or ``line_item``) read, once each, in order."""
        rules = self.deal if group == "deal" else self.line_item
        return tuple(dict.fromkeys(rule.field for rule in rules if rule.field))
