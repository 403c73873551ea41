"""AccountProfile: what a CRM account is, apart from how it pays. Policies, roll-ups and tasks go by it."""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.refs import RecordRef


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """A CRM account as its deals said it last; empty where the CRM says nothing.

    ``size`` is a word: that of a number of employees (``size_of``), or whatever the mapping makes of a field.
    """

    ref: RecordRef
    parent: RecordRef | None = None  #: the account above it
    owner: RecordRef | None = None  #: who looks after it
    size: str = ""
    country: str = ""  #: an ISO 3166 code where the CRM has one, else its own text
    plan: str = ""


# Source: EU recommendation 2003/361, by headcount alone.
_BANDS = ((10, "micro"), (50, "small"), (250, "medium"))


def size_of(text: str) -> str:
    """The size of a company as a policy names it: a number of employees becomes its band, any other word stays."""
    number = text.strip().replace(",", "")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        return text.strip()
    return next((band for limit, band in _BANDS if int(number) < limit), "large")
