"""Whether billing knows a company already: evidence weighed, and what is unclear left to a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.domain.billing_plan import MakeCustomer
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import approval as sentences

ASK_NOBODY = "new"
"""Written in an account's customer id by a person who has looked: make a new customer, whatever else is there."""

_LEGAL_FORMS = re.compile(r"\b(inc|llc|ltd|limited|gmbh|ag|sa|sas|bv|nv|ab|oy|srl|spa|plc|corp|co|kg)\b\.?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer in billing that may be the account. ``why``: metadata, email, domain or name."""

    customer: RecordRef
    why: str
    name: str = ""
    email: str = ""
    crm_account: RecordRef | None = None  #: the CRM record its metadata names


@dataclass(frozen=True, slots=True)
class Match:
    """The one customer that is the account, and how that is known."""

    customer: RecordRef
    note: str


def choose(step: MakeCustomer, candidates: Sequence[Candidate]) -> Match | None:
    """The existing customer that this account is; None when there is none.

    Metadata that names the account is proof. Without it, one single customer that shares the name and the e-mail
    address or its domain is taken, and the deal says so. Anything less, or more than one, is a question. Customers
    that stand for other accounts are none of it: two companies may share an accountant.

    Raises:
        CannotBill: a person must say which one it is, or that it is none of them.
    """
    proven = _distinct(c for c in candidates if c.crm_account == step.key.owner)
    if len(proven) == 1:
        return Match(proven[0].customer, "")
    free = proven or _distinct(c for c in candidates if c.crm_account is None)
    if not free:
        return None
    if len(free) == 1 and _same_name(free[0].name, step.name) and free[0].why != "name":
        found = free[0]
        note = sentences.CUSTOMER_FOUND.says(customer=found.customer.id, why=f"its name and {found.why}")
        return Match(found.customer, note)
    told = ", ".join(f"{c.customer.id} (same {c.why})" for c in free[:5])
    raise CannotBill.because(sentences.CUSTOMER_UNCLEAR, ref=step.key.owner, candidates=told)


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Once each, with the strongest evidence; in a stable order."""
    rank = {"metadata": 0, "email": 1, "domain": 2, "name": 3}
    best: dict[RecordRef, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (c.customer, rank.get(c.why, len(rank)))):
        best.setdefault(candidate.customer, candidate)
    return list(best.values())


def _same_name(one: str, other: str) -> bool:
    return _plain(one) == _plain(other) != ""


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", _LEGAL_FORMS.sub(" ", name.casefold())).split())
