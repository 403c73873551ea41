"""Running contracts as an amendment must see them: what is billed now, what a schedule will change, when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from stripe import StripeClient
from stripe.params import (
    ProductListParams,
    SubscriptionItemListParams,
    SubscriptionListParams,
    SubscriptionScheduleListParams,
)

from connector.billing.stripe import translate
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.changing import ends_at
from connector.billing.stripe.marks import MOST_PAGES, meta
from connector.billing.stripe.standing import OVER, Standing, Standings
from connector.billing.stripe.translate import certain_moment, id_of, ref
from connector.domain.billing_plan import META_AMENDED_BY, META_CONTRACT_END, META_DEAL, META_LINE, META_PRODUCT
from connector.domain.contract import ContractItem, LaterPhase, RunningContract
from connector.domain.dates import add_intervals
from connector.domain.deal import CollectionMethod
from connector.domain.refs import RecordRef

_Products = Mapping[str, Json]


class ContractReader:
    """Reads contracts."""

    def __init__(self, client: StripeClient, calls: Calls) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._standings = Standings(client, calls)

    def read(self, contract: RecordRef) -> RunningContract:
        """The contract behind a subscription or a schedule, also one that has ended. Raises NotFound."""
        return self._told(self._whole(self._standings.of(contract)))

    def of(self, customer: RecordRef) -> list[RunningContract]:
        """What will start, then what runs, each the newest first."""
        running = self._calls.every(
            "subscriptions.list",
            self._v1.subscriptions.list,
            SubscriptionListParams(customer=customer.id),
            MOST_PAGES,
        )
        schedules = self._calls.every(
            "subscription_schedules.list",
            self._v1.subscription_schedules.list,
            SubscriptionScheduleListParams(customer=customer.id, expand=["data.phases.items.price"]),
            MOST_PAGES,
        )
        by_id = {schedule["id"]: schedule for schedule in schedules}
        standings = [Standing(None, one) for one in schedules if one.get("status") == "not_started"]
        standings += [
            Standing(one, by_id.get(id_of(one.get("schedule")))) for one in running if one.get("status") not in OVER
        ]
        return [self._told(self._whole(standing)) for standing in standings]

    def _whole(self, standing: Standing) -> Standing:
        """With all its items, where they did not fit into the answer."""
        body = standing.subscription
        if body is None or not body["items"].get("has_more"):
            return standing
        items = self._calls.every(
            "subscription_items.list",
            self._v1.subscription_items.list,
            SubscriptionItemListParams(subscription=body["id"]),
            MOST_PAGES,
        )
        return Standing({**body, "items": {"data": items}}, standing.schedule)

    def _told(self, standing: Standing) -> RunningContract:
        return contract(standing, self._products(standing))

    def _products(self, standing: Standing) -> _Products:
        """The products of its items: their names, and the CRM products that they were made from."""
        prices = [item["price"] for item in _subscription_items(standing)]
        prices += [item["price"] for phase in _phases(standing) for item in phase["items"]]
        wanted = sorted({id_of(price.get("product")) for price in prices if isinstance(price, dict)} - {""})
        found: dict[str, Json] = {}
        for start in range(0, len(wanted), 100):
            params = ProductListParams(ids=wanted[start : start + 100])
            found |= {
                body["id"]: body for body in self._calls.every("products.list", self._v1.products.list, params, most=1)
            }
        return found


def contract_ref(named: str) -> RecordRef | None:
    """The subscription or schedule whose id a text is, told by its prefix."""
    if named.startswith("sub_sched_"):
        return ref("schedule", named)
    return ref("subscription", named) if named.startswith("sub_") else None


def contract(standing: Standing, products: _Products) -> RunningContract:
    """How a contract stands, in our words; times become the days they lie in, UTC."""
    body = standing.subscription if standing.subscription is not None else (standing.schedule or {})
    phases = _phases(standing)
    if standing.subscription is not None:
        items = tuple(_item(item, products) for item in _subscription_items(standing))
        started = certain_moment(body["start_date"])
        later = [phase for phase in phases if phase["start_date"] > _now_in(standing)]
        anchor: int | None = body["billing_cycle_anchor"]
        terms: Mapping[str, Any] = body
    else:
        items = _phase_items(phases[0], products)
        started = certain_moment(phases[0]["start_date"])
        later = phases[1:]
        anchor = None
        settings = phases[0].get("invoice_settings") or {}
        terms = {**phases[0], "days_until_due": settings.get("days_until_due")}
    ends = ends_at(standing)
    latest = id_of(body.get("latest_invoice"))
    return RunningContract(
        subscription=standing.ref,
        customer=ref("customer", id_of(body["customer"])),
        status=str(body.get("status")),
        currency=body.get("currency") or phases[0]["currency"],
        items=items,
        started=started.date(),
        deal=translate.named(body.get("metadata"), META_DEAL),
        contract_end=translate.day_in(body.get("metadata"), META_CONTRACT_END),
        ends=certain_moment(ends).date() if ends is not None else None,
        schedule=ref("schedule", standing.schedule["id"]) if standing.schedule is not None else None,
        collection=CollectionMethod(terms.get("collection_method") or CollectionMethod.CHARGE_AUTOMATICALLY),
        net_days=terms.get("days_until_due"),
        latest_invoice=ref("invoice", latest) if latest else None,
        anchor=certain_moment(anchor).date() if anchor is not None else None,
        later=tuple(_later(phase, phases[-1], standing, products) for phase in later),
        amended_by=tuple(_refs(meta(body, META_AMENDED_BY))),
    )


def _later(phase: Json, last: Json, standing: Standing, products: _Products) -> LaterPhase:
    """A phase that has not begun. Of a contract that runs on, the last has an end at Stripe but none in our words."""
    runs_on = phase is last and (standing.schedule or {}).get("end_behavior") != "cancel"
    start = certain_moment(phase["start_date"]).date()
    end = None if runs_on else certain_moment(phase["end_date"]).date()
    return LaterPhase(start, end, _phase_items(phase, products))


def _item(body: Json, products: _Products) -> ContractItem:
    start, end = (certain_moment(body[f"current_period_{edge}"]).date() for edge in ("start", "end"))
    return _contract_item(body["id"], body, start, end, products)


def _phase_items(phase: Json, products: _Products) -> tuple[ContractItem, ...]:
    """The lines of a phase; what names each is its price, which a subscription holds once."""
    start = certain_moment(phase["start_date"]).date()
    items = []
    for body in phase["items"]:
        interval = translate.price(body["price"]).interval
        end = add_intervals(start, interval) if interval is not None else start
        items.append(_contract_item(id_of(body["price"]), body, start, end, products))
    return tuple(items)


def _contract_item(ident: str, body: Json, start: date, end: date, products: _Products) -> ContractItem:
    price = translate.price(body["price"])
    product = products.get(price.product_id, {})
    return ContractItem(
        id=ident,
        product_id=price.product_id,
        price_id=price.ref.id,
        unit_amount=price.unit_amount,
        quantity=1 if body.get("quantity") is None else body["quantity"],
        interval=price.interval,
        period_start=start,
        period_end=end,
        line=translate.named(body.get("metadata"), META_LINE),
        metered=price.metered,
        product=translate.named(product.get("metadata"), META_PRODUCT),
        description=product.get("name") or "",
    )


def _subscription_items(standing: Standing) -> list[Json]:
    return list(standing.subscription["items"]["data"]) if standing.subscription is not None else []


def _phases(standing: Standing) -> list[Json]:
    return list((standing.schedule or {}).get("phases") or [])


def _now_in(standing: Standing) -> int:
    """The start of the phase that runs: what begins after it is still to come."""
    current = (standing.schedule or {}).get("current_phase") or {}
    start: int = current.get("start_date") or 0
    return start


def _refs(text: str) -> list[RecordRef]:
    return [found for word in text.split() if (found := translate.named({"it": word}, "it")) is not None]
