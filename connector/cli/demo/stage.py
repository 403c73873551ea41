"""The stage of a demo: database, three vendors, receiver and worker, connected as a real installation is."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from connector.bootstrap import build, migrate_database
from connector.cli.demo import processes
from connector.cli.demo.control import Control
from connector.errors import Unreachable
from connector.jobs.schedule import knock_again, mark_unassessed
from connector.ports import Services, SetupAction
from connector.settings import Environment
from connector.store import embedded_url

_LONGEST_SETTLING = 60.0
_A_MOMENT = 0.05
_FAR_AHEAD = timedelta(days=366)

ENVIRONMENT_FILE = "environment"


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    control: Control
    services: Services
    addresses: dict[str, str]
    public_url: str

    def settle(self) -> None:
        """Wait until every webhook is delivered and no work is left that could be done now.

        Raises:
            Unreachable: it does not come to rest.
        """
        deadline = time.monotonic() + _LONGEST_SETTLING
        quiet = 0
        while quiet < 2:
            with self.services.store.begin() as work:
                dirty = work.targets.counts().dirty
            pending = self.control.get("/deliveries", history="0")["pending"]
            if time.monotonic() > deadline:
                left = f"{dirty} Targets are dirty, {pending} deliveries on their way"
                raise Unreachable(f"The connector does not come to rest: {left}.", hint="Run it again by itself.")
            quiet = quiet + 1 if not dirty and not pending else 0
            time.sleep(_A_MOMENT if quiet else 2 * _A_MOMENT)

    @contextmanager
    def webhooks_alone(self) -> Iterator[None]:
        """Nobody is polled meanwhile: with a week in two seconds every poll would find every record changed."""
        self._asked_last(self.control.now() + _FAR_AHEAD)
        try:
            yield
        finally:
            self._asked_last(self.control.now())

    def _asked_last(self, moment: datetime) -> None:
        with self.services.store.begin() as work:
            for name in (*self.services.crms, self.services.billing.name):
                work.settings.set_watermark(name, moment)

    def a_day_is_over(self) -> None:
        """What the connector's own clockwork does by the hour, here by the leap of the world's clock."""
        mark_unassessed(self.services)
        knock_again(self.services)


@contextmanager
def set_up(directory: Path) -> Iterator[Stage]:
    """Start it all, in the order in which an operator would, and stop it all at the end."""
    clock_file = directory / "clock"
    port = processes.free_port()
    with ThreadPoolExecutor(1) as beside, processes.sandbox(directory, clock_file) as sandbox:
        database = beside.submit(embedded_url, directory / "postgres")  # takes as long to start as the three vendors
        addresses = sandbox()
        control = Control(addresses["control"])
        environment = _environment(database.result(), addresses, clock_file, f"http://127.0.0.1:{port}")
        org = control.get("/salesforce/organization")
        environment["SALESFORCE_ORGANIZATION_IDS"] = org["organization_id"]
        environment["SALESFORCE_CLIENT_ID"] = org["client_id"]
        environment["SALESFORCE_CLIENT_SECRET"] = org["client_secret"]
        control.put("/hubspot/tokens", {"token": environment["HUBSPOT_ACCESS_TOKEN"]})
        migrate_database(environment["DATABASE_URL"])
        with patch.dict("os.environ", {**environment, "LOG_LEVEL": "WARNING"}):  # the connector's log is in its file
            built = build(Environment.read())
        try:
            environment["STRIPE_WEBHOOK_SECRETS"] = _connect(built.services, control, environment)
            _write_down(environment, directory / ENVIRONMENT_FILE)
            with processes.connector(directory, environment, port):
                yield Stage(control, built.services, addresses, environment["PUBLIC_URL"])
        finally:
            built.close()


def _write_down(environment: dict[str, str], file: Path) -> None:
    """A file for a shell to read, so that every command can be tried on what runs here; the keys in it are ours."""
    file.touch(mode=0o600)
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()))


def _environment(database_url: str, addresses: dict[str, str], clock_file: Path, public_url: str) -> dict[str, str]:
    """What an operator would put into the environment of a real installation."""
    return {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": public_url,
        "CONNECTOR_CLOCK_FILE": str(clock_file),
        "LOG_LEVEL": "INFO",
        "WORKER_CONCURRENCY": "4",  # enough for two cores that the vendors work on, too
        "STRIPE_API_KEY": "sk_test_" + secrets.token_hex(12),
        "STRIPE_API_BASE": addresses["stripe"],
        "SALESFORCE_INSTANCE_URL": addresses["salesforce"],
        "SALESFORCE_WEBHOOK_TOKEN": secrets.token_urlsafe(24),
        "SALESFORCE_CURRENCY": "USD",
        "HUBSPOT_ACCESS_TOKEN": "pat-demo-" + secrets.token_hex(12),
        "HUBSPOT_CLIENT_SECRETS": secrets.token_urlsafe(24),
        "HUBSPOT_BASE_URL": addresses["hubspot"],
    }


def _connect(services: Services, control: Control, environment: dict[str, str]) -> str:
    """Set up the three vendors and point their webhooks at us; gives Stripe's signing secret."""
    for name, crm in services.crms.items():
        _apply(crm.setup(services.mappings[name]))
    _apply(services.billing.setup(environment["PUBLIC_URL"]))
    hooks = f"{environment['PUBLIC_URL']}/webhooks"
    control.post(
        "/salesforce/outbound",
        {
            "name": "Won opportunities",
            "object": "Opportunity",
            "url": f"{hooks}/salesforce/{environment['SALESFORCE_WEBHOOK_TOKEN']}",
            "criterion": "IsWon = true",
            "fields": ["Name", "StageName"],
        },
    )
    control.put(
        "/hubspot/webhooks",
        {
            "target_url": f"{hooks}/hubspot",
            "secret": environment["HUBSPOT_CLIENT_SECRETS"],
            "subscriptions": [
                {"eventType": "deal.propertyChange", "propertyName": name}
                for name in ("dealstage", "hs_next_step", "billing_term_months")
            ],
        },
    )
    secret = services.billing.new_secret
    return secret.get_secret_value() if secret else ""


def _apply(actions: list[SetupAction]) -> None:
    for action in actions:
        if not action.done and action.apply is not None:
            action.apply()
