"""Everything a billing customer's CRM records are worked out from, as plain values: one truth for one and for all.

A refresh of one account and the nightly run over all of them read the facts in their own ways;
``connector.domain.account_picture`` works out from them what the records show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.domain.account_profile import AccountProfile
from connector.domain.billing import BillingAccount
from connector.domain.health_override import Override
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.roll_up import Relative


@dataclass(frozen=True, slots=True)
class Background:
    """What we remember of a customer beside its ledger: its CRM accounts, what people said, what we decided before.

    Mappings leave out whatever there is nothing to say of. ``work.accounts.background`` reads it, of many at once.
    """

    sold_to: Mapping[RecordRef, RecordRef] = field(default_factory=dict)  #: billed deal -> the CRM account it is of
    crm_renewals: Mapping[RecordRef, date] = field(default_factory=dict)  #: billed deal -> its renewal by a CRM field
    paid_for: Sequence[RecordRef] = ()  #: CRM accounts without a customer of their own, whose deals this one pays
    profiles: Mapping[RecordRef, AccountProfile] = field(default_factory=dict)
    overrides: Sequence[Override] = ()  #: of any of its CRM accounts, those not ended yet
    promises: Sequence[Promise] = ()
    below: Mapping[RecordRef, Sequence[Relative]] = field(default_factory=dict)  #: CRM account -> all below it
    before: Mapping[RecordRef, Flag] = field(default_factory=dict)  #: CRM account -> its flag at the last look
    flagged_deals: Mapping[RecordRef, Sequence[RecordRef]] = field(default_factory=dict)
    """CRM account -> its open renewal deals that carry its flag."""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One billing customer and what it stands for in the CRMs."""

    account: BillingAccount
    owners: Sequence[RecordRef] = ()  #: CRM accounts that are billed as this customer
    billed_by: Mapping[RecordRef, Sequence[RecordRef]] = field(default_factory=dict)
    """Deals billed to this customer, each with the subscriptions, schedules and invoices that bill it."""
    background: Background = field(default_factory=Background)
