"""The sandbox as a whole: three vendors and the control API, each on a loopback port of its own."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from connector.sandbox import hubspot, salesforce, stripe
from connector.sandbox.clock import Clock
from connector.sandbox.control import control_app
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.serving import HOST, listen
from connector.sandbox.vendor import Vendor


class Sandbox:
    """A Salesforce, a HubSpot and a Stripe that answer on loopback HTTP from `start()` to `stop()`.

    With `port_base` the ports are base (Stripe), +1 (HubSpot), +2 (Salesforce), +3 (control); 0 takes
    free ones. All of them live by `clock`, where one is given, else by one that keeps its offset in `clock_file`.
    """

    def __init__(
        self, *, port_base: int = 0, clock_file: Path | None = None, clock: Clock | None = None, seed: int = 1
    ) -> None:
        self.clock = clock or Clock(clock_file)
        self.faults = Faults(seed)
        self.deliveries = Deliveries(self.clock, self.faults)
        self.log = RequestLog()
        shared = (self.clock, self.faults, self.deliveries, self.log)
        self.stripe = stripe.create(*shared)
        self.hubspot = hubspot.create(*shared)
        self.salesforce = salesforce.create(*shared)
        vendors: list[Vendor] = [self.stripe, self.hubspot, self.salesforce]
        control = control_app(self.clock, self.faults, self.deliveries, self.log, vendors)
        apps = [*(vendor.app() for vendor in vendors), control]
        self._servers = [listen(app, port_base + n if port_base else 0) for n, app in enumerate(apps)]
        self.stripe_url, self.hubspot_url, self.salesforce_url, self.control_url = (
            f"http://{HOST}:{server.server_port}" for server in self._servers
        )
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            for server in self._servers
        ]

    def addresses(self) -> dict[str, str]:
        """The base address of each vendor and of the control API, by name."""
        return {
            "stripe": self.stripe_url,
            "hubspot": self.hubspot_url,
            "salesforce": self.salesforce_url,
            "control": self.control_url,
        }

    def start(self) -> None:
        """Answer requests from now on, in threads of our own."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close every port and forget the webhooks still waiting."""
        for server, thread in zip(self._servers, self._threads, strict=True):
            if thread.is_alive():
                server.shutdown()
            server.server_close()
        self.deliveries.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
