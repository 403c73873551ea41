"""The canonical names: what a CRM field may be mapped to, and the kind of value each of them holds.

A mapping reads a deal (``deal`` rules) and each of its lines (``line_item`` rules). Names that begin with
``metadata.`` are free: they travel to the billing records under their own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

METADATA = "metadata."

_COMPANY: Mapping[str, str] = MappingProxyType(
    {
        "name": "text",
        "phone": "text",
        "domain": "text",
        "billing_email": "text",
        "customer_id": "text",
        "tax_id": "text",
        "tax_status": "text",
        "address.line1": "text",
        "address.line2": "text",
        "address.city": "text",
        "address.state": "text",
        "address.postal_code": "text",
        "address.country": "text",
    }
)
"""What is said of a company, be it the one that buys (``account``) or the one that pays for it (``payer``)."""

_DEAL = MappingProxyType(
    {
        "deal.name": "text",
        "deal.currency": "text",
        "deal.amount": "decimal",
        "deal.close_date": "date",
        **{f"account.{name}": kind for name, kind in _COMPANY.items()},
        **{f"account.{name}": "text" for name in ("parent", "owner", "size", "plan")},
        "payer.id": "text",
        **{f"payer.{name}": kind for name, kind in _COMPANY.items()},
        "contact.name": "text",
        "contact.email": "text",
        "contact.phone": "text",
        "terms.start": "date",
        "terms.end": "date",
        "terms.months": "whole_number",
        "terms.auto_renew": "boolean",
        "terms.net_days": "whole_number",
        "terms.collection": "text",
        "terms.po_number": "text",
        "terms.contract_number": "text",
        "terms.recipients": "text_list",
        "terms.discount_percent": "decimal",
        "terms.discount_amount": "decimal",
        "terms.discount_months": "whole_number",
        "terms.free_months": "whole_number",
        "terms.kind": "text",
        "terms.amends": "text",
        "terms.ends_on": "date",
        "terms.with_credit": "boolean",
        "terms.renewal_date": "date",
    }
)

_LINE_ITEM = MappingProxyType(
    {
        "line.quantity": "decimal",
        "line.unit_price": "decimal",
        "line.total": "decimal",
        "line.discount_percent": "decimal",
        "line.discount_per_unit": "decimal",
        "line.discount_months": "whole_number",
        "line.interval": "interval",
        "line.price_interval": "interval",
        "line.months": "whole_number",
        "line.free_months": "whole_number",
        "line.start": "date",
        "line.end": "date",
        "line.bill_on": "date",
        "line.credit_amount": "decimal",
        "line.credit_months": "whole_number",
        "line.description": "text",
        "product.name": "text",
        "product.description": "text",
        "product.code": "text",
        "product.price_id": "text",
        "product.tax_code": "text",
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

CHOICES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "terms.collection": frozenset({"send_invoice", "charge_automatically"}),
        "terms.kind": frozenset({"new", "amendment", "renewal", "cancellation"}),
        "account.tax_status": frozenset({"none", "exempt", "reverse"}),
        "payer.tax_status": frozenset({"none", "exempt", "reverse"}),
    }
)
"""Names that hold one of a few words and nothing else."""

_CURRENCY = "deal.currency"

_OUR_METADATA = frozenset({"contract_end", "changed_by", "amended_by"})
_OUR_PREFIX = "crm_"
"""Metadata by which the connector recognises what it made; a rule must never speak in its place."""

LONGEST_METADATA_NAME, MOST_METADATA = 40, 40
"""Source: Stripe, metadata: 50 keys of at most 40 characters; the rest are ours."""

LONGEST: Mapping[str, int] = MappingProxyType(
    {
        "account.name": 256,
        "payer.name": 256,
        "contact.email": 512,
        "account.billing_email": 512,
        "payer.billing_email": 512,
        "terms.po_number": 140,
        "terms.contract_number": 140,
    }
)
"""Characters that billing takes. Source: Stripe, customers.create and invoice ``custom_fields[].value``."""

LONGEST_METADATA = 500
"""Characters of a metadata value. Source: Stripe, metadata."""

NEVER_NEGATIVE: frozenset[str] = frozenset(
    {
        "terms.months",
        "terms.net_days",
        "terms.discount_percent",
        "terms.discount_amount",
        "terms.discount_months",
        "terms.free_months",
        "line.discount_percent",
        "line.discount_months",
        "line.months",
        "line.free_months",
        "line.credit_amount",
        "line.credit_months",
    }
)
"""Lengths, discounts and credits; a quantity may be negative, where a deal takes something away."""


def is_known(group: str, canonical: str) -> bool:
    """Whether rules of this group may feed this name."""
    return canonical in NAMES[group] or (group == "deal" and canonical.startswith(METADATA))


def kind_of(canonical: str) -> str:
    """The kind of value a name holds, in whichever group it is; ``any`` for free names and those nobody knows."""
    return _DEAL.get(canonical) or _LINE_ITEM.get(canonical) or "any"


def wanted(canonical: str) -> str:
    """What a name holds, as a sentence says it: a date; one of exempt, none, reverse."""
    choices = CHOICES.get(canonical)
    if choices:
        return f"one of {', '.join(sorted(choices))}"
    return "a currency of three letters" if canonical == _CURRENCY else a_kind(kind_of(canonical))


def a_kind(kind: str) -> str:
    """A kind of value with its article: a whole number, an interval."""
    said = kind.replace("_", " ")
    return f"an {said}" if said[0] in "aeiou" else f"a {said}"


def metadata_problem(canonical: str) -> str:
    """Why billing cannot take a free name; empty when it can."""
    name = canonical[len(METADATA) :]
    if name in _OUR_METADATA or name.startswith(_OUR_PREFIX):
        return f"{name} is a name that the connector itself uses"
    if len(name) > LONGEST_METADATA_NAME:
        return f"the name has more than {LONGEST_METADATA_NAME} characters"
    return ""


def holds(canonical: str, value: Any) -> bool:
    """Whether a value is of the kind that its name is for, and one of its words where it has only a few."""
    choices = CHOICES.get(canonical)
    if choices is not None:
        return isinstance(value, str) and value in choices
    if canonical == _CURRENCY:
        return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()
    match kind_of(canonical):
        case "text":
            return isinstance(value, str)
        case "decimal":
            return isinstance(value, Decimal)
        case "whole_number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, date) and not isinstance(value, datetime)
        case "interval":
            return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], int)
        case "text_list":
            return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        case _:
            return True
