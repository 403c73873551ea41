"""Rate limits: so many calls in ten rolling seconds, so many a day, and searches a second."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Policy = Literal["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"]

_INTERVAL = 10.0


@dataclass
class Allowances:
    """How much a portal may be asked. The ten-second figure of a paid portal is 190; ours leaves room by default."""

    ten_seconds: int = 10_000
    search_second: int = 5
    daily: int = 650_000


class _Window:
    """Calls within the last so many seconds of real time: callers live in real time whatever our clock says."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._taken: deque[float] = deque()

    def left(self, allowed: int, now: float) -> int:
        while self._taken and self._taken[0] <= now - self._seconds:
            self._taken.popleft()
        return allowed - len(self._taken)

    def take(self, now: float) -> None:
        self._taken.append(now)


class Limits:
    """Counts calls; the day changes at midnight UTC of the sandbox clock."""

    def __init__(self, today: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic) -> None:
        self.allowances = Allowances()
        self._today = today
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._general = _Window(_INTERVAL)
        self._search = _Window(1.0)
        self._day = today().date()
        self._used_today = 0

    def take(self, *, search: bool) -> Policy | None:
        """Count one call; the policy it breaks, or None. A call that breaks one is not counted."""
        with self._lock:
            now = self._monotonic()
            self._roll_day()
            if self._used_today >= self.allowances.daily:
                return "DAILY"
            if search:
                if self._search.left(self.allowances.search_second, now) <= 0:
                    return "SECONDLY"
                self._search.take(now)
            else:
                if self._general.left(self.allowances.ten_seconds, now) <= 0:
                    return "TEN_SECONDLY_ROLLING"
                self._general.take(now)
            self._used_today += 1
            return None

    def headers(self) -> dict[str, str]:
        """What HubSpot tells with every answer except those of search."""
        with self._lock:
            self._roll_day()
            left = self._general.left(self.allowances.ten_seconds, self._monotonic())
            return {
                "X-HubSpot-RateLimit-Max": str(self.allowances.ten_seconds),
                "X-HubSpot-RateLimit-Remaining": str(max(left, 0)),
                "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(_INTERVAL * 1000)),
                "X-HubSpot-RateLimit-Daily": str(self.allowances.daily),
                "X-HubSpot-RateLimit-Daily-Remaining": str(max(self.allowances.daily - self._used_today, 0)),
            }

    def _roll_day(self) -> None:
        today = self._today().date()
        if today != self._day:
            self._day, self._used_today = today, 0
