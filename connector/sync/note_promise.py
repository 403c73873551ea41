"""A customer says when it will pay: kept, watched, and told on its record once the promise is broken."""

from __future__ import annotations

from connector import targets
from connector.domain.promise import Promise
from connector.errors import NeedsHuman
from connector.ports import NewPromise, Services
from connector.sentences import said as sentences
from connector.targets import TargetKind


def note_promise(new: NewPromise, services: Services) -> Promise:
    """Keep a promise to pay.

    Raises:
        NeedsHuman: its day has passed.
    """
    if new.promised_for < services.today():
        raise NeedsHuman.because(sentences.PROMISE_INCOMPLETE, ref=new.customer)
    with services.store.begin() as work:
        kept = work.said.promise(new, services.clock())
        evidence = {
            "promise": kept.id,
            "invoice": str(new.invoice or ""),
            "amount": new.amount,
            "currency": new.currency,
            "on": new.promised_for.isoformat(),
            "by": new.noted_by,
            "note": new.note,
        }
        work.audit.record("promise noted", str(new.customer), evidence, services.clock())
        work.targets.mark_dirty(targets.for_record(TargetKind.HEALTH, new.customer))
    return kept


def withdraw_promise(number: int, services: Services, *, by: str) -> Promise:
    """Take a promise back: it says nothing any more, kept or not.

    Raises:
        NeedsHuman: there is none of that number that stands.
    """
    with services.store.begin() as work:
        taken = work.said.withdraw(number, services.clock())
        if taken is None:
            raise NeedsHuman.because(sentences.NO_PROMISE, number=number)
        work.audit.record("promise withdrawn", str(taken.customer), {"promise": number, "by": by}, services.clock())
        work.targets.mark_dirty(targets.for_record(TargetKind.HEALTH, taken.customer))
    return taken
