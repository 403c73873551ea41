"""Somebody answers for terms that a payment record does not support, or no longer does; deals that wait go on."""

from __future__ import annotations

from connector.domain.terms_advice import TermsException
from connector.errors import NeedsHuman
from connector.ports import Services
from connector.sentences import terms as sentences
from connector.sync.look_at_held import look_at_held


def allow_terms(exception: TermsException, services: Services) -> TermsException:
    """Record the exception, and have every deal looked at that waits for nothing else. Gives it with its id.

    Raises:
        NeedsHuman: its last day has passed.
    """
    if exception.until < services.today():
        raise NeedsHuman.because(sentences.ENDS_IN_THE_PAST, ref=exception.account, until=exception.until)
    with services.store.begin() as work:
        kept = work.terms.allow(exception)
        evidence = {
            "exception": kept.id,
            "net_days": kept.net_days,
            "owner": kept.owner,
            "why": kept.why,
            "until": kept.until.isoformat(),
            "by": kept.recorded_by,
        }
        work.audit.record("terms exception recorded", str(kept.account), evidence, services.clock())
        look_at_held(kept.account, work)
    return kept


def end_exception(id_: int, services: Services, *, by: str, why: str) -> TermsException:
    """End an exception before its time: deals that were billed by it stay as they are, the next one waits again.

    Raises:
        NeedsHuman: there is none, or it was ended already.
    """
    with services.store.begin() as work:
        ended = work.terms.end(id_, services.clock())
        if ended is None:
            raise NeedsHuman.because(sentences.NO_EXCEPTION, id=id_)
        evidence = {"exception": id_, "by": by, "why": why}
        work.audit.record("terms exception ended", str(ended.account), evidence, services.clock())
    return ended
