"""What may need work: a Target names one kind of work on one record, and the lane it runs in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.refs import RecordRef


class TargetKind(StrEnum):
    """The kinds of work there are; ``connector.sync.USE_CASES`` has the function for each."""

    DEAL = "deal"  #: a CRM deal: bill it if it is won
    ACCOUNT = "account"  #: a billing customer: refresh its ledger, health and CRM values
    HEALTH = "health"  #: a billing customer: work out its health afresh, from the ledger alone
    NIGHTLY = "nightly"  #: all billing customers not assessed today, in sets: their health, from the ledger alone
    RENEWAL = "renewal"  #: a CRM account: its late-payer flag on open renewal deals, and the tasks of their owners
    TRACE = "trace"  #: a billing record whose customer must be found first
    CRM = "crm"  #: all records of one CRM whose values wait to be written
    POLL = "poll"  #: one provider, asked what its webhooks missed
    PORTFOLIO = "portfolio"  #: all accounts together: learn from the ledger what a new one borrows


@dataclass(frozen=True, order=True, slots=True)
class Target:
    """One kind of work on one record. It is dirty while something happened that its work has not seen yet."""

    kind: TargetKind
    ref: str

    @property
    def lane(self) -> str:
        """The lock under which its work runs one at a time. Both kinds of work on an account share one."""
        kind = TargetKind.ACCOUNT if self.kind is TargetKind.HEALTH else self.kind
        return f"{kind}:{self.ref}"

    def __str__(self) -> str:
        return f"{self.kind}/{self.ref}"


def for_record(kind: TargetKind, ref: RecordRef) -> Target:
    """The Target for one remote record."""
    return Target(kind, str(ref))


def for_crm(name: str) -> Target:
    """The Target that writes all waiting values of one CRM."""
    return Target(TargetKind.CRM, name)


UPWARDS, DOWNWARDS = "upwards", "downwards"


def for_everybody() -> tuple[Target, Target]:
    """The Targets that work out the health of all accounts: from both ends of the book, until they meet.

    So two workers share the night, and either alone does all of it.
    """
    return Target(TargetKind.NIGHTLY, UPWARDS), Target(TargetKind.NIGHTLY, DOWNWARDS)


def for_poll(name: str) -> Target:
    """The Target that asks one provider what its webhooks missed."""
    return Target(TargetKind.POLL, name)


PORTFOLIO = Target(TargetKind.PORTFOLIO, "all")
"""The one Target that learns from the whole ledger."""


_WORK_FOR = {
    EventKind.DEAL_CHANGED: TargetKind.DEAL,
    EventKind.BILLING_CHANGED: TargetKind.ACCOUNT,
    EventKind.BILLING_TRACE: TargetKind.TRACE,
}


def target_of(event: InboxEvent) -> Target | None:
    """The work an event asks for; None when there is nothing to do but remember it."""
    kind = _WORK_FOR.get(event.kind)
    if kind is None or event.subject is None:
        return None
    return for_record(kind, event.subject)
