"""What a deal says of its account, beside what it bills: kept for policies, roll-ups, tasks and renewals."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from connector import targets
from connector.domain.account_profile import AccountProfile
from connector.domain.deal import Deal
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import SAYS_NOTHING
from connector.ports import DealRecords, Services, UnitOfWork
from connector.targets import TargetKind


def note_account(deal: Deal, services: Services) -> None:
    """Keep whose the deal's account is, and when a billed deal comes up for renewal; news have health looked at anew.

    Nothing of it bills anything, so nothing of it can fail a deal.
    """
    if deal.account is None:
        return
    to = deal.account.ref if deal.payer is not None else None
    read = {rule.canonical for rule in services.mappings[deal.ref.provider].deal}
    with services.store.begin() as work:
        profile = deal.account.profile
        news = profile is not None and work.accounts.describe(_with_unread(profile, read, work), services.clock())
        news = work.accounts.sold(deal.ref, to, deal.terms.renewal_date) or news
        if news:
            customers = work.accounts.customers_of(deal.account.ref)
            work.targets.mark_all(targets.for_record(TargetKind.HEALTH, customer) for customer in customers)


def _with_unread(profile: AccountProfile, read: Collection[str], work: UnitOfWork) -> AccountProfile:
    """The profile, with what is known already where the mapping that billed the deal reads nothing."""
    known = work.accounts.profile(profile.ref)
    if known is None:
        return profile
    return replace(
        profile,
        parent=profile.parent if "account.parent" in read else known.parent,
        owner=profile.owner if "account.owner" in read else known.owner,
        size=profile.size if "account.size" in read else known.size,
        plan=profile.plan if "account.plan" in read else known.plan,
    )


def notice_renewal(records: DealRecords, services: Services) -> None:
    """Have a flagged account looked at when one of its deals changed: a renewal may have been opened, or closed.

    A deal that is another account's now says nothing of the first one any more.
    """
    if records.account is None:
        return
    with services.store.begin() as work:
        flag = work.accounts.flag(records.account)
        marks = set()
        if flag is not None and flag.late_payer:
            marks.add(targets.for_record(TargetKind.RENEWAL, records.account))
        carried = work.renewals.put_down(records.ref, records.account, services.clock())
        if carried is not None and work.records.desire(records.ref, SAYS_NOTHING):
            marks.add(targets.for_crm(records.ref.provider))
        work.targets.mark_all(marks)


def forget_renewal(deal: RecordRef, services: Services) -> None:
    """A deal is gone: nothing is written to it any more, or its record would wait for a person for good."""
    with services.store.begin() as work:
        work.renewals.put_down(deal, None, services.clock())
