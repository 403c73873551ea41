"""Stripe's money: minor units by Stripe's own exponents, exact unit amounts, rounding half up per line.

Exponents and special cases: docs.stripe.com/currencies.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from connector.sandbox.stripe.errors import StripeRefusal


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
WHOLE_ONLY = frozenset({"isk", "ugx"})  # two decimals on the wire, but the decimals must be 00
_TWO_DECIMAL = _codes(
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny "
    "cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd "
    "kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok "
    "npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top "
    "try ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw"
)
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_ONLY | _TWO_DECIMAL


def currency_of(code: str, param: str) -> str:
    """The code in lower case; refuses one Stripe does not take."""
    lower = code.lower()
    if lower not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise StripeRefusal(
            f"Invalid currency: {lower}. Stripe currently supports these currencies: {known}", param=param
        )
    return lower


def check_amount(amount: int, currency: str, param: str) -> int:
    """The amount in minor units, refused where the currency's special cases forbid it."""
    step = 100 if currency in WHOLE_ONLY else 10 if currency in THREE_DECIMAL else 1
    if amount % step:
        raise StripeRefusal(
            f"Invalid amount. The amount in {currency} must be evenly divisible by {step}; {amount} is not.",
            param=param,
            code="invalid_amount",
        )
    return amount


def unit_amount_of(params: Mapping[str, Any], currency: str, prefix: str = "", *, signed: bool = False) -> Decimal:
    """The exact unit amount of price parameters, minor units with up to twelve decimals; below zero if `signed`."""
    whole, exact = params.get("unit_amount"), params.get("unit_amount_decimal")
    name = f"{prefix}[unit_amount]" if prefix else "unit_amount"
    exact_name = f"{prefix}[unit_amount_decimal]" if prefix else "unit_amount_decimal"
    if (whole is None) == (exact is None):
        word = "one of" if whole is None else "only one of"
        raise StripeRefusal(
            f"You must specify {word} `{name}` or `{exact_name}`.", param=name, code="parameter_missing"
        )
    if whole is not None:
        if whole < 0 and not signed:
            raise StripeRefusal("Invalid non-negative integer", param=name, code="parameter_invalid_integer")
        return Decimal(check_amount(whole, currency, name))
    return decimal_of(exact, exact_name, signed=signed)


def decimal_of(value: Decimal | str | None, param: str, *, signed: bool = False) -> Decimal:
    """A unit amount with at most twelve decimals, not negative unless `signed`."""
    exact = Decimal(value or 0)
    exponent = exact.as_tuple().exponent
    if (exact < 0 and not signed) or (isinstance(exponent, int) and exponent < -12):
        raise StripeRefusal(f"Invalid decimal: {exact}; at most 12 decimal places and not below zero.", param=param)
    return exact


def shown(exact: Decimal) -> str:
    """A decimal as Stripe writes it: no exponent, no needless zeros."""
    text = format(exact.normalize(), "f")
    return text if text != "-0" else "0"


def rounded(exact: Decimal | Fraction) -> int:
    """Minor units, half away from zero."""
    if isinstance(exact, Fraction):
        sign = -1 if exact < 0 else 1
        return sign * int(abs(exact) + Fraction(1, 2))
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def price_amount(price: Mapping[str, Any], quantity: int) -> Fraction:
    """What `quantity` of a price costs for one period, exact, in minor units."""
    transform = price.get("transform_quantity")
    if transform:
        whole, rest = divmod(quantity, transform["divide_by"])
        quantity = whole + (1 if rest and transform["round"] == "up" else 0)
    if price["billing_scheme"] == "per_unit":
        return Fraction(Decimal(price["unit_amount_decimal"])) * quantity
    return _tiered(price["_tiers"], price["tiers_mode"], quantity)


def _tiered(tiers: Sequence[Mapping[str, Any]], mode: str, quantity: int) -> Fraction:
    total, below = Fraction(0), 0
    for tier in tiers:
        limit = tier["up_to"]
        unit = Fraction(Decimal(tier["unit_amount_decimal"] or 0))
        flat = Fraction(Decimal(tier["flat_amount_decimal"] or 0))
        is_last = limit is None or quantity <= limit
        if mode == "volume":
            if is_last:
                return unit * quantity + flat
            continue
        within = (quantity if is_last else limit) - below
        total += unit * within + (flat if within or quantity == 0 else 0)
        if is_last:
            break
        below = limit
    return total


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """`total` shared out in proportion to `weights` without losing a minor unit; largest remainders first."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda n: abs(exact[n] - shares[n]), reverse=True)
    left = total - sum(shares)
    for n in by_remainder[: abs(left)]:
        shares[n] += 1 if left > 0 else -1
    return shares
