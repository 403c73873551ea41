"""The running contract that a deal amends, renews or cancels."""

from __future__ import annotations

from connector.domain.billing_plan import StepKey
from connector.domain.contract import RunningContract
from connector.domain.deal import Deal
from connector.domain.planning import CUSTOMER, SUBSCRIPTION
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, NotFound
from connector.ports import Services
from connector.sentences import billing_again as sentences


def find_contract(deal: Deal, services: Services) -> RunningContract:
    """What the deal names, be it a subscription or an earlier deal; else the one contract its account has.

    Raises:
        CannotBill: there is none, there are several, or it is another company's.
    """
    customer = _customer(deal, services)
    named = deal.terms.amends.strip()
    if named:
        contract = _named(named, deal, services)
        if customer is not None and contract.customer != customer:
            raise CannotBill.because(sentences.CONTRACT_OF_ANOTHER, ref=deal.ref, subscription=contract.subscription.id)
        return contract
    running = services.billing.contracts_of(customer) if customer is not None else []
    if not running:
        raise CannotBill.because(sentences.NO_CONTRACT, ref=deal.ref, of_what="")
    if len(running) > 1:
        told = ", ".join(contract.subscription.id for contract in running[:5])
        raise CannotBill.because(sentences.WHICH_CONTRACT, ref=deal.ref, contracts=told)
    return running[0]


def contract_of(deal: RecordRef, services: Services) -> RunningContract | None:
    """The contract that a billed deal became; None when it became none, or when it has ended and is forgotten."""
    with services.store.begin() as work:
        filled = work.links.of(deal)
    subscription = filled.get(SUBSCRIPTION) or filled.get("change")
    if subscription is None:
        return None
    try:
        return services.billing.contract(subscription)
    except NotFound:
        return None


def _customer(deal: Deal, services: Services) -> RecordRef | None:
    payer = deal.payer or deal.account
    if payer is None:
        return None
    with services.store.begin() as work:
        return work.links.get(StepKey(payer.ref, CUSTOMER))


def _named(named: str, deal: Deal, services: Services) -> RunningContract:
    """``sub_…`` and ``sub_sched_…`` are billing's own ids; anything else is a deal of the same CRM."""
    if named.startswith("sub_"):
        kind = "schedule" if named.startswith("sub_sched_") else SUBSCRIPTION
        try:
            return services.billing.contract(RecordRef(services.billing.name, kind, named))
        except NotFound as error:
            raise CannotBill.because(sentences.NO_CONTRACT, ref=deal.ref, of_what=f" named {named}") from error
    found = contract_of(RecordRef(deal.ref.provider, "deal", named), services)
    if found is None:
        raise CannotBill.because(sentences.NO_CONTRACT, ref=deal.ref, of_what=f" from the deal {named}")
    return found
