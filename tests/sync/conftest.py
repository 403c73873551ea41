"""Services over a real Postgres, with a CRM and billing in memory, and a clock the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from connector.domain.payment_health import HealthPolicy
from connector.domain.policy import BillingPolicy
from connector.errors import NeedsHuman, RetryLater
from connector.ports import Services, Store
from connector.sync import USE_CASES
from connector.targets import Target
from tests.factories import NOW
from tests.fakes import MAPPING, FakeBilling, FakeCrm


@dataclass
class MovingClock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class World:
    """One connector with everything it touches."""

    services: Services
    crm: FakeCrm
    billing: FakeBilling
    clock: MovingClock

    def run(self, target: Target) -> None:
        """Run a Target's work as a worker does, without its back-off: errors come out as they are."""
        with self.services.store.begin() as work:
            seq = work.targets.start(target)
        if seq is None:
            return
        try:
            USE_CASES[target.kind](target.ref, self.services)
        except (RetryLater, NeedsHuman) as error:
            with self.services.store.begin() as work:
                wait = None if isinstance(error, NeedsHuman) else timedelta(0)
                work.targets.fail(target, str(error), retry_in=wait)
            raise
        with self.services.store.begin() as work:
            work.targets.finish(target, seq)

    def dirty(self, target: Target) -> bool:
        with self.services.store.begin() as work:
            return work.targets.start(target) is not None


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def world(store: Store, clock: MovingClock) -> World:
    crm, billing = FakeCrm(), FakeBilling(clock)
    services = Services(
        store=store,
        crms={"fake": crm},
        billing=billing,
        webhooks={},
        mappings={"fake": MAPPING},
        clock=clock,
        billing_policy=BillingPolicy(),
        health_policy=HealthPolicy(),
    )
    return World(services, crm, billing, clock)
