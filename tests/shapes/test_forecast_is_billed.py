"""Two thousand random deals: their worth, their forecast and what the sandbox's Stripe bills are one, to the cent."""

from __future__ import annotations

import pytest

from tests.shapes.drawing import draw_and_check

DEALS, PARTS = 2_000, 8  #: in parts, so that several test processes share the work


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_foreseen_is_what_is_billed(part: int) -> None:
    """Every invoice of each deal, date by date and line by line; few deals are refused."""
    *_, tally = draw_and_check(DEALS // PARTS, part)

    assert tally.planned >= DEALS // PARTS
    assert tally.refused < tally.planned / 5, tally
