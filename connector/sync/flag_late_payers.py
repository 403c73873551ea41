"""Before a renewal: the late-payer flag on the open renewal deals of an account, and one task for their owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from connector import targets
from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.renewal_task import body_of, due_on, subject_of
from connector.domain.renewals import Renewal, RenewalSource
from connector.domain.write_back import Value, Values
from connector.errors import NotFound
from connector.ports import CrmTask, RenewalTask, Services, UnitOfWork, task_subject
from connector.sync.find_renewal_deals import FoundDeal, find_renewal_deals
from connector.sync.show_group import show_group

log = structlog.get_logger(__name__)

_URGENT_DAYS = 30
_NEW_TALK_AFTER = timedelta(days=90)

_CARRIED = ("late_payer", "health", "health_score", "health_reason", "health_as_of")


def flag_late_payers(ref: str, services: Services) -> None:
    """Have the account's open renewal deals carry its flag, and its owner told once per renewal and window.

    A holding that is billed nothing itself shows the worst of its group, where the policy says so. An account that is
    flagged no more has the flag taken off them, and its tasks closed with a note that says why.
    The flag comes first: it stands, whatever becomes of the task.

    Raises:
        NeedsHuman: the CRM refuses the task, or access to it is lost. RetryLater: it is unwell; nothing is doubled.
    """
    account = RecordRef.parse(ref)
    with services.store.begin() as work:
        flag = _standing(account, work, services)
        unbilled = flag is None and not work.accounts.customers_of(account)
    if unbilled:
        show_group(account, services)
    if flag is None or account.provider not in services.crms:
        return
    deals = []
    if flag.late_payer:
        services.throttle.wait(f"{account.provider}:optional")  # a day's last calls are kept for billing
        deals = find_renewal_deals(account, services)
    with services.store.begin() as work:
        flag = work.accounts.flag(account) or flag  # it may have been cleared while the CRM was asked
        shown = _carry(flag, deals if flag.late_payer else [], work, services)
        name = work.accounts.name(account)
    if flag.late_payer:
        with services.store.alone(f"renewal:{account}"):  # a worker that was given up for dead may come back
            _tell_owner(flag, deals, shown, name, services)
    else:
        _close_tasks(flag, services)
    with services.store.begin() as work:
        work.renewals.seen(account, services.today())


def _standing(account: RecordRef, work: UnitOfWork, services: Services) -> Flag | None:
    """The account's flag; nobody looks any more at one that is not billed, or was merged into another."""
    flag = work.accounts.flag(account)
    if flag is None or not flag.late_payer or work.accounts.customers_of(account):
        return flag
    gone = replace(flag, late_payer=False, window=None, since=services.today(), cleared_on=services.today())
    gone = replace(gone, cleared_because="the account is not billed any more")
    work.accounts.keep_flags([gone])
    return gone


def _carry(flag: Flag, deals: Sequence[FoundDeal], work: UnitOfWork, services: Services) -> Values:
    """Put the account's flag on these deals and take it off others that carried it; gives what the account shows."""
    state = work.records.get(flag.account)
    shown = state.desired if state is not None else {}
    carried: dict[str, Value] = {name: shown[name] for name in _CARRIED if name in shown}
    values: dict[RecordRef, Values] = {deal.ref: {**carried, "late_payer": flag.late_payer} for deal in deals}
    gone = work.renewals.carry(flag.account, [deal.ref for deal in deals], services.clock())
    # One that was won and billed shows its account's flag by itself.
    values |= {deal: {**carried, "late_payer": False} for deal in gone if work.links.billing_of(deal) is None}
    changed = [ref for ref in sorted(values) if work.records.desire(ref, values[ref])]
    work.targets.mark_all({targets.for_crm(ref.provider) for ref in changed})
    return shown


def _tell_owner(flag: Flag, deals: Sequence[FoundDeal], shown: Values, name: str, services: Services) -> None:
    """One task per renewal and window: kept before it is made, and looked for before it is made again."""
    if flag.renewal is None or flag.window is None:
        return
    subject = task_subject(subject_of(name, flag.renewal, flag.window))
    task = RenewalTask(flag.account, flag.renewal.on, flag.window, subject, deals[0].ref if deals else flag.account)
    crm = services.crms[flag.account.provider]
    with services.store.begin() as work:
        kept = work.renewals.task(flag.account, task.renewal, task.window)
        asked = work.renewals.open_tasks(flag.account)
    if kept is not None and kept.task is not None:
        return
    same = [each for each in asked if each.renewal != task.renewal and _is_the_same_talk(each, task, flag.renewal)]
    if kept is None and any(_was_made(earlier, services) for earlier in same):
        return
    made = crm.find_task(kept.record, kept.subject) if kept is not None else None
    if made is None:
        owner = _owner([task.record, flag.account], services)
        if owner is None:
            log.info("nobody owns a late payer's renewal", account=str(flag.account))
            return
        with services.store.begin() as work:
            work.renewals.begin(task, services.clock())
        made = crm.create_task(
            CrmTask(
                task.record,
                owner,
                task.subject,
                body_of(name, flag.renewal, shown, [deal.told for deal in deals], services.today()),
                due_on(flag.renewal, services.today()),
                high_priority=_is_urgent(flag, flag.renewal.days_from(services.today())),
            )
        )
    with services.store.begin() as work:
        work.renewals.made(task, made, services.clock())
        evidence = {"task": str(made), "renewal": task.renewal.isoformat(), "window": task.window}
        work.audit.record("renewal task made", str(flag.account), evidence, services.clock())
    log.info("renewal task made", account=str(flag.account), window=task.window)


def _is_urgent(flag: Flag, days: int) -> bool:
    return flag.word is Health.SEVERE or days <= _URGENT_DAYS


def _is_the_same_talk(earlier: RenewalTask, task: RenewalTask, renewal: Renewal) -> bool:
    """Whether somebody was asked already: before an earlier end of a short period, since a month is no renewal to talk
    about anew each time, or in the same window before the date was moved a little.
    """
    apart = task.renewal - earlier.renewal
    if abs(apart) >= _NEW_TALK_AFTER:
        return False
    if earlier.window == task.window and abs(apart) <= timedelta(days=task.window):
        return True
    return renewal.source is RenewalSource.SUBSCRIPTION_ITEM and apart > timedelta(0)


def _was_made(earlier: RenewalTask, services: Services) -> bool:
    """Whether the CRM has a task that we began before; one that it never got asks nobody, and is done with."""
    if earlier.task is not None:
        return True
    made = services.crms[earlier.account.provider].find_task(earlier.record, earlier.subject)
    with services.store.begin() as work:
        if made is None:
            work.renewals.closed(earlier, services.clock())
        else:
            work.renewals.made(earlier, made, services.clock())
    return made is not None


def _owner(records: Sequence[RecordRef], services: Services) -> RecordRef | None:
    """Whoever owns the first of these that has somebody who can be given a task."""
    for record in dict.fromkeys(records):
        try:
            owner = services.crms[record.provider].owner_of(record)
        except NotFound:
            continue
        if owner is not None:
            return owner
    return None


def _close_tasks(flag: Flag, services: Services) -> None:
    """Close what was asked of owners, also a task that was made without our hearing of it."""
    crm = services.crms[flag.account.provider]
    with services.store.begin() as work:
        waiting = work.renewals.open_tasks(flag.account)
    note = f"No longer flagged: {flag.cleared_because or 'its payment health is good enough again'}."
    for task in waiting:
        made = task.task or crm.find_task(task.record, task.subject)
        closed = made is not None and crm.close_task(made, note)
        with services.store.begin() as work:
            work.renewals.closed(replace(task, task=made), services.clock())
            if closed:
                evidence = {"task": str(made), "why": note}
                work.audit.record("renewal task closed", str(flag.account), evidence, services.clock())
