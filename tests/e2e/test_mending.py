"""A deal that cannot be billed says so where its seller looks, and is billed once the field is filled in."""

from __future__ import annotations

import pytest

from tests.e2e.book import one_each
from tests.e2e.world import World

pytestmark = pytest.mark.slow


def test_a_deal_that_cannot_be_billed_says_why_and_is_billed_after_it_is_mended(town: World) -> None:
    placed = town.place(one_each("Mended", email_missing=True))
    town.win(placed)
    town.settle()

    for one in placed:
        status, message, customer = town.shown(one, "sync_status", "sync_message", "customer_id")
        assert status == "needs_attention"
        assert "e-mail" in str(message)
        assert not customer
    assert len(town.parked()) == len(placed)
    assert all("e-mail" in one for one in town.parked())

    for one in placed:
        town.desks[one.sale.crm].add_email(one)
    town.settle()

    assert town.problems(placed) == []
    assert {tuple(town.shown(one, "sync_status", "sync_message")) for one in placed} <= {
        ("billed", ""),
        ("billed", None),
    }


def test_a_deal_that_is_not_won_is_not_billed_however_often_it_changes(town: World) -> None:
    placed = town.place(one_each("Open", won=False))

    for one in placed:
        town.desks[one.sale.crm].add_email(one)  # a change on the deal that its CRM tells us about
    town.settle()

    assert town.problems(placed) == []
    assert [town.shown(one, "sync_status", "customer_id") for one in placed] == [[None, None]] * 2
