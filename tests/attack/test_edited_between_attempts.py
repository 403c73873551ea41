"""A deal that is changed between two attempts is never billed twice, in no form and to no second customer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.billing import InvoiceStatus
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, RetryLater, Unreachable
from connector.store.links import PostgresLinks
from connector.sync.bill_deal import bill_deal
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import once

ONE_OFF = ({"name": "Seats", "quantity": 5, "price": "20.00", "interval": "one-time"},)


def an_unheard_attempt(world: World, role: str = "subscription", **deal: object) -> RecordRef:
    """Billing made it, and the answer was lost."""
    ref = world.crm.has(a_fake_deal(**deal))  # type: ignore[arg-type]  # whatever the factory takes
    world.billing.trouble = once(f"after run {role}", Unreachable("The connection broke."))
    with pytest.raises(RetryLater):
        bill_deal(str(ref), world.services)
    return ref


def made(world: World) -> int:
    """How many things in billing ask for money, drafts and subscriptions' own invoices aside."""
    alone = [i for i in world.billing.invoices.values() if i.subscription is None]
    return len(world.billing.subscriptions) + len(alone)


def attempts(world: World, ref: RecordRef, times: int = 4) -> None:
    for _ in range(times):
        try:
            bill_deal(str(ref), world.services)
        except (RetryLater, NeedsHuman):
            continue


@pytest.mark.parametrize(
    ("role", "before", "after"),
    [
        ("subscription", {}, {"lines": ONE_OFF}),
        ("invoice", {"lines": ONE_OFF}, {}),
        ("subscription", {}, {"account": "2"}),
        ("invoice", {"lines": ONE_OFF}, {"lines": ONE_OFF, "account": "2"}),
        ("subscription", {}, {"lines": ONE_OFF, "account": "2"}),
    ],
    ids=["no longer recurs", "recurs now", "other account", "other account, one-off", "both"],
)
def test_an_edited_deal_is_a_question_to_a_person_and_not_billed_again(
    world: World, role: str, before: dict[str, object], after: dict[str, object]
) -> None:
    ref = an_unheard_attempt(world, role, **before)
    world.crm.has(a_fake_deal(**after))  # type: ignore[arg-type]  # whatever the factory takes
    attempts(world, ref)
    assert made(world) == 1
    with pytest.raises(NeedsHuman, match="already"):
        bill_deal(str(ref), world.services)


def test_a_deal_that_is_put_back_as_it_was_takes_up_what_was_made(world: World) -> None:
    ref = an_unheard_attempt(world)
    world.crm.has(a_fake_deal(account="2"))
    attempts(world, ref)
    world.crm.has(a_fake_deal())
    bill_deal(str(ref), world.services)
    assert made(world) == 1
    with world.services.store.begin() as work:
        assert work.links.of(ref)["subscription"].id in world.billing.subscriptions


@pytest.mark.parametrize("role", ["subscription", "invoice"])
def test_once_a_person_has_undone_the_first_attempt_the_deal_is_billed_as_it_is_now(world: World, role: str) -> None:
    lines, changed = ({"lines": ONE_OFF}, {}) if role == "invoice" else ({}, {"lines": ONE_OFF})
    ref = an_unheard_attempt(world, role, **lines)
    world.crm.has(a_fake_deal(**changed))  # type: ignore[arg-type]  # whatever the factory takes
    attempts(world, ref)
    for name, subscription in world.billing.subscriptions.items():
        world.billing.subscriptions[name] = replace(subscription, status="canceled")
    for name, invoice in world.billing.invoices.items():
        world.billing.invoices[name] = replace(invoice, status=InvoiceStatus.VOID)
    bill_deal(str(ref), world.services)
    assert made(world) == 2


def test_a_crash_just_after_the_last_step_leaves_no_half_remembered_deal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What bills the deal and that it is billed are remembered together, or not at all."""
    ref = world.crm.has(a_fake_deal())

    def crash(*_arguments: object) -> None:
        raise Unreachable("The database went away.")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresLinks, "bill_to", crash)
        with pytest.raises(RetryLater):
            bill_deal(str(ref), world.services)
    with world.services.store.begin() as work:
        assert work.links.of(ref) == {}
    bill_deal(str(ref), world.services)
    assert made(world) == 1
