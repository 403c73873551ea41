"""What a customer has paid decides which terms its next deal gets unasked, and the records say so before it is won."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.approval import ApprovalPolicy, ApprovalRule
from connector.domain.billing import BillingAccount, Customer, Invoice
from connector.domain.billing_plan import StepKey
from connector.domain.health_word import Health
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import TermsException, TermsMode
from connector.errors import NeedsHuman, Unreachable
from connector.ports import DealPlan, DealRecords, Link, NewOverride, PlanState
from connector.sync.allow_terms import allow_terms, end_exception
from connector.sync.bill_deal import bill_deal
from connector.sync.decide_plan import approve_plan, decline_plan
from connector.sync.override_health import override_health
from connector.sync.refresh_account import refresh_account
from connector.targets import TargetKind, for_record
from tests.factories import TODAY, an_invoice
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import message_on, once

ACCOUNT = RecordRef("fake", "account", "1")


@pytest.fixture
def known(world: World) -> World:
    """A connector that has billed the account before."""
    bill(world, world.crm.has(a_fake_deal("before")))
    return world


def bill(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def customer(world: World) -> RecordRef:
    with world.services.store.begin() as work:
        found = work.links.get(StepKey(ACCOUNT, CUSTOMER))
    assert found is not None
    return found


def pays(world: World, *invoices: Invoice) -> None:
    """What the ledger knows of the account from now on."""
    world.clock.forward(seconds=1)
    ref = customer(world)
    told = BillingAccount(Customer(ref, "Company 1"), invoices=tuple(replace(each, customer=ref) for each in invoices))
    with world.services.store.begin() as work:
        assert work.ledger.save(told, world.clock())


def pays_well(world: World) -> None:
    due = [TODAY - timedelta(days=30 * n) for n in range(1, 7)]
    pays(world, *(an_invoice(n, due=day, paid=day) for n, day in enumerate(due)))


def pays_late(world: World) -> None:
    due = [TODAY - timedelta(days=40 * n) for n in range(1, 5)]
    pays(world, *(an_invoice(n, due=day, paid=day + timedelta(days=35)) for n, day in enumerate(due)))


def owes_for_long(world: World) -> None:
    pays(world, an_invoice(due=TODAY - timedelta(days=100)))


def said(world: World, ref: RecordRef) -> str:
    with world.services.store.begin() as work:
        state = work.records.get(ref)
    return str(state.desired.get("terms_advice", "")) if state else ""


def latest(world: World, ref: RecordRef) -> DealPlan:
    with world.services.store.begin() as work:
        plan = work.plans.latest(ref)
    assert plan is not None
    return plan


def due_in(world: World, ref: RecordRef) -> int | None:
    """Days until what the deal bills is due, as its plan has it."""
    days = [step["terms"]["net_days"] for step in latest(world, ref).document["steps"] if "terms" in step]
    return days[0] if days else None


def audited(world: World) -> list[str]:
    with world.services.store.begin() as work:
        return [str(line["what"]) for line in work.audit.recent(20)]


def exception(world: World, days: int = 60, **changes: object) -> TermsException:
    until = TODAY + timedelta(days=30)
    plain = TermsException(ACCOUNT, days, "Anna Example", "strategic", until, "fin", world.clock())
    return replace(plain, **changes)  # type: ignore[arg-type]  # whatever field a test names


def allow(world: World, days: int = 60, **changes: object) -> TermsException:
    return allow_terms(exception(world, days, **changes), world.services)


def opened(deal: DealRecords) -> DealRecords:
    return replace(deal, won=False, closed=False, stage="talking")


def with_policy(world: World, **changes: object) -> None:
    policy = replace(world.services.terms_policy, **changes)  # type: ignore[arg-type]  # whatever a test names
    world.services = replace(world.services, terms_policy=policy)


# --- What the records say --------------------------------------------------------------------------------------------


def test_an_open_deal_of_a_known_customer_is_told_which_terms_its_record_supports(known: World) -> None:
    """Before anybody signs longer ones; and it costs no call beyond reading the deal."""
    pays_late(known)
    ref = known.crm.has(opened(a_fake_deal("2", net_days=60)))
    known.crm.calls.clear()
    known.billing.calls.clear()
    bill(known, ref)
    text = said(known, ref)
    assert text.startswith("The account's payment record is late and supports up to 14 days to pay.")
    assert "The deal allows 60 days" in text
    assert "connector terms allow fake:1 --net-days 60" in text
    assert (known.crm.calls, known.billing.calls) == (["fetch_deal"], [])
    assert message_on(known, ref) == (None, None)


def test_an_open_deal_whose_terms_are_in_order_is_told_no_more_than_what_is_supported(known: World) -> None:
    pays_well(known)
    ref = known.crm.has(opened(a_fake_deal("2", net_days=60)))
    bill(known, ref)
    assert "is good and supports up to 90 days" in said(known, ref)
    assert "The deal allows" not in said(known, ref)


def test_an_open_deal_of_nobody_we_know_is_told_nothing(world: World) -> None:
    ref = world.crm.has(opened(a_fake_deal()))
    bill(world, ref)
    assert said(world, ref) == ""


def test_a_lost_deal_is_told_nothing(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(replace(opened(a_fake_deal("2")), closed=True))
    bill(known, ref)
    assert said(known, ref) == ""


def test_an_open_deal_that_cannot_be_read_is_told_what_is_supported_all_the_same(known: World) -> None:
    """Whose days to pay are no number yet, say."""
    pays_late(known)
    ref = known.crm.has(opened(a_fake_deal("2", net_days="soon")))
    bill(known, ref)
    assert "supports up to 14 days" in said(known, ref)


def test_a_customer_that_only_the_record_names_is_known_by_it(known: World) -> None:
    """Another account that carries the customer's id, before anything was billed to it."""
    pays_late(known)
    deal = opened(a_fake_deal("2", account="9"))
    records = {**deal.records, "Company": {"name": "Company 9", "customer_id": customer(known).id}}
    ref = known.crm.has(replace(deal, records=records))
    bill(known, ref)
    assert "supports up to 14 days" in said(known, ref)


def test_the_deal_that_is_billed_keeps_what_was_said_of_it(known: World) -> None:
    pays_well(known)
    ref = known.crm.has(a_fake_deal("2", net_days=45))
    bill(known, ref)
    assert message_on(known, ref) == ("billed", "")
    assert "supports up to 90 days" in said(known, ref)


def test_without_a_policy_nothing_is_said_and_nothing_waits(known: World) -> None:
    with_policy(known, mode=TermsMode.OFF)
    owes_for_long(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    assert message_on(known, ref) == ("billed", "")
    assert said(known, ref) == ""


def test_advice_alone_is_said_and_changes_nothing(known: World) -> None:
    """Neither the days of a deal that names none, nor what is billed."""
    with_policy(known, mode=TermsMode.ADVISE)
    owes_for_long(known)
    named, silent = known.crm.has(a_fake_deal("2", net_days=60)), known.crm.has(a_fake_deal("3"))
    for ref in (named, silent):
        bill(known, ref)
        assert message_on(known, ref) == ("billed", "")
    assert "The deal allows 60 days" in said(known, named)
    assert "connector terms allow" not in said(known, named)
    assert due_in(known, silent) == 30


# --- Terms that go against the record --------------------------------------------------------------------------------


def test_terms_that_go_against_the_record_wait_before_anything_is_made(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    before = len(known.billing.subscriptions)
    bill(known, ref)
    status, message = message_on(known, ref)
    assert status == "awaiting_approval"
    assert str(message).startswith("The deal allows 60 days to pay, more than the account's payment record supports.")
    assert "connector terms allow fake:1 --net-days 60" in str(message)
    assert len(known.billing.subscriptions) == before
    assert latest(known, ref).state is PlanState.WAITING


def test_an_exception_lets_the_deal_go_and_the_plan_remembers_it(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    kept = allow(known)
    known.run(for_record(TargetKind.DEAL, ref))  # recording it has marked the deal
    assert message_on(known, ref) == ("billed", "")
    plan = latest(known, ref)
    assert plan.terms is not None
    assert (plan.terms.exception, plan.terms.held, plan.reason) == (kept.id, False, kept.said)
    assert "Anna Example answers for up to 60 days" in said(known, ref)
    assert "terms exception used" in audited(known)


def test_an_exception_that_was_there_before_lets_the_deal_pass_unseen(known: World) -> None:
    pays_late(known)
    kept = allow(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    assert message_on(known, ref)[0] == "billed"
    terms = latest(known, ref).terms
    assert terms is not None
    assert terms.exception == kept.id
    assert "terms exception used" in audited(known)


def test_an_exception_is_none_on_the_day_after_its_last(known: World) -> None:
    pays_late(known)
    allow(known, until=TODAY + timedelta(days=2))
    known.clock.forward(days=2)
    last_day, day_after = known.crm.has(a_fake_deal("2", net_days=60)), known.crm.has(a_fake_deal("3", net_days=60))
    bill(known, last_day)
    known.clock.forward(days=1)
    bill(known, day_after)
    assert message_on(known, last_day)[0] == "billed"
    assert message_on(known, day_after)[0] == "awaiting_approval"


def test_an_exception_that_was_ended_lets_nothing_pass(known: World) -> None:
    pays_late(known)
    kept = allow(known)
    end_exception(kept.id, known.services, by="fin", why="the board changed its mind")
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    assert message_on(known, ref)[0] == "awaiting_approval"
    assert audited(known)[0] == "terms exception ended"


def test_an_exception_for_fewer_days_than_the_deal_has_does_not_help(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    allow(known, 45)
    known.run(for_record(TargetKind.DEAL, ref))
    assert message_on(known, ref)[0] == "awaiting_approval"


def test_an_exception_of_another_record_of_the_same_customer_counts(known: World) -> None:
    """The company in the other CRM is the same company."""
    other, twin = RecordRef("fake", "account", "twin"), customer(known)
    with known.services.store.begin() as work:
        work.links.remember(Link(StepKey(other, CUSTOMER), twin))
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    allow(known, account=other)
    known.run(for_record(TargetKind.DEAL, ref))
    assert message_on(known, ref)[0] == "billed"


def test_a_person_may_approve_the_one_deal_instead(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    approve_plan(ref, known.services, by="Fin")
    bill(known, ref)
    assert message_on(known, ref) == ("billed", "")
    assert (latest(known, ref).decided_by, due_in(known, ref)) == ("Fin", 60)


def test_a_deal_whose_days_are_changed_goes_on_by_itself(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    known.crm.has(a_fake_deal("2", net_days=14))
    bill(known, ref)
    assert (message_on(known, ref)[0], due_in(known, ref)) == ("billed", 14)


def test_a_deal_whose_account_has_paid_up_goes_on_by_itself(known: World) -> None:
    owes_for_long(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    assert message_on(known, ref)[0] == "awaiting_approval"
    pays_well(known)
    bill(known, ref)
    assert message_on(known, ref) == ("billed", "")


def test_a_persons_word_over_the_record_counts_for_terms_too(known: World) -> None:
    """The record says good, by hand: then its terms are those of a good account."""
    pays_late(known)
    by_hand = NewOverride(ACCOUNT, Health.GOOD, "fin", "They pay by a plan.", TODAY + timedelta(days=9))
    override_health(by_hand, known.services)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    assert message_on(known, ref) == ("billed", "")
    assert "is good and supports up to 90 days" in said(known, ref)


def test_a_payment_has_the_deals_looked_at_that_wait_for_their_terms(known: World) -> None:
    """Nobody has to touch the deal: the invoice's event is enough."""
    known.clock.forward(days=100)
    account = for_record(TargetKind.ACCOUNT, customer(known))
    refresh_account(account.ref, known.services)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    assert message_on(known, ref)[0] == "awaiting_approval"
    refresh_account(account.ref, known.services)
    assert not known.dirty(for_record(TargetKind.DEAL, ref))
    known.clock.forward(days=1)
    for invoice in known.billing.invoices:
        known.billing.pays(invoice)
    refresh_account(account.ref, known.services)
    assert known.dirty(for_record(TargetKind.DEAL, ref))


def test_what_a_person_declined_stays_declined_whatever_exception_comes(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    decline_plan(ref, known.services, by="Fin", why="Not again")
    allow(known)
    bill(known, ref)
    assert message_on(known, ref)[0] == "needs_attention"
    assert latest(known, ref).state is PlanState.DECLINED


def test_an_exception_answers_for_the_terms_and_for_nothing_else(known: World) -> None:
    """A deal that waits for its amount as well goes on waiting for that."""
    known.services = replace(known.services, approval_policy=ApprovalPolicy(frozenset({ApprovalRule.ALWAYS})))
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2", net_days=60))
    bill(known, ref)
    message = str(message_on(known, ref)[1])
    assert "waits for approval" in message
    assert "The deal allows 60 days" in message
    allow(known)
    bill(known, ref)
    assert message_on(known, ref)[0] == "awaiting_approval"


def test_an_account_that_is_far_behind_waits_for_a_person_even_with_the_shortest_terms(known: World) -> None:
    owes_for_long(known)
    ref = known.crm.has(a_fake_deal("2", net_days=0))
    bill(known, ref)
    status, message = message_on(known, ref)
    assert status == "awaiting_approval"
    assert "a person decides" in str(message)


# --- Deals that name no days -----------------------------------------------------------------------------------------


def test_a_deal_that_names_no_days_gets_those_of_the_record_and_says_so(known: World) -> None:
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    status, message = message_on(known, ref)
    assert (status, due_in(known, ref)) == ("billed", 14)
    assert "due in 14 days" in str(message)


@pytest.mark.parametrize("default", [10, 30])
def test_a_good_record_leaves_the_operators_default_as_it_is(known: World, default: int) -> None:
    policy = replace(known.services.billing_policy, default_net_days=default)
    known.services = replace(known.services, billing_policy=policy)
    pays_well(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    assert (message_on(known, ref), due_in(known, ref)) == (("billed", ""), default)


def test_an_account_without_history_gets_the_operators_default(known: World) -> None:
    """Its first invoice has not come due."""
    pays(known, an_invoice(due=TODAY + timedelta(days=20)))
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    assert (message_on(known, ref), due_in(known, ref)) == (("billed", ""), 30)
    assert "the usual terms hold" in said(known, ref)


@pytest.mark.parametrize("operation", ["run subscription", "after run subscription"])
def test_days_that_were_given_do_not_change_while_a_deal_is_being_billed(known: World, operation: str) -> None:
    """Half of it is made when billing fails; the customer pays meanwhile; the other half is made on the same terms."""
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2"))
    known.billing.trouble = once(operation, Unreachable("No answer."))
    with pytest.raises(Unreachable):
        bill(known, ref)
    pays_well(known)
    bill(known, ref)
    assert (message_on(known, ref)[0], due_in(known, ref)) == ("billed", 14)


def test_days_that_were_seen_and_approved_are_billed_whatever_was_paid_since(known: World) -> None:
    known.services = replace(known.services, approval_policy=ApprovalPolicy(frozenset({ApprovalRule.ALWAYS})))
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    approve_plan(ref, known.services, by="Fin", seen=latest(known, ref).hash)
    pays_well(known)
    bill(known, ref)
    assert (message_on(known, ref)[0], due_in(known, ref)) == ("billed", 14)


def test_a_billed_deal_that_is_edited_keeps_the_days_it_was_given(known: World) -> None:
    """The customer pays well by now: that is no change of this deal."""
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    pays_well(known)
    known.crm.has(a_fake_deal("2", po_number="PO-2"))
    bill(known, ref)
    status, message = message_on(known, ref)
    assert status == "awaiting_approval"
    assert "PO-2" in str(message)
    assert "days until due" not in str(message)


def test_an_account_that_pays_up_before_a_person_decides_gets_its_usual_days_back(known: World) -> None:
    owes_for_long(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    assert due_in(known, ref) == 0
    pays_well(known)
    bill(known, ref)
    assert (message_on(known, ref), due_in(known, ref)) == (("billed", ""), 30)


def test_a_deal_that_is_moved_to_another_account_leaves_the_days_it_was_given_behind(known: World) -> None:
    """They were the other's."""
    known.services = replace(known.services, approval_policy=ApprovalPolicy(frozenset({ApprovalRule.ALWAYS})))
    pays_late(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    assert due_in(known, ref) == 14
    known.crm.has(a_fake_deal("2", account="7"))
    bill(known, ref)
    assert due_in(known, ref) == 30


def test_an_exception_gives_a_silent_deal_its_usual_days_back(known: World) -> None:
    owes_for_long(known)
    ref = known.crm.has(a_fake_deal("2"))
    bill(known, ref)
    allow(known)
    known.run(for_record(TargetKind.DEAL, ref))
    assert (message_on(known, ref), due_in(known, ref)) == (("billed", ""), 30)


# --- Recording -------------------------------------------------------------------------------------------------------


def test_an_exception_that_would_be_over_already_is_refused(world: World) -> None:
    with pytest.raises(NeedsHuman) as refused:
        allow(world, until=TODAY - timedelta(days=1))
    assert refused.value.sentence_id == "terms-exception-over"
    assert audited(world) == []


def test_recording_and_ending_leave_their_lines_in_the_audit(world: World) -> None:
    kept = allow(world)
    end_exception(kept.id, world.services, by="fin", why="it was a mistake")
    assert audited(world)[:2] == ["terms exception ended", "terms exception recorded"]
    with pytest.raises(NeedsHuman) as refused:
        end_exception(kept.id, world.services, by="fin", why="again")
    assert refused.value.sentence_id == "terms-no-exception"
