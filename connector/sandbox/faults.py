"""What goes wrong in the make-believe world, on purpose and reproducibly."""

import select
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Literal, get_args

FaultKind = Literal[
    "rate_limited",
    "rate_limited_no_retry_after",
    "server_error",
    "timeout",
    "row_error",
    "drop",
    "double",
    "reorder",
]

_OF_DELIVERIES: frozenset[FaultKind] = frozenset({"drop", "double", "reorder"})


@dataclass
class Fault:
    """One kind of trouble, for a vendor's matching requests or for its outgoing webhooks."""

    vendor: str
    kind: FaultKind
    times: int = 1  #: how often it strikes before it is used up
    rate: float = 1.0  #: chance that a matching request is struck
    operation: str = "*"  #: shell-style pattern over "METHOD /path/{template}"
    retry_after: float = 1.0  #: seconds told to the caller of a rate limited request
    detail: str = ""  #: what the vendor should say, such as a row's error code
    hold: float = 30.0  #: seconds a timed-out connection stays open without an answer
    after_work: bool = False  #: True: the request is carried out first, and only its answer is lost

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"No fault is called {self.kind!r}; choose from {', '.join(get_args(FaultKind))}")
        if not 0 <= self.rate <= 1:
            raise ValueError("A fault's rate is a chance between 0 and 1")


class Faults:
    """The faults waiting to strike; each strike counts one down."""

    def __init__(self, seed: int = 1) -> None:
        self._faults: list[Fault] = []
        self._random = Random(seed)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let this fault strike from now on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> list[Fault]:
        """The faults that have not struck as often as they may."""
        with self._lock:
            return list(self._faults)

    def for_request(self, vendor: str, operation: str) -> Fault | None:
        """The fault that strikes this request, or None; `operation` is "METHOD /path/{template}"."""
        return self._strike(vendor, operation, of_deliveries=False)

    def for_delivery(self, vendor: str) -> Fault | None:
        """The fault that strikes this vendor's next outgoing webhook, or None."""
        return self._strike(vendor, "", of_deliveries=True)

    def _strike(self, vendor: str, operation: str, *, of_deliveries: bool) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if (fault.kind in _OF_DELIVERIES) != of_deliveries or not fnmatchcase(vendor, fault.vendor):
                    continue
                if not of_deliveries and not fnmatchcase(operation, fault.operation):
                    continue
                if self._random.random() >= fault.rate:
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None


def hang_up(environ: Mapping[str, object], seconds: float) -> None:
    """Keep a connection open without an answer until the caller gives up or `seconds` pass, then cut it.

    `environ` is the WSGI environment of a werkzeug server. What the view returns afterwards is never seen.
    """
    connection = environ.get("werkzeug.socket")
    if not isinstance(connection, socket.socket):
        raise TypeError("Only werkzeug's own server lets the sandbox cut a connection")
    select.select([connection], [], [], seconds)
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the caller was faster
