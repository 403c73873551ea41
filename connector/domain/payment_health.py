"""PaymentHealth: who pays how late, from the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """Where the words begin. Scores run from 0 to 100."""

    flag_below: float = 60.0
    watch_below: float = 75.0
    renewal_window_days: int = 90
