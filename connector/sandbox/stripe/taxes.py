"""Automatic tax, by a table of one made-up rate per country: enough to see where tax stands on an invoice, not law.

Everything sold is taxed alike and on top of its price; a customer that is exempt, or accounts for the tax itself
(reverse charge), is told why its tax is nought.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from connector.sandbox.stripe.money import rounded
from connector.sandbox.stripe.world import Obj, World

PERCENT: Final = {
    "AT": "20",
    "AU": "10",
    "BE": "21",
    "CA": "5",
    "CH": "8.1",
    "DE": "19",
    "DK": "25",
    "ES": "21",
    "FR": "20",
    "GB": "20",
    "IE": "23",
    "IT": "22",
    "JP": "10",
    "NL": "21",
    "PL": "23",
    "SE": "25",
    "US": "7.25",
}
"""Percent on top, by the country of the customer's address. Elsewhere nothing is collected."""

_REASONS: Final = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


def work_out(world: World, invoice: Obj, net: dict[str, int]) -> int:
    """Write each line's `taxes` and the invoice's `total_taxes`; the tax on top. `net` is what each is taxed on."""
    country = str((world.tables["customer"][invoice["customer"]]["address"] or {}).get("country") or "")
    enabled = bool(invoice["automatic_tax"]["enabled"] and country)
    rate, reason = _rate(invoice, country) if enabled else (Fraction(0), "")
    whole = 0
    for line in invoice["_lines"]:
        base = net[line["id"]]
        tax = rounded(rate * base)
        line["taxes"] = [_tax(tax, base, country, reason)] if enabled else []
        whole += tax
    shown = enabled and bool(invoice["_lines"])
    invoice["total_taxes"] = [_tax(whole, sum(net.values()), country, reason)] if shown else []
    return whole


def share_of(source: Obj, amount: int) -> list[dict[str, Any]]:
    """The taxes on part of an invoice line, in proportion: what a credit note takes back with it."""
    taxes = []
    for tax in source["taxes"]:
        base = tax["taxable_amount"]
        part = rounded(Fraction(tax["amount"] * amount, base)) if base else 0
        taxes.append({**tax, "amount": part, "taxable_amount": amount})
    return taxes


def _rate(invoice: Obj, country: str) -> tuple[Fraction, str]:
    exempt = _REASONS.get(invoice["customer_tax_exempt"] or "none")
    if exempt:
        return Fraction(0), exempt
    percent = PERCENT.get(country)
    if percent is None:
        return Fraction(0), "not_collecting"
    return Fraction(Decimal(percent)) / 100, "standard_rated"


def _tax(amount: int, base: int, country: str, reason: str) -> dict[str, Any]:
    return {
        "amount": amount,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": f"txr_sandbox_{country.lower()}"},
        "taxability_reason": reason,
        "taxable_amount": base,
        "type": "tax_rate_details",
    }
