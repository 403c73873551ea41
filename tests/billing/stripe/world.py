"""The sandbox's Stripe, our client on it, and what people do there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import requests

from connector.billing.stripe.calls import Calls, stripe_client
from connector.billing.stripe.client import StripeBilling
from connector.billing.stripe.settings import StripeSettings
from connector.domain.billing import BillingAccount
from connector.domain.billing_plan import MakeCustomer, MakeProduct, Step, StepKey
from connector.domain.refs import RecordRef
from connector.sandbox import Sandbox
from tests.billing.stripe.conftest import CUSTOMER_KEY, PRODUCT_KEY, Turns


class World:
    """A sandbox, our client on it, and what people do there."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.settings = StripeSettings(api_key="sk_test_abc", api_base=sandbox.stripe_url)
        self.turns = Turns()
        self.sdk = stripe_client(self.settings)
        self.billing = StripeBilling(
            self.sdk, Calls(self.turns, lambda _seconds: None), sandbox.clock.now, self.settings
        )
        self.made: dict[StepKey, RecordRef] = {}

    @property
    def today(self) -> date:
        return self.sandbox.clock.now().date()

    def run(self, step: Step, epoch: int = 1) -> RecordRef:
        self.made[step.key] = self.billing.run(step, self.made, f"{step.key}#{epoch}")
        return self.made[step.key]

    def customer(self, **changed: Any) -> RecordRef:
        step = MakeCustomer(CUSTOMER_KEY, "Acme GmbH", email="ap@acme.example", phone="+49 30 12345")
        return self.run(replace(step, **changed))

    def product(self) -> RecordRef:
        return self.run(MakeProduct(PRODUCT_KEY, "Seats"))

    def account(self) -> BillingAccount:
        return self.billing.account(self.made[CUSTOMER_KEY])

    def do(self, path: str, **body: Any) -> Any:
        """Something that a person or a bank does there."""
        answer = requests.post(f"{self.sandbox.control_url}/control/stripe/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def state(self, kind: str) -> list[Any]:
        """Every record of a kind, as the account's owner sees them."""
        answer = requests.get(f"{self.sandbox.control_url}/control/stripe/state", timeout=10)
        answer.raise_for_status()
        found: list[Any] = answer.json()[kind]
        return found

    def events(self) -> list[dict[str, Any]]:
        """Every event so far, newest first."""
        return [event.to_dict() for event in self.sdk.v1.events.list({"limit": 100}).auto_paging_iter()]

    def new_secret(self) -> str:
        """The signing secret that set-up was told, if any."""
        secret = self.billing.new_secret
        return secret.get_secret_value() if secret is not None else ""

    def later(self, **by: Any) -> None:
        self.sandbox.clock.advance(timedelta(**by))

    def asked(self) -> int:
        return len(self.turns.taken)
