"""The word on the record, and how sure we are of it."""

from __future__ import annotations

from enum import StrEnum

from connector.domain.health_policy import HealthPolicy


class Health(StrEnum):
    """The word on the record, the best first."""

    GOOD = "good"
    WATCH = "watch"
    LATE = "late"
    SEVERE = "severe"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How much of the score is the account's own doing, and how much is what the portfolio says."""

    NONE = "none"  #: nothing came due yet
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


THIN = 3
"""With fewer resolved invoices than this, the record says so beside the score."""

_MEDIUM_WEIGHT, _HIGH_WEIGHT = 2.0, 6.0
"""The portfolio weighs as much as one invoice of today: a third of the score here, a seventh there."""


def confidence(resolved: int, weight: float) -> Confidence:
    """From how many invoices came due, and how much they still weigh together."""
    if not resolved:
        return Confidence.NONE
    if resolved < THIN or weight < _MEDIUM_WEIGHT:
        return Confidence.LOW
    return Confidence.HIGH if weight >= _HIGH_WEIGHT else Confidence.MEDIUM


def word(score: float | None, oldest: int, policy: HealthPolicy, *, ever_late: bool, given_up: bool) -> Health:
    """From the score, and how many days past due the oldest invoice is.

    Without an invoice that was ever late it is good: what other accounts do makes nobody a late payer. With one that
    was ``given_up`` in the last year it is not good, however well the rest is paid.
    """
    if score is None:
        return Health.UNKNOWN
    if oldest > policy.severe_days or (oldest > 0 and score < policy.severe_below):
        return Health.SEVERE
    if not ever_late:
        return Health.GOOD
    if score < policy.flag_below:
        return Health.LATE
    if oldest > 0 or given_up or score < policy.watch_below:
        return Health.WATCH
    return Health.GOOD
