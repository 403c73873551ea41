"""Everybody's payment health on a day, from the ledger alone and without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from connector.domain.account_facts import AccountFacts, Background
from connector.domain.account_picture import Rules
from connector.domain.billing import Customer
from connector.domain.payment_health import PaymentHealth, assess
from connector.domain.refs import RecordRef
from connector.ports import Services
from connector.sync.rules_in_force import rules_in_force

_AT_A_TIME = 500


def list_health(
    services: Services, as_of: date, customer: RecordRef | None = None
) -> Iterator[tuple[Customer, PaymentHealth]]:
    """Each customer of the ledger, or one, as of that day; those without an invoice by then are left out.

    A past day is seen with what is known of its invoices now: one that was paid later was unpaid then, but credits,
    disputes and part payments are not dated back. What is said is the payment record itself, by the policy in force:
    overrides, roll-ups and renewal flags, which a CRM's record shows too, are left out.
    """
    rules = rules_in_force(services)
    with services.store.begin() as work:
        refs = iter([customer] if customer else work.ledger.customers())
    while batch := list(islice(refs, _AT_A_TIME)):
        with services.store.begin() as work:
            known = work.accounts.background(batch)
            for facts in work.book.facts(batch):
                found = _assessed(facts, known.get(facts.account.customer.ref, Background()), as_of, rules)
                if found is not None:
                    yield facts.account.customer, found


def _assessed(facts: AccountFacts, known: Background, as_of: date, rules: Rules) -> PaymentHealth | None:
    account = facts.account
    issued = [each for each in account.invoices if (each.finalized_at or each.created_at).date() <= as_of]
    if not issued:
        return None
    profiles = [known.profiles[owner] for owner in facts.owners if owner in known.profiles]
    return assess(
        issued,
        account.payments,
        account.disputes,
        as_of,
        rules.policy.for_account(profiles[0]) if profiles else rules.policy,
        rules.portfolio,
        promises=known.promises,
        customer=account.customer,
    )
