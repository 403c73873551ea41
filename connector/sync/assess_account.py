"""A day has passed: what was due is now late, although nobody sent an event. The ledger knows enough for that."""

from __future__ import annotations

from connector.domain.refs import RecordRef
from connector.ports import Services
from connector.sync.rules_in_force import rules_in_force
from connector.sync.show_account import show_account


def assess_account(ref: str, services: Services) -> None:
    """Work out one customer's payment health afresh, from the ledger alone."""
    customer, rules = RecordRef.parse(ref), rules_in_force(services)
    with services.store.begin() as work:
        work.ledger.hold(customer)  # first, as everybody: else the nightly run could show what was true before this
        account = work.ledger.account(customer)
        if account is not None:
            show_account(account, work, rules, services)
