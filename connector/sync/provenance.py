"""Where each value of a plan came from: the CRM field and the mapping's rule, or the setting that spoke instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import PlanTerms
from connector.sync.read_deal import DealReading
from mappings.apply import Origin
from mappings.canonical import METADATA

_COMPANY = {
    "name": ("customer: name", "name"),
    "phone": ("customer: phone", "phone"),
    "domain": ("which existing customer it is", "domain"),
    "billing_email": ("customer: e-mail address", "billing_email"),
    "customer_id": ("which existing customer it is", "customer_id"),
    "tax_id": ("customer: tax id", "tax_id"),
    "tax_status": ("customer: tax status", "tax_status"),
    **{
        f"address.{part}": (f"customer: {part.replace('_', ' ')}", f"address.{part}")
        for part in ("line1", "line2", "city", "state", "postal_code", "country")
    },
}

_DEAL: Mapping[str, tuple[str, str]] = {
    "deal.name": ("description", "name"),
    "deal.currency": ("currency", "currency"),
    "deal.amount": ("check of the total", "amount"),
    "deal.close_date": ("deal: day it was won", "close_date"),
    **{f"account.{name}": (what, f"account.{path}") for name, (what, path) in _COMPANY.items()},
    "account.parent": ("health: the group it belongs to", "account.profile.parent"),
    "account.owner": ("tasks: whose they are", "account.profile.owner"),
    "account.size": ("health: which policy applies", "account.profile.size"),
    "account.plan": ("health: which policy applies", "account.profile.plan"),
    "payer.id": ("who pays", "payer.ref"),
    **{f"payer.{name}": (what, f"payer.{path}") for name, (what, path) in _COMPANY.items()},
    "contact.name": ("customer: whose attention", "billing_contact.name"),
    "contact.email": ("customer: e-mail address", "billing_contact.email"),
    "contact.phone": ("customer: phone", "billing_contact.phone"),
    "terms.start": ("first day", "terms.start"),
    "terms.end": ("last day", "terms.end"),
    "terms.months": ("term in months", "terms.term_months"),
    "terms.auto_renew": ("whether it runs on after its term", "terms.auto_renew"),
    "terms.net_days": ("days until an invoice is due", "terms.net_days"),
    "terms.collection": ("how invoices are paid", "terms.collection"),
    "terms.po_number": ("invoice: PO number", "terms.po_number"),
    "terms.contract_number": ("invoice: contract number", "terms.contract_number"),
    "terms.recipients": ("who else gets the invoice", "recipients"),
    "terms.discount_percent": ("amounts: discount on the deal", "terms.discount_percent"),
    "terms.discount_amount": ("first invoice: discount on the deal", "terms.discount_amount"),
    "terms.discount_months": ("phases: end of the deal's discount", "terms.discount_months"),
    "terms.free_months": ("phases: end of the free months", "terms.free_months"),
    "terms.kind": ("what the deal does", "terms.kind"),
    "terms.amends": ("which contract it changes", "terms.amends"),
    "terms.ends_on": ("day a running contract ends", "terms.ends_on"),
    "terms.with_credit": ("whether unserved days are credited", "terms.with_credit"),
    "terms.renewal_date": ("day it comes up for renewal", "terms.renewal_date"),
}

_LINE: Mapping[str, tuple[str, str]] = {
    "line.quantity": ("quantity", "quantity"),
    "line.unit_price": ("unit price", "unit_price"),
    "line.total": ("amount", "total"),
    "line.discount_percent": ("unit price: discount", "discount_percent"),
    "line.discount_per_unit": ("unit price: discount", "discount_per_unit"),
    "line.discount_months": ("phases: end of the discount", "discount_months"),
    "line.interval": ("how often it is billed", "interval"),
    "line.price_interval": ("what period its price is for", "price_interval"),
    "line.months": ("last day", "term_months"),
    "line.free_months": ("phases: end of the free months", "free_months"),
    "line.start": ("first day", "start"),
    "line.end": ("last day", "end"),
    "line.bill_on": ("day it is invoiced", "bill_on"),
    "line.credit_amount": ("credits: amount", "credit_amount"),
    "line.credit_months": ("credits: expiry", "credit_months"),
    "line.description": ("description", "description"),
    "product.name": ("product: name", "product.name"),
    "product.description": ("product: description", "product.description"),
    "product.code": ("price: lookup key", "product.code"),
    "product.price_id": ("price", "product.price_id"),
    "product.tax_code": ("product: tax code", "product.tax_code"),
}
"""Canonical name -> what it decides in the plan, and where the Deal or the LineItem holds its value."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """One value: of which record, what it decides in the plan, what it is, and where it came from.

    ``source`` is the CRM path or paths, with the rule's transform where it is more than text, or the setting's name.
    """

    record: RecordRef
    decides: str
    canonical: str
    value: str
    source: str


def provenance(reading: DealReading, policy: BillingPolicy, terms: PlanTerms | None = None) -> list[Provenance]:
    """Every value that was read for the deal and its lines, then what the settings decided where the deal is silent.

    ``terms`` is what the payment record had to do with the plan.
    """
    deal = reading.deal
    found = list(_of_record(deal.ref, deal, reading.origins, _DEAL))
    for line in deal.line_items:
        found += _of_record(line.ref, line, reading.lines.get(line.ref, {}), _LINE)
    return [*found, *_settings(reading, policy, terms)]


def _of_record(
    ref: RecordRef, record: object, origins: Mapping[str, Origin], table: Mapping[str, tuple[str, str]]
) -> Iterator[Provenance]:
    for canonical, origin in origins.items():
        if canonical.startswith(METADATA):
            name = canonical[len(METADATA) :]
            yield Provenance(ref, f"metadata {name}", canonical, _metadata(record, name), str(origin))
            continue
        decides, path = table.get(canonical, (canonical, ""))
        yield Provenance(ref, decides, canonical, _shown(_at(record, path)), str(origin))


def _settings(reading: DealReading, policy: BillingPolicy, given: PlanTerms | None) -> Iterator[Provenance]:
    """What nobody said on the deal, so that a setting decides it."""
    terms = reading.deal.terms
    silent: list[tuple[str, str, object, str]] = []
    if not reading.deal.currency:
        silent.append(("currency", "deal.currency", policy.default_currency, "DEFAULT_CURRENCY"))
    if terms.net_days is None:
        by_record = given.given if given is not None else None
        days, name = (policy.default_net_days, "DEFAULT_NET_DAYS") if by_record is None else (by_record, "TERMS_DAYS")
        silent.append(("days until an invoice is due", "terms.net_days", days, name))
    if terms.auto_renew is None:
        silent.append(
            ("whether it runs on after its term", "terms.auto_renew", policy.auto_renew, "BILLING_AUTO_RENEW")
        )
    silent.append(("automatic tax", "", policy.automatic_tax, "BILLING_AUTOMATIC_TAX"))
    for decides, canonical, value, setting in silent:
        yield Provenance(reading.deal.ref, decides, canonical, _shown(value), f"the setting {setting}")


def _at(record: object, path: str) -> Any:
    """The value at a path of attributes; None where a record on the way, such as the payer, is not there."""
    if not path:
        return None
    for name in path.split("."):
        if record is None:
            return None
        record = getattr(record, name)
    return record


def _metadata(record: object, name: str) -> str:
    return str(getattr(record, "metadata", {}).get(name, ""))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
