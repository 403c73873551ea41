"""Three make-believe vendors in this process, a database, and the connector's own processes set up between them."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import psycopg

from connector import bootstrap
from connector.cli.demo import stage
from connector.cli.demo.book import Sale
from connector.cli.demo.control import Control
from connector.cli.demo.processes import free_port
from connector.cli.demo.seed import Desk, Placed, desks, place_all
from connector.cli.demo.verdict import Billing, DealReport, judge
from connector.domain.refs import RecordRef
from connector.ports import Services
from connector.sandbox import Sandbox
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET
from connector.settings import Environment
from tests.e2e.hasty import COMMAND as HASTY
from tests.e2e.processes import PATIENCE, Running, clean_environment, line_of_procfile

CONNECTOR = [sys.executable, "-m", "connector"]

_NEVER = str(24 * 3600)
"""Seconds between polls where the webhooks alone must do."""


@dataclass
class World:
    """The vendors, the database, what a test may look at, and the processes that run."""

    sandbox: Sandbox
    control: Control
    desks: dict[str, Desk]
    environment: dict[str, str]
    services: Services
    directory: Path
    running: dict[str, Running] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the vendors reach the receiver."""
        return self.environment["PUBLIC_URL"]

    @property
    def secrets(self) -> list[str]:
        """Whatever must never be seen in any output."""
        words = ("KEY", "SECRET", "TOKEN")
        return [value for name, value in self.environment.items() if any(word in name for word in words)]

    def start(self, name: str, *, hasty: bool = False) -> Running:
        """Start ``web``, ``worker`` or ``serve``: the Procfile's own line, or in haste."""
        if name == "web":
            command = line_of_procfile("web")
        elif hasty or name == "serve":
            command = [*(HASTY if hasty else CONNECTOR), name]
            command += ["--port", self.environment["PORT"]] if name == "serve" else []
        else:
            command = line_of_procfile(name)
        self.running[name] = Running(name, command, self.environment, self.directory / f"{name}.log")
        return self.running[name]

    def start_web(self) -> Running:
        """Start the receiver and wait until it answers."""
        web = self.start("web")
        web.until_ready(self.url)
        return web

    def stop_all(self) -> None:
        """End every process; one that resists is killed and told of."""
        refused = []
        for one in self.running.values():
            if one.alive:
                one.ask_to_end()
        for one in self.running.values():
            try:
                one.finish()
            except AssertionError as error:
                refused.append(str(error))
        self.running.clear()
        assert not refused, "\n".join(refused)

    def place(self, book: Sequence[Sale]) -> list[Placed]:
        """Enter deals, all of them open."""
        return place_all(tuple(book), self.desks)

    def win(self, placed: Sequence[Placed]) -> None:
        """Close deals, one after the other without a pause."""
        for one in placed:
            self.desks[one.sale.crm].win(one)

    def pay(self, placed: Sequence[Placed]) -> int:
        """Customers pay every invoice that is open; gives how many they paid."""
        customers = self._customers(placed)
        found = self.control.get("/stripe/open_invoices")["invoices"]
        mine = [one["id"] for one in found if one["customer"] in customers]
        for invoice in mine:
            self.control.post(f"/stripe/invoices/{invoice}/pay")
        return len(mine)

    def fault(self, vendor: str, kind: str, **how: object) -> None:
        """Let something go wrong from now on."""
        self.sandbox.faults.add(Fault(vendor, kind, **how))  # type: ignore[arg-type]  # Fault checks its own words

    def dirty(self) -> int:
        """How much work is not done: Targets that are dirty, and records that wait for their next try."""
        with self.services.store.begin() as work:
            targets = work.targets.counts().dirty
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            rows = connection.execute("select count(*) from crm_record where differs and not parked").fetchone()
        return targets + (rows[0] if rows else 0)

    def at_rest(self) -> bool:
        """Whether nothing is on the wire and nothing is left to do."""
        outbound = self.control.get("/salesforce/outbound")["waiting"]
        return not outbound and not self.sandbox.deliveries.pending() and not self.dirty()

    def settle(self, seconds: float = PATIENCE) -> None:
        """Wait until every webhook is delivered and all work is done."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 2:
            assert time.monotonic() < deadline, f"no rest after {seconds:.0f} s:\n{self._what_is_left()}"
            quiet = quiet + 1 if self.at_rest() else 0
            time.sleep(0.05)

    def parked(self) -> list[str]:
        """What waits for a person, with its reason."""
        with self.services.store.begin() as work:
            found = [f"{one.target}: {one.error}" for one in work.targets.parked()]
            found += [f"{ref}: {error}" for ref, error in work.records.parked()]
            found += [f"event {one.event_id}: {one.problem}" for one in work.inbox.recent(problems_only=True)]
        return found

    def parked_records(self) -> list[RecordRef]:
        """The CRM records that wait for a person."""
        with self.services.store.begin() as work:
            return [ref for ref, _ in work.records.parked()]

    def reports(self, placed: Sequence[Placed]) -> list[DealReport]:
        """The demo's own verdict on these deals."""
        return judge(placed, self.desks, self.control, self.services)

    def problems(self, placed: Sequence[Placed]) -> list[str]:
        """Everything that is not as it should be with these deals, seen from the vendors' side; empty when all is well.

        Beyond the demo's verdict: no second first invoice, no customer that names no account, nothing parked.
        """
        found = []
        for report in self.reports(placed):
            wrong = list(report.problems)
            if report.won and len(report.invoices) != 1:
                wrong.append(f"{len(report.invoices)} invoices")
            if report.won and report.shown.get("sync_status") != "billed":
                wrong.append(f"the deal says {report.shown.get('sync_status')!r}")
            found += [f"{report.placed.sale.name} ({report.placed.sale.crm}): {one}" for one in wrong]
        accounts = {one.sale.account for one in placed if one.sale.won}
        customers = [one["name"] for one in Billing(self.control).customers if one["name"] in accounts]
        if len(customers) != len(accounts):
            found.append(f"{len(customers)} customers for {len(accounts)} accounts")
        return found + [f"parked: {one}" for one in self.parked()]

    def shown(self, one: Placed, *names: str, kind: str = "deal") -> list[object]:
        """Canonical values as the CRM record has them."""
        fields = self.services.mappings[one.sale.crm].write_back[kind]
        record = self.desks[one.sale.crm].shown(one.deal if kind == "deal" else one.account)
        return [record.get(fields[name]) for name in names]

    def _customers(self, placed: Sequence[Placed]) -> set[str]:
        billing = Billing(self.control)
        return {customer for one in placed for customer in billing.customers_of(one.account)}

    def _what_is_left(self) -> str:
        with self.services.store.begin() as work:
            counts = work.targets.counts()
        lines = [f"{counts}", f"{self.sandbox.deliveries.pending()} deliveries on their way", *self.parked()]
        lines += [f"--- {one.name}\n{one.last_words()}" for one in self.running.values()]
        return "\n".join(lines)


@contextmanager
def open_world(
    database_url: str, directory: Path, *, set_up: bool = True, webhooks: bool = True, poll_every: str = _NEVER
) -> Iterator[World]:
    """A world in which the vendors are set up, unless told otherwise, and no process of the connector runs yet.

    Every process started in it is gone at the end, whatever happened.
    """
    with Sandbox() as sandbox:
        port = free_port()
        control = Control(sandbox.control_url)
        environment = {
            **_credentials(sandbox, control),
            "DATABASE_URL": database_url,
            "CONNECTOR_DATA_DIR": str(directory),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WEB_CONCURRENCY": "2",
            "WORKER_CONCURRENCY": "6",
            "POLL_EVERY_SECONDS": poll_every,
            "LOG_LEVEL": "DEBUG",
            "TMPDIR": str(directory),  # what a killed process leaves behind goes with the world
        }
        connector = build(environment)
        try:
            if set_up and webhooks:
                environment["STRIPE_WEBHOOK_SECRETS"] = stage._connect(connector.services, control, environment)
            elif set_up:
                for name, crm in connector.services.crms.items():
                    stage._apply(crm.setup(connector.services.mappings[name]))
            _nothing_to_poll_for_yet(connector.services)
            world = World(sandbox, control, desks(control), environment, connector.services, directory)
            try:
                yield world
            finally:
                sandbox.faults.clear()
                world.stop_all()
        finally:
            connector.close()


def build(environment: dict[str, str]) -> bootstrap.Connector:
    """The connector's services in this process, as that environment has them; our own log stays as it is."""
    with (
        patch.dict(os.environ, {**clean_environment(), **environment}, clear=True),
        patch.object(bootstrap, "configure_logging"),
    ):
        return bootstrap.build(Environment.read())


def _credentials(sandbox: Sandbox, control: Control) -> dict[str, str]:
    token = f"pat-na1-{random.getrandbits(64):x}"
    control.put("/hubspot/tokens", {"token": token})
    return {
        "STRIPE_API_KEY": f"sk_test_{random.getrandbits(96):x}",
        "STRIPE_API_BASE": sandbox.stripe_url,
        "SALESFORCE_INSTANCE_URL": sandbox.salesforce_url,
        "SALESFORCE_CLIENT_ID": CLIENT_KEY,
        "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
        "SALESFORCE_WEBHOOK_TOKEN": f"path{random.getrandbits(128):032x}",
        "SALESFORCE_ORGANIZATION_IDS": control.get("/salesforce/organization")["organization_id"],
        "SALESFORCE_CURRENCY": "USD",
        "HUBSPOT_ACCESS_TOKEN": token,
        "HUBSPOT_CLIENT_SECRETS": f"hubspot{random.getrandbits(128):032x}",
        "HUBSPOT_BASE_URL": sandbox.hubspot_url,
    }


def _nothing_to_poll_for_yet(services: Services) -> None:
    """As if every provider had just been asked, so that a poll rescues nothing unless a test wants one."""
    with services.store.begin() as work:
        for name in (*services.crms, services.billing.name):
            work.settings.set_watermark(name, services.clock())
