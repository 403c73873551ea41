"""Every billing customer is read again: what nothing that happens would ever tell of."""

from __future__ import annotations

from connector import targets
from connector.ports import Services
from connector.targets import TargetKind


def read_everybody(services: Services) -> int:
    """Mark every customer of the ledger; workers read them one by one, within billing's limits. Gives how many.

    Billing's own log reaches back only so far, and a ledger that an older version filled lacks what that version did
    not ask for: customers to whom nothing happens would lack it for good.
    """
    with services.store.begin() as work:
        customers = work.ledger.customers()
        work.targets.mark_all(targets.for_record(TargetKind.ACCOUNT, customer) for customer in customers)
    return len(customers)
