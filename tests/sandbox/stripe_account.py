"""A make-believe Stripe account on loopback HTTP for tests: the SDK in front, each answer checked."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from flask import Flask, Response, request

from connector.sandbox import stripe as sandbox_stripe
from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries, RetryPolicy
from connector.sandbox.documents.stripe import stripe_document
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.serving import listen

START = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
KEY = "sk_test_sandbox"

Params = Mapping[str, Any]


class StillClock(Clock):
    """A clock that stands where it is put: time passes only by `advance`."""

    def now(self) -> datetime:
        """The start, moved by what was advanced."""
        return START + self._read_offset()


class StripeAccount:
    """One account served on a port of its own; `misfits` collects every answer that the SDK's types do not allow."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.faults = Faults()
        self.log = RequestLog()
        quick = RetryPolicy(first=0.02, longest=0.1, give_up_after=20.0)
        self.deliveries = Deliveries(self.clock, self.faults, policy=quick, threads=4)
        self.vendor = sandbox_stripe.create(self.clock, self.faults, self.deliveries, self.log)
        self.misfits: list[str] = []
        app = self.vendor.app()
        app.after_request(self._hold_to_document)
        self._server = listen(app)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.client = stripe.StripeClient(KEY, base_addresses={"api": self.url}, max_network_retries=0)
        control = Flask("control")
        control.register_blueprint(self.vendor.control(), url_prefix="/control/stripe")
        self._control = control.test_client()

    @property
    def v1(self) -> Any:
        """The SDK's v1 services; untyped here, because tests also send what the types forbid."""
        return self.client.v1

    @property
    def now(self) -> int:
        """The account's present in Unix seconds."""
        return int(self.clock.now().timestamp())

    def close(self) -> None:
        """Stop serving and sending."""
        self._server.shutdown()
        self._server.server_close()
        self.deliveries.close()

    def advance(self, **by: float) -> None:
        """Let time pass: `advance(days=1, hours=2)`."""
        self.clock.advance(timedelta(**by))

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        """Do something as a person would, by the control API."""
        answer = self._control.open(f"/control/stripe{path}", method=method, json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json

    def refused_control(self, path: str, /, **body: Any) -> str:
        """What the control API says to something that cannot be done."""
        answer = self._control.post(f"/control/stripe{path}", json=body or None)
        assert answer.status_code == 400, answer.text
        return str(answer.get_json()["error"]["message"])

    def customer(self, **params: Any) -> Any:
        """A customer with an address, unless told otherwise."""
        return self.v1.customers.create({"name": "Acme", "email": "ap@acme.example", **params})

    def card_customer(self, card: str = "pm_card_visa") -> Any:
        """A customer who pays by a test card."""
        customer = self.customer()
        method = self.v1.payment_methods.attach(card, {"customer": customer.id})
        settings = {"default_payment_method": method.id}
        return self.v1.customers.update(customer.id, {"invoice_settings": settings})

    def product(self, name: str = "Seat") -> Any:
        """A product."""
        return self.v1.products.create({"name": name})

    def price(self, amount: int = 3100, interval: str | None = "month", currency: str = "usd", **params: Any) -> Any:
        """A price of its own product: monthly unless told otherwise, one-off without an interval."""
        terms: dict[str, Any] = {"product": self.product().id, "currency": currency, "unit_amount": amount}
        if interval:
            terms["recurring"] = {"interval": interval, "interval_count": params.pop("count", 1)}
        return self.v1.prices.create({**terms, **params})

    def subscription(self, customer: Any = None, price: Any = None, quantity: int = 1, **params: Any) -> Any:
        """A subscription by invoice, thirty days net, its first invoice expanded."""
        terms: dict[str, Any] = {
            "customer": (customer or self.customer()).id,
            "items": [{"price": (price or self.price()).id, "quantity": quantity}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "expand": ["latest_invoice"],
        }
        if params.get("collection_method") == "charge_automatically":
            del terms["days_until_due"]
        return self.v1.subscriptions.create({**terms, **params})

    def invoices(self, **filters: Any) -> list[Any]:
        """All invoices, oldest first."""
        return list(self.v1.invoices.list({"limit": 100, **filters}).data)[::-1]

    def event_types(self, *objects: str) -> list[str]:
        """The types of the events so far, oldest first; of these objects only, if any are named."""
        events = self.v1.events.list({"limit": 100}).data[::-1]
        return [
            one.type for one in events if not objects or ("id" in one.data.object and one.data.object["id"] in objects)
        ]

    def _hold_to_document(self, response: Response) -> Response:
        document = stripe_document()
        matched = document.match(request.method, request.path)
        if response.status_code == 200 and matched:
            body = response.get_json()
            if request.path.startswith("/v2/"):
                body = {key: value for key, value in body.items() if key != "related_object"}  # only in subclasses
            found = document.check_answer(matched[0], body)
            self.misfits += [f"{matched[0]}: {problem}" for problem in found]
        return response


def at(*when: int) -> int:
    """A moment in UTC as Unix seconds."""
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[misc,arg-type] # year, month, day and so on
