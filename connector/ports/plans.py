"""What we remember of plans: what was proposed for a deal, who decided, and what was billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from connector.domain.billing_plan import BillingPlan
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import PlanTerms


class PlanState(StrEnum):
    """Where a plan stands."""

    WAITING = "waiting"  #: for a person's approval
    APPROVED = "approved"  #: will be billed exactly as it was seen
    DECLINED = "declined"  #: a person said no; what the deal says then is asked about again only when it changes
    BILLED = "billed"  #: all is made; kept for ever
    DONE = "done"  #: and its first invoice is on its way


@dataclass(frozen=True, slots=True)
class AgreedChange:
    """The very steps that change a running contract, and the customer whose contract it is.

    They depend on how the contract stood: once one of them is made, the same deal would be planned otherwise.
    """

    plan: BillingPlan
    customer: RecordRef


@dataclass(frozen=True, slots=True)
class DealPlan:
    """One plan for one deal.

    ``round`` counts from 1, the deal's first billing; every later change of a billed deal is a round of its own.
    ``document`` and ``forecast`` are the plan and its invoices as plain JSON (``connector.domain.plan_document``);
    ``hash`` stands for the document. ``as_of`` is the day the plan took for today: the same deal gives the same plan
    on the same day. ``fingerprint`` stands for the CRM's records it was made from.
    """

    deal: RecordRef
    round: int
    hash: str
    state: PlanState
    document: Mapping[str, Any]
    forecast: Sequence[Mapping[str, Any]]
    as_of: date
    made_at: datetime
    reason: str = ""  #: why it waits, or what has changed: sentences for the deal's record
    mapping_version: int = 0
    fingerprint: str = ""
    decided_by: str = ""
    decided_why: str = ""
    decided_at: datetime | None = None
    change: AgreedChange | None = None  #: of a deal that changes a running contract
    terms: PlanTerms | None = None  #: what the payment record had to do with it; None for one without

    @property
    def is_made(self) -> bool:
        """Whether it was billed, and so is never rewritten."""
        return self.state in (PlanState.BILLED, PlanState.DONE)

    @property
    def waits_for_terms(self) -> bool:
        """Whether nothing but its terms keeps it waiting."""
        return self.state is PlanState.WAITING and self.terms is not None and self.terms.held


class Plans(Protocol):
    """Every deal's plans."""

    def latest(self, deal: RecordRef) -> DealPlan | None:
        """The plan of the deal's last round."""
        ...

    def history(self, deal: RecordRef) -> list[DealPlan]:
        """One plan per round, oldest first."""
        ...

    def keep(self, plan: DealPlan) -> None:
        """Remember it in its round, in place of what was proposed there before.

        Raises ValueError when the round was billed already: what was billed is never rewritten.
        """
        ...

    def done(self, deal: RecordRef, round_: int) -> None:
        """The first invoice of a billed round is out."""
        ...

    def withdraw(self, deal: RecordRef, round_: int) -> None:
        """Forget what was proposed in a round: the deal is as it was billed again."""
        ...

    def seen(self, deal: RecordRef, round_: int, fingerprint: str) -> None:
        """The CRM's records were looked at again and mean the same: note their new fingerprint."""
        ...

    def waiting(self, limit: int = 100) -> list[DealPlan]:
        """What waits for a decision, longest first."""
        ...

    def of_subscription(self, subscription: RecordRef) -> list[DealPlan]:
        """Billed plans of every deal that bills by this subscription, oldest first."""
        ...
