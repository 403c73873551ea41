"""Webhook endpoints, the events they carry, and the account itself."""

import secrets
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.errors import StripeRefusal, missing
from connector.sandbox.stripe.events import shown_event
from connector.sandbox.stripe.lists import LIST_PARAMS, in_range, listed, paged
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.world import Obj, World

_MOST_ENDPOINTS = 16
_MOST_TYPES = 20


@answers("POST /v1/webhook_endpoints", "api_version", "connect", "description", "enabled_events", "metadata", "url")
def create_endpoint(world: World, call: Call) -> Obj:
    params = call.params
    if sum(1 for _ in world.all("webhook_endpoint")) >= _MOST_ENDPOINTS:
        raise StripeRefusal(f"You have reached the maximum of {_MOST_ENDPOINTS} test webhook endpoints.")
    _check_url(params["url"])
    secret = "whsec_" + secrets.token_urlsafe(24)
    endpoint = world.new(
        "webhook_endpoint",
        api_version=params.get("api_version"),
        description=params.get("description") or None,
        enabled_events=_events_of(params),
        metadata=merged_metadata({}, params.get("metadata")),
        status="enabled",
        url=params["url"],
        _secrets=[(secret, None)],
        _thin=False,
    )
    endpoint.pop("secret", None)
    world.add(endpoint)
    call.secret_fields["secret"] = secret
    return render(world, endpoint, call.expand)


@answers("GET /v1/webhook_endpoints/{webhook_endpoint}")
def retrieve_endpoint(world: World, call: Call) -> Obj:
    return render(world, world.get("webhook_endpoint", call.id), call.expand)


@answers(
    "POST /v1/webhook_endpoints/{webhook_endpoint}", "description", "disabled", "enabled_events", "metadata", "url"
)
def update_endpoint(world: World, call: Call) -> Obj:
    endpoint, params = world.get("webhook_endpoint", call.id), call.params
    with world.changing(endpoint):
        endpoint.update(copied(params, "description"))
        if "url" in params:
            _check_url(params["url"])
            endpoint["url"] = params["url"]
        if "enabled_events" in params:
            endpoint["enabled_events"] = _events_of(params)
        if "disabled" in params:
            endpoint["status"] = "disabled" if params["disabled"] else "enabled"
        endpoint["metadata"] = merged_metadata(endpoint["metadata"], params.get("metadata"))
    return render(world, endpoint, call.expand)


@answers("DELETE /v1/webhook_endpoints/{webhook_endpoint}")
def delete_endpoint(world: World, call: Call) -> Obj:
    endpoint = world.get("webhook_endpoint", call.id)
    with world.changing(endpoint):
        endpoint["_gone"] = True  # deliveries on their way notice
    world.remove(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


@answers("GET /v1/webhook_endpoints", *LIST_PARAMS)
def list_endpoints(world: World, call: Call) -> Obj:
    return listed(world, call, world.all("webhook_endpoint"), "/v1/webhook_endpoints")


@answers("GET /v1/events", *LIST_PARAMS, "created", "delivery_success", "type", "types")
def list_events(world: World, call: Call) -> Obj:
    params = call.params
    if "type" in params and "types" in params:
        raise StripeRefusal("You may only specify one of these parameters: type, types.", param="type")
    if len(params.get("types", [])) > _MOST_TYPES:
        raise StripeRefusal(f"You may specify at most {_MOST_TYPES} types.", param="types")
    found = [event for event in world.events.all() if _is_asked_for(event, params)]
    return paged(call, found[::-1], "/v1/events", shown_event)


@answers("GET /v1/events/{id}")
def retrieve_event(world: World, call: Call) -> Obj:
    event = world.events.find(call.id)
    if event is None or event["id"] != call.id:
        raise missing("event", call.id)
    return shown_event(event)


@answers("GET /v2/core/events/{id}")
def retrieve_thin_event(world: World, call: Call) -> Obj:
    event = world.events.find(call.id)
    if event is None or event["_thin"]["id"] != call.id:
        raise StripeRefusal(f"No such event: {call.id}", status=404, code="not_found")
    thin: Obj = event["_thin"]
    return thin


@answers("GET /v1/account")
def retrieve_account(world: World, call: Call) -> Obj:
    blank = world.document.blank("Account")
    return {
        **blank,
        "id": world.account_id,
        "object": "account",
        "business_profile": {**world.document.blank("Account.BusinessProfile"), "name": "Sandbox Inc."},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@sandbox.example",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


@answers("GET /v1/balance")
def retrieve_balance(world: World, call: Call) -> Obj:
    sums: dict[str, int] = {}
    for charge in world.all("charge"):
        if charge["status"] == "succeeded":
            net = charge["amount"] - charge["amount_refunded"]
            sums[charge["currency"]] = sums.get(charge["currency"], 0) + net
    parts = [{"amount": amount, "currency": currency} for currency, amount in sorted(sums.items())]
    blank = world.document.blank("Balance")
    return {**blank, "object": "balance", "livemode": False, "available": parts, "pending": []}


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise StripeRefusal("Invalid URL: webhook endpoints must use https.", param="url", code="url_invalid")


def _events_of(params: dict[str, Any]) -> list[str]:
    if not params["enabled_events"]:
        raise StripeRefusal("Missing required param: enabled_events.", param="enabled_events", code="parameter_missing")
    return list(dict.fromkeys(params["enabled_events"]))


def _is_asked_for(event: Obj, params: dict[str, Any]) -> bool:
    if "type" in params and not fnmatchcase(event["type"], params["type"]):
        return False
    if "types" in params and event["type"] not in params["types"]:
        return False
    if "created" in params and not in_range(event["created"], params["created"]):
        return False
    return "delivery_success" not in params or (not event["_undelivered"]) == params["delivery_success"]
