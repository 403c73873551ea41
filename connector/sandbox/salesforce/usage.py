"""How many API calls the org made in the last 24 hours, and whether it may make one more."""

from collections import deque
from datetime import datetime, timedelta

from connector.sandbox.salesforce.errors import Refused

_WINDOW = timedelta(hours=24)


class Usage:
    """Calls counted by the minute of the sandbox clock, forgotten after 24 hours."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[datetime, int]] = deque()

    def count(self, now: datetime, limit: int) -> None:
        """Count one call; raises Refused (403 REQUEST_LIMIT_EXCEEDED) when the day's allowance is gone."""
        if self.used(now) >= limit:
            raise Refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        minute = now.replace(second=0, microsecond=0)
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1] = (minute, self._minutes[-1][1] + 1)
        else:
            self._minutes.append((minute, 1))

    def used(self, now: datetime) -> int:
        """Calls in the 24 hours up to now."""
        while self._minutes and self._minutes[0][0] <= now - _WINDOW:
            self._minutes.popleft()
        return sum(count for _, count in self._minutes)
