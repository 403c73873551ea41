"""The customer a CRM account is billed as: its Link, what its record says, or one that billing knows already."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.billing_plan import MakeCustomer, StepKey
from connector.domain.customer_match import ASK_NOBODY, choose
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import Link, Services
from connector.sentences import billing_again as sentences


def find_customer(step: MakeCustomer, services: Services) -> tuple[MakeCustomer, str]:
    """The step as it should be run, adopting an existing customer where there is one; and a note on how it was found.

    Raises:
        CannotBill: several customers may be the company, or the record contradicts what was billed: a question for a
            person, never a second customer.
    """
    linked = _linked(step, services)
    if linked or step.adopt.lower() == ASK_NOBODY:
        return replace(step, adopt="" if step.adopt.lower() == ASK_NOBODY else step.adopt), ""
    if step.adopt:
        return step, ""
    match = choose(step, services.billing.candidates(step))
    if match is None:
        return step, ""
    return replace(step, adopt=match.customer.id), match.note


def follow_merges(account: RecordRef, formerly: tuple[RecordRef, ...], services: Services) -> None:
    """What was remembered of accounts that were merged into this one is this one's now.

    Raises:
        CannotBill: both have a customer of their own.
    """
    key = StepKey(account, CUSTOMER)
    for old in formerly:
        with services.store.begin() as work:
            mine, other = work.links.get(key), work.links.get(StepKey(old, CUSTOMER))
            if other is None or other == mine:
                continue
            if mine is not None:
                raise CannotBill.because(sentences.TWO_CUSTOMERS_MERGED, ref=account, mine=mine.id, other=other.id)
            work.links.follow(old, account)
            work.audit.record("account merged", str(account), {"from": str(old)}, services.clock())


def _linked(step: MakeCustomer, services: Services) -> bool:
    """Whether a Link says who it is; refuses one that the record contradicts.

    Unless ours was deleted in billing: then the record decides, naming another one, or none to have one made.
    """
    with services.store.begin() as work:
        linked = work.links.get(step.key)
        known = work.ledger.account(linked) if linked is not None else None
    if linked is None:
        return False
    named = step.adopt
    if known is not None and known.customer.deleted:
        if named == linked.id:
            raise CannotBill.because(sentences.CUSTOMER_DELETED, ref=step.key.owner, customer=linked.id)
        with services.store.begin() as work:
            work.links.give_up(Link(step.key, linked))
            work.audit.record("customer given up", str(step.key.owner), {"customer": linked.id}, services.clock())
        return False
    if named and named.lower() != ASK_NOBODY and linked.id != named:
        raise CannotBill.because(sentences.OTHER_CUSTOMER, ref=step.key.owner, named=named, linked=linked.id)
    return True
