"""How far past their due date amounts are, in the bands that everybody in finance uses."""

from __future__ import annotations

from enum import StrEnum


class AgingBucket(StrEnum):
    """Days past the due date, in the usual bands."""

    CURRENT = "current"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "90+"


BUCKETS = tuple(AgingBucket)
"""Every bucket, the youngest first."""


def bucket_of(days: int) -> AgingBucket:
    """The aging bucket of a number of days past due."""
    return BUCKETS[bucket_index(days)]


def bucket_index(days: int) -> int:
    """Where in ``BUCKETS`` a number of days past due belongs."""
    return 0 if days <= 0 else min((days + 29) // 30, 4)
