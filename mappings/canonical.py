"""The canonical names: what a CRM field may be mapped to, and the kind of value each of them holds.

A mapping reads a deal (``deal`` rules) and each of its lines (``line_item`` rules). Names that begin with
``metadata.`` are free: they travel to the billing records under their own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

METADATA = "metadata."

_DEAL = MappingProxyType(
    {
        "deal.name": "text",
        "deal.currency": "text",
        "deal.amount": "decimal",
        "deal.close_date": "date",
        "account.name": "text",
        "account.phone": "text",
        "account.domain": "text",
        "account.billing_email": "text",
        "account.customer_id": "text",
        "account.address.line1": "text",
        "account.address.line2": "text",
        "account.address.city": "text",
        "account.address.state": "text",
        "account.address.postal_code": "text",
        "account.address.country": "text",
        "contact.name": "text",
        "contact.email": "text",
        "contact.phone": "text",
        "terms.start": "date",
        "terms.months": "whole_number",
        "terms.net_days": "whole_number",
        "terms.collection": "text",
        "terms.po_number": "text",
    }
)

_LINE_ITEM = MappingProxyType(
    {
        "line.quantity": "decimal",
        "line.unit_price": "decimal",
        "line.total": "decimal",
        "line.discount_percent": "decimal",
        "line.discount_per_unit": "decimal",
        "line.interval": "interval",
        "line.months": "whole_number",
        "line.start": "date",
        "line.description": "text",
        "product.name": "text",
        "product.description": "text",
        "product.code": "text",
        "product.price_id": "text",
    }
)

NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType({"deal": _DEAL, "line_item": _LINE_ITEM})
"""Group of rules -> canonical name -> the kind of value it holds."""

NEEDED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "deal": frozenset({"deal.name", "account.name"}),
        "line_item": frozenset({"line.quantity", "line.unit_price", "product.name"}),
    }
)
"""Without a rule for each of these, nothing could be billed."""


def is_known(group: str, canonical: str) -> bool:
    """Whether rules of this group may feed this name."""
    return canonical in NAMES[group] or (group == "deal" and canonical.startswith(METADATA))
