"""From the sandbox's Stripe to the receivables of every day: what was owed is told from how it stands now."""

from __future__ import annotations

from datetime import date, timedelta

from connector.domain.billing_plan import StepKey
from connector.domain.receivable_rows import open_amount
from connector.domain.receivables_report import Asked, Report
from connector.domain.refs import RecordRef
from connector.store import PostgresStore
from connector.sync.report_receivables import report_receivables
from tests.billing.stripe.conftest import CUSTOMER_KEY, DEAL, an_invoice_step
from tests.billing.stripe.world import World


def sent(world: World, name: str) -> RecordRef:
    """An invoice over 100.00, thirty days net."""
    invoice = world.run(an_invoice_step(key=StepKey(DEAL, f"invoice/{name}")))
    world.billing.release_first_invoice(invoice, 10_000)
    return invoice


def reported(store: PostgresStore, as_of: date, today: date) -> Report:
    with store.begin() as work:
        return report_receivables(work, Asked(as_of), today)


def test_every_past_day_is_told_from_what_stripe_says_now(strict_world: World, store: PostgresStore) -> None:
    """Paid in part, credited, the rest elsewhere and some of it given back; written off; voided."""
    world = strict_world
    world.customer()
    world.product()
    began = world.today
    mixed, lost, void = sent(world, "1"), sent(world, "2"), sent(world, "3")
    world.later(days=5)
    world.do(f"invoices/{mixed.id}/pay", amount=4000)
    world.sdk.v1.invoices.void_invoice(void.id)
    world.later(days=5)
    world.sdk.v1.credit_notes.create({"invoice": mixed.id, "amount": 1000})
    world.later(days=10)
    world.sdk.v1.invoices.pay(mixed.id, {"paid_out_of_band": True})
    world.sdk.v1.credit_notes.create({"invoice": mixed.id, "amount": 500, "credit_amount": 500})
    world.later(days=40)
    world.sdk.v1.invoices.mark_uncollectible(lost.id)
    account = world.account()
    with store.begin() as work:
        work.ledger.save(account, world.sandbox.clock.now())
        owed = {invoice.ref: invoice for invoice in work.receivables.invoices(world.today)}

    def left(invoice: RecordRef) -> list[int]:
        return [open_amount(owed[str(invoice)], began + timedelta(days=days)) for days in (0, 4, 5, 10, 19, 20, 59, 60)]

    assert left(mixed) == [10_000, 10_000, 6_000, 5_000, 5_000, 0, 0, 0]
    assert left(lost) == [10_000] * 7 + [0]
    assert left(void) == [10_000, 10_000, 0, 0, 0, 0, 0, 0]

    now = reported(store, world.today, world.today).figures["usd", ""]
    assert (now.open, now.sales, now.collected, now.written_off) == (0, 20_000, 9_000, 10_000)
    assert now.unapplied_credits == -500
    before = reported(store, world.today - timedelta(days=1), world.today).figures["usd", ""]
    assert (before.open, before.overdue, before.written_off) == (10_000, 10_000, 0)
    assert before.unapplied_credits is None
    assert account.customer.ref == world.made[CUSTOMER_KEY]
