"""A person's word about how an account pays, over ours, until a day: on the record, with who and why."""

from __future__ import annotations

from connector import targets
from connector.domain.health_override import Override
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman
from connector.ports import NewOverride, Services, UnitOfWork
from connector.sentences import said as sentences
from connector.targets import TargetKind


def override_health(new: NewOverride, services: Services) -> Override:
    """Keep the word and have the account's records show it. It ends what was said of the account before.

    Raises:
        NeedsHuman: the account is not billed, or the last day has passed.
    """
    if new.until < services.today():
        raise NeedsHuman.because(sentences.OVERRIDE_PAST, ref=new.account, until=new.until)
    with services.store.begin() as work:
        _look_at(new.account, work)
        kept = work.said.override(new, services.clock())
        evidence = {"word": new.word.value, "by": new.set_by, "why": new.why, "until": new.until.isoformat()}
        work.audit.record("health overridden", str(new.account), evidence, services.clock())
    return kept


def end_override(account: RecordRef, services: Services, *, by: str, why: str = "") -> None:
    """End the override in force; what the account's own record says is shown again.

    Raises:
        NeedsHuman: there is none.
    """
    with services.store.begin() as work:
        if not work.said.end_override(account, by, services.clock()):
            raise NeedsHuman.because(sentences.NO_OVERRIDE, ref=account, account=str(account))
        _look_at(account, work)
        work.audit.record("health override ended", str(account), {"by": by, "why": why}, services.clock())


def _look_at(account: RecordRef, work: UnitOfWork) -> None:
    """Have the account, and whatever shows the same customer, looked at anew."""
    customers = work.accounts.customers_of(account)
    if not customers:
        raise NeedsHuman.because(sentences.NOT_BILLED, ref=account, account=str(account))
    work.targets.mark_all(targets.for_record(TargetKind.HEALTH, customer) for customer in customers)
