"""A Stripe made of canned answers, and a client that talks to it without waiting."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from requests import PreparedRequest

from connector.billing.stripe.calls import Calls, stripe_client
from connector.billing.stripe.client import StripeBilling
from connector.billing.stripe.settings import StripeSettings
from connector.domain.billing_plan import (
    InlinePrice,
    InvoiceTerms,
    MakeInvoice,
    MakeSubscription,
    Phase,
    PlannedLine,
    StepKey,
)
from connector.domain.deal import CollectionMethod, Interval
from connector.domain.refs import RecordRef
from connector.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.billing.stripe.world import World

FIXTURES = Path(__file__).parents[2] / "fixtures" / "stripe"
BASE = "https://api.stripe.com"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECRET = "whsec_first"

ACCOUNT = RecordRef("salesforce", "account", "001A")
DEAL = RecordRef("salesforce", "deal", "006A")
PRODUCT = RecordRef("salesforce", "product", "01tA")
CUSTOMER_KEY = StepKey(ACCOUNT, "customer")
PRODUCT_KEY = StepKey(PRODUCT, "product")
SUBSCRIPTION_KEY = StepKey(DEAL, "subscription")
INVOICE_KEY = StepKey(DEAL, "invoice")
CUSTOMER = RecordRef("stripe", "customer", "cus_1")
MADE = {CUSTOMER_KEY: CUSTOMER, PRODUCT_KEY: RecordRef("stripe", "product", "prod_1")}

NET_30 = InvoiceTerms(CollectionMethod.SEND_INVOICE, 30)
AUTOMATIC = InvoiceTerms(CollectionMethod.CHARGE_AUTOMATICALLY, None)


def event_fixture(name: str) -> dict[str, Any]:
    """One event, by the name of its file."""
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return loaded


def resource(name: str, **changed: Any) -> dict[str, Any]:
    """One of Stripe's own example resources, with some fields set."""
    loaded: dict[str, Any] = json.loads((FIXTURES / "resources.json").read_text())[name]
    return loaded | changed


def a_list(*records: Mapping[str, Any], has_more: bool = False) -> dict[str, Any]:
    """A page of a list."""
    return {"object": "list", "data": list(records), "has_more": has_more, "url": "/v1/anything"}


def at(day: str) -> int:
    """A day's midnight UTC in Stripe's seconds."""
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp())


def an_invoice(**changed: Any) -> dict[str, Any]:
    """An open invoice over 1,000 cents with nothing unusual about it."""
    plain = {
        "id": "in_1",
        "status": "open",
        "customer": "cus_1",
        "collection_method": "send_invoice",
        "billing_reason": "subscription_create",
        "auto_advance": True,
        "total": 1000,
        "total_taxes": [],
        "amount_due": 1000,
        "amount_paid": 0,
        "amount_remaining": 1000,
        "due_date": at("2026-12-21"),
        "created": at("2026-11-21"),
        "lines": a_list(),
        "metadata": {},
        "latest_revision": None,
        "parent": None,
        "payments": a_list(),
        "pre_payment_credit_notes_amount": 0,
        "post_payment_credit_notes_amount": 0,
        "status_details": None,
        "next_payment_attempt": None,
        "status_transitions": {
            "finalized_at": at("2026-11-21"),
            "paid_at": None,
            "voided_at": None,
            "marked_uncollectible_at": None,
        },
    }
    return resource("invoice", **plain) | changed


def an_invoice_payment(**changed: Any) -> dict[str, Any]:
    """A full payment of ``in_1`` through ``pi_1``."""
    plain = {
        "id": "inpay_1",
        "invoice": "in_1",
        "amount_paid": 1000,
        "amount_requested": 1000,
        "currency": "usd",
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
        "status_transitions": {"paid_at": at("2026-12-01"), "canceled_at": None},
    }
    return resource("invoice_payment", **plain) | changed


def a_line(number: int = 1, unit: Any = 1000, quantity: int = 5, interval: Interval | None = None) -> PlannedLine:
    """A planned line on a product made from the CRM's."""
    ref = RecordRef("salesforce", "line_item", f"00k{number}")
    price = InlinePrice(PRODUCT_KEY, Decimal(unit), interval)
    return PlannedLine(ref, f"Line {number}", price, quantity, int(Decimal(unit) * quantity), interval)


def a_subscription_step(**changed: Any) -> MakeSubscription:
    """Five seats a month, net 30."""
    values: dict[str, Any] = {
        "key": SUBSCRIPTION_KEY,
        "customer": CUSTOMER_KEY,
        "currency": "usd",
        "terms": NET_30,
        "description": "Acme 2027",
        "metadata": {"crm_deal": str(DEAL), "region": "EMEA"},
        "first_invoice": 5000,
    }
    recurring = changed.pop("recurring", (a_line(interval=Interval("month")),))
    phase = Phase(changed.pop("start", date(2026, 11, 21)), None, recurring, changed.pop("one_off", ()))
    return MakeSubscription(**({"phases": (phase,)} | values | changed))


def an_invoice_step(**changed: Any) -> MakeInvoice:
    """Two one-off lines, net 30."""
    values: dict[str, Any] = {
        "key": INVOICE_KEY,
        "customer": CUSTOMER_KEY,
        "currency": "usd",
        "lines": (a_line(1), a_line(2)),
        "terms": NET_30,
        "description": "Onboarding",
        "metadata": {"crm_deal": str(DEAL)},
        "total": 10_000,
    }
    return MakeInvoice(**(values | changed))


@dataclass(frozen=True)
class Asked:
    """One request that reached the wire."""

    method: str
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.headers.get("Idempotency-Key", "")


@dataclass
class Wire:
    """Stripe's side of the wire: answers queued per call, the last one repeated, and all that was asked."""

    mock: responses.RequestsMock
    asked: list[Asked] = field(default_factory=list)

    def on(
        self, method: str, path: str, *answers: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer ``path`` with these bodies in turn; a callable is given the request's parameters."""
        queue = list(answers)

        def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
            seen = _asked(request)
            self.asked.append(seen)
            body = queue.pop(0) if len(queue) > 1 else queue[0]
            if isinstance(body, Exception):
                raise body
            if isinstance(body, Refusal):
                return body.status, {"request-id": "req_1", **body.headers}, json.dumps(body.body)
            made = body(seen.params) if callable(body) else body
            return status, {"request-id": "req_1", **(headers or {})}, json.dumps(made)

        url = re.compile(re.escape(f"{BASE}{path}") + r"(?:\?.*)?$")
        self.mock.add_callback(method, url, callback=answer, content_type="application/json")

    def paths(self) -> list[str]:
        """What was asked, in order: ``GET /v1/invoices``."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def only(self, method: str, path: str) -> Asked:
        """The one request of its kind."""
        (found,) = [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]
        return found


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error of Stripe's."""

    status: int
    code: str = ""
    type: str = "invalid_request_error"
    message: str = "No."
    param: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        told = {"type": self.type, "message": self.message}
        return {
            "error": told | ({"code": self.code} if self.code else {}) | ({"param": self.param} if self.param else {})
        }


def _asked(request: PreparedRequest) -> Asked:
    parts = urlsplit(str(request.url))
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    params = dict(parse_qsl(parts.query if request.method == "GET" else body, keep_blank_values=True))
    return Asked(str(request.method), parts.path, params, {str(k): str(v) for k, v in request.headers.items()})


@dataclass
class Turns:
    """A throttle that never makes anyone wait, and counts."""

    taken: list[str] = field(default_factory=list)

    def wait(self, name: str) -> None:
        self.taken.append(name)

    def budget(self, name: str, used: int, allowed: int) -> None:
        raise AssertionError(f"Stripe has no daily budget, but {name} {used}/{allowed} was noted")


@dataclass
class Wall:
    """A clock that moves only when told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def settings() -> StripeSettings:
    return StripeSettings(api_key="sk_test_abc", webhook_secrets=SECRET)


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def pauses() -> list[float]:
    """How long each pause between tries would have been."""
    return []


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The canned Stripe. The SDK's own pauses between its tries are cut short."""
    monkeypatch.setattr("stripe.HTTPClient._sleep_time_seconds", lambda *_: 0)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Wire(mock)


@pytest.fixture
def calls(turns: Turns, pauses: list[float]) -> Calls:
    return Calls(turns, pauses.append)


@pytest.fixture
def billing(settings: StripeSettings, calls: Calls, wall: Wall) -> StripeBilling:
    return StripeBilling(stripe_client(settings), calls, wall, settings)


def flat(params: Any, prefix: str = "") -> dict[str, str]:
    """Nested parameters as they stand on the wire: ``items[0][price_data][currency]``."""
    if isinstance(params, Mapping):
        pairs: Sequence[tuple[Any, Any]] = list(params.items())
    elif isinstance(params, (list, tuple)):
        pairs = list(enumerate(params))
    else:
        return {prefix: str(params).lower() if isinstance(params, bool) else str(params)}
    return {
        name: value
        for key, inner in pairs
        for name, value in flat(inner, f"{prefix}[{key}]" if prefix else str(key)).items()
    }


@pytest.fixture
def world() -> Iterator[World]:
    """A Stripe account in the sandbox in which nothing may be refused."""
    from tests.billing.stripe.world import World

    with Sandbox() as sandbox:
        yield World(sandbox)
        assert sandbox.log.refused() == []


@pytest.fixture
def strict_world() -> Iterator[World]:
    """One in which a request is meant to be refused."""
    from tests.billing.stripe.world import World

    with Sandbox() as sandbox:
        yield World(sandbox)
