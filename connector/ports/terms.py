"""What we remember of terms that somebody answers for, although the payment record does not support them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from connector.domain.refs import RecordRef
from connector.domain.terms_advice import PlanTerms, TermsException


class Terms(Protocol):
    """Exceptions to the terms that payment records support. None is ever changed; one can be ended."""

    def allow(self, exception: TermsException) -> TermsException:
        """Record it. Gives it back with its id."""
        ...

    def in_force(self, accounts: Collection[RecordRef], day: date) -> Sequence[TermsException]:
        """Those of any of these accounts that are in force on that day, oldest first."""
        ...

    def end(self, id_: int, at: datetime) -> TermsException | None:
        """End it before its time. Gives it as ended; None when there is none, or it was ended already."""
        ...

    def list(self, day: date | None = None, limit: int = 1000) -> Sequence[TermsException]:
        """With ``day`` those in force on it, else all that were ever recorded; the newest first."""
        ...

    def held(self, accounts: Collection[RecordRef]) -> Mapping[RecordRef, PlanTerms]:
        """Deals paid by these accounts whose plan waits for nothing but its terms, each with what that plan knew."""
        ...
