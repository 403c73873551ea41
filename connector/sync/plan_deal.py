"""What billing would have to do for a deal as it stands now: read it, find the contract it changes, plan."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.domain.amending import plan_amendment, plan_cancellation, plan_renewal
from connector.domain.billing import Invoice
from connector.domain.billing_plan import BillingPlan, Catalogue, MakeSubscription
from connector.domain.change_timing import planned_on
from connector.domain.contract import RunningContract
from connector.domain.deal import Account, Deal, DealKind
from connector.domain.planning import plan_billing
from connector.domain.price_choice import choose_prices, prices_asked
from connector.domain.terms_advice import PlanTerms
from connector.ports import DealPlan, DealRecords, Services
from connector.sentences import approval as sentences
from connector.sync.advise_terms import TermsLook, terms_for_plan, terms_of_deal
from connector.sync.find_contract import find_contract
from connector.sync.read_deal import read_deal


@dataclass(frozen=True, slots=True)
class Planned:
    """A deal and its plan.

    ``seen`` is the plan as it was on the day it was shown to somebody, ``plan`` what must be done today to bill just
    that: a deal that names no start begins on the day it was seen.
    """

    deal: Deal
    plan: BillingPlan
    seen: BillingPlan
    as_of: date  #: the day on which it is seen so
    contract: RunningContract | None = None
    doubt: str = ""  #: why a person should look, although it could be billed
    look: TermsLook | None = None  #: what the payer's record supports today; None where nothing tells
    terms: PlanTerms | None = None  #: what it had to do with the plan, when that was first made


def plan_deal(
    records: DealRecords, services: Services, *, as_of: date | None = None, kept: DealPlan | None = None
) -> Planned:
    """Plan the deal, on ``as_of`` (today) as it would be seen then; asks billing only which prices and contracts exist.

    With ``kept``, the deal's first plan, the day and the days to pay that the deal was given are that plan's: a deal
    that says nothing else is planned alike, however its payer pays by now. A plan that waits for nothing but its terms
    is planned by those of today.

    Raises:
        CannotBill: it cannot be billed exactly as it stands.
    """
    deal = read_deal(records, services.mappings[records.ref.provider])
    day = as_of or (kept.as_of if kept is not None else services.today())
    look = terms_of_deal(deal, services)
    settled = kept is not None and not kept.waits_for_terms and not _pays_another(deal, kept.terms)
    terms = kept.terms if kept is not None and settled else terms_for_plan(look, deal.terms, services)
    planned = replace(_planned(deal, day, terms, services), look=look, terms=terms)
    notes = terms.notes(deal) if terms is not None else ()
    seen, plan = (replace(each, notes=(*each.notes, *notes)) for each in (planned.seen, planned.plan))
    return replace(planned, seen=seen, plan=plan)


def _pays_another(deal: Deal, terms: PlanTerms | None) -> bool:
    """Whether somebody else pays by now than whose record was looked at: not the same under a merged record's name."""
    payer = deal.payer or deal.account
    return terms is not None and payer is not None and terms.account not in (payer.ref, *payer.formerly)


def _planned(deal: Deal, day: date, terms: PlanTerms | None, services: Services) -> Planned:
    """The plan of a deal that begins a contract, or changes one."""
    sold, found = priced(terms.of(deal) if terms is not None else deal, services)
    if deal.terms.kind is DealKind.NEW:
        seen = plan_billing(sold, found, day, services.billing_policy)
        if day == services.today():
            return Planned(deal, seen, seen, day)
        pinned = _begins(sold, day)
        return Planned(deal, plan_billing(pinned, found, services.today(), services.billing_policy), seen, day)
    contract = find_contract(deal, services)
    day = planned_on(contract, day, services.today())
    seen = _changes(sold, contract, found, day, services)
    return Planned(deal, seen, seen, day, contract, _renewed_already(seen, contract, services))


def priced(deal: Deal, services: Services) -> tuple[Deal, Catalogue]:
    """The deal with the price that each line is billed by, in the order its mapping sets, and the prices there are.

    Raises:
        CannotBill: a line finds no price, and the order does not end in one of its own.
    """
    rules = services.mappings[deal.ref.provider].prices
    catalogue = services.billing.prices(*prices_asked(deal, rules))
    return choose_prices(deal, catalogue, rules), catalogue


def invoiced(contract: RunningContract, services: Services) -> Sequence[Invoice]:
    """The invoices of the contract's customer as billing has them now: what was credited a moment ago counts."""
    return services.billing.account(contract.customer).invoices


def fingerprint(deal: Deal) -> str:
    """What stands for everything that the deal says; what we write back to its records ourselves is left out."""
    told = replace(deal, account=_without_ours(deal.account), payer=_without_ours(deal.payer))
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _changes(deal: Deal, contract: RunningContract, catalogue: Catalogue, day: date, services: Services) -> BillingPlan:
    policy = services.billing_policy
    match deal.terms.kind:
        case DealKind.RENEWAL:
            return plan_renewal(deal, contract, catalogue, day, policy)
        case DealKind.CANCELLATION:
            return plan_cancellation(deal, contract, invoiced(contract, services), day, policy)
        case _:
            # Only a contract that ends needs its invoices: they take the credit that no next one can.
            invoices = () if contract.ends is None else invoiced(contract, services)
            return plan_amendment(deal, contract, catalogue, day, policy, invoices=invoices)


def _renewed_already(plan: BillingPlan, contract: RunningContract, services: Services) -> str:
    """What else of the customer's begins with the renewal, in a sentence; empty where nothing does."""
    starts = {step.start for step in plan.steps if isinstance(step, MakeSubscription)}
    if not starts:
        return ""
    beside = [
        other.subscription.id
        for other in services.billing.contracts_of(contract.customer)
        if other.started in starts and other.deal != plan.deal and other.subscription != contract.subscription
    ]
    return sentences.RENEWED_ALREADY.says(contracts=", ".join(beside)) if beside else ""


def _begins(deal: Deal, day: date) -> Deal:
    """The deal with the start it had when it was seen, where it names none."""
    if deal.terms.start is not None or any(line.start for line in deal.line_items):
        return deal
    return replace(deal, terms=replace(deal.terms, start=day))


def _without_ours(account: Account | None) -> Account | None:
    return None if account is None else replace(account, customer_id="")
