"""Contracts of every shape on the sandbox's Stripe: phases, ends, trials, milestones; exact amounts and days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.billing import InvoiceStatus
from connector.domain.billing_plan import (
    ExistingPrice,
    GrantCredits,
    InlinePrice,
    MakeSubscription,
    Period,
    Phase,
    PlannedLine,
    StepKey,
)
from connector.domain.dates import add_months
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, Unreachable
from connector.sandbox.faults import Fault
from tests.billing.stripe.conftest import (
    AUTOMATIC,
    CUSTOMER_KEY,
    DEAL,
    PRODUCT_KEY,
    a_line,
    a_subscription_step,
    an_invoice_step,
)
from tests.billing.stripe.world import World

MONTH, YEAR = Interval("month"), Interval("year")


@pytest.fixture
def world(world: World) -> World:
    """An account with a customer and a product, at the start of a month."""
    now = world.sandbox.clock.now()
    first = datetime.combine(add_months(now.date().replace(day=1), 1), time(9, 30), now.tzinfo)
    world.sandbox.clock.advance(first - now)
    world.customer()
    world.product()
    return world


def seats(quantity: int, unit: int = 1000, interval: Interval = MONTH, number: int = 1) -> PlannedLine:
    return a_line(number, unit, quantity, interval)


def a_contract(phases: list[Phase], **changed: Any) -> MakeSubscription:
    first = phases[0].start
    return replace(a_subscription_step(start=first), phases=tuple(phases), **changed)


def billed(world: World) -> list[tuple[date, int]]:
    """Every invoice so far that bills anything, by its day and total, oldest first."""
    invoices = world.account().invoices
    return sorted((invoice.created_at.date(), invoice.total) for invoice in invoices if invoice.total)


def go_to(world: World, day: date) -> None:
    """Noon of that day."""
    noon = datetime.combine(day, time(12), world.sandbox.clock.now().tzinfo)
    world.sandbox.clock.advance(noon - world.sandbox.clock.now())


def test_a_ramp_from_today_bills_each_phase_and_ends_on_the_second(world: World) -> None:
    """Two phases of two months, then nothing more: four invoices, none cut short."""
    today = world.today
    turn, end = add_months(today, 2), add_months(today, 4)
    ramp = [Phase(today, turn, (seats(5),)), Phase(turn, end, (seats(8),))]
    step = a_contract(ramp, scheduled=True, ends=True)

    made = world.run(step)
    world.billing.release_first_invoice(made, 5000)
    assert made.kind == "subscription"
    assert world.billing.find(step, world.made) == made
    go_to(world, end + timedelta(days=40))

    expected = [(today, 5000), (add_months(today, 1), 5000), (turn, 8000), (add_months(today, 3), 8000)]
    assert billed(world) == expected
    (over,) = world.account().subscriptions
    assert over.status == "canceled"
    assert over.ended_at is not None
    assert over.ended_at.date() == end


def test_a_fixed_term_from_today_ends_by_itself(world: World) -> None:
    """One phase and an end: whole periods only, also with automatic collection."""
    today, end = world.today, add_months(world.today, 3)
    for number, terms in enumerate((a_subscription_step().terms, AUTOMATIC)):
        key = StepKey(RecordRef("salesforce", "deal", f"006{number}"), "subscription")
        world.run(a_contract([Phase(today, end, (seats(5),))], ends=True, terms=terms, key=key))
    go_to(world, end + timedelta(days=3))

    assert [total for _, total in billed(world)] == [5000] * 6
    assert {subscription.status for subscription in world.account().subscriptions} == {"canceled"}


def test_a_yearly_line_survives_a_monthly_ramp(world: World) -> None:
    """A line that stays as it is keeps its item, so that it is not billed anew when the other changes."""
    today, turn = world.today, add_months(world.today, 3)
    support = seats(1, 60_000, YEAR, 2)
    ramp = [Phase(today, turn, (seats(5), support)), Phase(turn, None, (seats(8), support))]
    world.run(a_contract(ramp, scheduled=True))
    go_to(world, add_months(today, 12) + timedelta(days=1))

    totals = [total for _, total in billed(world)]
    assert totals == [65_000, 5000, 5000, *[8000] * 9, 68_000]


def test_a_schedule_that_starts_later_bills_one_off_lines_with_their_phase(world: World) -> None:
    """Set-up with the first invoice, training with the second phase; then it runs on."""
    start = add_months(world.today, 1) + timedelta(days=9)
    turn = add_months(start, 2)
    phases = [
        Phase(start, turn, (seats(5),), (a_line(2, 700, 1),)),
        Phase(turn, None, (seats(5, 1200),), (a_line(3, 300, 1),)),
    ]
    step = a_contract(phases, scheduled=True)
    schedule = world.run(step)
    assert schedule.kind == "schedule"
    assert world.billing.find(step, world.made) == schedule
    assert world.billing.made_for(DEAL, world.made[CUSTOMER_KEY]) == [schedule]
    go_to(world, add_months(start, 4) + timedelta(days=1))

    assert billed(world) == [
        (start, 5700),
        (add_months(start, 1), 5000),
        (turn, 6300),
        (add_months(start, 3), 6000),
        (add_months(start, 4), 6000),
    ]
    (begun,) = world.account().subscriptions
    assert world.billing.made_for(DEAL, world.made[CUSTOMER_KEY]) == [begun.ref]


def test_free_months_from_today_are_a_trial_of_one_subscription(world: World) -> None:
    """Set-up is billed at once, the first full month when the trial is over; it ends on its day."""
    today, paid, end = world.today, add_months(world.today, 2), add_months(world.today, 4)
    phases = [Phase(today, paid, (seats(5),), (a_line(2, 700, 1),), trial=True), Phase(paid, end, (seats(5),))]
    made = world.run(a_contract(phases, ends=True))
    world.billing.release_first_invoice(made, 700)
    assert world.billing.contract(made).schedule is None
    go_to(world, end + timedelta(days=1))

    assert billed(world) == [(today, 700), (paid, 5000), (add_months(today, 3), 5000)]


def test_a_trial_phase_of_a_later_contract_is_followed_by_its_ramp(world: World) -> None:
    """When the trial ends and other prices begin at the same second, the new prices are billed."""
    start = add_months(world.today, 1)
    paid, more = add_months(start, 1), add_months(start, 2)
    phases = [
        Phase(start, paid, (seats(5),), trial=True),
        Phase(paid, more, (seats(5, 900),)),
        Phase(more, None, (seats(6, 900),)),
    ]
    world.run(a_contract(phases, scheduled=True))
    go_to(world, add_months(start, 3) + timedelta(days=1))

    assert billed(world) == [(paid, 4500), (more, 5400), (add_months(start, 3), 5400)]


def test_a_past_start_with_a_ramp_keeps_its_periods(world: World) -> None:
    """Backdated to its first day and then put under a schedule; the running period is billed once."""
    go_to(world, world.today + timedelta(days=10))
    start = world.today.replace(day=1)
    anchor, turn = add_months(start, 1), add_months(start, 2)
    phases = [Phase(start, turn, (seats(5),)), Phase(turn, add_months(start, 4), (seats(8),))]
    step = a_contract(phases, scheduled=True, anchor=anchor, ends=True)

    made = world.run(step)

    assert world.billing.find(step, world.made) == made
    world.billing.release_first_invoice(made, 5000)
    go_to(world, add_months(start, 6))
    first = billed(world)[0]
    assert first[1] == 5000
    assert billed(world)[1:] == [(anchor, 5000), (turn, 8000), (add_months(start, 3), 8000)]


@pytest.mark.parametrize("call", ["POST /v1/subscription_schedules", "POST /v1/subscription_schedules/{schedule}"])
def test_a_past_start_half_put_under_its_schedule_is_completed(strict_world: World, call: str) -> None:
    """We died between two of its calls: it is not yet found, the next attempt adds what is missing."""
    world = strict_world
    world.customer()
    world.product()
    start = world.today - timedelta(days=5)
    anchor, turn = start + timedelta(days=7), start + timedelta(days=14)
    week = Interval("week")
    phases = [Phase(start, turn, (seats(5, interval=week),)), Phase(turn, None, (seats(8, interval=week),))]
    step = a_contract(phases, scheduled=True, anchor=anchor)
    world.sandbox.faults.add(Fault("stripe", "server_error", times=3, operation=call))
    with pytest.raises(Unreachable):
        world.run(step)
    assert world.billing.find(step, world.made) is None

    made = world.run(step, epoch=2)

    assert world.billing.find(step, world.made) == made
    assert len(world.account().subscriptions) == 1
    assert [later.start for later in world.billing.contract(made).later] == [turn]
    go_to(world, turn + timedelta(days=1))
    assert [total for _, total in billed(world)] == [5000, 5000, 8000]


def test_past_periods_are_lines_with_their_own_days(world: World) -> None:
    """One-off lines carry the period they stand for, on a subscription as on an invoice; a credit may be among them."""
    start, end = add_months(world.today, -1), world.today
    past = replace(a_line(2, 5000, 1), period=Period(start, end))
    credit = replace(a_line(3, -700, 1), description="Discount on the deal")
    subscription = world.run(a_subscription_step(start=world.today, one_off=(past, credit)))
    invoice = world.run(an_invoice_step(lines=(past, credit), total=4300))

    world.billing.release_first_invoice(subscription, 5000 + 5000 - 700)
    world.billing.release_first_invoice(invoice, 4300)

    for made in world.account().invoices:
        (line,) = [line for line in made.lines if line.amount == 5000 and line.period_start != line.period_end][-1:]
        assert line.period_start is not None
        assert line.period_end is not None
        assert min(line.amount for line in made.lines) == -700
    plain = next(made for made in world.account().invoices if made.ref == invoice)
    days = {(each.period_start, each.period_end) for each in plain.lines if each.amount == 5000}
    assert [(a.date(), b.date()) for a, b in days if a and b] == [(start, end)]


def test_a_milestone_goes_out_by_itself_on_its_day(world: World) -> None:
    """Releasing leaves it alone until then; it is due so many days after its own day."""
    on = add_months(world.today, 3)
    invoice = world.run(an_invoice_step(on=on))
    world.billing.release_first_invoice(invoice, 10_000)
    assert world.account().invoices[0].status is InvoiceStatus.DRAFT

    go_to(world, on)

    (sent,) = world.account().invoices
    assert sent.status is InvoiceStatus.OPEN
    assert sent.finalized_at is not None
    assert (sent.finalized_at.date(), sent.due_date) == (on, on + timedelta(days=30))


def test_a_milestone_of_today_is_an_ordinary_invoice(world: World) -> None:
    """The plan was carried out on its very day."""
    invoice = world.run(an_invoice_step(on=world.today))

    world.billing.release_first_invoice(invoice, 10_000)

    assert world.account().invoices[0].status is InvoiceStatus.OPEN


def test_a_held_milestone_waits_and_goes_on_its_day_once_let_go(world: World) -> None:
    """Holding twice is holding once; letting go gives it its day back."""
    on = add_months(world.today, 1)
    invoice = world.run(an_invoice_step(on=on))
    world.billing.hold(invoice)
    world.billing.hold(invoice)
    go_to(world, on + timedelta(days=1))
    assert world.account().invoices[0].status is InvoiceStatus.DRAFT

    world.billing.let_go(invoice)
    world.billing.let_go(invoice)
    world.later(hours=2)

    assert world.account().invoices[0].status is InvoiceStatus.OPEN


def test_a_milestone_let_go_in_time_keeps_its_day(world: World) -> None:
    """It was held and released before its day came."""
    on = add_months(world.today, 1)
    invoice = world.run(an_invoice_step(on=on))
    world.billing.hold(invoice)
    world.later(days=2)
    world.billing.let_go(invoice)
    world.later(days=2)
    assert world.account().invoices[0].status is InvoiceStatus.DRAFT

    go_to(world, on)

    assert world.account().invoices[0].status is InvoiceStatus.OPEN


def test_a_first_invoice_that_a_person_let_go_is_not_held_again(world: World) -> None:
    """The deal is looked at again whenever something rings: each time it would stop what was let go."""
    invoice = world.run(an_invoice_step())
    with pytest.raises(NeedsHuman):
        world.billing.release_first_invoice(invoice, 9_999)
    world.billing.let_go(invoice)
    world.billing.release_first_invoice(invoice, 9_999)

    assert world.account().invoices[0].status is InvoiceStatus.OPEN


def test_what_is_no_draft_is_neither_held_nor_let_go(world: World) -> None:
    """A person, or Stripe, was quicker."""
    invoice = world.run(an_invoice_step())
    world.billing.release_first_invoice(invoice, 10_000)

    world.billing.hold(invoice)
    world.billing.let_go(invoice)

    (shown,) = world.state("invoices")
    assert "crm_held" not in shown["metadata"]


def a_metered_price(world: World) -> str:
    """A price of 7 for each call, billed monthly for usage."""
    meter = world.sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = world.sdk.v1.prices.create(
        {
            "currency": "usd",
            "product": world.made[PRODUCT_KEY].id,
            "unit_amount": 7,
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    return str(price.id)


def metered(world: World) -> PlannedLine:
    line = RecordRef("salesforce", "line_item", "00k9")
    return PlannedLine(line, "Calls", ExistingPrice(a_metered_price(world)), 0, 0, MONTH, metered=True)


def use(world: World, calls: int) -> None:
    payload = {"stripe_customer_id": world.made[CUSTOMER_KEY].id, "value": str(calls)}
    world.sdk.v1.billing.meter_events.create({"event_name": "calls", "payload": payload})


def test_a_metered_line_is_billed_for_its_use(world: World) -> None:
    """No quantity is said of it; credits granted before draw on what it comes to."""
    today = world.today
    world.run(a_subscription_step(start=today, recurring=(seats(5), metered(world))))
    use(world, 100)
    go_to(world, add_months(today, 1))

    assert billed(world) == [(today, 5000), (add_months(today, 1), 5700)]


def test_granted_credits_pay_for_usage_first(world: World) -> None:
    """A grant is made once, found again, and lowers what metered lines come to."""
    today = world.today
    step = GrantCredits(StepKey(DEAL, "credits-1"), CUSTOMER_KEY, "usd", "Prepaid calls", 500, {"crm_deal": str(DEAL)})
    assert world.billing.find(step, world.made) is None
    grant = world.run(replace(step, expires=add_months(today, 12)))
    assert world.billing.find(step, world.made) == grant
    world.run(a_subscription_step(start=today, recurring=(seats(5), metered(world))))
    use(world, 100)
    go_to(world, add_months(today, 1))

    assert billed(world) == [(today, 5000), (add_months(today, 1), 5200)]


def test_a_tiered_price_is_taken_as_it_is(world: World) -> None:
    """Ten units at 100, the rest at 80."""
    price = world.sdk.v1.prices.create(
        {
            "currency": "usd",
            "product": world.made[PRODUCT_KEY].id,
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount": 80}],
            "recurring": {"interval": "month"},
        }
    )
    line = replace(seats(15), price=ExistingPrice(price.id), amount=1400)
    made = world.run(a_subscription_step(start=world.today, recurring=(line,), first_invoice=1400))

    world.billing.release_first_invoice(made, 1400)

    found = world.billing.prices([price.id], []).by_id[price.id]
    assert found.amount_for(15) == Decimal(1400)


def test_an_inline_price_may_have_decimals_through_all_phases(world: World) -> None:
    """A price made for a line of several phases is as exact as an inline one."""
    today, turn = world.today, add_months(world.today, 1)
    fine = replace(seats(4), price=InlinePrice(PRODUCT_KEY, Decimal("1250.25"), MONTH), amount=5001)
    phases = [Phase(today, turn, (fine,)), Phase(turn, None, (fine, seats(1, 99, MONTH, 2)))]
    world.run(a_contract(phases, scheduled=True))
    go_to(world, turn)

    assert billed(world) == [(today, 5001), (turn, 5100)]
