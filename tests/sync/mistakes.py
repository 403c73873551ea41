"""Each kind of mistake in a mapping, made once on purpose in a real Salesforce org, and the sentence it must yield.

The table is ``MISTAKES``; ``test_every_mistake.py`` makes each of them, and holds the table to the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from connector.ports import FieldInfo
from mappings import sentences, value_sentences
from mappings.load import default_mapping
from mappings.model import FieldMapping, FieldRule, PriceRules
from mappings.sentence import Sentence

Changes: TypeAlias = Mapping[str, Any]

SOUND = FieldMapping(
    crm="salesforce",
    version=1,
    objects=default_mapping("salesforce").objects,
    deal=(
        FieldRule("deal.name", "Opportunity.Name", required=True),
        FieldRule("deal.currency", "", "constant", {"value": "EUR", "then": "currency"}),
        FieldRule("account.name", "Opportunity.Account.Name", required=True),
        FieldRule("contact.email", "Contact.Email", "email"),
    ),
    line_item=(
        FieldRule("line.quantity", "OpportunityLineItem.Quantity", "decimal"),
        FieldRule("line.unit_price", "OpportunityLineItem.UnitPrice", "decimal"),
        FieldRule("line.interval", "OpportunityLineItem.Billing_Frequency__c", "interval"),
        FieldRule("product.name", "OpportunityLineItem.Product2.Name"),
        FieldRule("product.code", "OpportunityLineItem.Product2.ProductCode"),
    ),
    write_back={"account": {"customer_id": "AccountNumber"}, "deal": {"sync_message": "NextStep"}},
)
"""A mapping that a standard org can use without set-up. Each mistake is one change of it."""

MORE_FIELDS: Mapping[str, tuple[FieldInfo, ...]] = {
    "Opportunity": (FieldInfo("Currency__c", "Currency", "choice", choices=("EUR", "USD", "Points")),),
    "Account": (FieldInfo("Light__c", "Light", "choice", choices=("good", "watch", "late", "unknown")),),
}
"""Fields that the recorded org lacks: two picklists that somebody made for deals and accounts."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: what makes it, and the sentence of the catalogue that must come of it.

    ``says`` is what the sentence must hold besides: which field it is about, and what was probably meant.
    """

    sentence: Sentence
    says: str
    rule: FieldRule | None = None  #: a rule more, in place of those for the same value
    change: Callable[[FieldMapping], FieldMapping] = field(default=lambda mapping: mapping)
    note: bool = False  #: it may be meant so, and is told without refusing the mapping
    deal: Changes | None = None  #: made while a deal is read: what the opportunity holds
    line: Changes = field(default_factory=dict)  #: and its line
    problem: str = ""  #: or what the CRM's records themselves are wrong about

    @property
    def mapping(self) -> FieldMapping:
        """The sound mapping with this one mistake."""
        return self.change(SOUND if self.rule is None else _with(self.rule))

    def __str__(self) -> str:
        return f"{self.sentence.id}: {self.says}"


def _with(rule: FieldRule) -> FieldMapping:
    if rule.canonical.startswith("line."):
        return replace(SOUND, line_item=(*SOUND.line_item, rule))
    return replace(SOUND, deal=(*(each for each in SOUND.deal if each.canonical != rule.canonical), rule))


def _without(canonical: str) -> Callable[[FieldMapping], FieldMapping]:
    def change(mapping: FieldMapping) -> FieldMapping:
        return replace(mapping, deal=tuple(rule for rule in mapping.deal if rule.canonical != canonical))

    return change


def _shows(kind: str = "account", **targets: str) -> Callable[[FieldMapping], FieldMapping]:
    return lambda mapping: replace(mapping, write_back={kind: targets})


def _priced(*order: str, **products: str) -> Callable[[FieldMapping], FieldMapping]:
    return lambda mapping: replace(mapping, prices=PriceRules(order, products))


def _renewed_from(*order: str) -> Callable[[FieldMapping], FieldMapping]:
    return lambda mapping: replace(mapping, renewal_from=order)


_RATING = "Opportunity.Account.Rating"

IN_A_RULE = (
    Mistake(sentences.NO_RULE, "No rule feeds account.name", change=_without("account.name")),
    Mistake(
        sentences.UNKNOWN_CANONICAL,
        "terms.po_numbr, did you mean terms.po_number?",
        FieldRule("terms.po_numbr", "Opportunity.NextStep"),
    ),
    Mistake(
        sentences.BAD_METADATA,
        "crm_deal is a name that the connector itself uses",
        FieldRule("metadata.crm_deal", "Opportunity.NextStep"),
    ),
    Mistake(
        sentences.BAD_CONVERSION,
        "no conversion called 'dezimal', did you mean decimal?",
        FieldRule("deal.amount", "Opportunity.Amount", "dezimal"),
    ),
    Mistake(
        sentences.BAD_CONVERSION,
        "enum needs the argument table",
        FieldRule("account.tax_status", _RATING, "enum"),
    ),
    Mistake(
        sentences.BAD_CONVERSION,
        "'Euros' is not a currency",
        FieldRule("deal.currency", "", "constant", {"value": "Euros", "then": "currency"}),
    ),
    Mistake(
        sentences.WRONG_KIND,
        "deal.amount holds a decimal, but text makes a text",
        FieldRule("deal.amount", "Opportunity.Amount"),
    ),
    Mistake(
        sentences.BAD_TABLE_VALUE,
        "gives 'postpaid', which is not one of charge_automatically, send_invoice",
        FieldRule("terms.collection", "Opportunity.NextStep", "enum", {"table": {"later": "postpaid"}}),
    ),
    Mistake(
        sentences.BAD_TABLE_VALUE,
        "gives 'Euros', which is not a currency",
        FieldRule("deal.currency", "", "constant", {"value": "Euros"}),
    ),
)

IN_A_PATH = (
    Mistake(
        sentences.UNREACHABLE_OBJECT,
        "deal rules cannot read Oportunity, did you mean Opportunity?",
        FieldRule("terms.po_number", "Oportunity.NextStep"),
    ),
    Mistake(
        sentences.UNREACHABLE_OBJECT,
        "line_item rules cannot read Opportunity, did you mean OpportunityLineItem?",
        FieldRule("line.description", "Opportunity.Name"),
    ),
    Mistake(
        sentences.UNKNOWN_FIELD,
        "Opportunity has no field NextStpe that we can see, did you mean NextStep?",
        FieldRule("terms.po_number", "Opportunity.NextStpe"),
    ),
    Mistake(
        sentences.UNKNOWN_FIELD,
        "Account has no field PersonEmial that we can see, did you mean PersonEmail?",
        FieldRule("account.billing_email", "Opportunity.Account.PersonEmial", "email"),
    ),
    Mistake(
        sentences.UNKNOWN_FIELD,
        "Account leads to another record",
        FieldRule("terms.po_number", "Opportunity.Account"),
    ),
    Mistake(
        sentences.OPTIONAL_MISSING,
        "optional fields of the shipped mapping are not there",
        change=lambda _: default_mapping("salesforce"),
        note=True,
    ),
    Mistake(
        sentences.UNKNOWN_RELATION,
        "Opportunity has no relation AccountId, did you mean Account?",
        FieldRule("account.phone", "Opportunity.AccountId.Phone"),
    ),
    Mistake(
        sentences.WRONG_TYPE,
        "Opportunity.IsPrivate is a checkbox field, which decimal cannot read",
        FieldRule("deal.amount", "Opportunity.IsPrivate", "decimal"),
    ),
    Mistake(
        sentences.WRONG_TYPE,
        "Opportunity.Account.VIP__pc is a checkbox field, which date cannot read",
        FieldRule("terms.start", "Opportunity.Account.VIP__pc", "date"),
    ),
    Mistake(
        sentences.WRONG_TYPE,
        "Opportunity.Amount is a money field, which currency cannot read",
        FieldRule("deal.currency", "Opportunity.Amount", "currency"),
    ),
    Mistake(
        sentences.UNTRANSLATED_CHOICE,
        f"{_RATING} may be 'Cold', which enum cannot translate",
        FieldRule("account.tax_status", _RATING, "enum", {"table": {"Hot": "none", "Warm": "exempt"}}),
    ),
    Mistake(
        sentences.UNTRANSLATED_CHOICE,
        "Opportunity.Currency__c may be 'Points', which currency cannot translate",
        FieldRule("deal.currency", "Opportunity.Currency__c", "currency"),
    ),
    Mistake(
        sentences.LOST_DECIMALS,
        "Opportunity.TotalOpportunityQuantity may have 2 decimals, which months does not take",
        FieldRule("terms.months", "Opportunity.TotalOpportunityQuantity", "months"),
        note=True,
    ),
    Mistake(
        sentences.LOST_TEXT,
        "Opportunity.Description may hold 32000 characters, but terms.po_number takes 140",
        FieldRule("terms.po_number", "Opportunity.Description"),
        note=True,
    ),
)

IN_A_TARGET = (
    Mistake(sentences.NO_OBJECT, "our acount, did you mean account?", change=_shows("acount", mrr="Site")),
    Mistake(sentences.UNKNOWN_WRITTEN, "no value helth", change=_shows(helth="Site")),
    Mistake(sentences.UNKNOWN_WRITTEN, "did you mean health", change=_shows(helth="Site")),
    Mistake(sentences.UNKNOWN_WRITTEN, "kind deal", change=_shows("deal", credit_hold="IsPrivate")),
    Mistake(
        sentences.UNKNOWN_TARGET,
        "Account.AcountNumber, which does not exist, did you mean AccountNumber?",
        change=_shows(customer_id="AcountNumber"),
    ),
    Mistake(
        sentences.READ_ONLY_TARGET,
        "Account.LastModifiedDate cannot be written, so synced_at cannot show",
        change=_shows(synced_at="LastModifiedDate"),
    ),
    Mistake(
        sentences.READ_ONLY_TARGET,
        "Account.IsPersonAccount cannot be written, so late_payer cannot show",
        change=_shows(late_payer="IsPersonAccount"),
    ),
    Mistake(
        sentences.SHARED_TARGET,
        "Account.Site is to show both health and currency",
        change=_shows(health_reason="Description", health="Site", currency="Site"),
    ),
    Mistake(
        sentences.TARGET_TYPE,
        "Account.IsPartner is a checkbox field, which cannot hold renewal_date (a date)",
        change=_shows(renewal_date="IsPartner"),
    ),
    Mistake(
        sentences.TARGET_CHOICE,
        "Account.Light__c does not offer severe, which health may be",
        change=_shows(health="Light__c"),
        note=True,
    ),
    Mistake(
        sentences.TARGET_SHORT,
        "Account.Sic holds 20 characters, too few for customer_id",
        change=_shows(customer_id="Sic"),
    ),
    Mistake(
        sentences.TARGET_DECIMALS,
        "Account.AnnualRevenue keeps 0 decimals, but open_balance has 2",
        change=_shows(open_balance="AnnualRevenue"),
    ),
)

IN_THE_PRICES = (
    Mistake(sentences.PRICES_UNUSED, "does not name product_table", change=_priced("inline", SEAT="price_1")),
    Mistake(sentences.PRICES_UNFED, "order of prices is price_id", change=_priced("price_id")),
    Mistake(
        sentences.PRICE_GONE,
        "gives SEAT the price price_of_old, which billing does not sell",
        change=_priced("product_table", "inline", SEAT="price_of_old"),
    ),
)

IN_THE_RENEWALS = (
    Mistake(
        sentences.RENEWAL_UNFED,
        "no rule reads terms.renewal_date",
        change=_renewed_from("crm_field", "schedule"),
        note=True,
    ),
    Mistake(
        sentences.RENEWAL_UNUSED,
        "renewal_from does not name crm_field",
        FieldRule("terms.renewal_date", "Opportunity.CloseDate", "date"),
        change=_renewed_from("contract_end"),
        note=True,
    ),
)

WHILE_A_DEAL_IS_READ = (
    Mistake(
        sentences.VALUE_MISSING,
        "Opportunity.NextStep is empty, but terms.po_number is needed",
        FieldRule("terms.po_number", "Opportunity.NextStep", required=True),
        deal={"NextStep": "  "},
    ),
    Mistake(
        value_sentences.NOT_A_PLAIN_NUMBER,
        "Opportunity.NextStep: 'a few hundred' is not a plain number",
        FieldRule("deal.amount", "Opportunity.NextStep", "decimal"),
        deal={"NextStep": "a few hundred"},
    ),
    Mistake(
        value_sentences.NOT_A_CURRENCY,
        "Opportunity.Currency__c: 'Points' is not a currency",
        FieldRule("deal.currency", "Opportunity.Currency__c", "currency"),
        deal={"Currency__c": "Points"},
    ),
    Mistake(
        sentences.VALUE_UNFIT,
        "Opportunity.NextStep: 'twelve' is not a whole number, which terms.months needs",
        FieldRule("terms.months", "Opportunity.NextStep"),
        deal={"NextStep": "twelve"},
    ),
    Mistake(
        sentences.VALUE_NEGATIVE,
        "'-5' is less than zero, which terms.discount_amount cannot be",
        FieldRule("terms.discount_amount", "Opportunity.NextStep", "decimal"),
        deal={"NextStep": "-5"},
    ),
    Mistake(
        sentences.PATH_THROUGH_VALUE,
        "Opportunity.AccountId is a value, not a related record",
        FieldRule("account.phone", "Opportunity.AccountId.Phone"),
        deal={"AccountId": "001A1"},
    ),
    Mistake(sentences.DEAL_UNCLEAR, "The deal has two companies.", deal={}, problem="The deal has two companies."),
    Mistake(sentences.LINE_INCOMPLETE, "“Seats” has no quantity", deal={}, line={"Quantity": None}),
    Mistake(
        sentences.NO_PRICE,
        "“Seats” finds no price",
        change=_priced("product_table", OTHER="price_1"),
        deal={},
    ),
)

IN_A_MAPPING = (*IN_A_RULE, *IN_A_PATH, *IN_A_TARGET, *IN_THE_PRICES, *IN_THE_RENEWALS)
MISTAKES = (*IN_A_MAPPING, *WHILE_A_DEAL_IS_READ)
