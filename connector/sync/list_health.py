"""Everybody's payment health on a day, from the ledger alone and without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from connector.domain.account_facts import AccountFacts
from connector.domain.billing import Customer
from connector.domain.health_policy import HealthPolicy
from connector.domain.payment_health import PaymentHealth, assess
from connector.domain.portfolio import Portfolio
from connector.domain.refs import RecordRef
from connector.ports import Services

_AT_A_TIME = 500


def list_health(
    services: Services, as_of: date, customer: RecordRef | None = None
) -> Iterator[tuple[Customer, PaymentHealth]]:
    """Each customer of the ledger, or one, as of that day; those without an invoice by then are left out.

    A past day is seen with what is known of its invoices now: one that was paid later was unpaid then, but credits,
    disputes and part payments are not dated back.
    """
    with services.store.begin() as work:
        portfolio = work.portfolios.newest()
        refs = iter([customer] if customer else work.ledger.customers())
    while batch := list(islice(refs, _AT_A_TIME)):
        with services.store.begin() as work:
            for facts in work.book.facts(batch):
                found = _assessed(facts, as_of, services.health_policy, portfolio)
                if found is not None:
                    yield facts.account.customer, found


def _assessed(facts: AccountFacts, as_of: date, policy: HealthPolicy, portfolio: Portfolio) -> PaymentHealth | None:
    account, known = facts.account, facts.background
    issued = [each for each in account.invoices if (each.finalized_at or each.created_at).date() <= as_of]
    if not issued:
        return None
    profiles = [known.profiles[owner] for owner in facts.owners if owner in known.profiles]
    return assess(
        issued,
        account.payments,
        account.disputes,
        as_of,
        policy.for_account(profiles[0]) if profiles else policy,
        portfolio,
        promises=known.promises,
        customer=account.customer,
    )
