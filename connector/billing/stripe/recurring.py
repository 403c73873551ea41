"""What each item of a subscription comes to per period, after the discounts that are still running.

An item's own discounts come off first, then the subscription's; where a subscription has none, its customer's applies.
Percentages come off what earlier discounts left. A fixed amount comes off an invoice once: it is shared among the
items that it may reduce, by what each still comes to. A discount that is used up by one invoice recurs no more than
that, so it lowers nothing here. Sources: docs.stripe.com/api/coupons and /billing/subscriptions/coupons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from stripe import StripeClient

from connector.billing.stripe import translate
from connector.billing.stripe.calls import Calls, Json
from connector.errors import NotFound

Amounts: TypeAlias = dict[str, Decimal | None]
"""Minor units per period by the item's id; None where it cannot be said."""

CouponOf: TypeAlias = Callable[[Json], Json | None]
"""The coupon behind a discount; None where it is gone."""

_REMEMBERED = 1000
_OVER = frozenset({"canceled", "incomplete_expired"})


class Coupons:
    """Coupons with what they apply to, each asked for once: nothing of that can ever be edited."""

    def __init__(self, client: StripeClient, calls: Calls) -> None:
        self._client = client
        self._calls = calls
        self._known: dict[str, Json] = {}

    def of(self, discount: Json) -> Json | None:
        """The coupon behind a discount. One that was deleted is known only where the discount brought it along."""
        told = (discount.get("source") or {}).get("coupon")
        coupon_id = translate.id_of(told)
        if not coupon_id:
            return None
        if coupon_id in self._known:
            return self._known[coupon_id]
        ask = partial(self._client.v1.coupons.retrieve, coupon_id, {"expand": ["applies_to", "currency_options"]})
        try:
            found = self._calls.one("coupons.retrieve", ask)
        except NotFound:
            return told if isinstance(told, dict) and "duration" in told else None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[coupon_id] = found
        return found


def wants_tiers(subscription: Json) -> bool:
    """Whether an item's price says nothing without its tiers, which a list of subscriptions does not bring along."""
    return subscription.get("status") not in _OVER and any(
        item["price"].get("billing_scheme") == "tiered"
        and not item["price"].get("tiers")
        and (item["price"].get("recurring") or {}).get("usage_type") != "metered"
        for item in subscription["items"]["data"]
    )


def recurring_amounts(subscription: Json, customer: Json, coupon_of: CouponOf, now: float) -> Amounts:
    """What every item comes to per period at ``now`` (Unix seconds); nothing is asked for what is over."""
    items: list[Json] = subscription["items"]["data"]
    amounts: Amounts = {item["id"]: _full(item, subscription["currency"]) for item in items}
    if subscription.get("status") in _OVER:
        return amounts
    for item in items:
        for discount in _running(item.get("discounts"), now):
            _take_off(discount, [item], amounts, coupon_of, subscription["currency"])
    whole = subscription.get("discounts") or [customer.get("discount")]
    for discount in _running(whole, now):
        _take_off(discount, items, amounts, coupon_of, subscription["currency"])
    return amounts


def _full(item: Json, currency: str) -> Decimal | None:
    """Before discounts. A price that is shown in another currency than the subscription's says nothing of it."""
    body = item["price"]
    price = translate.price(body)
    if price.metered or price.currency != currency:
        return None
    quantity = 1 if item.get("quantity") is None else item["quantity"]
    packages = body.get("transform_quantity")
    if packages and body.get("billing_scheme") == "per_unit":
        whole, rest = divmod(quantity, packages["divide_by"])
        unit = translate.unit_amount(body)
        return None if unit is None else unit * (whole + (1 if rest and packages["round"] == "up" else 0))
    return price.amount_for(quantity)


def _running(discounts: object, now: float) -> list[Json]:
    """Those that still reduce what is invoiced; an id that was not expanded is kept, as one that nobody can read."""
    given = discounts if isinstance(discounts, list) else []
    bodies = [one if isinstance(one, dict) else {"id": one} for one in given if one]
    return [one for one in bodies if one.get("end") is None or one["end"] > now]


def _take_off(discount: Json, items: Sequence[Json], amounts: Amounts, coupon_of: CouponOf, currency: str) -> None:
    coupon = coupon_of(discount)
    if coupon is None:
        amounts.update({item["id"]: None for item in items})
        return
    if coupon.get("duration") == "once":
        return
    products = (coupon.get("applies_to") or {}).get("products")
    chosen = [
        item["id"] for item in items if products is None or translate.id_of(item["price"].get("product")) in products
    ]
    if coupon.get("percent_off") is not None:
        left = 1 - Decimal(str(coupon["percent_off"])) / 100
        amounts.update({one: amount * left for one in chosen if (amount := amounts[one]) is not None})
        return
    _share(_amount_off(coupon, currency), chosen, amounts)


def _amount_off(coupon: Json, currency: str) -> int | None:
    if coupon.get("currency") == currency:
        off: int | None = coupon.get("amount_off")
        return off
    other = (coupon.get("currency_options") or {}).get(currency) or {}
    return other.get("amount_off")


def _share(off: int | None, chosen: Sequence[str], amounts: Amounts) -> None:
    known = [(one, amount) for one in chosen if (amount := amounts[one]) is not None]
    if off is None or len(known) < len(chosen):
        amounts.update(dict.fromkeys(chosen))
        return
    total = sum((amount for _, amount in known), start=Decimal(0))
    left = max(total - off, Decimal(0))
    amounts.update({one: amount * left / total for one, amount in known if total})
