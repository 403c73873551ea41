"""The figures HubSpot computes by itself on line items and deals."""

import calendar
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

Values = Mapping[str, str]

#: Payments a year, by HubSpot's name of a billing frequency.
_PAYMENTS_A_YEAR = {
    "weekly": Decimal(52),
    "biweekly": Decimal(26),
    "monthly": Decimal(12),
    "quarterly": Decimal(4),
    "per_six_months": Decimal(2),
    "annually": Decimal(1),
    "per_two_years": Decimal(1) / 2,
    "per_three_years": Decimal(1) / 3,
    "per_four_years": Decimal(1) / 4,
    "per_five_years": Decimal(1) / 5,
}
_TWELVE = Decimal(12)


def plain(number: Decimal) -> str:
    """Digits only, at most six after the point, without trailing zeros."""
    text = f"{number.quantize(Decimal('0.000001')):f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def term_in_months(period: str) -> int:
    """Whole months of an ISO-8601 period such as `P1Y6M`; 0 for none, or one of weeks and days."""
    found = re.fullmatch(r"P(?:(\d+)Y)?(?:(\d+)M)?", period)
    return int(found[1] or 0) * 12 + int(found[2] or 0) if found else 0


def of_line_item(values: Values) -> dict[str, str]:
    """What HubSpot computes on a line item from price, quantity, discount, frequency and term."""
    if not values.get("price"):
        return {}
    price, quantity = _number(values, "price"), _number(values, "quantity", "1")
    before = price * quantity
    per_unit = _number(values, "discount") or price * _number(values, "hs_discount_percentage") / 100
    amount = before - per_unit * quantity
    computed = {
        "amount": plain(amount),
        "hs_pre_discount_amount": plain(before),
        "hs_total_discount": plain(before - amount),
    }
    term = term_in_months(values.get("hs_recurring_billing_period", ""))
    computed |= _recurring(amount, values.get("recurringbillingfrequency", ""), term)
    end = _end_date(values.get("hs_recurring_billing_start_date", ""), term)
    return {**computed, "hs_term_in_months": str(term) if term else "", "hs_recurring_billing_end_date": end}


def of_deal_lines(lines: Iterable[Values]) -> dict[str, str]:
    """A deal's amounts as the sums over its line items."""
    rows = list(lines)
    return {
        name: plain(sum((_number(row, name) for row in rows), Decimal()))
        for name in ("amount", "hs_mrr", "hs_arr", "hs_tcv", "hs_acv")
    }


def _recurring(amount: Decimal, frequency: str, term: int) -> dict[str, str]:
    if frequency not in _PAYMENTS_A_YEAR:
        return {"hs_mrr": "0", "hs_arr": "0", "hs_tcv": plain(amount), "hs_acv": plain(amount)}
    yearly = amount * _PAYMENTS_A_YEAR[frequency]
    return {
        "hs_mrr": plain(yearly / _TWELVE),
        "hs_arr": plain(yearly),
        "hs_tcv": plain(yearly * term / _TWELVE if term else yearly),
        "hs_acv": plain(yearly * min(term or 12, 12) / _TWELVE),
    }


def _end_date(start: str, term: int) -> str:
    if not (start and term):
        return ""
    first = date.fromisoformat(start)
    year, month = divmod(first.month - 1 + term, 12)
    year, month = first.year + year, month + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return (date(year, month, day) - timedelta(days=1)).isoformat()


def _number(values: Values, name: str, default: str = "0") -> Decimal:
    return Decimal(values.get(name) or default)
