"""A planned line as Stripe takes it: an item of a subscription, a one-off line beside it, a line of an invoice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from stripe.params import (
    InvoiceItemCreateParams,
    PriceCreateParams,
    SubscriptionCreateParamsAddInvoiceItem,
    SubscriptionCreateParamsAddInvoiceItemPriceData,
    SubscriptionCreateParamsItem,
    SubscriptionCreateParamsItemPriceData,
)

from connector.domain.billing_plan import META_LINE, ExistingPrice, InlinePrice, PlannedLine, StepKey
from connector.domain.refs import RecordRef

Made = Mapping[StepKey, RecordRef]
"""What earlier steps of the plan made."""

LONGEST_DESCRIPTION = 500


def item(line: PlannedLine, currency: str, made: Made, price_id: str = "") -> SubscriptionCreateParamsItem:
    """A recurring line. ``price_id`` names the price that was made of its inline one, where that was needed.

    Usage decides what a metered line comes to, so Stripe takes no quantity with it.
    """
    params: SubscriptionCreateParamsItem = {"metadata": {META_LINE: str(line.line)}}
    if not line.metered:
        params["quantity"] = line.quantity
    match line.price:
        case _ if price_id:
            params["price"] = price_id
        case ExistingPrice(existing):
            params["price"] = existing
        case InlinePrice() as inline:
            params["price_data"] = _recurring_price(inline, currency, made)
    return params


def one_off(line: PlannedLine, currency: str, made: Made) -> SubscriptionCreateParamsAddInvoiceItem:
    """A line that the next invoice of a subscription bills once; a negative amount credits."""
    params: SubscriptionCreateParamsAddInvoiceItem = {
        "quantity": line.quantity,
        "metadata": {META_LINE: str(line.line)},
    }
    match line.price:
        case ExistingPrice(price_id):
            params["price"] = price_id
        case InlinePrice() as inline:
            params["price_data"] = _single_price(inline, currency, made)
    if line.period is not None:
        params["period"] = {
            "start": {"type": "timestamp", "timestamp": midnight(line.period.start)},
            "end": {"type": "timestamp", "timestamp": midnight(line.period.end)},
        }
    return params


def invoice_item(line: PlannedLine, currency: str, made: Made) -> InvoiceItemCreateParams:
    """``invoice_items.create`` for one line, without what it stands on.

    An inline price of an invoice item takes no negative amount (Stripe, invoiceitems.create), so a credit says its
    amount itself.
    """
    params: InvoiceItemCreateParams = {"metadata": {META_LINE: str(line.line)}}
    match line.price:
        case _ if line.amount < 0:
            params |= {"amount": line.amount, "currency": currency}
        case ExistingPrice(price_id):
            params |= {"pricing": {"price": price_id}, "quantity": line.quantity}
        case InlinePrice() as inline:
            params |= {"price_data": _single_price(inline, currency, made), "quantity": line.quantity}
    if line.description:
        params["description"] = line.description[:LONGEST_DESCRIPTION]
    if line.period is not None:
        params["period"] = {"start": midnight(line.period.start), "end": midnight(line.period.end)}
    return params


def price_params(price: InlinePrice, currency: str, made: Made) -> PriceCreateParams:
    """``prices.create`` for an inline price that must be one and the same in several places."""
    data = _recurring_price(price, currency, made)
    recurring = data["recurring"]
    params: PriceCreateParams = {
        "currency": currency,
        "product": data["product"],
        "recurring": {"interval": recurring["interval"], "interval_count": recurring.get("interval_count", 1)},
    }
    if "unit_amount" in data:
        params["unit_amount"] = data["unit_amount"]
    else:
        params["unit_amount_decimal"] = data["unit_amount_decimal"]
    return params


def midnight(day: date) -> int:
    """The day's first second, UTC, as Stripe wants it."""
    return int(datetime.combine(day, time(), UTC).timestamp())


class Plain(Decimal):
    """A Decimal that the SDK, which writes ``str()`` of it, puts on the wire without an exponent."""

    def __str__(self) -> str:
        # Not normalize(): it rounds to the context's precision.
        text = f"{self:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


def _recurring_price(price: InlinePrice, currency: str, made: Made) -> SubscriptionCreateParamsItemPriceData:
    if price.interval is None:
        raise ValueError("a recurring line needs an interval")
    data: SubscriptionCreateParamsItemPriceData = {
        "currency": currency,
        "product": _product(price, made),
        "recurring": {"interval": price.interval.unit, "interval_count": price.interval.count},
    }
    if _is_whole(price.unit_amount):
        data["unit_amount"] = int(price.unit_amount)
    else:
        data["unit_amount_decimal"] = Plain(price.unit_amount)
    return data


def _single_price(price: InlinePrice, currency: str, made: Made) -> SubscriptionCreateParamsAddInvoiceItemPriceData:
    data: SubscriptionCreateParamsAddInvoiceItemPriceData = {
        "currency": currency,
        "product": _product(price, made),
    }
    if _is_whole(price.unit_amount):
        data["unit_amount"] = int(price.unit_amount)
    else:
        data["unit_amount_decimal"] = Plain(price.unit_amount)
    return data


def _product(price: InlinePrice, made: Made) -> str:
    return price.product if isinstance(price.product, str) else made[price.product].id


def _is_whole(amount: Decimal) -> bool:
    return amount == amount.to_integral_value()
