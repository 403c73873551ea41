"""Before a renewal, late payers are flagged on account and renewal deal; their owner is told once per window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.errors import AccessLost, NotFound, Rejected, Unreachable
from connector.ports import NewOverride
from connector.sync.assess_account import assess_account
from connector.sync.assess_accounts import assess_accounts
from connector.sync.bill_deal import bill_deal
from connector.sync.flag_late_payers import flag_late_payers
from connector.sync.refresh_account import refresh_account
from connector.sync.set_health_policy import set_health_policy
from connector.sync.write_back import write_back
from connector.targets import TargetKind, for_record
from mappings.model import FieldMapping, FieldRule
from tests.factories import NOW, an_invoice
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World

ADA, BOB = RecordRef("fake", "owner", "ada"), RecordRef("fake", "owner", "bob")
ACCOUNT = RecordRef("fake", "account", "1")
RENEWAL = RecordRef("fake", "deal", "9")
SHOWN = ("late_payer", "health", "health_reason", "renewal_date", "sync_status")

RENEWING = replace(
    MAPPING,
    deal=(
        *MAPPING.deal,
        FieldRule("terms.kind", "Deal.kind", "deal_kind"),
        FieldRule("deal.amount", "Deal.amount", "decimal"),
        FieldRule("terms.renewal_date", "Deal.renews_on", "date"),
        FieldRule("account.owner", "Company.owner"),
        FieldRule("account.parent", "Company.parent"),
        FieldRule("payer.id", "Company.payer"),
        FieldRule("payer.name", "Company.payer_name"),
    ),
    write_back={
        kind: {**fields, **{name: f"billing_{name}" for name in SHOWN}} for kind, fields in MAPPING.write_back.items()
    },
)


@pytest.fixture
def world(world: World) -> World:
    services = replace(world.services, mappings={"fake": RENEWING})
    world.crm.owners[ACCOUNT] = ADA
    return replace(world, services=services)


def billed(world: World, *, renews_in: int = 100, number: str = "1", account: str = "1", **company: str) -> RecordRef:
    """A billed deal that comes up for renewal so many days from now; gives its customer."""
    renews_on = (world.clock().date() + timedelta(days=renews_in)).isoformat()
    deal = a_fake_deal(number, account=account, renews_on=renews_on, net_days="Net 10")
    deal = replace(deal, records={**deal.records, "Company": {**deal.records["Company"], **company}})
    world.crm.has(deal)
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    return billing.customer


def a_renewal_deal(world: World, *, owner: RecordRef | None = BOB) -> RecordRef:
    deal = a_fake_deal("9", won=False, kind="renewal", amount="48000")
    return world.crm.has(replace(deal, owner=owner))


def settle(world: World, customer: RecordRef) -> None:
    """One round of everything a worker would do for the customer."""
    world.run(for_record(TargetKind.HEALTH, customer))
    refresh_account(str(customer), world.services)
    follow(world)


def follow(world: World) -> None:
    for target in [for_record(TargetKind.RENEWAL, ref) for ref in list(world.crm.shown) if ref.kind == "account"]:
        world.run(target)
    write_back("fake", world.services)


def late_near_renewal(world: World, *, renews_in: int = 100, days: int = 60) -> RecordRef:
    """An account whose invoice is long overdue, so many days before its renewal less."""
    customer = billed(world, renews_in=renews_in)
    settle(world, customer)
    world.clock.forward(days=days)
    settle(world, customer)
    return customer


def slipped_near_renewal(world: World) -> RecordRef:
    """An account that always paid in time, and now has an invoice that is 66 days late, 24 days before its renewal."""
    customer = billed(world, renews_in=100)
    for number in range(6):
        due = world.clock().date() - timedelta(days=10 + 30 * number)
        invoice = an_invoice(100 + number, due=due, paid=due, customer=customer)
        world.billing.invoices[invoice.ref.id] = invoice
    settle(world, customer)
    world.clock.forward(days=76)
    settle(world, customer)
    return customer


def pays_all(world: World) -> None:
    for name, invoice in list(world.billing.invoices.items()):
        if invoice.amount_remaining:
            world.billing.pays(name)


def shows(world: World, ref: RecordRef, name: str) -> object:
    return world.crm.shown[ref].get(f"billing_{name}")


def test_a_late_payer_is_flagged_inside_the_window_and_not_before_it(world: World) -> None:
    customer = late_near_renewal(world, renews_in=200, days=60)
    assert (shows(world, ACCOUNT, "health"), shows(world, ACCOUNT, "late_payer")) == ("late", False)
    assert world.crm.tasks == {}
    world.clock.forward(days=50)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(world.crm.tasks) == 1


def test_the_open_renewal_deal_carries_the_flag_with_its_reason(world: World) -> None:
    a_renewal_deal(world)
    late_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    assert shows(world, RENEWAL, "health") == "severe" or shows(world, RENEWAL, "health") == "late"
    assert shows(world, RENEWAL, "health_reason") == shows(world, ACCOUNT, "health_reason")
    assert "Renews on 2027-03-01, its date in the CRM." in str(shows(world, RENEWAL, "health_reason"))
    assert shows(world, RENEWAL, "sync_status") is None  # it is not billed, and says nothing of billing


def test_the_renewal_deals_owner_gets_the_task_with_who_how_much_why_and_when(world: World) -> None:
    a_renewal_deal(world, owner=BOB)
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert (task.owner, task.record) == (BOB, RENEWAL)
    assert "2027-03-01" in task.subject
    assert "Company 1" in task.subject
    for said in ("EUR 100.00", "1 invoice", "days late", "Deal 9, EUR 48,000", "Why: "):
        assert said in task.body
    assert world.clock().date() <= task.due <= world.clock().date() + timedelta(days=7)


def test_without_a_renewal_deal_the_accounts_owner_gets_it(world: World) -> None:
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert (task.owner, task.record) == (ADA, ACCOUNT)


def test_one_task_per_window_and_never_two(world: World) -> None:
    customer = late_near_renewal(world, renews_in=140, days=60)  # 80 days before: the widest window
    for _ in range(70):
        world.clock.forward(days=1)
        settle(world, customer)
    assert len({task.subject for task in world.crm.tasks.values()}) == 3
    assert len(world.crm.tasks) == 3


def test_an_account_first_seen_late_gets_one_task_for_the_innermost_window_it_is_in(world: World) -> None:
    late_near_renewal(world, renews_in=100, days=60)  # 40 days before
    (task,) = world.crm.tasks.values()
    assert "60-day" in task.subject


def test_a_monthly_period_is_no_talk_to_be_had_anew_each_month(world: World) -> None:
    deal = world.crm.has(a_fake_deal("1", net_days="Net 10"))  # no contract end and no date in the CRM: it runs on
    bill_deal(str(deal), world.services)
    with world.services.store.begin() as work:
        (customer,) = work.accounts.customers_of(ACCOUNT)
    for _ in range(13):
        world.clock.forward(days=10)
        settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(world.crm.tasks) == 2  # a first one, and one more after three months


def test_nothing_is_asked_of_the_crm_while_nothing_changes(world: World) -> None:
    customer = late_near_renewal(world)
    world.crm.calls.clear()
    settle(world, customer)
    flag_late_payers(str(ACCOUNT), world.services)
    assert "create_task" not in world.crm.calls
    assert "write" not in world.crm.calls


def test_after_a_lost_answer_the_task_is_looked_for_before_it_is_made_again(world: World) -> None:
    def lost(operation: str) -> None:
        if operation == "after create_task":
            raise Unreachable("The answer was lost.")

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = lost
    with pytest.raises(Unreachable):
        settle(world, customer)
    world.crm.trouble = lambda operation: None
    settle(world, customer)
    assert len(world.crm.tasks) == 1
    with world.services.store.begin() as work:
        (kept,) = work.renewals.open_tasks(ACCOUNT)
    assert kept.task in world.crm.tasks


def test_a_crash_before_the_task_was_made_makes_it_the_next_time(world: World) -> None:
    def down(operation: str) -> None:
        if operation == "create_task":
            raise Unreachable("The CRM is away.")

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = down
    with pytest.raises(Unreachable):
        settle(world, customer)
    world.crm.trouble = lambda operation: None
    settle(world, customer)
    assert len(world.crm.tasks) == 1


def test_a_missing_permission_for_tasks_leaves_the_flag_standing_and_parks_the_task(world: World) -> None:
    def refused(operation: str) -> None:
        if operation == "create_task":
            raise AccessLost("We may not make tasks.", hint="Grant it.")

    a_renewal_deal(world)
    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = refused
    with pytest.raises(AccessLost):
        settle(world, customer)
    world.crm.trouble = lambda operation: None
    write_back("fake", world.services)
    assert (shows(world, ACCOUNT, "late_payer"), shows(world, RENEWAL, "late_payer")) == (True, True)
    with world.services.store.begin() as work:
        assert [str(each.target) for each in work.targets.parked()] == [f"renewal/{ACCOUNT}"]


def test_payment_clears_the_flag_everywhere_says_so_and_closes_the_task(world: World) -> None:
    a_renewal_deal(world)
    customer = slipped_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    world.clock.forward(days=1)
    pays_all(world)
    settle(world, customer)
    paid = world.clock().date().isoformat()
    for ref in (ACCOUNT, RENEWAL):
        assert shows(world, ref, "late_payer") is False
        assert f"No longer flagged: paid on {paid}." in str(shows(world, ref, "health_reason"))
    ((task, note),) = world.crm.closed_tasks.items()
    assert task in world.crm.tasks
    assert note == f"No longer flagged: paid on {paid}."
    with world.services.store.begin() as work:
        assert work.renewals.flagged(ACCOUNT) == []
        assert work.renewals.open_tasks(ACCOUNT) == []


def test_a_task_whose_making_was_never_heard_of_is_closed_too(world: World) -> None:
    def lost(operation: str) -> None:
        if operation == "after create_task":
            raise Unreachable("The answer was lost.")

    world.crm.trouble = lost
    with pytest.raises(Unreachable):
        slipped_near_renewal(world)
    world.crm.trouble = lambda operation: None
    with world.services.store.begin() as work:
        (customer,) = work.accounts.customers_of(ACCOUNT)
    pays_all(world)
    settle(world, customer)
    assert len(world.crm.closed_tasks) == 1


def test_a_renewal_deal_that_is_opened_later_carries_the_flag_once_it_is_noticed(world: World) -> None:
    late_near_renewal(world)
    deal = a_renewal_deal(world)
    bill_deal(str(deal), world.services)  # as its doorbell asks for
    follow(world)
    assert shows(world, deal, "late_payer") is True


def test_a_renewal_deal_that_was_lost_carries_the_flag_no_more(world: World) -> None:
    deal = a_renewal_deal(world)
    late_near_renewal(world)
    world.crm.has(replace(world.crm.deals[deal], closed=True))
    bill_deal(str(deal), world.services)
    follow(world)
    assert shows(world, deal, "late_payer") is False
    assert shows(world, ACCOUNT, "late_payer") is True


def test_a_deal_of_another_kind_is_left_alone(world: World) -> None:
    other = world.crm.has(a_fake_deal("8", won=False, kind="new"))
    late_near_renewal(world)
    assert shows(world, other, "late_payer") is None


def test_a_deal_that_cannot_be_read_keeps_nobody_from_being_told(world: World) -> None:
    a_renewal_deal(world)
    hidden = world.crm.has(a_fake_deal("8", won=False, kind="renewal"))
    world.crm.hidden.add(hidden)
    late_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    assert len(world.crm.tasks) == 1


def test_a_mapping_that_reads_no_kind_of_deal_spends_no_call_on_deals(world: World) -> None:
    plain = tuple(rule for rule in RENEWING.deal if rule.canonical != "terms.kind")
    world = replace(world, services=replace(world.services, mappings={"fake": replace(RENEWING, deal=plain)}))
    late_near_renewal(world)
    assert "open_deals" not in world.crm.calls
    assert len(world.crm.tasks) == 1


def test_access_to_deals_that_is_lost_is_nothing_to_pass_over(world: World) -> None:
    def refused(operation: str) -> None:
        if operation == "fetch_deal" and deal in world.crm.deals and world.clock() > NOW:
            raise AccessLost("We may not read deals.", hint="Grant it.")

    deal = a_renewal_deal(world)
    world.crm.trouble = refused
    with pytest.raises(AccessLost):
        late_near_renewal(world)


def test_a_renewal_deal_that_is_gone_meanwhile_leaves_the_task_to_the_accounts_owner(world: World) -> None:
    def gone(operation: str) -> None:
        if operation == "owner_of" and not world.crm.owners.get(RENEWAL):
            world.crm.owners[RENEWAL] = BOB
            raise NotFound("The record is gone.")

    a_renewal_deal(world, owner=None)
    world.crm.trouble = gone
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert task.owner == ADA


def test_an_owner_who_left_is_not_given_the_task(world: World) -> None:
    a_renewal_deal(world, owner=BOB)
    world.crm.inactive.add(BOB)
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert task.owner == ADA


def test_the_next_windows_task_goes_to_whoever_owns_the_renewal_then(world: World) -> None:
    a_renewal_deal(world, owner=BOB)
    customer = late_near_renewal(world, renews_in=140, days=60)
    world.crm.owners[RENEWAL] = ADA
    world.clock.forward(days=25)
    settle(world, customer)
    assert [task.owner for task in world.crm.tasks.values()] == [BOB, ADA]


def test_without_any_owner_there_is_no_task_until_somebody_owns_it(world: World) -> None:
    del world.crm.owners[ACCOUNT]
    late_near_renewal(world)
    assert world.crm.tasks == {}
    assert shows(world, ACCOUNT, "late_payer") is True
    world.crm.owners[ACCOUNT] = ADA
    flag_late_payers(str(ACCOUNT), world.services)
    assert len(world.crm.tasks) == 1


def test_a_task_that_the_crm_refuses_is_raised_for_a_person(world: World) -> None:
    def refused(operation: str) -> None:
        if operation == "create_task":
            raise Rejected("A validation rule refused it.")

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = refused
    with pytest.raises(Rejected):
        settle(world, customer)


def test_an_override_takes_the_flag_away_until_it_expires(world: World) -> None:
    customer = late_near_renewal(world)
    until = world.clock().date() + timedelta(days=5)
    new = NewOverride(ACCOUNT, Health.GOOD, "Grace", "They pay by a plan.", until)
    with world.services.store.begin() as work:
        work.said.override(new, world.clock())
    settle(world, customer)
    assert (shows(world, ACCOUNT, "health"), shows(world, ACCOUNT, "late_payer")) == ("good", False)
    assert f"Set to good by Grace until {until}: They pay by a plan." in str(shows(world, ACCOUNT, "health_reason"))
    assert list(world.crm.closed_tasks.values()) == ["No longer flagged: Grace set it to good."]
    world.clock.forward(days=6)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True


def test_an_override_flags_an_account_that_pays_well(world: World) -> None:
    customer = billed(world, renews_in=40)
    pays_all(world)
    until = world.clock().date() + timedelta(days=5)
    with world.services.store.begin() as work:
        work.said.override(NewOverride(ACCOUNT, Health.SEVERE, "Grace", "Insolvent", until), world.clock())
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True


def with_roll_up(world: World, roll_up: str) -> World:
    with world.services.store.begin() as work:
        work.settings.put("health_policy", {"roll_up": roll_up}, by="test")
    return world


@pytest.mark.parametrize(("roll_up", "word", "flagged"), [("own", "good", False), ("worst_child", "late", True)])
def test_a_parent_shows_its_worst_child_where_the_policy_says_so(
    world: World, roll_up: str, word: str, flagged: bool
) -> None:
    with_roll_up(world, roll_up)
    parent = billed(world, number="2", account="2", renews_in=100)
    settle(world, parent)
    pays_all(world)
    child = billed(world, renews_in=300, parent="2")
    settle(world, parent)
    settle(world, child)
    world.clock.forward(days=60)
    settle(world, child)
    world.run(for_record(TargetKind.HEALTH, parent))
    settle(world, parent)
    above = RecordRef("fake", "account", "2")
    assert (shows(world, above, "health"), shows(world, above, "late_payer")) == (word, flagged)
    assert ("Company 1 below it is late" in str(shows(world, above, "health_reason"))) is flagged


def test_a_holding_that_is_billed_nothing_shows_its_worst_child_where_the_policy_says_so(world: World) -> None:
    with_roll_up(world, "worst_child")
    holding = RecordRef("fake", "account", "9")
    world.crm.shown[holding] = {}
    customer = billed(world, parent="9")
    settle(world, customer)
    assert shows(world, holding, "health") is None  # nothing is known of anybody yet
    world.clock.forward(days=60)
    settle(world, customer)
    follow(world)
    assert shows(world, holding, "health") == "late"
    assert str(shows(world, holding, "health_reason")).startswith("Company 1 below it is late: ")
    assert shows(world, holding, "late_payer") is None
    set_health_policy({"roll_up": "own"}, world.services, by="Grace")
    follow(world)
    assert (shows(world, holding, "health"), shows(world, holding, "health_reason")) == ("unknown", "")


def test_a_child_shows_how_its_payer_pays_where_the_policy_says_so(world: World) -> None:
    with_roll_up(world, "payer")
    world.crm.shown[RecordRef("fake", "account", "7")] = {}
    deal = a_fake_deal("1", account="1", renews_on=(NOW.date() + timedelta(days=100)).isoformat(), net_days="Net 10")
    company = {**deal.records["Company"], "payer": "7", "payer_name": "Holding"}
    payer = RecordRef("fake", "account", "7")
    world.crm.has(replace(deal, records={**deal.records, "Company": company}, payer=payer))
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    settle(world, billing.customer)
    world.clock.forward(days=60)
    settle(world, billing.customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert str(shows(world, ACCOUNT, "health_reason")).startswith("Paid for by Holding. ")


def test_the_nightly_run_flags_just_as_a_look_at_one_account_does(world: World) -> None:
    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    assess_accounts("all", world.services)
    follow(world)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(world.crm.tasks) == 1
    with world.services.store.begin() as work:
        by_night = work.accounts.flag(ACCOUNT)
    assess_account(str(customer), world.services)
    with world.services.store.begin() as work:
        assert work.accounts.flag(ACCOUNT) == by_night


def test_a_renewal_that_has_passed_clears_the_flag(world: World) -> None:
    customer = billed(world, renews_in=61)
    settle(world, customer)
    world.clock.forward(days=60)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    # The period's end, which comes up every month, would be the next renewal: this CRM goes by its own dates alone.
    world = replace(world, services=replace(world.services, mappings={"fake": only_by_field(RENEWING)}))
    world.clock.forward(days=2)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is False
    assert list(world.crm.closed_tasks.values()) == ["No longer flagged: the renewal of 2027-01-21 has passed."]


def only_by_field(mapping: FieldMapping) -> FieldMapping:
    return replace(mapping, renewal_from=("crm_field",))


def test_an_account_that_is_in_no_crm_of_ours_costs_no_call(world: World) -> None:
    flag_late_payers("other:account:1", world.services)
    flag_late_payers("fake:account:unknown", world.services)
    assert world.crm.calls == []


def test_an_account_that_is_billed_no_more_loses_its_flag_and_its_tasks(world: World) -> None:
    late_near_renewal(world)
    with world.services.store.begin() as work:
        work.links.follow(ACCOUNT, RecordRef("fake", "account", "2"))  # as a merge does
    flag_late_payers(str(ACCOUNT), world.services)
    assert list(world.crm.closed_tasks.values()) == ["No longer flagged: the account is not billed any more."]
    with world.services.store.begin() as work:
        assert work.renewals.due(world.clock().date() + timedelta(days=99), 10) == []
        assert work.renewals.upcoming(world.clock().date() + timedelta(days=99), 10) == []


def test_a_date_is_read_from_the_deal_and_shown_on_the_account(world: World) -> None:
    customer = billed(world, renews_in=100)
    settle(world, customer)
    assert shows(world, ACCOUNT, "renewal_date") == date(2027, 3, 1)
