"""Usage: meters, their events, and credit grants."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from connector.sandbox.stripe.calendar import DAY
from connector.sandbox.stripe.calls import Call, answers
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same
from connector.sandbox.stripe.money import check_amount, currency_of, price_amount
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.world import Obj, World

_OLDEST, _NEWEST = 35 * DAY, 300  # an event may be 35 days old or five minutes ahead (SDK description)
_METERS = "/v1/billing/meters"
_GRANTS = "/v1/billing/credit_grants"


def used(world: World, item: Obj, span: tuple[int, int]) -> tuple[int, Fraction]:
    """What a metered item's customer used in a period, and what that costs."""
    price = world.tables["price"][item["_price"]]
    meter = world.tables["billing.meter"][price["recurring"]["meter"]]
    customer = world.tables["subscription"][item["subscription"]]["customer"]
    values = [
        event["_value"]
        for event in world.all("billing.meter_event")
        if event["event_name"] == meter["event_name"]
        and event["_customer"] == customer
        and span[0] <= event["timestamp"] < span[1]
    ]
    formula = meter["default_aggregation"]["formula"]
    quantity = len(values) if formula == "count" else int(values[-1] if formula == "last" and values else sum(values))
    return quantity, price_amount(price, quantity)


@answers(
    f"POST {_METERS}",
    *("customer_mapping", "default_aggregation", "display_name", "event_name", "event_time_window", "value_settings"),
)
def create_meter(world: World, call: Call) -> Obj:
    params = call.params
    if any(one["event_name"] == params["event_name"] for one in world.all("billing.meter")):
        raise StripeRefusal("A meter with this event_name already exists.", param="event_name")
    meter = world.new(
        "billing.meter",
        customer_mapping=params.get("customer_mapping", {"event_payload_key": "stripe_customer_id", "type": "by_id"}),
        default_aggregation=params["default_aggregation"],
        display_name=params["display_name"],
        event_name=params["event_name"],
        event_time_window=params.get("event_time_window"),
        status="active",
        status_transitions={"deactivated_at": None},
        updated=world.moment,
        value_settings=params.get("value_settings", {"event_payload_key": "value"}),
    )
    return render(world, world.add(meter, "billing.meter.created"), call.expand)


@answers(f"GET {_METERS}/{{id}}")
def retrieve_meter(world: World, call: Call) -> Obj:
    return render(world, world.get("billing.meter", call.id), call.expand)


@answers(f"GET {_METERS}", *LIST_PARAMS, "status")
def list_meters(world: World, call: Call) -> Obj:
    return listed(world, call, same(world.all("billing.meter"), call.params, "status"), _METERS)


@answers("POST /v1/billing/meter_events", "event_name", "identifier", "payload", "timestamp")
def create_meter_event(world: World, call: Call) -> Obj:
    params = call.params
    meter = next((one for one in world.all("billing.meter") if one["event_name"] == params["event_name"]), None)
    if meter is None:
        raise StripeRefusal(f"No active meter found for event name {params['event_name']}.", param="event_name")
    payload = params["payload"]
    customer_key = meter["customer_mapping"]["event_payload_key"]
    value_key = meter["value_settings"]["event_payload_key"]
    if customer_key not in payload:
        raise required(f"payload[{customer_key}]")
    at = params.get("timestamp", world.moment)
    if not world.moment - _OLDEST <= at <= world.moment + _NEWEST:
        raise StripeRefusal(
            "The timestamp must be within the past 35 days or up to 5 minutes ahead.", param="timestamp"
        )
    identifier = params.get("identifier") or world.new_id("request")
    if identifier in world.tables["billing.meter_event"]:
        raise StripeRefusal(f"An event already exists with identifier {identifier}.", param="identifier")
    shown: Obj = {
        "object": "billing.meter_event",
        "created": world.moment,
        "event_name": params["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": dict(payload),
        "timestamp": at,
    }
    value = _number(payload.get(value_key, "1"), f"payload[{value_key}]")
    world.add({**shown, "id": identifier, "_value": value, "_customer": payload[customer_key]})
    return shown


@answers(
    f"POST {_GRANTS}",
    *("amount", "applicability_config", "category", "customer", "effective_at", "expires_at", "metadata", "name"),
    "priority",
)
def create_credit_grant(world: World, call: Call) -> Obj:
    params = call.params
    if "customer" not in params:
        raise required("customer")
    customer = world.get("customer", params["customer"], "customer")
    monetary = params["amount"].get("monetary")
    if not monetary:
        raise required("amount[monetary]")
    currency = currency_of(monetary["currency"], "amount[monetary][currency]")
    value = check_amount(monetary["value"], currency, "amount[monetary][value]")
    scope = {"price_type": None, "prices": None, **params["applicability_config"]["scope"]}
    grant = world.new(
        "billing.credit_grant",
        amount={"type": "monetary", "monetary": {"currency": currency, "value": value}},
        applicability_config={"scope": {name: item for name, item in scope.items() if item is not None}},
        category=params.get("category", "paid"),
        customer=customer["id"],
        effective_at=params.get("effective_at", world.moment),
        expires_at=params.get("expires_at"),
        metadata=merged_metadata({}, params.get("metadata")),
        name=params.get("name"),
        priority=params.get("priority", 50),
        updated=world.moment,
        _left=value,
    )
    return render(world, world.add(grant, "billing.credit_grant.created"), call.expand)


@answers(f"GET {_GRANTS}/{{id}}")
def retrieve_credit_grant(world: World, call: Call) -> Obj:
    return render(world, world.get("billing.credit_grant", call.id), call.expand)


@answers(f"GET {_GRANTS}", *LIST_PARAMS, "customer")
def list_credit_grants(world: World, call: Call) -> Obj:
    return listed(world, call, same(world.all("billing.credit_grant"), call.params, "customer"), _GRANTS)


def _number(text: str, param: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise StripeRefusal(f"Invalid decimal: {text}", param=param) from error
    if not value.is_finite() or value < 0:
        raise StripeRefusal(f"Invalid decimal: {text}", param=param)
    return value
