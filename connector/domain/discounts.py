"""Discounts on a whole deal, given line by line, so that every amount stays exact and can be seen.

A percentage is apportioned over the lines that begin together and recur alike: the discount on their sum is rounded
half up to the currency's smallest step, each line gets its share, and the steps left over go to the largest remainders
(ties by the line's record, so that the lines' order changes nothing). Lines whose own discount ends share it among
themselves from then on: what the others cost does not change for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from connector.domain.catalogue_price import line_name
from connector.domain.dates import length
from connector.domain.deal import Deal
from connector.domain.line_planning import PricedLine
from connector.domain.money import AmountDoesNotFit, Money, smallest_step
from connector.errors import CannotBill
from connector.sentences import planning as sentences
from connector.sentences import planning_lines


def discounted(lines: Sequence[PricedLine], amounts: Sequence[int], percent: Decimal) -> tuple[int, ...]:
    """What is left of the lines' amounts (minor units) after a percentage off their sum, to the minor unit.

    Raises:
        CannotBill: a line's catalogue price decides its amount.
    """
    for priced in lines:
        if priced.fixed:
            name = line_name(priced.line)
            raise CannotBill.because(planning_lines.CATALOGUE_DISCOUNT, ref=priced.line.ref, line=name)
    step = smallest_step(lines[0].currency) if lines else 1
    shares = [Decimal(amount) * percent / 100 / step for amount in amounts]
    steps = int(sum(shares, Decimal(0)).quantize(Decimal(1), ROUND_HALF_UP))
    given = [int(share) for share in shares]
    by_remainder = sorted(range(len(lines)), key=lambda n: (given[n] - shares[n], lines[n].line.ref))
    for n in by_remainder[: steps - sum(given)]:
        given[n] += 1
    return tuple(amount - off * step for amount, off in zip(amounts, given, strict=True))


def reduced_amounts(lines: Sequence[PricedLine], begins: Sequence[date], percent: Decimal) -> list[tuple[int, int]]:
    """Each line's amount with the deal's percentage off: while its own discount holds, and after that.

    Raises:
        CannotBill: a line's catalogue price decides its amount.
    """
    pairs = [(line.amount, line.later) for line in lines]
    cohorts: dict[object, list[int]] = {}
    for number, (line, begin) in enumerate(zip(lines, begins, strict=True)):
        often = None if line.interval is None else length(line.interval)  # twelve months are a year
        cohorts.setdefault((begin, often), []).append(number)
    for members in cohorts.values():
        now = discounted([lines[n] for n in members], [lines[n].amount for n in members], percent)
        changing = [n for n in members if lines[n].later != lines[n].amount]
        after = discounted([lines[n] for n in changing], [lines[n].later for n in changing], percent)
        for n, amount in zip(members, now, strict=True):
            pairs[n] = (amount, amount)
        for n, amount in zip(changing, after, strict=True):
            pairs[n] = (pairs[n][0], amount)
    return pairs


def deal_percent(deal: Deal) -> Decimal:
    """The percentage off the whole deal, 0 to 100.

    Raises:
        CannotBill: it is outside of that.
    """
    percent = deal.terms.discount_percent
    if not 0 <= percent <= 100:
        raise CannotBill.because(sentences.BAD_PERCENT, ref=deal.ref, percent=f"{percent.normalize():f}")
    return percent


def deal_discount(deal: Deal, currency: str) -> int:
    """The amount off the deal's first invoice, in minor units.

    Raises:
        CannotBill: it is negative, or does not fit the currency.
    """
    amount = deal.terms.discount_amount
    try:
        minor = Money.exactly(amount, currency).minor
    except AmountDoesNotFit:
        minor = -1
    if minor < 0:
        raise CannotBill.because(
            sentences.BAD_DISCOUNT_AMOUNT,
            ref=deal.ref,
            amount=f"{amount.normalize():f}",
            currency=currency.upper(),
        )
    return minor
