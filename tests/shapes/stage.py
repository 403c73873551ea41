"""A whole connector in one process: real store, real adapters over HTTP to one sandbox, and a clock that stands still.

Nobody rings but the stage itself: after each thing that people do it marks what a webhook would have marked, asks
each side what it has missed, and runs all work until none is left, as the workers would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
import stripe

from connector import targets
from connector.billing import BILLINGS
from connector.cli.demo.control import Control
from connector.crm import CRMS
from connector.domain.payment_health import HealthPolicy
from connector.domain.refs import RecordRef
from connector.jobs.run_target import run_target
from connector.ports import Crm, Services
from connector.ports.throttle import Unlimited
from connector.sandbox import Sandbox
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET
from connector.settings import Settings
from connector.store import PostgresStore
from connector.sync import USE_CASES
from connector.targets import Target, TargetKind
from mappings.load import default_mapping
from tests.shapes.crm_hands import Hands, hands_for
from tests.shapes.stripe_in_process import SetClock

BILLING = "stripe"
KEY = "sk_test_shapes"
_TOKEN = "pat-shapes"
_MOST_ROUNDS = 60
_OVER = frozenset({"canceled", "incomplete_expired"})

_DUE = """
select kind, ref from target where seq > done_seq and parked_at is null
 order by case kind when 'poll' then 0 when 'trace' then 1 when 'deal' then 2 when 'account' then 3 else 4 end, ref
"""

_WHY = _DUE.replace("kind, ref from", "kind, ref, last_error from")


class Stage:
    """One CRM, one Stripe account, one connector between them, and hands that sell."""

    def __init__(self, sandbox: Sandbox, crm: Crm, hands: Hands, services: Services, database_url: str) -> None:
        self.sandbox = sandbox
        self.crm = crm
        self.hands = hands
        self.services = services
        self.control = Control(sandbox.control_url)
        self.without_end: list[str] = []  #: work that never came to an end, and how it failed
        self._database = psycopg.connect(database_url, autocommit=True)
        self._sdk = stripe.StripeClient(KEY, base_addresses={"api": sandbox.stripe_url})

    @property
    def world(self) -> Any:
        """Every object of the Stripe account, as the sandbox itself keeps it."""
        return self.sandbox.stripe.world

    @property
    def today(self) -> date:
        """The day it is, UTC."""
        return self.sandbox.clock.now().date()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def go_to(self, day: date, at: time) -> None:
        """Put the clock there, if that lies ahead; whatever falls due until then happens."""
        moment = datetime.combine(day, at, UTC)
        now = self.sandbox.clock.now()
        if moment > now:
            self.sandbox.clock.advance(moment - now)

    def ring(self, deal: RecordRef) -> None:
        """The CRM's doorbell: something happened to this deal."""
        with self.services.store.begin() as work:
            work.targets.mark_dirty(targets.for_record(TargetKind.DEAL, deal))

    def settle(self) -> None:
        """Ask both sides for news and do all work, again and again until neither brings any."""
        self._mark(targets.for_poll(self.crm.name))
        for _ in range(_MOST_ROUNDS):
            seen = len(self.sandbox.stripe.events.all())
            self._mark(targets.for_poll(BILLING))
            self._run_all()
            if len(self.sandbox.stripe.events.all()) == seen:
                return
        raise AssertionError("billing brings news without end")

    def pay(self, customers: set[str]) -> int:
        """These customers pay everything that is open; gives how many invoices that were."""
        owed = [
            invoice["id"]
            for invoice in self.world.all("invoice")
            if invoice["status"] == "open" and invoice["customer"] in customers and invoice["amount_remaining"] > 0
        ]
        for invoice in owed:
            self.control.post(f"/stripe/invoices/{invoice}/pay")
        return len(owed)

    def next_event(self) -> datetime | None:
        """When Stripe will next do something by itself."""
        agenda = self.world.agenda
        return datetime.fromtimestamp(agenda[0].at, UTC) if agenda else None

    def stop(self, customers: set[str]) -> None:
        """End whatever still runs for these customers, without a trace on their invoices."""
        for schedule in self.world.all("subscription_schedule"):
            if schedule["customer"] in customers and schedule["status"] in {"active", "not_started"}:
                self._sdk.v1.subscription_schedules.cancel(schedule["id"], {"invoice_now": False, "prorate": False})
        for subscription in self.world.all("subscription"):
            if subscription["customer"] in customers and subscription["status"] not in {
                "canceled",
                "incomplete_expired",
            }:
                self._sdk.v1.subscriptions.cancel(subscription["id"], {"invoice_now": False, "prorate": False})
        for invoice in self.world.all("invoice"):
            if invoice["customer"] in customers and invoice["status"] == "draft":
                self._sdk.v1.invoices.update(invoice["id"], {"auto_advance": False})

    def parked(self) -> list[str]:
        """Work that waits for a person: why."""
        with self.services.store.begin() as work:
            return [f"{one.target}: {one.error}" for one in work.targets.parked(1000)]

    def _mark(self, target: Target) -> None:
        with self.services.store.begin() as work:
            work.targets.replay(target)

    def _run_all(self) -> None:
        for _ in range(_MOST_ROUNDS):
            due = [Target(TargetKind(kind), ref) for kind, ref in self._database.execute(_DUE)]
            if not due:
                return
            for target in due:
                self._run(target)
        self._give_up()

    def _give_up(self) -> None:
        """Work that comes back again and again is parked, so that other stories go on; how it failed is kept."""
        for kind, ref, error in self._database.execute(_WHY).fetchall():
            self.without_end.append(f"{kind}:{ref}: {error}")
            with self.services.store.begin() as work:
                work.targets.fail(Target(TargetKind(kind), ref), error, retry_in=None)

    def _run(self, target: Target) -> None:
        """As a worker does; what must be tried again is tried again at once."""
        with self.services.store.begin() as work:
            if work.targets.attempts(target):
                work.targets.replay(target)
        run_target(target, self.services, USE_CASES)


@contextmanager
def open_stage(crm: str, settings: Mapping[str, str], first_day: date, database_url: str) -> Iterator[Stage]:
    """A stage on the morning of its first day, with the fields that set-up makes in the CRM.

    ``settings`` are environment variables of the connector, by name.
    """
    chosen = Settings(**{name.lower(): value for name, value in settings.items()})  # type: ignore[arg-type]  # as text, as the environment gives them
    with Sandbox(clock=SetClock(first_day)) as sandbox, PostgresStore(database_url) as store:
        control = Control(sandbox.control_url)
        control.post("/stripe/settings", {"livemode": False})
        hands = hands_for(crm, control)
        throttle, clock = Unlimited(), sandbox.clock.now
        adapter = CRMS[crm].connect(_crm_settings(crm, sandbox, control), throttle, clock)
        mapping = default_mapping(crm)
        for action in adapter.setup(mapping):
            if not action.done and action.apply is not None:
                action.apply()
        adapter.check(mapping)  # the doctor looks anew: the CRM has its fields and currencies now
        billing = BILLINGS[BILLING]
        api = billing.settings(api_key=KEY, api_base=sandbox.stripe_url)
        services = Services(
            store=store,
            crms={crm: adapter},
            billing=billing.connect(api, throttle, clock),
            webhooks={},
            mappings={crm: mapping},
            clock=clock,
            billing_policy=chosen.billing_policy,
            health_policy=HealthPolicy(),
            approval_policy=chosen.approval_policy,
            terms_policy=chosen.terms_advice,
            readiness_stages=chosen.stages_to_check,
            hold_tolerance=chosen.hold_tolerance,
            throttle=throttle,
        )
        stage = Stage(sandbox, adapter, hands, services, database_url)
        try:
            stage.settle()
            yield stage
        finally:
            stage.close()


def _crm_settings(crm: str, sandbox: Sandbox, control: Control) -> Any:
    if crm == "salesforce":
        return CRMS[crm].settings(
            instance_url=sandbox.salesforce_url, client_id=CLIENT_KEY, client_secret=CLIENT_SECRET, currency="EUR"
        )
    control.put("/hubspot/tokens", {"token": _TOKEN})
    return CRMS[crm].settings(access_token=_TOKEN, base_url=sandbox.hubspot_url)
