"""Who pays for a deal, and what stands on their invoices."""

from __future__ import annotations

from connector.domain.billing_plan import META_ACCOUNT, InvoiceTerms, MakeCustomer, StepKey
from connector.domain.contract_days import ContractDays, last_day
from connector.domain.deal import Account, CollectionMethod, Deal
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from connector.sentences import planning as sentences

CUSTOMER = "customer"

PO_NUMBER, CONTRACT_NUMBER = "PO Number", "Contract Number"
"""Names of the custom fields on an invoice that carry the buyer's own numbers."""

CUSTOM_FIELD_LENGTH = 140
_MOST_CUSTOM_FIELDS = 4
"""Source: Stripe, invoice ``custom_fields``: at most four, each value at most 140 characters."""

_EMAIL_LENGTH = 512
"""Source: Stripe, customers.create ``email``."""


def invoice_terms(deal: Deal, days: ContractDays, policy: BillingPolicy) -> tuple[InvoiceTerms, tuple[str, ...]]:
    """How the deal's invoices are collected and what stands on them; and notes on what was cut.

    Raises:
        CannotBill: the payment terms make no sense.
    """
    automatic = deal.terms.collection is CollectionMethod.CHARGE_AUTOMATICALLY
    net_days = policy.default_net_days if deal.terms.net_days is None else deal.terms.net_days
    if net_days < 0:
        raise CannotBill.because(sentences.NEGATIVE_NET_DAYS, ref=deal.ref, days=net_days)
    fields: list[tuple[str, str]] = []
    notes: list[str] = []
    for name, value in _custom_fields(deal, days):
        if len(value) > CUSTOM_FIELD_LENGTH:
            notes.append(sentences.FIELD_CUT.says(name=_in_words(name), most=CUSTOM_FIELD_LENGTH))
        fields.append((name, value[:CUSTOM_FIELD_LENGTH]))
    notes += _not_reached(deal)
    terms = InvoiceTerms(
        deal.terms.collection,
        None if automatic else net_days,
        tuple(fields[:_MOST_CUSTOM_FIELDS]),
        automatic_tax=policy.automatic_tax,
    )
    return terms, tuple(notes)


def _not_reached(deal: Deal) -> list[str]:
    """A note on the addresses that Stripe will send nothing to. Source: its customers have one ``email``."""
    contact = deal.billing_contact
    reached = {contact.email.strip().lower() if contact else "", ""}
    further = [address.strip() for address in deal.recipients if address.strip().lower() not in reached]
    return [sentences.MORE_RECIPIENTS.says(addresses=", ".join(dict.fromkeys(further)))] if further else []


def _in_words(name: str) -> str:
    return name.replace("Number", "number").replace("Period", "period").replace("Contact", "contact")


def _custom_fields(deal: Deal, days: ContractDays) -> list[tuple[str, str]]:
    """What the buyer's accountant looks for. A contract's days and contact only where the deal has a contract number:
    other deals' invoices carry what they always did."""
    found = [(PO_NUMBER, deal.terms.po_number), (CONTRACT_NUMBER, deal.terms.contract_number)]
    if deal.terms.contract_number.strip():
        until = last_day(days.ends)
        found.append(("Contract Period", f"{days.begins} to {until}" if until else f"from {days.begins}"))
        found.append(("Billing Contact", deal.billing_contact.name if deal.billing_contact else ""))
    return [(name, value.strip()) for name, value in found if value.strip()]


def customer(deal: Deal, terms: InvoiceTerms) -> MakeCustomer:
    """The customer that is billed: the payer where the deal names one, else its account.

    Raises:
        CannotBill: nobody can be billed, or what they must be reached by is missing.
    """
    account = payer(deal)
    contact = deal.billing_contact
    email = (contact.email if contact else "").strip() or account.billing_email.strip()
    if not email and terms.collection is CollectionMethod.SEND_INVOICE:
        raise CannotBill.because(sentences.NO_EMAIL, ref=deal.ref)
    if email and ("@" not in email.strip("@") or any(c.isspace() for c in email) or len(email) > _EMAIL_LENGTH):
        raise CannotBill.because(sentences.BAD_EMAIL, ref=deal.ref)
    if terms.automatic_tax:
        _check_tax_address(deal, account)
    return MakeCustomer(
        key=StepKey(account.ref, CUSTOMER),
        name=account.name.strip(),
        email=email,
        phone=account.phone or (contact.phone if contact else ""),
        address=account.address,
        metadata={META_ACCOUNT: str(account.ref)},
        adopt=account.customer_id,
        tax_id=account.tax_id.strip(),
        tax_status=account.tax_status,
        domain=account.domain,
    )


def payer(deal: Deal) -> Account:
    """The company that pays.

    Raises:
        CannotBill: the deal has no account, or the company no name.
    """
    if deal.account is None:
        raise CannotBill.because(sentences.NO_ACCOUNT, ref=deal.ref)
    account = deal.payer or deal.account
    if not account.name.strip():
        field = "account.name" if deal.payer is None else "payer.name"
        raise CannotBill.because(sentences.ACCOUNT_WITHOUT_NAME, ref=account.ref, field=field)
    return account


def _check_tax_address(deal: Deal, account: Account) -> None:
    """Source: Stripe, ``automatic_tax``: an invoice without a usable address cannot be finalised."""
    role = "account" if deal.payer is None else "payer"
    for missing, value, field in (
        ("country", account.address.country, "country"),
        ("postal code", account.address.postal_code, "postal_code"),
    ):
        if not value.strip():
            where = f"{role}.address.{field}"
            raise CannotBill.because(sentences.NO_TAX_ADDRESS, ref=account.ref, field=where, missing=missing)
