"""Outgoing webhooks: at least once, retried with back-off while the receiver is down."""

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import urllib3

from connector.sandbox.clock import Clock
from connector.sandbox.faults import Faults

log = logging.getLogger(__name__)

_REORDERED_BY = 0.4  # seconds a "reordered" delivery is held back, so that later ones overtake it
_HISTORY = 20_000

Sign = Callable[[], tuple[bytes, dict[str, str]]]
Accepted = Callable[[int, bytes], bool]


@dataclass(frozen=True)
class RetryPolicy:
    """When to try again, in seconds of real time: the vendors' days squeezed into a minute or two."""

    first: float = 0.2
    longest: float = 2.0
    give_up_after: float = 120.0
    answer_within: float = 10.0


@dataclass(frozen=True)
class Delivery:
    """One try at one delivery; status 0: nobody answered, -1: a fault lost it, -2: the queue was full."""

    vendor: str
    url: str
    status: int
    attempt: int
    at: datetime  #: by the sandbox clock


@dataclass(order=True)
class _Waiting:
    due: float
    number: int
    vendor: str = field(compare=False)
    url: str = field(compare=False)
    sign: Sign = field(compare=False)
    accepted: Accepted = field(compare=False)
    first_tried: float = field(compare=False)
    tries: int | None = field(default=None, compare=False)
    attempt: int = field(default=1, compare=False)


class Deliveries:
    """A bounded queue of webhooks and the threads that send them."""

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        *,
        policy: RetryPolicy | None = None,
        threads: int = 8,
        most_waiting: int = 100_000,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._policy = policy or RetryPolicy()
        self._most_waiting = most_waiting
        self._queue: list[_Waiting] = []
        self._numbers = itertools.count()
        self._in_flight = 0
        self._closed = False
        self._changed = threading.Condition()
        self._http = urllib3.PoolManager(maxsize=threads, retries=False)
        self.history: deque[Delivery] = deque(maxlen=_HISTORY)
        self._threads = [
            threading.Thread(target=self._work, name=f"sandbox-delivery-{n}", daemon=True) for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, vendor: str, url: str, sign: Sign, accepted: Accepted, *, tries: int | None = None) -> None:
        """Deliver in the background; `sign` makes body and headers afresh for each try, as the vendors do.

        `accepted(status, answer)` says whether the vendor counts the answer as delivered; `tries` is how often the
        vendor tries at most, None as long as the retry policy lasts.
        """
        fault = self._faults.for_delivery(vendor)
        kind = fault.kind if fault else None
        if kind == "drop":
            self._note(vendor, url, -1, 0)
            return
        delay = _REORDERED_BY if kind == "reorder" else 0.0
        for _ in range(2 if kind == "double" else 1):
            self._put(vendor, url, sign, accepted, delay, tries)

    def pending(self) -> int:
        """Deliveries not yet accepted nor given up, including those on the wire."""
        with self._changed:
            return len(self._queue) + self._in_flight

    def latest(self, most: int) -> list[Delivery]:
        """The last tries, oldest first."""
        with self._changed:
            return list(self.history)[-most:]

    def wait_until_idle(self, timeout: float) -> bool:
        """True once nothing is pending; False when `timeout` seconds pass first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._in_flight, timeout)

    def close(self) -> None:
        """Stop sending; what still waits is forgotten."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=self._policy.answer_within + 1)
        self._http.clear()

    def _put(self, vendor: str, url: str, sign: Sign, accepted: Accepted, delay: float, tries: int | None) -> None:
        now = time.monotonic()
        with self._changed:
            if self._closed:
                return
            if len(self._queue) >= self._most_waiting:
                self._note(vendor, url, -2, 0)
                return
            entry = _Waiting(now + delay, next(self._numbers), vendor, url, sign, accepted, now, tries)
            heapq.heappush(self._queue, entry)
            self._changed.notify()

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            done = False
            try:
                done = self._try(entry)
            except Exception:
                log.exception("a sandbox webhook of %s could not be made", entry.vendor)
                done = True  # a bug in the sandbox, which no further try would mend
            finally:
                self._finish(entry, done=done)

    def _next(self) -> _Waiting | None:
        with self._changed:
            while not self._closed:
                if not self._queue:
                    self._changed.wait()
                    continue
                wait = self._queue[0].due - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                self._in_flight += 1
                return heapq.heappop(self._queue)
        return None

    def _try(self, entry: _Waiting) -> bool:
        body, headers = entry.sign()
        try:
            answer = self._http.request(
                "POST",
                entry.url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=self._policy.answer_within),
                redirect=False,
            )
        except urllib3.exceptions.HTTPError:
            self._note(entry.vendor, entry.url, 0, entry.attempt)
            return False
        self._note(entry.vendor, entry.url, answer.status, entry.attempt)
        return entry.accepted(answer.status, answer.data)

    def _finish(self, entry: _Waiting, *, done: bool) -> None:
        now = time.monotonic()
        given_up = now - entry.first_tried >= self._policy.give_up_after or entry.attempt == entry.tries
        with self._changed:
            self._in_flight -= 1
            if not (done or given_up or self._closed):
                pause = min(self._policy.first * 2 ** (entry.attempt - 1), self._policy.longest)
                entry.due = now + pause
                entry.attempt += 1
                heapq.heappush(self._queue, entry)
            self._changed.notify_all()

    def _note(self, vendor: str, url: str, status: int, attempt: int) -> None:
        with self._changed:
            self.history.append(Delivery(vendor, url, status, attempt, self._clock.now()))
