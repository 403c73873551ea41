"""What a change of a contract does to the items of its subscription, and to those of each phase to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from stripe.params import SubscriptionUpdateParamsItem

from connector.billing.stripe import translate
from connector.billing.stripe.calls import Json
from connector.billing.stripe.lines import Made, item
from connector.billing.stripe.phases import Phase
from connector.billing.stripe.standing import Standing
from connector.billing.stripe.translate import id_of
from connector.domain.billing_plan import ChangeSubscription, ExistingPrice, ItemChange, PlannedLine
from connector.errors import CannotBill
from connector.sentences import billing as sentences


def of_subscription(step: ChangeSubscription, subscription: Json, made: Made) -> list[SubscriptionUpdateParamsItem]:
    """The ``items`` of ``subscriptions.update``. An item whose price stays is not given one: it keeps its own."""
    running = {body["id"]: body for body in subscription["items"]["data"]}
    out: list[dict[str, Any]] = []
    for change in step.changes:
        if not change.item_id:
            out.append(dict(item(_line(change), step.currency, made)))
            continue
        body = running.get(change.item_id)
        if body is None:
            raise _gone(step, change)
        if change.line is None:
            out.append({"id": change.item_id, "deleted": True})
            continue
        wanted = dict(item(change.line, step.currency, made))
        if _keeps_price(body["price"], change.line, made):
            wanted = {name: value for name, value in wanted.items() if name not in {"price", "price_data"}}
        out.append({"id": change.item_id, **wanted})
    return [cast("SubscriptionUpdateParamsItem", entry) for entry in out]


def of_phase(
    step: ChangeSubscription,
    changes: Sequence[ItemChange],
    phase: Phase,
    standing: Standing,
    made: Made,
    prices: Mapping[PlannedLine, str],
) -> Phase:
    """The phase with its items changed. ``prices`` are those made for lines that must be one item in several phases.

    An item of a phase has no id; it is known by its price, and so is one of a running subscription in a phase.
    """
    entries: list[dict[str, Any]] = [dict(entry) for entry in phase["items"]]
    for change in changes:
        wanted = dict(item(change.line, step.currency, made, prices.get(change.line, ""))) if change.line else None
        if not change.item_id:
            entries.append(wanted or {})
            continue
        price = _price_of(change, standing)
        place = _place_of(price, entries)
        if place is None:
            raise _gone(step, change)
        if wanted is not None and _keeps_price(price, _line(change), made):
            wanted = {**wanted, "price": id_of(price)}
            wanted.pop("price_data", None)
        entries[place : place + 1] = [{**_without_price(entries[place]), **wanted}] if wanted is not None else []
    return {**phase, "items": entries}


def _price_of(change: ItemChange, standing: Standing) -> Any:
    """The price of the item that is to change: whole where a subscription or a phase shows it, else its id."""
    for body in (standing.subscription or {"items": {"data": []}})["items"]["data"]:
        if body["id"] == change.item_id:
            return body["price"]
    for phase in (standing.schedule or {"phases": []})["phases"]:
        for entry in phase["items"]:
            if id_of(entry["price"]) == change.item_id:
                return entry["price"]
    return change.item_id


def _place_of(price: Any, entries: list[dict[str, Any]]) -> int | None:
    for place, entry in enumerate(entries):
        if entry.get("price") == id_of(price):
            return place
    return None


def _keeps_price(price: Any, line: PlannedLine, made: Made) -> bool:
    """Whether an item's price is the line's already."""
    if isinstance(line.price, ExistingPrice):
        return id_of(price) == line.price.price_id
    if not isinstance(price, dict):
        return False
    known = translate.price(price)
    product = line.price.product if isinstance(line.price.product, str) else made[line.price.product].id
    return (
        known.product_id == product
        and known.interval == line.price.interval
        and not known.metered
        and Decimal(known.unit_amount if known.unit_amount is not None else -1) == line.price.unit_amount
    )


def _without_price(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in {"price", "price_data"}}


def _line(change: ItemChange) -> PlannedLine:
    if change.line is None:
        raise ValueError("a new item needs a line")
    return change.line


def _gone(step: ChangeSubscription, change: ItemChange) -> CannotBill:
    return CannotBill.because(
        sentences.ITEM_GONE,
        ref=step.key.owner,
        provider="stripe",
        contract=step.subscription.id,
        item=change.item_id,
    )
