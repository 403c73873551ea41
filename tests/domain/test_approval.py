"""Which plans wait for a person."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.approval import ApprovalPolicy, ApprovalRule, reason_to_wait
from connector.domain.money import Money
from tests.factories import a_deal, a_line

WORTH = Money(120_000, "usd")


def policy(*rules: ApprovalRule, **values: object) -> ApprovalPolicy:
    return ApprovalPolicy(frozenset(rules), **values)  # type: ignore[arg-type]  # a test's shorthand


def test_without_rules_nothing_waits() -> None:
    assert reason_to_wait(a_deal(), WORTH, ApprovalPolicy()) == ""


def test_always_waits_and_says_what_it_is_worth() -> None:
    assert "USD 1,200.00" in reason_to_wait(a_deal(), WORTH, policy(ApprovalRule.ALWAYS))


@pytest.mark.parametrize(("limit", "waits"), [(119_999, True), (120_000, False), (120_001, False)])
def test_what_is_worth_more_than_the_limit_waits(limit: int, waits: bool) -> None:
    """The limit itself is still billed without asking."""
    above = policy(ApprovalRule.ABOVE, above={"usd": Money(limit, "usd")})
    assert bool(reason_to_wait(a_deal(), WORTH, above)) is waits


def test_a_currency_without_a_limit_waits() -> None:
    """A limit in dollars says nothing about euros."""
    above = policy(ApprovalRule.ABOVE, above={"usd": Money(10**9, "usd")})
    assert "EUR" in reason_to_wait(a_deal(), Money(1, "eur"), above)


@pytest.mark.parametrize(
    ("amount", "waits"),
    [("1200.00", False), ("1199.99", False), ("1199.98", True), ("1200.02", True), (None, False)],
)
def test_a_deal_amount_off_by_more_than_the_tolerance_waits(amount: str | None, waits: bool) -> None:
    """One cent is tolerated here; a deal without an amount contradicts nothing."""
    deal = replace(a_deal(), amount=None if amount is None else Decimal(amount), line_items=())
    mismatch = policy(ApprovalRule.MISMATCH, tolerance=1)
    assert bool(reason_to_wait(deal, WORTH, mismatch)) is waits


def test_a_deal_amount_may_be_the_sum_of_its_lines_per_period() -> None:
    """Salesforce adds up the lines, whatever the term."""
    line = a_line(quantity=Decimal(5), unit_price=Decimal(20), total=None, discount_percent=Decimal(10))
    deal = replace(a_deal(), amount=Decimal(90), line_items=(line,))
    assert reason_to_wait(deal, Money(108_000, "usd"), policy(ApprovalRule.MISMATCH)) == ""
    assert reason_to_wait(replace(deal, amount=Decimal(91)), Money(108_000, "usd"), policy(ApprovalRule.MISMATCH))


def test_several_rules_hold_together() -> None:
    """Below the limit, but off: it waits."""
    both = policy(ApprovalRule.ABOVE, ApprovalRule.MISMATCH, above={"usd": Money(10**9, "usd")})
    assert reason_to_wait(replace(a_deal(), amount=Decimal(1)), WORTH, both)
