"""What billing cannot do with a step, and what must be changed before it can."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

TAX_ID_UNKNOWN = Sentence(
    id="tax-id-unknown",
    text="The account's tax id has no form that is used in {country}.",
    fix='Write it with its country, as in "DE123456789", or put its kind before it, as in "eu_vat:DE123456789". '
    "Kinds: {kinds}.",
    cause="Billing must be told what kind of number a tax id is, and neither its form nor the account's country says.",
    who=Who.SALES,
    field="account.tax_id",
)
CREDIT_TOO_LARGE = Sentence(
    id="credit-too-large",
    text="The credit of {amount} is more than the {left} that are left of invoice {invoice}.",
    fix="Credit at most what is left of the invoice, and the rest by hand on an earlier one.",
    cause="What a contract gives back was partly credited already, or was billed on several invoices.",
    who=Who.FINANCE,
)
INVOICE_NOT_CREDITABLE = Sentence(
    id="invoice-not-creditable",
    text="Invoice {invoice} is {status}, so nothing can be credited on it.",
    fix="Nothing is owed on it; replay the deal without credit, or credit the invoice that stands in its place.",
    cause="The invoice to be credited was voided or written off in billing.",
    who=Who.FINANCE,
)
CONTRACT_ENDED = Sentence(
    id="contract-ended",
    text="The contract {contract} has ended in billing, so it cannot be changed.",
    fix="Name the contract that runs, or bill the deal as a new one.",
    cause="An amendment or renewal names a subscription that was cancelled or has run out.",
    who=Who.SALES,
    field="terms.amends",
)
ITEM_GONE = Sentence(
    id="contract-item-gone",
    text="The contract {contract} has no line {item} any more, so it cannot be changed as planned.",
    fix="Replay the deal: it is planned anew against the contract as it stands.",
    cause="Somebody changed the subscription in billing between the planning and the change.",
    who=Who.FINANCE,
)
SCHEDULE_TOO_SPECIAL = Sentence(
    id="schedule-too-special",
    text="The schedule of contract {contract} holds settings that a change from here would lose: {settings}.",
    fix="Change the schedule in Stripe by hand.",
    cause="A schedule is changed by writing all its phases anew, and these settings are none of the connector's.",
    who=Who.FINANCE,
)
CUSTOMER_MISSING = Sentence(
    id="customer-does-not-exist",
    text="The account names the Stripe customer {customer}, which {state}.",
    fix="Correct the customer id on the account, or empty it to have a customer made.",
    cause="The billing customer id on the CRM account is misspelt, or of another Stripe account or mode.",
    who=Who.SALES,
    field="account.customer_id",
)
