"""Draw batches of random deals and hold each against Stripe, until so many have been billed."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings

from connector.domain.policy import BillingPolicy, PastStart
from tests.shapes.agreement import Tally, check
from tests.shapes.random_deals import Batch, batches

SIZE = 16
"""The most deals in one account: few enough to find the guilty one, enough to share the account's making."""

_BATCHES = 20
"""Drawn at a time, before the deals are counted."""

_POLICIES = (BillingPolicy(), BillingPolicy(past_start=PastStart.FROM_TODAY), BillingPolicy(auto_renew=False))


def draw_and_check(deals: int, first_seed: int) -> Iterator[Tally]:
    """The growing tally, from round to round, until ``deals`` have been billed; the same seed draws the same deals.

    Raises AssertionError for the first deal whose figures disagree, made as small as it goes, with the round's seed.
    """
    tally, number = Tally(), first_seed * 1_000_000
    while tally.planned < deals:
        _round(tally, number)
        number += 1
        yield tally


def _round(tally: Tally, number: int) -> None:
    policy = _POLICIES[number % len(_POLICIES)]

    @seed(number)
    @settings(
        max_examples=_BATCHES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(SIZE))
    def agree(batch: Batch) -> None:
        check(batch, tally, policy=policy)

    try:
        agree()
    except AssertionError as error:
        error.add_note(f"drawn by seed {number}")
        raise
