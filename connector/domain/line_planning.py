"""One sold line as billing will have it: its price, its quantity, its exact amount."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connector.domain.billing import Price
from connector.domain.billing_plan import (
    META_PRODUCT,
    Catalogue,
    ExistingPrice,
    InlinePrice,
    MakeProduct,
    Period,
    PlannedLine,
    PriceChoice,
    StepKey,
)
from connector.domain.catalogue_price import catalogue_amount, catalogue_price, line_name
from connector.domain.dates import length
from connector.domain.deal import Interval, LineItem
from connector.domain.money import AmountDoesNotFit, Money, exponent, smallest_step
from connector.errors import CannotBill
from connector.sentences import planning_lines as sentences

PRODUCT = "product"

_UNIT_DECIMALS = 12
"""How fine a unit price may be, in decimals of the minor unit. Source: Stripe, ``unit_amount_decimal``."""

_MOST_MONTHS, _MOST_DAYS = 36, 3 * 365
"""A price recurs at least every three years. Source: Stripe, prices.create ``recurring``."""

_UNIT_EXPONENT = Decimal(1).scaleb(-_UNIT_DECIMALS)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its exact amount per billing period, in minor units; whatever days it is billed on.

    ``amount`` holds while the line's own discounts do, ``later`` after its ``discount_months``. ``price`` is the
    catalogue's, where it has one. A ``metered`` line has no amount: usage decides.
    """

    line: LineItem
    currency: str
    interval: Interval | None
    amount: int
    later: int
    price: Price | None = None
    metered: bool = False
    product: MakeProduct | None = None

    @property
    def fixed(self) -> bool:
        """Whether the catalogue price decides the amount, so that no discount can change it."""
        return self.metered or (self.price is not None and bool(self.price.tiers))


def price_line(line: LineItem, catalogue: Catalogue, currency: str) -> PricedLine:
    """The line's price, frequency and exact amounts.

    Raises:
        CannotBill: quantity, price, total, frequency or product do not give one exact amount.
    """
    price = catalogue_price(line, catalogue, currency)
    interval = _interval(line, price)
    if price is not None and (price.metered or price.tiers):
        amount = later = catalogue_amount(line, price)
        return PricedLine(line, currency, interval, amount, later, price, price.metered)
    amount = _amount(line, currency, interval)
    product = _product(line) if price is None else None
    return PricedLine(line, currency, interval, amount, _later(line, currency, interval, amount), price, False, product)


def planned_at(priced: PricedLine, amount: int) -> PlannedLine:
    """The line as it recurs, or is sold once, at this amount per period, in minor units."""
    line, price = priced.line, priced.price
    choice: PriceChoice
    if price is not None and priced.fixed and amount == priced.amount:
        quantity = 0 if priced.metered else int(line.quantity)
        choice = ExistingPrice(price.ref.id)
        return PlannedLine(line.ref, _description(line), choice, quantity, amount, priced.interval, priced.metered)
    unit, quantity = split(line.quantity, amount, priced.currency)
    if price is None:
        choice = InlinePrice(_product_key(line), unit, priced.interval)
    elif (price.currency, price.interval, price.unit_amount) == (priced.currency, priced.interval, unit):
        choice = ExistingPrice(price.ref.id)
    else:
        choice = InlinePrice(price.product_id, unit, priced.interval)
    return PlannedLine(line.ref, _counted(line, quantity), choice, quantity, amount, priced.interval)


def planned_once(priced: PricedLine, amount: int, period: Period) -> PlannedLine:
    """One period of a recurring line as a one-off line that says which days it stands for."""
    line, price = priced.line, priced.price
    # A tiered amount is no price times a quantity.
    unit, quantity = (Decimal(amount), 1) if priced.fixed else split(line.quantity, amount, priced.currency)
    product = _product_key(line) if price is None else price.product_id
    description = _counted(line, quantity)
    return PlannedLine(line.ref, description, InlinePrice(product, unit, None), quantity, amount, None, False, period)


def line_notes(priced: PricedLine, planned: PlannedLine) -> tuple[str, ...]:
    """What the deal's record should say about how the line is billed."""
    if priced.metered:
        return (sentences.NOTE_METERED.says(line=line_name(priced.line)),)
    if planned.quantity != priced.line.quantity:
        return (sentences.NOTE_AS_TOTAL.says(line=line_name(priced.line)),)
    return ()


def split(quantity: Decimal, amount: int, currency: str) -> tuple[Decimal, int]:
    """Unit amount in minor units and a whole quantity that give the amount back exactly; else one times the amount."""
    whole = int(quantity)
    if whole == quantity and whole:
        unit_minor, rest = divmod(amount, whole)
        step = smallest_step(currency)
        if not rest:
            if not unit_minor % step:
                return Decimal(unit_minor), whole
        elif step == 1:
            unit = (Decimal(amount) / whole).quantize(_UNIT_EXPONENT)
            if unit * whole == amount:
                return Decimal(f"{unit.normalize():f}"), whole
    return Decimal(amount), 1


def _description(line: LineItem) -> str:
    return line.description or line_name(line)


def _counted(line: LineItem, quantity: int) -> str:
    """The description; it names the quantity where the billed one is another."""
    if quantity == line.quantity:
        return _description(line)
    return f"{_description(line)} ({line.quantity.normalize():f} in all)"


def _product_key(line: LineItem) -> StepKey:
    return StepKey(line.product.ref or line.ref, PRODUCT)


def _product(line: LineItem) -> MakeProduct:
    key = _product_key(line)
    return MakeProduct(
        key=key,
        name=line_name(line),
        description=line.product.description,
        metadata={META_PRODUCT: str(key.owner)},
        tax_code=line.product.tax_code,
    )


def _interval(line: LineItem, price: Price | None) -> Interval | None:
    if line.one_off:
        stated: Interval | None = None
    elif line.interval is not None:
        stated = line.interval
    elif price is not None:
        stated = price.interval
    else:
        raise CannotBill.because(sentences.NO_INTERVAL, ref=line.ref, line=line_name(line))
    if stated is not None:
        _check_interval(line, stated)
    # A price found by its code alone may give way to the deal's own; one that decides the amount may not.
    binding = price is not None and (line.product.price_id or price.metered or price.tiers)
    if price is not None and binding and _length(price.interval) != _length(stated):
        raise CannotBill.because(
            sentences.INTERVAL_CONTRADICTS,
            ref=line.ref,
            line=line_name(line),
            sold=stated or "once",
            recurs=price.interval or "never",
        )
    return price.interval if price is not None and binding else stated


def _check_interval(line: LineItem, interval: Interval) -> None:
    unit, count = length(interval)
    if interval.count < 1:
        raise CannotBill.because(sentences.BAD_INTERVAL, ref=line.ref, line=line_name(line), interval=interval)
    if count > (_MOST_MONTHS if unit == "month" else _MOST_DAYS):
        raise CannotBill.because(sentences.INTERVAL_TOO_LONG, ref=line.ref, interval=interval)


def _length(interval: Interval | None) -> tuple[str, int] | None:
    return None if interval is None else length(interval)


def _amount(line: LineItem, currency: str, interval: Interval | None) -> int:
    """What the line comes to per billing period: the CRM's own total where it has one, else quantity times price."""
    if line.quantity <= 0:
        raise CannotBill.because(
            sentences.BAD_QUANTITY, ref=line.ref, line=line_name(line), quantity=f"{line.quantity:f}"
        )
    worked_out = line.quantity * net_unit_price(line)
    total = worked_out if line.total is None else line.total
    if total < 0:
        raise CannotBill.because(sentences.BELOW_ZERO, ref=line.ref, line=line_name(line))
    # A CRM shows its total at the currency's own precision: half a step is rounding, more is a contradiction.
    if total is not worked_out and abs(total - worked_out) > half_a_step(currency):
        raise CannotBill.because(
            sentences.TOTAL_CONTRADICTS,
            ref=line.ref,
            line=line_name(line),
            worked_out=f"{worked_out.normalize():f}",
            total=f"{total.normalize():f}",
        )
    return _per_billing_period(line, total, currency, interval)


def _later(line: LineItem, currency: str, interval: Interval | None, amount: int) -> int:
    """What it comes to per billing period when its discounts no longer hold."""
    if line.discount_months is None or not (line.discount_percent or line.discount_per_unit):
        return amount
    return _per_billing_period(line, line.quantity * line.unit_price, currency, interval)


def net_unit_price(line: LineItem) -> Decimal:
    """The sales price per unit and pricing period, in major units, after the line's own discounts."""
    price = line.unit_price
    if line.discount_percent:
        price *= 1 - line.discount_percent / 100
    return price - line.discount_per_unit if line.discount_per_unit else price


def half_a_step(currency: str) -> Decimal:
    """Half the currency's smallest step, in major units."""
    return Decimal(smallest_step(currency)).scaleb(-exponent(currency)) / 2


def _per_billing_period(line: LineItem, total: Decimal, currency: str, interval: Interval | None) -> int:
    """The total, which is per pricing period, as minor units per billing period: exactly, or refused."""
    times, parts = _pricing_periods(line, interval)
    whole = total * times
    per_period = whole / parts
    if per_period * parts != whole:
        raise _does_not_fit(line, f"{whole.normalize():f} {currency.upper()} cannot be divided by {parts}")
    try:
        return Money.exactly(per_period, currency).minor
    except AmountDoesNotFit as error:
        raise _does_not_fit(line, str(error)) from error


def _does_not_fit(line: LineItem, why: str) -> CannotBill:
    field = "line.unit_price" if line.total is None else "line.total"
    return CannotBill.because(sentences.DOES_NOT_FIT, ref=line.ref, field=field, line=line_name(line), why=why)


def _pricing_periods(line: LineItem, interval: Interval | None) -> tuple[int, int]:
    """How many pricing periods a billing period holds, as a fraction."""
    if interval is None or line.price_interval is None:
        return 1, 1
    unit, count = length(interval)
    price_unit, price_count = length(line.price_interval)
    if unit != price_unit or price_count < 1:
        raise CannotBill.because(
            sentences.PRICE_PERIOD,
            ref=line.ref,
            line=line_name(line),
            priced=line.price_interval,
            billed=interval,
        )
    return count, price_count
