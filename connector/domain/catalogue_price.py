"""The catalogue price that a line is sold by, and what a price that decides its own amount comes to."""

from __future__ import annotations

from decimal import Decimal

from connector.domain.billing import Price
from connector.domain.billing_plan import Catalogue
from connector.domain.deal import LineItem
from connector.domain.money import Money, exponent, smallest_step
from connector.errors import CannotBill
from connector.sentences import planning_lines as sentences


def line_name(line: LineItem) -> str:
    """What people call the line."""
    return line.product.name or line.description or str(line.ref)


def catalogue_price(line: LineItem, catalogue: Catalogue, currency: str) -> Price | None:
    """The price that the line's product names by id or by code; None where billing has none for it.

    Raises:
        CannotBill: the named price is unknown, in another currency, or of a kind whose amount nobody can foresee.
    """
    name = line_name(line)
    if line.product.price_id:
        price = catalogue.by_id.get(line.product.price_id)
        if price is None:
            raise CannotBill.because(sentences.PRICE_UNKNOWN, ref=line.ref, line=name, price=line.product.price_id)
    else:
        price = catalogue.by_lookup_key.get(line.product.code) if line.product.code else None
    if price is None:
        return None
    # A flat price found by its code alone gives way to the deal's own amount, on the same product.
    binding = line.product.price_id or price.metered or price.tiers
    if price.currency != currency and binding:
        raise CannotBill.because(
            sentences.PRICE_CURRENCY,
            ref=line.ref,
            line=name,
            currency=currency.upper(),
            other=price.currency.upper(),
        )
    if price.unit_amount is None and not price.tiers:
        raise CannotBill.because(sentences.PRICE_WITHOUT_AMOUNT, ref=line.ref, line=name)
    return price


def catalogue_amount(line: LineItem, price: Price) -> int:
    """What a tiered price comes to per period, in minor units; 0 for a metered one, where usage decides.

    What the deal says of the line's price must agree with the catalogue, or be zero.

    Raises:
        CannotBill: it does not agree, a discount would change it, or the tiers give no whole amount.
    """
    name = line_name(line)
    if line.discount_percent or line.discount_per_unit:
        raise CannotBill.because(sentences.CATALOGUE_DISCOUNT, ref=line.ref, line=name)
    return _metered(line, price, name) if price.metered else _tiered(line, price, name)


def _metered(line: LineItem, price: Price, name: str) -> int:
    sold = line.unit_price.scaleb(exponent(price.currency))
    if line.unit_price and price.unit_amount is not None and sold != price.unit_amount:
        rate = price.unit_amount.scaleb(-exponent(price.currency))
        raise CannotBill.because(
            sentences.CATALOGUE_RATE,
            ref=line.ref,
            line=name,
            sold=f"{line.unit_price.normalize():f}",
            catalogue=f"{rate.normalize():f}",
        )
    return 0


def _tiered(line: LineItem, price: Price, name: str) -> int:
    quantity = int(line.quantity)
    if quantity != line.quantity:
        raise CannotBill.because(sentences.TIERS_NEED_WHOLE, ref=line.ref, line=name, quantity=f"{line.quantity:f}")
    if quantity < 1:
        raise CannotBill.because(sentences.BAD_QUANTITY, ref=line.ref, line=name, quantity=f"{line.quantity:f}")
    amount = price.amount_for(quantity)
    if amount is None:
        raise CannotBill.because(sentences.PRICE_WITHOUT_AMOUNT, ref=line.ref, line=name)
    if amount != int(amount) or int(amount) % smallest_step(price.currency):
        raise CannotBill.because(sentences.TIERS_ROUND, ref=line.ref, line=name)
    sold = line.quantity * line.unit_price if line.total is None else line.total
    half = Decimal(smallest_step(price.currency)) / 2
    if sold and abs(sold.scaleb(exponent(price.currency)) - amount) > half:
        raise CannotBill.because(
            sentences.CATALOGUE_AMOUNT,
            ref=line.ref,
            line=name,
            sold=f"{sold.normalize():f}",
            catalogue=f"{Money(int(amount), price.currency).major:f}",
        )
    return int(amount)
