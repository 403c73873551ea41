"""After a look at accounts: keep how they stand, and have their renewals and the accounts above them looked at."""

from __future__ import annotations

from collections.abc import Iterable

from connector import targets
from connector.domain.account_picture import Picture, Rules
from connector.domain.health_policy import RollUp
from connector.domain.refs import RecordRef
from connector.ports import Services, UnitOfWork
from connector.targets import TargetKind


def keep_pictures(
    pictures: Iterable[Picture], differing: Iterable[RecordRef], rules: Rules, work: UnitOfWork, services: Services
) -> None:
    """Keep the flags that say something new, and mark the work that follows: theirs, and writing ``differing`` records.

    To be called after the records' values were desired, in the same transaction: rows are locked in one order, all
    Targets at once, so that two transactions never wait for each other crosswise.
    """
    looked = list(pictures)
    work.accounts.keep_flags([flag for picture in looked for flag in picture.news])
    renewals = {ref for picture in looked for ref in picture.renewal_work if ref.provider in services.crms}
    marks = {targets.for_record(TargetKind.RENEWAL, ref) for ref in renewals}
    if rules.policy.roll_up is RollUp.WORST_CHILD:
        below = [ref for picture in looked for ref in picture.tell_above]
        above = work.accounts.customers_above(below)
        marks |= {targets.for_record(TargetKind.HEALTH, customer) for customer in above}
        # A holding that is billed nothing has no customer to look at; its record is shown in a transaction of its own.
        marks |= {targets.for_record(TargetKind.RENEWAL, ref) for ref in work.accounts.unbilled_above(below)}
    crms = {ref.provider for ref in differing} & services.crms.keys()
    work.targets.mark_all(marks | {targets.for_crm(crm) for crm in crms})
