"""Who pays for a deal, where it is not the account: the company whose id the mapping reads as ``payer.id``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.refs import RecordRef
from mappings import apply
from mappings.model import FieldMapping

PAYER = "payer.id"


def payer_of(records: Mapping[str, Any], mapping: FieldMapping, account: RecordRef | None) -> RecordRef | None:
    """None where the mapping names nobody, or the account itself. What it cannot read is its reader's to tell."""
    rules = [rule for rule in mapping.deal if rule.canonical == PAYER]
    named = apply.read_all(rules, records).values.get(PAYER)
    found = RecordRef(mapping.crm, "account", str(named)) if named else None
    return None if found == account else found
