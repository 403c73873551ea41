"""One-off charges: invoice items, and the `add_invoice_items` of a subscription."""

from typing import Any

from connector.sandbox.stripe.discounts import new_discounts
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.invoices import add_item
from connector.sandbox.stripe.lines import pricing_of
from connector.sandbox.stripe.money import price_amount, rounded
from connector.sandbox.stripe.prices import price_of
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.world import Obj, World

_MOST = 20


def add_invoice_items(
    world: World, subscription: Obj, invoice: Obj, given: list[dict[str, Any]], items: list[Obj]
) -> None:
    """Put one-off lines beside a subscription's own on its invoice."""
    if len(given) > _MOST:
        raise StripeRefusal(f"You may pass up to {_MOST} items in add_invoice_items.", param="add_invoice_items")
    for n, entry in enumerate(given):
        param = f"add_invoice_items[{n}]"
        price = price_of(world, entry, param, recurring=False, signed=True)
        if price["currency"] != subscription["currency"]:
            raise StripeRefusal(
                f"The price specified only supports `{price['currency']}`. This doesn't match the expected "
                f"currency: `{subscription['currency']}`.",
                param=f"{param}[price]",
            )
        period = _period(world, entry.get("period"), items)
        item = new_invoice_item(
            world,
            subscription["customer"],
            price=price,
            quantity=entry.get("quantity", 1),
            period=period,
            metadata=merged_metadata({}, entry.get("metadata"), f"{param}[metadata]"),
            discountable=entry.get("discountable", True),
            parent=subscription_parent(subscription["id"], None),
        )
        item["discounts"] = new_discounts(
            world, entry.get("discounts"), f"{param}[discounts]", price["currency"], invoice_item=item["id"]
        )
        add_item(world, invoice, item)


def new_invoice_item(world: World, customer: str, *, price: Obj | None, quantity: int, **fields: Any) -> Obj:
    """A kept invoice item; its amount is the price's for that quantity unless `amount` is given."""
    amount = fields.pop("amount", None)
    if price is not None:
        product = world.tables["product"].get(price["product"])
        fields = {
            "currency": price["currency"],
            "description": product["name"] if product else None,
            "pricing": pricing_of(price),
            **fields,
        }
        amount = rounded(price_amount(price, quantity)) if amount is None else amount
    item = world.new(
        "invoiceitem",
        **{
            "amount": amount,
            "customer": customer,
            "date": world.moment,
            "discountable": True,
            "discounts": [],
            "metadata": {},
            "net_amount": amount,
            "period": {"start": world.moment, "end": world.moment},
            "proration": False,
            "quantity": quantity,
            "quantity_decimal": str(quantity),
            "tax_rates": [],
            **fields,
        },
    )
    return world.add(item, "invoiceitem.created")


def subscription_parent(subscription: str, item: str | None) -> Obj:
    """How an invoice item names the subscription it belongs to."""
    return {
        "type": "subscription_details",
        "subscription_details": {"subscription": subscription, "subscription_item": item},
    }


def _period(world: World, given: dict[str, Any] | None, items: list[Obj]) -> Obj:
    if not given:
        return {"start": world.moment, "end": world.moment}
    start = {
        "now": world.moment,
        "max_item_period_start": max(item["current_period_start"] for item in items),
        "timestamp": given["start"].get("timestamp"),
    }[given["start"]["type"]]
    end = {
        "min_item_period_end": min(item["current_period_end"] for item in items),
        "timestamp": given["end"].get("timestamp"),
    }[given["end"]["type"]]
    return {"start": start, "end": end}
