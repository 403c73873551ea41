"""Why the record says what it says: at most three sentences, each with its code and the invoices behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.domain.refs import RecordRef


class ReasonCode(StrEnum):
    """What a sentence is about."""

    OVERDUE = "overdue"  #: invoices past due and unpaid, and how the account usually pays
    PAYS_LATE = "pays_late"  #: nothing is overdue, but it usually pays, or often paid, after due
    PAYS_ON_TIME = "pays_on_time"
    THIN_HISTORY = "thin_history"  #: fewer than three invoices came due: the score leans on the portfolio
    NOTHING_DUE = "nothing_due"  #: no invoice has come due yet: nothing is known


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence for a person."""

    code: str  #: of ``ReasonCode``
    text: str
    invoices: tuple[RecordRef, ...] = ()  #: what it is drawn from
