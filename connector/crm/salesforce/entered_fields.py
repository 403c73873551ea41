"""The custom fields that people fill in, which a standard org lacks: what a deal's billing must know, as data."""

from __future__ import annotations

from typing import Any, TypeAlias

Shape: TypeAlias = dict[str, Any]

FREQUENCIES = (
    "Weekly",
    "Monthly",
    "Quarterly",
    "Semiannual",
    "Annual",
    "Every 2 years",
    "Every 3 years",
    "One-time",
)
COLLECTIONS = (("send_invoice", "Send invoice"), ("charge_automatically", "Charge automatically"))
KINDS = (
    ("new", "New"),
    ("amendment", "Amendment"),
    ("renewal", "Renewal"),
    ("cancellation", "Cancellation"),
)
TAX_STATUSES = (("none", "Taxable"), ("exempt", "Exempt"), ("reverse", "Reverse charge"))
YES_NO = (("yes", "Yes"), ("no", "No"))
"""A checkbox cannot be empty, and so could not leave the decision to the settings."""


def picklist(choices: tuple[tuple[str, str], ...]) -> Shape:
    """Not restricted: a value that we add one day must not be refused by an org that was set up before."""
    values = [{"fullName": value, "label": label, "default": False} for value, label in choices]
    return {
        "type": "Picklist",
        "valueSet": {"restricted": False, "valueSetDefinition": {"sorted": False, "value": values}},
    }


def _words(*words: str) -> Shape:
    return picklist(tuple((word, word) for word in words))


def _whole(digits: int) -> Shape:
    return {"type": "Number", "precision": digits, "scale": 0}


def _text(length: int = 255) -> Shape:
    return {"type": "Text", "length": length}


_DATE: Shape = {"type": "Date"}
_MONTHS = _whole(4)
_MONEY: Shape = {"type": "Currency", "precision": 18, "scale": 2}
_PERCENT: Shape = {"type": "Percent", "precision": 7, "scale": 4}
_PAYER: Shape = {
    "type": "Lookup",
    "referenceTo": "Account",
    "relationshipName": "Billing_Paid_For",
    "relationshipLabel": "Pays for",
    "deleteConstraint": "SetNull",
}

ENTERED: tuple[tuple[str, str, str, Shape], ...] = (
    ("Opportunity.Billing_Start__c", "Billing start", "The day billing begins; empty: now.", _DATE),
    ("Opportunity.Billing_End__c", "Billing end", "The contract's last day, if not told by its term.", _DATE),
    ("Opportunity.Billing_Term_Months__c", "Billing term (months)", "How long the contract runs.", _MONTHS),
    ("Opportunity.Billing_Auto_Renew__c", "Renews by itself", "Empty: as the settings say.", picklist(YES_NO)),
    (
        "Opportunity.Billing_Net_Days__c",
        "Billing net days",
        "Days until an invoice falls due; 0 is on receipt.",
        _whole(3),
    ),
    ("Opportunity.Billing_PO_Number__c", "PO number", "The buyer's order number.", _text(140)),
    ("Opportunity.Billing_Contract_Number__c", "Contract number", "Shown on every invoice.", _text(140)),
    ("Opportunity.Billing_Collection__c", "Collection", "How invoices are paid.", picklist(COLLECTIONS)),
    (
        "Opportunity.Billing_Recipients__c",
        "Invoice recipients",
        "Further e-mail addresses that get every invoice, parted by semicolons.",
        {"type": "LongTextArea", "length": 1000, "visibleLines": 2},
    ),
    (
        "Opportunity.Billing_Discount_Percent__c",
        "Deal discount (%)",
        "On the whole deal, after the products' own discounts.",
        _PERCENT,
    ),
    ("Opportunity.Billing_Discount_Amount__c", "Deal discount", "Once, off the first invoice.", _MONEY),
    (
        "Opportunity.Billing_Discount_Months__c",
        "Deal discount months",
        "How long the percentage holds; empty: throughout.",
        _MONTHS,
    ),
    ("Opportunity.Billing_Free_Months__c", "Free months", "At the beginning, without charge.", _MONTHS),
    (
        "Opportunity.Billing_Kind__c",
        "Billing kind",
        "What the deal does to what is billed already; empty: new.",
        picklist(KINDS),
    ),
    (
        "Opportunity.Billing_Amends__c",
        "Amends",
        "The id of the deal or subscription that this one changes, renews or cancels.",
        _text(),
    ),
    ("Opportunity.Billing_Ends_On__c", "Cancelled on", "A cancellation's last day; empty: end of term.", _DATE),
    ("Opportunity.Billing_Renews_On__c", "Renews on", "The day the contract comes up for renewal.", _DATE),
    (
        "Opportunity.Billing_With_Credit__c",
        "Credit unused time",
        "Whether what is paid and not served is credited; empty: as the settings say.",
        picklist(YES_NO),
    ),
    ("OpportunityLineItem.Billing_Frequency__c", "Billing frequency", "How often it is billed.", _words(*FREQUENCIES)),
    (
        "OpportunityLineItem.Billing_Price_Period__c",
        "Price is per",
        "If not per billing period: Monthly for a monthly price billed annually.",
        _words(*FREQUENCIES[:-1]),
    ),
    ("OpportunityLineItem.Billing_End__c", "Service end", "The last day that is served.", _DATE),
    (
        "OpportunityLineItem.Billing_Discount_Months__c",
        "Discount months",
        "How long the discount holds; empty: throughout.",
        _MONTHS,
    ),
    ("OpportunityLineItem.Billing_Free_Months__c", "Free months", "At the beginning, without charge.", _MONTHS),
    ("OpportunityLineItem.Billing_Bill_On__c", "Bill on", "A milestone: the day it is invoiced.", _DATE),
    ("OpportunityLineItem.Billing_Credit_Amount__c", "Credits bought", "Prepaid credits, as an amount.", _MONEY),
    ("OpportunityLineItem.Billing_Credit_Months__c", "Credits last (months)", "Empty: for ever.", _MONTHS),
    (
        "Product2.Billing_Frequency__c",
        "Billing frequency",
        "For lines that say nothing else.",
        _words(*FREQUENCIES),
    ),
    ("Product2.Billing_Tax_Code__c", "Tax code", "What it is to the tax office: txcd_...", _text()),
    ("Product2.Stripe_Price_Id__c", "Stripe price", "A price to bill by: price_...", _text()),
    (
        "Account.Billing_Payment_Terms__c",
        "Payment terms",
        "For all that the account buys, such as Net 45; a deal's own net days win.",
        _text(80),
    ),
    ("Account.Billing_Tax_Id__c", "Tax id", "With its country: DE123456789.", _text(80)),
    ("Account.Billing_Tax_Status__c", "Tax status", "Empty: taxable.", picklist(TAX_STATUSES)),
    ("Account.Billing_Payer__c", "Invoices are paid by", "Another account that pays for this one.", _PAYER),
)
"""(object.field, label, help text, shape) of each. Only those that the mapping reads are made."""

LEADS_TO = {"Parent": "Account", "Billing_Payer__r": "Account"}
"""Relations whose name is not that of the object they lead to."""
