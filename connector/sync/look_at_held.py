"""Deals that wait for nothing but their terms are looked at again when what they wait for may have come."""

from __future__ import annotations

from connector import targets
from connector.domain.billing_plan import StepKey
from connector.domain.health_word import Health
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import WORSE
from connector.ports import Services, UnitOfWork
from connector.targets import TargetKind


def look_at_held(account: RecordRef, work: UnitOfWork) -> None:
    """Somebody answers for the account: every deal that it, or another record of the same customer, pays for."""
    customer = work.links.get(StepKey(account, CUSTOMER))
    owners = _owners(customer, work) if customer is not None else set()
    work.targets.mark_all(targets.for_record(TargetKind.DEAL, deal) for deal in work.terms.held({account, *owners}))


def look_at_improved(customer: RecordRef, services: Services) -> None:
    """The customer has paid, perhaps: every deal whose payer's record shows a better word than when it was planned."""
    with services.store.begin() as work:
        held = work.terms.held(_owners(customer, work))
        better = [deal for deal, terms in held.items() if _is_better(_shown(terms.account, work), terms.health)]
        work.targets.mark_all(targets.for_record(TargetKind.DEAL, deal) for deal in better)


def _owners(customer: RecordRef, work: UnitOfWork) -> set[RecordRef]:
    return {key.owner for key in work.links.owners(customer) if key.role == CUSTOMER}


def _shown(account: RecordRef, work: UnitOfWork) -> str:
    """The word that the account's record shows, or is about to."""
    state = work.records.get(account)
    return str(state.desired.get("health", "")) if state is not None else ""


def _is_better(word: str, than: Health) -> bool:
    return word in WORSE and than in WORSE and WORSE.index(Health(word)) < WORSE.index(than)
