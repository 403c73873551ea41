"""Which plans a person must see before they are billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from connector.domain.deal import Deal
from connector.domain.line_planning import net_unit_price
from connector.domain.money import Money
from connector.sentences import approval as sentences


class ApprovalRule(StrEnum):
    """When a first billing waits for a person. A change of what is billed already always does."""

    AUTOMATIC = "automatic"
    ABOVE = "above"  #: the contract is worth more than the limit of its currency, or its currency has none
    MISMATCH = "mismatch"  #: the deal's own amount is not what would be billed
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """What an operator chose. ``above`` holds a limit per lower-case currency; ``tolerance`` is in minor units."""

    rules: frozenset[ApprovalRule] = frozenset()
    above: Mapping[str, Money] = field(default_factory=dict)
    tolerance: int = 0


def reason_to_wait(deal: Deal, worth: Money, policy: ApprovalPolicy) -> str:
    """Why a person must approve the first billing of a deal, in a sentence; empty when nobody has to.

    ``worth`` is what the plan comes to until its term ends, before tax.
    """
    if ApprovalRule.ALWAYS in policy.rules:
        return sentences.ALWAYS.says(worth=worth)
    if ApprovalRule.ABOVE in policy.rules:
        limit = policy.above.get(worth.currency)
        if limit is None:
            return sentences.NO_LIMIT.says(worth=worth, currency=worth.currency.upper())
        if worth.minor > limit.minor:
            return sentences.ABOVE.says(worth=worth, limit=limit)
    if ApprovalRule.MISMATCH in policy.rules and deal.amount is not None:
        agreed = _agreed(deal, worth)
        if not any(abs(amount - worth_minor) <= policy.tolerance for amount, worth_minor in agreed):
            return sentences.MISMATCH.says(amount=Money.rounded(deal.amount, worth.currency), worth=worth)
    return ""


def _agreed(deal: Deal, worth: Money) -> list[tuple[int, int]]:
    """The deal's amount beside what it may mean: the whole contract, or what its lines say per period.

    A Salesforce opportunity's Amount is the sum of its lines; a HubSpot deal's may be its total contract value.
    """
    if deal.amount is None:
        return []
    amount = Money.rounded(deal.amount, worth.currency).minor
    totals = (each.quantity * net_unit_price(each) if each.total is None else each.total for each in deal.line_items)
    lines = sum(totals, Decimal(0))
    return [(amount, worth.minor), (amount, Money.rounded(lines, worth.currency).minor)]
