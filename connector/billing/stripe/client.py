"""Stripe behind the port ``Billing``: one long-lived SDK client, and one small module for each thing we ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Self

from pydantic import SecretStr
from stripe import StripeClient
from stripe.params import PriceListParams

from connector.billing.stripe import translate
from connector.billing.stripe.account import AccountReader
from connector.billing.stripe.calls import Calls, stripe_client
from connector.billing.stripe.contracts import ContractReader, contract_ref
from connector.billing.stripe.customers import Customers
from connector.billing.stripe.event_log import EventLog
from connector.billing.stripe.making import Maker
from connector.billing.stripe.releasing import Releaser
from connector.billing.stripe.settings import StripeSettings
from connector.billing.stripe.setup import Endpoints
from connector.billing.stripe.trace import Tracer
from connector.domain.billing import BillingAccount, Price
from connector.domain.billing_plan import Catalogue, MakeCustomer, Step, StepKey
from connector.domain.contract import RunningContract
from connector.domain.customer_match import Candidate
from connector.domain.inbox import InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import NotFound
from connector.ports import Check, Clock, SetupAction, Throttle

_KEYS_IN_ONE_CALL = 10
"""Source: docs.stripe.com/api/prices/list, ``lookup_keys``."""


class StripeBilling:
    """What we ask of billing, answered by Stripe. Safe to share between threads."""

    name = "stripe"

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock, settings: StripeSettings) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._customers = Customers(client, calls, clock)
        self._maker = Maker(client, calls, clock, self._customers)
        self._contracts = ContractReader(client, calls)
        self._releaser = Releaser(client, calls, clock)
        self._accounts = AccountReader(client, calls, clock)
        self._tracer = Tracer(client, calls)
        self._log = EventLog(client, calls, clock)
        self._endpoints = Endpoints(client, calls, settings)

    @classmethod
    def connect(cls, settings: StripeSettings, throttle: Throttle, clock: Clock) -> Self:
        """Build the client; no call is made yet."""
        return cls(stripe_client(settings), Calls(throttle), clock, settings)

    @property
    def new_secret(self) -> SecretStr | None:
        """The signing secret of a webhook endpoint that set-up has just made; to be shown once and never logged."""
        return self._endpoints.new_secret

    def prices(self, price_ids: Sequence[str], lookup_keys: Sequence[str]) -> Catalogue:
        """Those of the named prices that exist and are active: one call per ten lookup keys, one per id."""
        by_key: dict[str, Price] = {}
        keys = list(dict.fromkeys(lookup_keys))
        for start in range(0, len(keys), _KEYS_IN_ONE_CALL):
            params = PriceListParams(
                lookup_keys=keys[start : start + _KEYS_IN_ONE_CALL], active=True, expand=["data.tiers"]
            )
            for body in self._calls.every("prices.list", self._v1.prices.list, params, most=1):
                price = translate.price(body)
                if price.active:
                    by_key[price.lookup_key] = price
        by_id: dict[str, Price] = {}
        for price_id in dict.fromkeys(price_ids):
            found = self._price(price_id)
            if found is not None and found.active:
                by_id[price_id] = found
        return Catalogue(by_id=by_id, by_lookup_key=by_key)

    def find(self, step: Step, made: Mapping[StepKey, RecordRef]) -> RecordRef | None:
        """What an earlier attempt at this step made without our hearing so; by lists and metadata, never by search."""
        return self._maker.find(step, made)

    def made_for(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """What earlier attempts made to bill this deal to this customer, in any form, and what still holds."""
        return self._maker.made_for(deal, customer)

    def run(self, step: Step, made: Mapping[StepKey, RecordRef], key: str) -> RecordRef:
        """Make what the step says, once per ``key``; see the port for what it raises."""
        return self._maker.run(step, made, key)

    def release_first_invoice(self, made: RecordRef, expected: int | None) -> None:
        """Finalise and send the first invoice of what a step made, if it comes to ``expected``; see the port."""
        self._releaser.release(made, expected)

    def hold(self, invoice: RecordRef) -> None:
        """Keep a draft from being finalised until ``let_go``."""
        self._releaser.hold(invoice)

    def let_go(self, invoice: RecordRef) -> None:
        """Let a held draft take its course again."""
        self._releaser.let_go(invoice)

    def contract_ref(self, named: str) -> RecordRef | None:
        """``sub_…`` names a subscription, ``sub_sched_…`` a schedule; no call is made."""
        return contract_ref(named)

    def contract(self, ref: RecordRef) -> RunningContract:
        """The contract behind a subscription or a schedule, in one or two calls. Raises NotFound."""
        return self._contracts.read(ref)

    def contracts_of(self, customer: RecordRef) -> list[RunningContract]:
        """What runs or will start for the customer, newest first: two calls."""
        return self._contracts.of(customer)

    def candidates(self, step: MakeCustomer) -> list[Candidate]:
        """Customers that may be this account already, the strongest evidence first: one list and one search."""
        return self._customers.candidates(step)

    def account(self, customer: RecordRef) -> BillingAccount:
        """All that Stripe knows of one customer now, in three calls or so. Raises NotFound."""
        return self._accounts.read(customer)

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        """The customer behind an invoice, payment, charge, dispute, refund, credit note and their like."""
        return self._tracer.customer_of(ref)

    def events_since(self, moment: datetime) -> Iterable[InboxEvent]:
        """What a dead endpoint missed, oldest first; at most 30 days back."""
        return self._log.since(moment)

    def check(self, public_url: str) -> list[Check]:
        """The key, the signing secret and the webhook endpoint."""
        return self._endpoints.check(public_url)

    def setup(self, public_url: str) -> list[SetupAction]:
        """The webhook endpoint, made if missing. After ``apply``, ``new_secret`` has its signing secret."""
        return self._endpoints.setup(public_url)

    def _price(self, price_id: str) -> Price | None:
        price = translate.ref("price", price_id)
        try:
            body = self._calls.one(
                "prices.retrieve", partial(self._v1.prices.retrieve, price_id, {"expand": ["tiers"]}), price
            )
        except NotFound:
            return None
        return translate.price(body)
