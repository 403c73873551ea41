"""AccountProfile: what a CRM account is, apart from how it pays. Policies, roll-ups and tasks go by it."""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.refs import RecordRef


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """A CRM account as its deals said it last; empty where the CRM says nothing.

    ``size`` is whatever the mapping makes of it: a band by a table of the admin's, or a number of employees as text.
    """

    ref: RecordRef
    parent: RecordRef | None = None  #: the account above it
    owner: RecordRef | None = None  #: who looks after it
    size: str = ""
    country: str = ""  #: an ISO 3166 code where the CRM has one, else its own text
    plan: str = ""
