"""Everything a billing customer's CRM records are worked out from, as plain values: one truth for one and for all.

A refresh of one account and the nightly run over all of them read the facts in their own ways, and both end here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.domain.billing import BillingAccount
from connector.domain.payment_health import HealthPolicy
from connector.domain.record_values import account_values, deal_values
from connector.domain.refs import RecordRef
from connector.domain.write_back import Values


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One billing customer and what it stands for in the CRMs."""

    account: BillingAccount
    owners: Sequence[RecordRef] = ()  #: CRM accounts that are billed as this customer
    billed_by: Mapping[RecordRef, Sequence[RecordRef]] = field(default_factory=dict)
    """Deals billed to this customer, each with the subscriptions, schedules and invoices that bill it."""


def shown_values(facts: AccountFacts, today: date, policy: HealthPolicy) -> dict[RecordRef, Values]:
    """What every CRM record of the customer should show on that day."""
    values: dict[RecordRef, Values] = {}
    if facts.owners:
        values = dict.fromkeys(facts.owners, account_values(facts.account, today, policy))
    for deal, billed_by in facts.billed_by.items():
        values[deal] = deal_values(facts.account, deal, billed_by, today, policy)
    return values
