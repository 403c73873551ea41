"""Money in minor units, by Stripe's exponent table; never a float, never rounded in silence."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Stripe's table, not ISO 4217's: MGA has no minor unit at Stripe, and ISK and UGX are still sent with two
# decimals although they have none. Source: Stripe, "Supported currencies", zero-, three-decimal and special cases.
_ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
_WHOLE_UNITS_ONLY = frozenset({"isk", "ugx"})
"""Sent as two-decimal, but every amount must be a multiple of 100 minor units."""
_TWO_DECIMAL = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc "
    "cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd "
    "kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php "
    "pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs "
    "wst xcd xcg yer zar zmw"
)
CHARGEABLE = _ZERO_DECIMAL | _THREE_DECIMAL | _WHOLE_UNITS_ONLY | frozenset(_TWO_DECIMAL.split())
"""Every currency that Stripe bills in. Source: Stripe, "Supported currencies"."""


class AmountDoesNotFit(ValueError):
    """An amount that the currency cannot hold exactly. The text says which and why."""


def exponent(currency: str) -> int:
    """How many decimals Stripe's minor unit of this currency has."""
    code = currency.lower()
    if code in _ZERO_DECIMAL:
        return 0
    return 3 if code in _THREE_DECIMAL else 2


def smallest_step(currency: str) -> int:
    """The smallest chargeable step in minor units: 10 for KWD (last digit 0), 100 for ISK (whole units), else 1."""
    code = currency.lower()
    if code in _THREE_DECIMAL:
        return 10
    return 100 if code in _WHOLE_UNITS_ONLY else 1


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """An exact amount: ``minor`` units of a lower-case ISO currency. Money(1200, "usd") is twelve dollars."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"minor units are whole numbers, not {self.minor!r}")
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.islower():
            raise ValueError(f"a currency is three lower-case letters, not {self.currency!r}")

    @classmethod
    def exactly(cls, amount: Decimal, currency: str) -> Money:
        """The amount in major units as Money.

        Raises:
            AmountDoesNotFit: the amount has more decimals than the currency can be charged in.
        """
        code = currency.lower()
        minor = amount.scaleb(exponent(code))
        step = smallest_step(code)
        if minor != minor.to_integral_value() or int(minor) % step:
            raise AmountDoesNotFit(f"{amount.normalize():f} {code.upper()} does not fit the currency's smallest unit")
        return cls(int(minor), code)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Money:
        """The nearest Money, half up: only to predict what Stripe rounds itself, never for what we send."""
        code = currency.lower()
        return cls(int(amount.scaleb(exponent(code)).quantize(Decimal(1), ROUND_HALF_UP)), code)

    @property
    def major(self) -> Decimal:
        """The amount in major units, with the currency's own number of decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __str__(self) -> str:
        return f"{self.currency.upper()} {self.major:,f}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency.upper()} and {other.currency.upper()} are never added")
        return other
