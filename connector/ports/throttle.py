"""A rate limiter shared by all processes, and the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

Clock = Callable[[], datetime]
"""Now, as aware UTC."""


class Throttle(Protocol):
    """A rate limiter shared by all processes."""

    def wait(self, name: str) -> None:
        """Wait for a turn under this limit. Work named with ``:optional`` behind stands back on a scarce day.

        Raises:
            RateLimited: the queue is so long that the work should come back later.
        """
        ...

    def budget(self, name: str, used: int, allowed: int) -> None:
        """Remember how much of a daily allowance the vendor says is used."""
        ...


class Unlimited:
    """A throttle that lets everything through: for commands and tests that make a handful of calls."""

    def wait(self, name: str) -> None:
        """There is always a turn."""

    def budget(self, name: str, used: int, allowed: int) -> None:
        """Nobody counts."""
