"""Running contracts read, changed, ended and credited on the sandbox's Stripe, with or without a schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from connector.domain.billing import InvoiceStatus
from connector.domain.billing_plan import (
    META_CHANGED_BY,
    AddToNextInvoice,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    ItemChange,
    MakeCustomer,
    Period,
    Phase,
    PhaseChange,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.contract import RunningContract
from connector.domain.dates import add_months
from connector.domain.deal import Address, Interval, TaxStatus
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, NotFound, Unreachable
from connector.sandbox.faults import Fault
from tests.billing.stripe.conftest import (
    ACCOUNT,
    CUSTOMER_KEY,
    DEAL,
    NET_30,
    PRODUCT,
    a_line,
    a_subscription_step,
    an_invoice_step,
)
from tests.billing.stripe.test_contracts_on_sandbox import a_contract, billed, go_to, metered, seats, use
from tests.billing.stripe.world import World

UPSELL = RecordRef("salesforce", "deal", "006B")
YEAR = Interval("year")


@pytest.fixture
def world(world: World) -> World:
    """An account with a customer and a product, at the first of a month."""
    world.sandbox.clock.advance(timedelta(days=1))
    go_to(world, add_months(world.today.replace(day=1), 1))
    world.customer()
    world.product()
    return world


def change(contract: RunningContract, *changes: ItemChange, **more: object) -> ChangeSubscription:
    step = ChangeSubscription(
        StepKey(UPSELL, "change"), contract.subscription, "usd", changes, {META_CHANGED_BY: "anything"}
    )
    return replace(step, **more)  # type: ignore[arg-type]  # whichever fields a test names


def more_seats(quantity: int, unit: int = 1000) -> PlannedLine:
    return replace(seats(quantity, unit), line=RecordRef("salesforce", "line_item", "00k7"))


def once_only(world: World, step: Step) -> RecordRef:
    """Run it, and hold that it is found afterwards and not before, and that running again changes nothing."""
    assert world.billing.find(step, world.made) is None
    made = world.run(step)
    assert world.billing.find(step, world.made) == made
    assert world.run(step, epoch=2) == made
    return made


def test_a_running_contract_tells_all_that_a_change_must_know(world: World) -> None:
    """Items with their lines, products and periods; terms, dates, the deal."""
    today = world.today
    step = a_subscription_step(start=today, recurring=(seats(5), seats(1, 60_000, YEAR, 2)))
    step = replace(step, metadata={**step.metadata, "contract_end": "2027-12-31", "amended_by": f"{UPSELL} nonsense"})
    made = world.run(step)

    contract = world.billing.contract(made)

    assert (contract.subscription, contract.customer, contract.deal) == (made, world.made[CUSTOMER_KEY], DEAL)
    assert (contract.status, contract.currency, contract.started, contract.anchor) == ("active", "usd", today, today)
    assert (contract.contract_end, contract.ends, contract.schedule) == (date(2027, 12, 31), None, None)
    assert (contract.collection, contract.net_days) == (NET_30.collection, 30)
    assert contract.amended_by == (UPSELL,)
    assert contract.latest_invoice == world.account().invoices[0].ref
    monthly, yearly = contract.items
    assert (monthly.unit_amount, monthly.quantity, monthly.interval) == (Decimal(1000), 5, Interval("month"))
    assert (monthly.period_start, monthly.period_end) == (today, add_months(today, 1))
    assert yearly.period_end == add_months(today, 12)
    assert (monthly.line, monthly.product, monthly.description) == (seats(5).line, PRODUCT, "Seats")
    assert world.billing.contracts_of(world.made[CUSTOMER_KEY]) == [contract]


def test_a_contract_that_waits_and_one_that_changes_later_tell_their_phases(world: World) -> None:
    """A schedule stands for its contract until it starts; what is to come is told in order, the last without end."""
    start, turn = add_months(world.today, 1), add_months(world.today, 3)
    phases = [Phase(start, turn, (seats(5),)), Phase(turn, None, (seats(8),))]
    schedule = world.run(a_contract(phases, scheduled=True))

    waiting = world.billing.contract(schedule)
    assert (waiting.subscription, waiting.schedule, waiting.status) == (schedule, schedule, "not_started")
    assert (waiting.started, waiting.net_days, waiting.deal) == (start, 30, DEAL)
    assert [(item.quantity, item.period_start) for item in waiting.items] == [(5, start)]
    assert world.billing.contracts_of(world.made[CUSTOMER_KEY]) == [waiting]
    go_to(world, start)
    begun = world.billing.contract(schedule)

    assert (begun.subscription.kind, begun.schedule) == ("subscription", schedule)
    for contract in (waiting, begun):
        (later,) = contract.later
        assert (later.start, later.end) == (turn, None)
        assert [(item.quantity, item.unit_amount) for item in later.items] == [(8, Decimal(1000))]
    assert world.billing.contracts_of(world.made[CUSTOMER_KEY]) == [begun]


def test_a_contract_that_never_was_is_not_found(strict_world: World) -> None:
    """Whichever of the two it is said to be."""
    for kind in ("subscription", "schedule"):
        with pytest.raises(NotFound):
            strict_world.billing.contract(RecordRef("stripe", kind, "sub_nothing"))


@pytest.mark.parametrize("in_days", [0, 45])
def test_a_change_whose_answer_was_lost_is_found_behind_the_one_that_came_after_it(world: World, in_days: int) -> None:
    """Done again, it would put the contract back to what it was to be before the other."""
    contract = world.billing.contract(world.run(a_subscription_step(start=world.today, recurring=(seats(5),))))
    first = change(contract, ItemChange(contract.items[0].id, more_seats(7)))
    made = world.run(first)
    on = world.today + timedelta(days=in_days) if in_days else None
    other = replace(first, key=StepKey(DEAL, "change-2"), changes=(ItemChange(contract.items[0].id, seats(9)),), on=on)
    world.run(other)

    assert world.billing.find(first, world.made) == made
    assert world.billing.find(other, world.made) == made
    assert world.run(first, epoch=2) == made
    after = world.billing.contract(made)
    assert [item.quantity for item in (after.later[-1].items if in_days else after.items)] == [9]


def test_an_upsell_is_billed_from_the_next_period(world: World) -> None:
    """More seats and a new line, nothing prorated; the contract stays the deal's that made it."""
    today = world.today
    made = world.run(a_subscription_step(start=today, recurring=(seats(5),)))
    contract = world.billing.contract(made)
    world.later(days=10)
    step = change(
        contract,
        ItemChange(contract.items[0].id, more_seats(7)),
        ItemChange("", replace(seats(1, 300, number=8))),
    )

    assert once_only(world, replace(step, metadata={"crm_deal": str(UPSELL), "note": "more"})) == made
    go_to(world, add_months(today, 1))

    assert billed(world) == [(today, 5000), (add_months(today, 1), 7300)]
    after = world.billing.contract(made)
    assert after.deal == DEAL
    assert [item.id for item in after.items][:1] == [contract.items[0].id]
    assert after.items[0].line == more_seats(7).line


def test_a_line_goes_another_is_swapped_and_the_contract_ends(world: World) -> None:
    """By item id, with an end on the day that a period begins."""
    today = world.today
    made = world.run(a_subscription_step(start=today, recurring=(seats(5), seats(1, 300, number=2))))
    one, two = world.billing.contract(made).items
    step = change(
        world.billing.contract(made),
        ItemChange(one.id, seats(5, 800)),
        ItemChange(two.id, None),
        ends_on=add_months(today, 3),
    )
    once_only(world, step)
    assert world.billing.contract(made).ends == add_months(today, 3)
    go_to(world, add_months(today, 5))

    assert [total for _, total in billed(world)] == [5300, 4000, 4000]


def test_a_change_on_a_later_day_waits_for_it(world: World) -> None:
    """Through a schedule that is made for it; it holds on after that and an agreed end stays."""
    today, turn, end = world.today, add_months(world.today, 2), add_months(world.today, 4)
    for number, ends_on in enumerate((None, end)):
        key = StepKey(RecordRef("salesforce", "deal", f"006{number}"), "subscription")
        made = world.run(a_subscription_step(start=today, recurring=(seats(5),), key=key))
        if ends_on:
            world.run(EndSubscription(StepKey(key.owner, "end"), made, {}, ends_on))
        contract = world.billing.contract(made)
        step = change(contract, ItemChange(contract.items[0].id, more_seats(7)), on=turn)
        once_only(world, replace(step, key=StepKey(key.owner, "change")))
        later = world.billing.contract(made).later
        assert [(phase.start, phase.end) for phase in later] == [(turn, ends_on)]
        assert world.billing.contract(made).ends == ends_on
    go_to(world, add_months(today, 5))

    both = sorted([5000, 5000, 7000, 7000] * 2 + [7000, 7000])
    assert sorted(total for _, total in billed(world)) == both


def test_a_change_half_done_through_a_schedule_is_completed(strict_world: World) -> None:
    """We died between making the schedule and writing its phases: not yet found, completed at the next attempt."""
    world = strict_world
    world.customer()
    world.product()
    week = Interval("week")
    made = world.run(a_subscription_step(start=world.today, recurring=(seats(5, interval=week),)))
    contract = world.billing.contract(made)
    turn = world.today + timedelta(days=14)
    line = replace(seats(7, interval=week), line=more_seats(7).line)
    step = change(contract, ItemChange(contract.items[0].id, line), on=turn)
    world.sandbox.faults.add(
        Fault("stripe", "server_error", times=3, operation="POST /v1/subscription_schedules/{schedule}")
    )
    with pytest.raises(Unreachable):
        world.run(step)
    assert world.billing.find(step, world.made) is None

    assert world.run(step, epoch=2) == made
    go_to(world, turn + timedelta(days=1))

    assert sorted(total for _, total in billed(world)) == [5000, 5000, 7000]


def test_an_upsell_of_a_ramp_changes_each_phase_as_it_says(world: World) -> None:
    """The running phase and the one to come, each by its own items; a new line stays one item through both."""
    today, turn, end = world.today, add_months(world.today, 2), add_months(world.today, 4)
    ramp = [Phase(today, turn, (seats(5),)), Phase(turn, end, (seats(8),))]
    made = world.run(a_contract(ramp, scheduled=True, ends=True))
    contract = world.billing.contract(made)
    support = seats(1, 300, number=8)
    step = change(
        contract,
        ItemChange(contract.items[0].id, seats(7)),
        ItemChange("", support),
        later=(PhaseChange(turn, (ItemChange(contract.later[0].items[0].id, seats(10)), ItemChange("", support))),),
    )

    once_only(world, step)
    go_to(world, add_months(end, 1))

    assert [total for _, total in billed(world)] == [5000, 7300, 10_300, 10_300]
    assert world.account().subscriptions[0].status == "canceled"


def test_a_contract_that_waits_is_changed_before_it_starts(world: World) -> None:
    """Its items are named by their prices; it may be told to end as well."""
    start = add_months(world.today, 1)
    schedule = world.run(a_contract([Phase(start, None, (seats(5),))], scheduled=True))
    contract = world.billing.contract(schedule)
    step = change(contract, ItemChange(contract.items[0].id, seats(6)), ends_on=add_months(start, 2))

    assert once_only(world, step) == schedule
    go_to(world, add_months(start, 4))

    assert billed(world) == [(start, 6000), (add_months(start, 1), 6000)]


def test_what_has_ended_or_lost_its_line_is_not_changed(strict_world: World) -> None:
    """A person in Stripe was quicker: the sentence says what to do."""
    world = strict_world
    world.customer()
    world.product()
    made = world.run(a_subscription_step(start=world.today))
    contract = world.billing.contract(made)
    with pytest.raises(CannotBill, match="no line si_gone any more"):
        world.run(change(contract, ItemChange("si_gone", seats(6))))
    on = add_months(world.today, 1)
    with pytest.raises(CannotBill, match="no line si_gone any more"):
        world.run(change(contract, ItemChange("si_gone", seats(6)), on=on, key=StepKey(UPSELL, "change-2")))

    world.run(EndSubscription(StepKey(DEAL, "end"), made, {}))

    with pytest.raises(CannotBill, match="has ended"):
        world.run(change(contract, ItemChange(contract.items[0].id, seats(6)), key=StepKey(UPSELL, "change-3")))


def test_a_change_after_the_contracts_end_is_refused(strict_world: World) -> None:
    """The schedule is over by then."""
    world = strict_world
    world.customer()
    world.product()
    end = add_months(world.today, 2)
    made = world.run(a_contract([Phase(world.today, end, (seats(5),))], ends=True))
    contract = world.billing.contract(made)

    with pytest.raises(CannotBill, match="has ended"):
        world.run(change(contract, ItemChange(contract.items[0].id, seats(6)), on=end))


def test_lines_wait_for_the_subscriptions_next_invoice(world: World) -> None:
    """A credit and a charge for the rest of a period, once; the invoice takes both."""
    today = world.today
    made = world.run(a_subscription_step(start=today, recurring=(seats(5),)))
    rest = Period(today + timedelta(days=10), add_months(today, 1))
    lines = (
        replace(more_seats(1, -1300), amount=-1300, interval=None, period=rest),
        replace(a_line(8, 400, 1), period=rest),
    )
    step = AddToNextInvoice(StepKey(UPSELL, "proration"), CUSTOMER_KEY, made, "usd", lines, {})
    item = once_only(world, step)
    assert item.kind == "invoice_item"
    go_to(world, add_months(today, 1))

    assert billed(world)[-1] == (add_months(today, 1), 5000 - 1300 + 400)
    assert world.billing.find(step, world.made) == item


def test_lines_half_added_are_completed(strict_world: World) -> None:
    """Only what is missing is added."""
    world = strict_world
    world.customer()
    world.product()
    made = world.run(a_subscription_step(start=world.today))
    step = AddToNextInvoice(
        StepKey(UPSELL, "proration"), CUSTOMER_KEY, made, "usd", (a_line(8, 400, 1), a_line(9, 500, 1)), {}
    )
    first = world.run(replace(step, lines=step.lines[:1]))
    assert world.billing.find(step, world.made) is None

    assert world.run(step, epoch=2) == first
    assert world.billing.find(step, world.made) == first
    assert len([item for item in world.state("invoiceitems") if item["invoice"] is None]) == 2


def test_an_end_now_credits_and_bills_nothing(world: World) -> None:
    """The subscription is over; no proration, no invoice."""
    made = world.run(a_subscription_step(start=world.today))
    world.later(days=10)

    assert once_only(world, EndSubscription(StepKey(UPSELL, "end"), made, {})) == made

    assert world.account().subscriptions[0].status == "canceled"
    assert [total for _, total in billed(world)] == [5000]
    assert world.billing.contracts_of(world.made[CUSTOMER_KEY]) == []
    assert world.billing.contract(made).status == "canceled"


def test_an_end_now_of_a_ramp_and_of_what_waits_ends_their_schedules(world: World) -> None:
    """Nothing starts and nothing changes any more."""
    today, turn = world.today, add_months(world.today, 2)
    ramp = world.run(a_contract([Phase(today, turn, (seats(5),)), Phase(turn, None, (seats(8),))], scheduled=True))
    other = StepKey(RecordRef("salesforce", "deal", "006C"), "subscription")
    waiting = world.run(a_contract([Phase(turn, None, (seats(5),))], scheduled=True, key=other))
    once_only(world, EndSubscription(StepKey(UPSELL, "end"), ramp, {}))
    once_only(world, EndSubscription(StepKey(other.owner, "end"), waiting, {}, on=turn))
    go_to(world, add_months(today, 4))

    assert [total for _, total in billed(world)] == [5000]
    assert {one["status"] for one in world.state("subscription_schedules")} == {"canceled"}


def test_usage_is_billed_when_a_metered_contract_ends_now(world: World) -> None:
    """What was used and not billed yet."""
    made = world.run(a_subscription_step(start=world.today, recurring=(seats(5), metered(world))))
    use(world, 100)
    world.later(days=10)

    once_only(world, EndSubscription(StepKey(UPSELL, "end"), made, {}))

    assert [total for _, total in billed(world)] == [5000, 700]


def test_an_end_on_a_later_day_cuts_no_period_short(world: World) -> None:
    """On the day that a period begins: the last one was billed whole, and nothing after it."""
    today, end = world.today, add_months(world.today, 2)
    made = world.run(a_subscription_step(start=today))
    once_only(world, EndSubscription(StepKey(UPSELL, "end"), made, {}, on=end))
    assert world.billing.contract(made).ends == end
    go_to(world, add_months(today, 4))

    assert [total for _, total in billed(world)] == [5000, 5000]
    ended = world.account().subscriptions[0].ended_at
    assert ended is not None
    assert ended.date() == end


@pytest.mark.parametrize("months", [1, 3])
def test_a_ramp_ends_on_a_later_day_whatever_it_had_agreed(world: World, months: int) -> None:
    """Before its second phase, or past the beginning of its last one, which would have run on."""
    today, turn = world.today, add_months(world.today, 2)
    end = add_months(today, months)
    made = world.run(a_contract([Phase(today, turn, (seats(5),)), Phase(turn, None, (seats(8),))], scheduled=True))

    once_only(world, EndSubscription(StepKey(UPSELL, "end"), made, {}, on=end))

    assert world.billing.contract(made).ends == end
    go_to(world, add_months(today, 6))
    assert [total for _, total in billed(world)] == [5000, 5000, 8000][:months]


def a_credit(invoice: RecordRef, amount: int) -> CreditInvoice:
    return CreditInvoice(StepKey(UPSELL, "credit"), invoice, "usd", amount, "Rest of the term", {})


def test_a_credit_lowers_what_is_open(world: World) -> None:
    """One line with its reason, and nothing on the customer's balance."""
    invoice = world.run(an_invoice_step())
    world.billing.release_first_invoice(invoice, 10_000)

    note = once_only(world, a_credit(invoice, 4000))

    assert note.kind == "credit_note"
    (shown,) = world.account().invoices
    assert (shown.amount_remaining, shown.credited, shown.status) == (6000, 4000, InvoiceStatus.OPEN)
    assert world.billing.customer_of(note) == world.made[CUSTOMER_KEY]


@pytest.mark.parametrize(("paid", "balance"), [(None, -4000), (8000, -2000)])
def test_what_was_paid_becomes_the_customers_credit(world: World, paid: int | None, balance: int) -> None:
    """All of it, or what is more than was still open."""
    invoice = world.run(an_invoice_step())
    world.billing.release_first_invoice(invoice, 10_000)
    world.do(f"invoices/{invoice.id}/pay", **({"amount": paid} if paid else {}))

    once_only(world, a_credit(invoice, 4000))

    assert world.state("customers")[0]["balance"] == balance
    assert world.account().invoices[0].status is InvoiceStatus.PAID


def test_a_draft_is_credited_by_a_line(world: World) -> None:
    """It takes no credit note."""
    invoice = world.run(an_invoice_step())

    line = once_only(world, a_credit(invoice, 4000))

    assert line.kind == "invoice_item"
    assert world.account().invoices[0].total == 6000


def test_no_more_is_credited_than_is_left_and_nothing_on_a_void_invoice(strict_world: World) -> None:
    """Both are told in a sentence."""
    world = strict_world
    world.customer()
    world.product()
    invoice = world.run(an_invoice_step())
    world.billing.release_first_invoice(invoice, 10_000)
    with pytest.raises(CannotBill, match=r"credit of USD 100\.01 is more than the USD 100\.00"):
        world.run(a_credit(invoice, 10_001))

    world.sdk.v1.invoices.void_invoice(invoice.id)

    with pytest.raises(CannotBill, match="is void"):
        world.run(a_credit(invoice, 100))


def taxed(world: World) -> World:
    berlin = Address("Main St 1", "", "Berlin", "", "10115", "Germany")
    account = RecordRef("salesforce", "account", "001T")
    step = MakeCustomer(StepKey(account, "customer"), "Steuer AG", "tax@acme.example", address=berlin)
    world.made[CUSTOMER_KEY] = world.run(step)
    return world


def test_tax_is_worked_out_on_top_and_taken_back_with_a_credit(world: World) -> None:
    """Plans are before tax, so the release compares without it; a credit of 40.00 gives back 47.60."""
    terms = replace(NET_30, automatic_tax=True)
    taxed(world)
    invoice = world.run(an_invoice_step(terms=terms))
    world.billing.release_first_invoice(invoice, 10_000)
    (shown,) = world.account().invoices
    assert shown.total == 11_900
    world.do(f"invoices/{invoice.id}/pay")

    once_only(world, a_credit(invoice, 4000))

    (customer,) = [one for one in world.state("customers") if one["name"] == "Steuer AG"]
    assert customer["balance"] == -4760


def test_contracts_are_taxed_too(world: World) -> None:
    """A subscription and a schedule, in each of their phases."""
    terms = replace(NET_30, automatic_tax=True)
    taxed(world)
    today, turn = world.today, add_months(world.today, 1)
    made = world.run(a_subscription_step(start=today, terms=terms))
    world.billing.release_first_invoice(made, 5000)
    key = StepKey(UPSELL, "subscription")
    ramp = [Phase(today, turn, (seats(5),)), Phase(turn, None, (seats(10),))]
    world.run(a_contract(ramp, scheduled=True, terms=terms, key=key))
    go_to(world, turn)

    assert sorted(total for _, total in billed(world)) == [5950, 5950, 5950, 11_900]


def test_a_customers_tax_id_and_status_reach_stripe(world: World) -> None:
    """Of the kind that its form says; a reverse charge is taxed at nothing."""
    account = RecordRef("salesforce", "account", "001V")
    step = MakeCustomer(
        StepKey(account, "customer"),
        "Wien GmbH",
        "at@acme.example",
        address=Address(country="Austria", postal_code="1010"),
        tax_id="ATU 12345678",
        tax_status=TaxStatus.REVERSE_CHARGE,
    )
    world.made[CUSTOMER_KEY] = customer = world.run(step)

    ids = world.sdk.v1.customers.tax_ids.list(customer.id).data
    assert [(one.type, one.value) for one in ids] == [("eu_vat", "ATU12345678")]
    invoice = world.run(an_invoice_step(terms=replace(NET_30, automatic_tax=True)))
    world.billing.release_first_invoice(invoice, 10_000)
    assert world.account().invoices[0].total == 10_000


def test_customers_that_were_there_before_us_are_recognised(world: World) -> None:
    """By the strongest evidence for each; one that merely resembles is none."""
    make = world.sdk.v1.customers.create
    ids = {
        "metadata": make({"name": "Old", "metadata": {"crm_account": str(ACCOUNT)}}).id,
        "email": make({"name": "Else", "email": "AP@brandnew.example", "metadata": {"crm_account": str(DEAL)}}).id,
        "domain": make({"name": "Brand", "email": "cfo@brandnew.example"}).id,
        "name": make({"name": 'Brand "New" GMBH'}).id,
    }
    make({"name": "Branding", "email": "x@notbrandnew.example"})
    gone = make({"name": 'Brand "New" GmbH'})
    world.sdk.v1.customers.delete(gone.id)
    world.later(minutes=5)
    step = MakeCustomer(CUSTOMER_KEY, 'Brand "New" GmbH', "AP@brandnew.example", domain="brandnew.example")

    found = world.billing.candidates(step)

    told = {each.why: each.customer.id for each in found if each.customer != world.made[CUSTOMER_KEY]}
    assert told == ids
    assert [each.why for each in found] == sorted((each.why for each in found), key=list(ids).index)
    assert next(each for each in found if each.why == "email").crm_account == DEAL


def test_without_address_and_domain_only_name_and_metadata_are_asked(world: World) -> None:
    """One call."""
    before = world.asked()

    assert world.billing.candidates(MakeCustomer(StepKey(UPSELL, "customer"), "Nobody")) == []

    assert world.asked() - before == 1
