"""What every change of a running contract shares: what stands against it, its customer, invoice terms and keys."""

from __future__ import annotations

from datetime import date, timedelta

from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_AMENDED_BY,
    META_CHANGED_BY,
    InvoiceTerms,
    MakeCustomer,
    StepKey,
)
from connector.domain.contract import RunningContract
from connector.domain.customer_planning import CONTRACT_NUMBER, CUSTOM_FIELD_LENGTH, CUSTOMER, PO_NUMBER
from connector.domain.deal import Account, CollectionMethod, Deal
from connector.domain.money import Money, smallest_step
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import amending as sentences
from mappings.canonical import LONGEST_METADATA

CHANGE, PRORATION, END, CREDIT = "change", "proration", "end", "credit"
"""Roles of the steps; a repeated change of one deal adds its round: ``change-2``."""

_OVER = frozenset({"canceled", "incomplete_expired"})
"""Source: Stripe, subscription ``status``: the two that are final."""

_DAY = timedelta(days=1)


def key(owner: RecordRef, role: str, number: int) -> StepKey:
    """The step's key: the role alone for the first change of a deal, with its number from the second on."""
    return StepKey(owner, role if number == 1 else f"{role}-{number}")


def payer_of(deal: Deal) -> Account:
    """Who is billed: the payer where the deal names one.

    Raises:
        CannotBill: the deal has no account.
    """
    if deal.account is None:
        raise CannotBill.because(sentences.NO_ACCOUNT, ref=deal.ref)
    return deal.payer or deal.account


def is_over(contract: RunningContract, today: date) -> bool:
    """Whether it has ended for good."""
    return contract.status in _OVER or (contract.ends is not None and contract.ends <= today)


def refuse_unless_changeable(deal: Deal, contract: RunningContract, today: date, policy: BillingPolicy) -> None:
    """Raises CannotBill where the deal cannot change this contract: another currency or customer, or it is over."""
    payer = payer_of(deal)
    if is_over(contract, today):
        raise CannotBill.because(sentences.CONTRACT_OVER, ref=deal.ref, contract=contract.subscription.id)
    currency = (deal.currency or policy.default_currency or contract.currency).lower()
    if currency != contract.currency:
        raise CannotBill.because(
            sentences.OTHER_CURRENCY,
            ref=deal.ref,
            deal_currency=currency.upper(),
            contract_currency=contract.currency.upper(),
        )
    if payer.customer_id and payer.customer_id != contract.customer.id:
        raise CannotBill.because(
            sentences.OTHER_CUSTOMER,
            ref=deal.ref,
            contract=contract.subscription.id,
            contract_customer=contract.customer.id,
            customer=payer.customer_id,
        )


def contract_customer(deal: Deal, contract: RunningContract) -> MakeCustomer:
    """The customer who has the contract already, adopted as it is: nobody new is ever made for a change."""
    payer = payer_of(deal)
    return MakeCustomer(
        key=StepKey(payer.ref, CUSTOMER),
        name=payer.name.strip(),
        email=(deal.billing_contact.email if deal.billing_contact else "").strip() or payer.billing_email.strip(),
        address=payer.address,
        metadata={META_ACCOUNT: str(payer.ref)},
        adopt=contract.customer.id,
    )


def contract_terms(deal: Deal, contract: RunningContract, policy: BillingPolicy) -> InvoiceTerms:
    """How an invoice for the change is collected: as the contract is, unless the deal names net days of its own."""
    automatic = contract.collection is CollectionMethod.CHARGE_AUTOMATICALLY
    stated = [deal.terms.net_days, contract.net_days, policy.default_net_days]
    net_days = next(days for days in stated if days is not None)
    named = ((PO_NUMBER, deal.terms.po_number), (CONTRACT_NUMBER, deal.terms.contract_number))
    fields = tuple((name, text.strip()[:CUSTOM_FIELD_LENGTH]) for name, text in named if text.strip())
    return InvoiceTerms(contract.collection, None if automatic else net_days, fields, policy.automatic_tax)


def change_metadata(step: StepKey, contract: RunningContract | None = None) -> dict[str, str]:
    """What a change leaves on the contract: its own key, and with ``contract`` the deal among those that amended it.

    The deal that made the contract keeps its name there. Where all amending deals are too long for one value, the
    newest stay.
    """
    metadata = {META_CHANGED_BY: str(step)}
    if contract is not None:
        deals = [str(deal) for deal in dict.fromkeys((*contract.amended_by, step.owner))]
        while len(" ".join(deals)) > LONGEST_METADATA:
            deals.pop(0)
        metadata[META_AMENDED_BY] = " ".join(deals)
    return metadata


def last_day(contract: RunningContract, today: date) -> date | None:
    """The contract's last day where it lies ahead; None for one that runs on, or has run on past its term."""
    known = [day for day in (contract.ends and contract.ends - _DAY, contract.contract_end) if day and day >= today]
    return min(known, default=None)


def with_credit(deal: Deal, policy: BillingPolicy) -> bool:
    """Whether what is billed and not served is credited: the deal's word, else the operator's."""
    return policy.downsell_credit if deal.terms.with_credit is None else deal.terms.with_credit


def said(amount: int, currency: str) -> str:
    """An amount as sentences have it: "EUR 12.00"."""
    return str(Money(amount, currency))


def smallest(currency: str) -> str:
    """What amounts in this currency are rounded to: "EUR 0.01"."""
    return said(smallest_step(currency), currency)
