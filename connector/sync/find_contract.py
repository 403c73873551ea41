"""The running contract that a deal amends, renews or cancels."""

from __future__ import annotations

from connector.domain.billing_plan import StepKey
from connector.domain.contract import RunningContract
from connector.domain.contract_steps import CHANGE, is_over
from connector.domain.customer_match import ASK_NOBODY
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
        if contract.customer != customer and (customer is not None or _is_anothers(contract, deal, services)):
            raise CannotBill.because(sentences.CONTRACT_OF_ANOTHER, ref=deal.ref, subscription=contract.subscription.id)
        return contract
    running = services.billing.contracts_of(customer) if customer is not None else []
    if not running:
        raise CannotBill.because(sentences.NO_CONTRACT, ref=deal.ref, of_what="")
    if len(running) > 1:
        told = ", ".join(contract.subscription.id for contract in running[:5])
        raise CannotBill.because(sentences.WHICH_CONTRACT, ref=deal.ref, contracts=told)
    return running[0]


def contracts_of(deal: RecordRef, services: Services) -> list[RunningContract]:
    """The contracts that a billed deal became, in its plan's order, without what billing has forgotten.

    Those that have ended count only where none runs.
    """
    with services.store.begin() as work:
        filled = work.links.of(deal)
    made = [target for role, target in filled.items() if role.split("-")[0] == SUBSCRIPTION]
    found = [contract for target in made if (contract := _contract(target, services)) is not None]
    return [contract for contract in found if not is_over(contract, services.today())] or found[:1]


def _contract(subscription: RecordRef, services: Services) -> RunningContract | None:
    try:
        return services.billing.contract(subscription)
    except NotFound:
        return None


def _changed_by(deal: RecordRef, services: Services) -> RunningContract | None:
    """The contract that an amendment changed."""
    with services.store.begin() as work:
        changed = work.links.of(deal).get(CHANGE)
    return None if changed is None else _contract(changed, services)


def _is_anothers(contract: RunningContract, deal: Deal, services: Services) -> bool:
    """Whether the deal's account names another customer; or none, and this one is another account's of its CRM."""
    payer = deal.payer or deal.account
    if payer is None:
        return False
    if payer.customer_id and payer.customer_id.lower() != ASK_NOBODY:
        return payer.customer_id != contract.customer.id
    with services.store.begin() as work:
        owners = work.links.owners(contract.customer)
    return any(
        each.role == CUSTOMER and each.owner.provider == payer.ref.provider and each.owner != payer.ref
        for each in owners
    )


def _customer(deal: Deal, services: Services) -> RecordRef | None:
    payer = deal.payer or deal.account
    if payer is None:
        return None
    with services.store.begin() as work:
        return work.links.get(StepKey(payer.ref, CUSTOMER))


def _named(named: str, deal: Deal, services: Services) -> RunningContract:
    """What billing does not know for an id of its own is a deal of the same CRM."""
    known = services.billing.contract_ref(named)
    if known is not None:
        try:
            return services.billing.contract(known)
        except NotFound as error:
            raise CannotBill.because(sentences.NO_CONTRACT, ref=deal.ref, of_what=f" named {named}") from error
    earlier = RecordRef(deal.ref.provider, "deal", named)
    own = contracts_of(earlier, services)
    if len(own) > 1:
        told = ", ".join(contract.subscription.id for contract in own)
        raise CannotBill.because(sentences.WHICH_CONTRACT, ref=deal.ref, contracts=told)
    found = own[0] if own else _changed_by(earlier, services)
    if found is None:
        raise CannotBill.because(sentences.NO_CONTRACT, ref=deal.ref, of_what=f" from the deal {named}")
    return found
