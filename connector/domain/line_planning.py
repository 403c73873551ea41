"""One sold line as billing will have it: its price, its quantity, its exact amount."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connector.domain.billing import Price
from connector.domain.billing_plan import (
    Catalogue,
    ExistingPrice,
    InlinePrice,
    MakeProduct,
    PlannedLine,
    PriceChoice,
    StepKey,
)
from connector.domain.deal import Interval, LineItem
from connector.domain.money import AmountDoesNotFit, Money, exponent, smallest_step
from connector.errors import CannotBill

PRODUCT = "product"

_UNIT_DECIMALS = 12
"""How fine a unit price may be, in decimals of the minor unit. Source: Stripe, ``unit_amount_decimal``."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A planned line, its interval (None: one-off), and the product that must be made for it, if any."""

    planned: PlannedLine
    interval: Interval | None
    product: MakeProduct | None
    notes: tuple[str, ...] = ()


def plan_line(line: LineItem, catalogue: Catalogue, currency: str) -> LinePlan:
    """How one line is billed, exactly.

    Raises:
        CannotBill: quantity, price, total, frequency or product do not give one exact amount.
    """
    price = _catalogue_price(line, catalogue, currency)
    interval = _interval(line, price)
    amount = _amount(line, currency)
    unit, quantity = _split(line, amount)
    choice, product = _price_choice(line, price, interval, unit, currency)
    notes = () if quantity == line.quantity else (f"“{_name(line)}” is billed as one line of its total.",)
    description = line.description or _name(line)
    if quantity != line.quantity:
        description = f"{description} ({line.quantity.normalize():f} in all)"
    planned = PlannedLine(
        line=line.ref,
        description=description,
        price=choice,
        quantity=quantity,
        amount=amount.minor,
        interval=interval,
    )
    return LinePlan(planned, interval, product, notes)


def _name(line: LineItem) -> str:
    return line.product.name or line.description or str(line.ref)


def _catalogue_price(line: LineItem, catalogue: Catalogue, currency: str) -> Price | None:
    if line.product.price_id:
        price = catalogue.by_id.get(line.product.price_id)
        if price is None:
            raise CannotBill(
                f"“{_name(line)}” names the price {line.product.price_id}, which billing does not sell (any more).",
                field="product.price_id",
                hint="Correct the price id on the product, or empty it.",
                ref=line.ref,
            )
        if price.currency != currency:
            raise CannotBill(
                f"“{_name(line)}” is sold in {currency.upper()}, but its price is in {price.currency.upper()}.",
                field="product.price_id",
                hint="Name a price in the deal's currency.",
                ref=line.ref,
            )
    else:
        price = catalogue.by_lookup_key.get(line.product.code) if line.product.code else None
    if price is not None and (price.metered or price.unit_amount is None):
        raise CannotBill(
            f"The price of “{_name(line)}” is metered or tiered, which needs its own set-up.",
            field="product.price_id",
            hint="Name a flat price for this product.",
            ref=line.ref,
        )
    return price


def _interval(line: LineItem, price: Price | None) -> Interval | None:
    if line.one_off:
        stated: Interval | None = None
    elif line.interval is not None:
        stated = line.interval
    elif price is not None:
        return price.interval
    else:
        raise CannotBill(
            f"“{_name(line)}” does not say how often it is billed.",
            field="line.interval",
            hint="Set the billing frequency on the line or on its product (or choose One-time).",
            ref=line.ref,
        )
    if price is not None and line.product.price_id and price.interval != stated:
        raise CannotBill(
            f"“{_name(line)}” is sold {stated or 'once'}, but its price recurs {price.interval or 'never'}.",
            field="line.interval",
            hint="Make the line's billing frequency and the price's agree.",
            ref=line.ref,
        )
    return stated


def _amount(line: LineItem, currency: str) -> Money:
    """What the line comes to per period: the CRM's own total where it has one, else quantity times net price."""
    if line.quantity <= 0:
        raise CannotBill(
            f"“{_name(line)}” has a quantity of {line.quantity:f}.",
            field="line.quantity",
            hint="Set a quantity above zero, or remove the line.",
            ref=line.ref,
        )
    net = line.unit_price * (1 - line.discount_percent / 100) - line.discount_per_unit
    worked_out = line.quantity * net
    total = worked_out if line.total is None else line.total
    if total < 0:
        raise CannotBill(
            f"“{_name(line)}” comes to less than zero.",
            field="line.total",
            hint="Give the discount on the line it belongs to.",
            ref=line.ref,
        )
    # A CRM shows its total at the currency's own precision: half a step is rounding, more is a contradiction.
    tolerance = Decimal(smallest_step(currency)).scaleb(-exponent(currency)) / 2
    if abs(total - worked_out) > tolerance:
        raise CannotBill(
            f"“{_name(line)}”: quantity times price is {worked_out.normalize():f}, but the line's total says "
            f"{total.normalize():f}.",
            field="line.total",
            hint="Correct the price, the discount or the total, so that they agree.",
            ref=line.ref,
        )
    try:
        return Money.exactly(total, currency)
    except AmountDoesNotFit as error:
        raise CannotBill(
            f"“{_name(line)}”: {error}.",
            field="line.unit_price" if line.total is None else "line.total",
            hint="Round the price so that the line's total fits the currency.",
            ref=line.ref,
        ) from error


def _split(line: LineItem, amount: Money) -> tuple[Decimal, int]:
    """Unit amount in minor units and a whole quantity that give the amount back exactly; else one times the amount."""
    if line.quantity == line.quantity.to_integral_value():
        quantity = int(line.quantity)
        unit = (Decimal(amount.minor) / quantity).quantize(Decimal(1).scaleb(-_UNIT_DECIMALS))
        step = smallest_step(amount.currency)
        if unit * quantity == amount.minor and (step == 1 or unit % step == 0):
            return Decimal(f"{unit.normalize():f}"), quantity
    return Decimal(amount.minor), 1


def _price_choice(
    line: LineItem, price: Price | None, interval: Interval | None, unit: Decimal, currency: str
) -> tuple[PriceChoice, MakeProduct | None]:
    if price is not None:
        if (price.currency, price.interval, price.unit_amount) == (currency, interval, unit):
            return ExistingPrice(price.ref.id), None
        return InlinePrice(price.product_id, unit, interval), None
    owner = line.product.ref or line.ref
    product = MakeProduct(
        key=StepKey(owner, PRODUCT),
        name=_name(line),
        description=line.product.description,
        metadata={"crm_product": str(owner)},
    )
    return InlinePrice(product.key, unit, interval), product
