"""CRM accounts, what people said of them, how they stood, and the deals and tasks of their renewals are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.domain.account_facts import Background
from connector.domain.account_profile import AccountProfile
from connector.domain.billing import BillingAccount, Customer
from connector.domain.billing_plan import StepKey
from connector.domain.excuses import Excuses
from connector.domain.health_word import Health
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.renewals import Renewal, RenewalSource
from connector.domain.roll_up import Relative
from connector.ports import DealBilling, Link, NewOverride, NewPromise, RenewalTask, UnitOfWork
from connector.store import PostgresStore
from tests.factories import NOW, TODAY, an_invoice

LATER = NOW + timedelta(hours=1)


def account(number: int) -> RecordRef:
    return RecordRef("hubspot", "account", str(number))


def customer(number: int) -> RecordRef:
    return RecordRef("stripe", "customer", f"cus_{number}")


def deal(number: int) -> RecordRef:
    return RecordRef("hubspot", "deal", str(number))


ADA = RecordRef("hubspot", "owner", "1")
PROFILE = AccountProfile(account(1), account(9), ADA, "large", "DE", "gold")


def a_flag(number: int = 1, **changes: object) -> Flag:
    excuses = Excuses(TODAY, frozenset({RecordRef("stripe", "invoice", "in_1")}), frozenset())
    renewal = Renewal(TODAY + timedelta(days=40), RenewalSource.CONTRACT_END)
    flag = Flag(account(number), True, 60, renewal, Health.LATE, Health.GOOD, "Pays well.", TODAY, excuses)
    return replace(flag, **changes)  # type: ignore[arg-type]  # a test's own shorthand


def is_billed(work: UnitOfWork, number: int, name: str = "") -> None:
    work.ledger.save(BillingAccount(Customer(customer(number), name)), NOW)
    work.links.remember(Link(StepKey(account(number), CUSTOMER), customer(number)))


def sells(work: UnitOfWork, number: int, to: int) -> None:
    work.links.bill_to(deal(number), DealBilling(customer(to), account(to)))


def test_what_an_account_is_is_news_once_and_an_older_look_overwrites_nothing(store: PostgresStore) -> None:
    with store.begin() as work:
        assert work.accounts.describe(PROFILE, NOW)
        assert not work.accounts.describe(PROFILE, LATER)
        assert work.accounts.describe(replace(PROFILE, owner=None), LATER)
        assert not work.accounts.describe(PROFILE, NOW - timedelta(days=1))
        assert work.accounts.profile(account(1)) == replace(PROFILE, owner=None)
        assert work.accounts.profile(account(2)) is None


def test_whom_a_billed_deal_was_sold_to_is_news_once(store: PostgresStore) -> None:
    with store.begin() as work:
        assert not work.accounts.sold(deal(1), account(2), TODAY)  # it is not billed
        is_billed(work, 1)
        sells(work, 1, to=1)
        assert work.accounts.sold(deal(1), account(2), TODAY)
        assert not work.accounts.sold(deal(1), account(2), TODAY)
        assert work.accounts.sold(deal(1), None, None)
        sells(work, 1, to=1)  # which forgets nothing of it
        assert not work.accounts.sold(deal(1), None, None)


def test_an_account_belongs_to_its_own_customer_else_to_those_that_pay_for_it(store: PostgresStore) -> None:
    with store.begin() as work:
        is_billed(work, 1, "Holding")
        sells(work, 1, to=1)
        work.accounts.sold(deal(1), account(2), None)
        assert work.accounts.customers_of(account(1)) == [customer(1)]
        assert work.accounts.customers_of(account(2)) == [customer(1)]
        assert work.accounts.customers_of(account(3)) == []
        assert [work.accounts.name(account(n)) for n in (1, 2, 3)] == ["Holding", "Holding", "3"]
        is_billed(work, 2, "Child")
        assert work.accounts.customers_of(account(2)) == [customer(2)]


def test_customers_above_are_found_to_the_top_and_circles_are_followed_once(store: PostgresStore) -> None:
    with store.begin() as work:
        for number in (1, 3, 5):  # nobody bills account 2, between 1 and 3
            is_billed(work, number)
        for below, above in ((1, 2), (2, 3), (3, 1), (4, 5)):
            work.accounts.describe(AccountProfile(account(below), parent=account(above)), NOW)
        assert work.accounts.customers_above([account(4)]) == [customer(5)]
        assert work.accounts.customers_above([account(1)]) == [customer(1), customer(3)]
        assert work.accounts.customers_above([account(4), account(2)]) == [customer(1), customer(3), customer(5)]
        assert work.accounts.customers_above([account(5)]) == work.accounts.customers_above([]) == []
        assert work.accounts.unbilled_above([account(1), account(4)]) == [account(2)]
        assert work.accounts.unbilled_above([account(4)]) == work.accounts.unbilled_above([]) == []
        assert work.accounts.unbilled_parents() == [account(2)]


def test_a_flag_comes_back_as_it_was_kept(store: PostgresStore) -> None:
    bare = a_flag(2, renewal=None, window=None, late_payer=False, cleared_on=TODAY, cleared_because="paid")
    with store.begin() as work:
        work.accounts.keep_flags([bare, a_flag()])
        work.accounts.keep_flags([])
        work.accounts.keep_flags([a_flag(word=Health.SEVERE)])
        assert work.accounts.flag(account(1)) == a_flag(word=Health.SEVERE)
        assert work.accounts.flag(account(2)) == bare
        assert work.accounts.flag(account(3)) is None


def test_the_background_of_many_customers_is_each_ones_own(store: PostgresStore) -> None:
    with store.begin() as work:
        is_billed(work, 1, "Holding")
        is_billed(work, 2, "Child")
        sells(work, 1, to=1)
        sells(work, 2, to=2)
        work.accounts.sold(deal(1), account(7), TODAY)
        work.accounts.describe(AccountProfile(account(2), parent=account(1)), NOW)
        work.accounts.describe(AccountProfile(account(3), parent=account(2)), NOW)
        work.accounts.keep_flags([a_flag(2), a_flag(3, own=Health.LATE, own_reason="Pays late.")])
        said = work.said.override(NewOverride(account(2), Health.GOOD, "Grace", "A plan", TODAY), NOW)
        promised = work.said.promise(NewPromise(customer(2), TODAY, "Grace"), NOW)
        work.renewals.carry(account(2), [deal(5)], NOW)

        found = work.accounts.background([customer(1), customer(2), customer(3)])

    child = Relative(account(2), "Child", Health.GOOD, "Pays well.")
    assert found[customer(1)] == Background(
        sold_to={deal(1): account(7)},
        crm_renewals={deal(1): TODAY},
        paid_for=[account(7)],
        overrides=[],
        below={account(1): [child, Relative(account(3), "3", Health.LATE, "Pays late.")]},
    )
    assert found[customer(2)] == Background(
        sold_to={deal(2): account(2)},
        paid_for=[],
        profiles={account(2): AccountProfile(account(2), parent=account(1))},
        overrides=[said],
        promises=[promised],
        below={account(2): [Relative(account(3), "3", Health.LATE, "Pays late.")]},
        before={account(2): a_flag(2)},
        flagged_deals={account(2): [deal(5)]},
    )
    assert found[customer(3)] == Background(paid_for=[], overrides=[])


def test_whoever_has_a_customer_of_its_own_is_paid_for_by_nobody(store: PostgresStore) -> None:
    with store.begin() as work:
        is_billed(work, 1)
        is_billed(work, 2)
        sells(work, 1, to=1)
        work.accounts.sold(deal(1), account(2), None)
        assert work.accounts.background([customer(1)])[customer(1)].paid_for == []


def test_a_circle_of_accounts_is_below_itself_once(store: PostgresStore) -> None:
    with store.begin() as work:
        is_billed(work, 1)
        for child, parent in ((1, 2), (2, 1)):
            work.accounts.describe(AccountProfile(account(child), parent=account(parent)), NOW)
        work.accounts.keep_flags([a_flag(1), a_flag(2)])
        below = work.accounts.background([customer(1)])[customer(1)].below
        assert work.accounts.below(account(1)) == below[account(1)]
        assert work.accounts.below(account(3)) == []
    assert [relative.ref for relative in below[account(1)]] == [account(2)]


def test_a_new_override_ends_the_one_before_it(store: PostgresStore) -> None:
    new = NewOverride(account(1), Health.GOOD, "Grace", "A plan", TODAY)
    with store.begin() as work:
        work.said.override(new, NOW)
        second = work.said.override(replace(new, word=Health.WATCH), LATER)
        assert work.said.overrides() == work.said.overrides(account(1)) == [second]
        assert work.said.overrides(account(2)) == []
        assert work.said.end_override(account(1), "Grace", LATER) == 1
        assert work.said.end_override(account(1), "Grace", LATER) == 0


def test_a_promise_is_kept_until_it_is_withdrawn(store: PostgresStore) -> None:
    invoice = an_invoice(1, customer=customer(1))
    with store.begin() as work:
        work.ledger.save(BillingAccount(Customer(customer(1)), invoices=(invoice,)), NOW)
        kept = work.said.promise(NewPromise(customer(1), TODAY, "Grace", invoice.ref, 100, "eur", "by phone"), NOW)
        assert work.said.promises() == work.said.promises(customer(1)) == [kept]
        assert work.said.promises(customer(2)) == []
        assert work.said.invoices_numbered("A-0001") == [(invoice.ref, customer(1), "eur")]
        taken = work.said.withdraw(kept.id, LATER)
        assert taken == replace(kept, withdrawn_at=LATER)
        assert work.said.withdraw(kept.id, LATER) is None
        assert work.said.promises() == []


def test_deals_carry_a_flag_until_others_do(store: PostgresStore) -> None:
    with store.begin() as work:
        assert work.renewals.carry(account(1), [deal(2), deal(1)], NOW) == []
        assert work.renewals.flagged(account(1)) == [deal(1), deal(2)]
        assert work.renewals.carry(account(1), [deal(2), deal(3)], LATER) == [deal(1)]
        assert work.renewals.carry(account(1), [deal(1)], LATER) == [deal(2), deal(3)]
        assert work.renewals.flagged(account(1)) == [deal(1)]
        assert work.renewals.carry(account(2), [deal(1)], LATER) == []  # it was moved to another account
        assert work.renewals.flagged(account(1)) == []


def test_a_task_is_known_before_it_is_made_and_until_it_is_closed(store: PostgresStore) -> None:
    task = RenewalTask(account(1), TODAY, 60, "Talk to Acme", account(1))
    made = RecordRef("hubspot", "task", "77")
    with store.begin() as work:
        assert work.renewals.task(account(1), TODAY, 60) is None
        work.renewals.begin(task, NOW)
        assert work.renewals.open_tasks(account(1)) == [task]
        work.renewals.begin(replace(task, subject="Talk to Acme GmbH", record=deal(1)), NOW)
        work.renewals.made(task, made, NOW)
        work.renewals.begin(replace(task, subject="Too late"), NOW)
        kept = replace(task, subject="Talk to Acme GmbH", record=deal(1), task=made)
        assert work.renewals.task(account(1), TODAY, 60) == kept
        work.renewals.closed(task, LATER)
        assert work.renewals.open_tasks(account(1)) == []
        assert work.renewals.task(account(1), TODAY, 60) == replace(kept, closed_at=LATER)


def test_flagged_accounts_are_due_until_they_were_looked_at(store: PostgresStore) -> None:
    soon = Renewal(TODAY + timedelta(days=5), RenewalSource.CRM_FIELD)
    with store.begin() as work:
        work.accounts.keep_flags([a_flag(1), a_flag(2, renewal=soon), a_flag(3, late_payer=False)])
        assert work.renewals.due(TODAY, ["hubspot"], 10) == [account(2), account(1)]
        work.renewals.seen(account(2), TODAY)
        assert work.renewals.due(TODAY, ["hubspot"], 10) == [account(1)]
        assert work.renewals.due(TODAY + timedelta(days=1), ["hubspot"], 1) == [account(2)]
        work.accounts.keep_flags([a_flag(2, renewal=soon, word=Health.SEVERE)])
        assert work.renewals.due(TODAY, ["hubspot"], 10) == [account(1)]  # a new word forgets no look


@pytest.mark.parametrize(("days", "found"), [(39, []), (40, [account(1)])])
def test_the_renewals_to_come_are_those_inside_a_window(
    store: PostgresStore, days: int, found: list[RecordRef]
) -> None:
    with store.begin() as work:
        is_billed(work, 1, "Acme")
        work.accounts.keep_flags([a_flag(1), a_flag(2, window=None)])
        work.records.desire(account(1), {"health": "late"})
        rows = work.renewals.upcoming(TODAY + timedelta(days=days), 10)
    assert [row.account for row in rows] == found
    assert [(row.name, row.shown) for row in rows] == [("Acme", {"health": "late"})] * len(found)


def test_late_payers_alone_are_listed_whoever_else_renews_before_them(store: PostgresStore) -> None:
    sooner = Renewal(TODAY + timedelta(days=5), RenewalSource.CRM_FIELD)
    with store.begin() as work:
        is_billed(work, 1)
        is_billed(work, 2)
        work.accounts.keep_flags([a_flag(1), a_flag(2, renewal=sooner, late_payer=False)])
        assert [row.account for row in work.renewals.upcoming(date.max, 1)] == [account(2)]
        assert [row.account for row in work.renewals.upcoming(date.max, 1, late_only=True)] == [account(1)]


def test_a_task_of_the_renewal_before_stands_until_it_is_closed_or_another_is_made(store: PostgresStore) -> None:
    before = RenewalTask(account(1), TODAY - timedelta(days=20), 30, "Talk", account(1))
    now = replace(before, renewal=TODAY + timedelta(days=40), window=60)
    refs = [RecordRef("hubspot", "task", "77"), RecordRef("hubspot", "task", "78")]
    with store.begin() as work:
        is_billed(work, 1)
        work.accounts.keep_flags([a_flag(1)])
        work.renewals.begin(before, NOW)
        work.renewals.made(before, refs[0], NOW)
        assert [row.task for row in work.renewals.upcoming(date.max, 1)] == [refs[0]]
        work.renewals.begin(now, LATER)
        assert [row.task for row in work.renewals.upcoming(date.max, 1)] == [refs[0]]
        work.renewals.made(now, refs[1], LATER)
        assert [row.task for row in work.renewals.upcoming(date.max, 1)] == [refs[1]]
        work.renewals.closed(now, LATER)
        assert [row.task for row in work.renewals.upcoming(date.max, 1)] == [refs[1]]


def test_a_closed_task_of_an_earlier_renewal_is_past(store: PostgresStore) -> None:
    before = RenewalTask(account(1), TODAY - timedelta(days=20), 30, "Talk", account(1))
    with store.begin() as work:
        is_billed(work, 1)
        work.accounts.keep_flags([a_flag(1)])
        work.renewals.begin(before, NOW)
        work.renewals.made(before, RecordRef("hubspot", "task", "77"), NOW)
        work.renewals.closed(before, LATER)
        assert [row.task for row in work.renewals.upcoming(date.max, 1)] == [None]
