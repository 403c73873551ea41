"""What the vendors were asked: counts by operation, refusals with their reasons, and who asked."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TypeVar

_MOST_REFUSALS = 1_000
_MOST_USER_AGENTS = 100

_Key = TypeVar("_Key", str, int)


@dataclass(frozen=True)
class Refusal:
    """A request that the vendor's document or rules turned down."""

    vendor: str
    operation: str
    status: int
    reason: str


class RequestLog:
    """A bounded record of every request to every vendor; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._statuses: Counter[tuple[str, int]] = Counter()
        self._refused: deque[Refusal] = deque(maxlen=_MOST_REFUSALS)
        self._user_agents: Counter[tuple[str, str]] = Counter()

    def record(self, vendor: str, operation: str, status: int, user_agent: str, refused: str | None) -> None:
        """Note one answered request to "METHOD /path/{template}"; `refused` is the reason if it was."""
        with self._lock:
            self._counts[vendor, operation] += 1
            self._statuses[vendor, status] += 1
            agent = (vendor, user_agent[:200])
            if agent in self._user_agents or len(self._user_agents) < _MOST_USER_AGENTS:
                self._user_agents[agent] += 1
            if refused is not None:
                self._refused.append(Refusal(vendor, operation, status, refused))

    def counts(self) -> dict[str, dict[str, int]]:
        """Requests by vendor and operation."""
        with self._lock:
            return _nested(self._counts)

    def statuses(self) -> dict[str, dict[int, int]]:
        """Answers by vendor and HTTP status."""
        with self._lock:
            return _nested(self._statuses)

    def refused(self) -> list[Refusal]:
        """The latest refused requests, oldest first."""
        with self._lock:
            return list(self._refused)

    def user_agents(self) -> dict[str, dict[str, int]]:
        """Requests by vendor and User-Agent header."""
        with self._lock:
            return _nested(self._user_agents)

    def clear(self) -> None:
        """Start counting afresh."""
        with self._lock:
            self._counts.clear()
            self._statuses.clear()
            self._refused.clear()
            self._user_agents.clear()


def _nested(flat: Counter[tuple[str, _Key]]) -> dict[str, dict[_Key, int]]:
    out: dict[str, dict[_Key, int]] = {}
    for (vendor, key), count in sorted(flat.items(), key=str):
        out.setdefault(vendor, {})[key] = count
    return out
