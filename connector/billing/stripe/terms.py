"""How invoices are collected and what stands on them, as every kind of invoice says it to Stripe."""

from __future__ import annotations

from stripe.params import InvoiceCreateParamsCustomField

from connector.domain.billing_plan import InvoiceTerms


def days_until_due(terms: InvoiceTerms) -> int:
    """Days to pay; Stripe wants the number also when it is nought."""
    return terms.net_days or 0


def custom_fields(terms: InvoiceTerms) -> list[InvoiceCreateParamsCustomField]:
    """PO number and the like."""
    return [{"name": name, "value": value} for name, value in terms.custom_fields]
