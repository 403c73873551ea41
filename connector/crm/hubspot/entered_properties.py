"""The properties that people fill in and HubSpot does not have: what a deal's billing must know, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """One property as we would make it; options are (value, label)."""

    name: str
    label: str
    description: str
    type: str
    field_type: str
    options: tuple[tuple[str, str], ...] = ()


def _text(name: str, label: str, description: str) -> PropertySpec:
    return PropertySpec(name, label, description, "string", "text")


def _number(name: str, label: str, description: str) -> PropertySpec:
    return PropertySpec(name, label, description, "number", "number")


def _date(name: str, label: str, description: str) -> PropertySpec:
    return PropertySpec(name, label, description, "date", "date")


def _choice(name: str, label: str, description: str, *options: tuple[str, str]) -> PropertySpec:
    return PropertySpec(name, label, description, "enumeration", "select", options)


_YES_NO = (("yes", "Yes"), ("no", "No"))
"""A checkbox could not leave the decision to the settings once somebody has touched it."""

_DISCOUNT_MONTHS = _number(
    "billing_discount_months", "Discount months", "How long the discount holds; empty for throughout."
)
_FREE_MONTHS = _number("billing_free_months", "Free months", "At the beginning, without charge.")

_DEAL = (
    _date("billing_start", "Billing start", "The day billing begins, if not when it closes."),
    _date("billing_end", "Billing end", "The contract's last day, if not told by its term."),
    _number("billing_term_months", "Contract term (months)", "How long the contract runs."),
    _choice("billing_auto_renew", "Renews by itself", "Empty: as the settings say.", *_YES_NO),
    _number("billing_net_days", "Payment terms (days)", "Days from an invoice to its due date; 0 for due on receipt."),
    _text("billing_po_number", "PO number", "The buyer's order number, shown on every invoice."),
    _text("billing_contract_number", "Contract number", "Shown on every invoice."),
    _choice(
        "billing_collection",
        "Collection method",
        "Whether the buyer is sent invoices or a stored payment method is charged.",
        ("send_invoice", "Send invoice"),
        ("charge_automatically", "Charge automatically"),
    ),
    PropertySpec(
        "billing_recipients",
        "Invoice recipients",
        "Further e-mail addresses that get every invoice, parted by semicolons.",
        "string",
        "textarea",
    ),
    _number("billing_discount_percent", "Deal discount (%)", "On the whole deal, after the line items' own discounts."),
    _number("billing_discount_amount", "Deal discount", "Once, off the first invoice, in the deal's currency."),
    _DISCOUNT_MONTHS,
    _FREE_MONTHS,
    _choice(
        "billing_kind",
        "Billing kind",
        "What the deal does to what is billed already; empty for new.",
        ("new", "New"),
        ("amendment", "Amendment"),
        ("renewal", "Renewal"),
        ("cancellation", "Cancellation"),
    ),
    _text("billing_amends", "Amends", "The id of the deal or subscription that this one changes, renews or cancels."),
    _date("billing_ends_on", "Cancelled on", "A cancellation's last day; empty for the end of the term."),
    _date("billing_renews_on", "Renews on", "The day the contract comes up for renewal."),
    _choice(
        "billing_with_credit",
        "Credit unused time",
        "Whether what is paid and not served is credited; empty: as the settings say.",
        *_YES_NO,
    ),
)
_LINE_ITEM = (
    _choice(
        "billing_price_period",
        "Price is per",
        "If not per billing period: monthly for a monthly price billed annually.",
        ("weekly", "Week"),
        ("monthly", "Month"),
        ("quarterly", "Quarter"),
        ("per_six_months", "Half-year"),
        ("annually", "Year"),
        ("per_two_years", "Two years"),
        ("per_three_years", "Three years"),
    ),
    _date("billing_end", "Service end", "The last day that is served."),
    _DISCOUNT_MONTHS,
    _FREE_MONTHS,
    _date("billing_bill_on", "Bill on", "A milestone: the day it is invoiced."),
    _number("billing_credit_amount", "Credits bought", "Prepaid credits, as an amount in the deal's currency."),
    _number("billing_credit_months", "Credits last (months)", "Empty for ever."),
)
_PRODUCT = (
    _text("billing_tax_code", "Tax code", "What it is to the tax office: txcd_..."),
    _text("stripe_price_id", "Stripe price id", "The Stripe price this product is sold at."),
)
_COMPANY = (
    _text("billing_payment_terms", "Payment terms", "For all deals, such as Net 45; a deal's own payment terms win."),
    _text("billing_tax_id", "Tax id", "With its country: DE123456789."),
    _choice(
        "billing_tax_status",
        "Tax status",
        "Empty for taxable.",
        ("none", "Taxable"),
        ("exempt", "Exempt"),
        ("reverse", "Reverse charge"),
    ),
)

ENTERED: Mapping[str, tuple[PropertySpec, ...]] = MappingProxyType(
    {"deal": _DEAL, "line_item": _LINE_ITEM, "product": _PRODUCT, "company": _COMPANY}
)
"""By object. Only those that the mapping reads are made."""
