"""Every sentence about a mapping: what a rule cannot read, and each mistake that ``check`` finds.

Part of the catalogue of ``connector.sentences``; docs/errors.md lists them all.
"""

from __future__ import annotations

from mappings.sentence import Sentence, Who

# --- While a deal is read -------------------------------------------------------------------------------------------

VALUE_MISSING = Sentence(
    id="mapping-value-missing",
    text="{where} is empty, but {canonical} is needed.",
    fix="Fill in {where}, or add a rule with a default for {canonical} to the mapping.",
    cause="A rule of the mapping is marked as required, and none of the fields it reads says anything.",
    who=Who.SALES,
)
VALUE_UNFIT = Sentence(
    id="mapping-value-unfit",
    text="{where}: {value} is not {wanted}, which {canonical} needs.",
    fix="Choose another conversion for the rule; `connector mapping check` names those that fit.",
    cause="The rule's conversion makes another kind of value than its canonical name holds.",
    who=Who.ADMIN,
)
VALUE_NEGATIVE = Sentence(
    id="mapping-value-negative",
    text="{where}: {value} is less than zero, which {canonical} cannot be.",
    fix="Correct the value.",
    cause="A length, a discount or a credit is negative.",
    who=Who.SALES,
)
PATH_THROUGH_VALUE = Sentence(
    id="mapping-path-through-value",
    text="{path}: {walked} is a value, not a related record.",
    fix="Shorten the path, or name the relation it should go through.",
    cause="A path names a field where it should name a relation: AccountId instead of Account.",
    who=Who.ADMIN,
)
DEAL_UNCLEAR = Sentence(
    id="deal-records-unclear",
    text="{problem}",
    fix="Correct it in the CRM.",
    cause="The CRM's records do not form one deal: several companies and none of them primary, too many lines.",
    who=Who.SALES,
    field="deal",
)
LINE_INCOMPLETE = Sentence(
    id="line-incomplete",
    text="“{line}” has no {missing}.",
    fix="Fill it in on the line.",
    cause="A line needs a quantity, and a unit price or a total.",
    who=Who.SALES,
)
NO_PRICE = Sentence(
    id="product-without-price",
    text="“{line}” finds no price: it has neither {sources}.",
    fix="Give the product one of them, or add `inline` to the order of prices in the mapping.",
    cause="The mapping's order of price sources does not end in `inline`, and no source knows the product.",
    who=Who.ADMIN,
    field="product.price_id",
)

# --- While a mapping is checked: its rules --------------------------------------------------------------------------

NO_RULE = Sentence(
    id="mapping-no-rule",
    text="No rule feeds {canonical}, which is needed.",
    fix="Add a rule that says which CRM field holds {canonical}.",
    cause="Without this value nothing could be billed.",
    who=Who.ADMIN,
)
UNKNOWN_CANONICAL = Sentence(
    id="mapping-unknown-name",
    text="There is no canonical value {canonical}{guess}",
    fix="Correct the name; free values begin with `metadata.`.",
    cause="A rule feeds a name that billing does not know.",
    who=Who.ADMIN,
)
BAD_METADATA = Sentence(
    id="mapping-metadata-name",
    text="{canonical}: {problem}.",
    fix="Choose another name after `metadata.`.",
    cause="Stripe takes 50 metadata keys of at most 40 characters, and some of them are ours.",
    who=Who.ADMIN,
)
BAD_CONVERSION = Sentence(
    id="mapping-conversion",
    text="{canonical}: {problem}",
    fix="Correct the rule's transform or its args.",
    cause="A rule names a conversion that does not exist, or gives one the wrong arguments.",
    who=Who.ADMIN,
)
WRONG_KIND = Sentence(
    id="mapping-wrong-kind",
    text="{canonical} holds {held}, but {transform} makes {made}.",
    fix="Use one of: {fitting}.",
    cause="A rule's conversion makes another kind of value than its canonical name holds.",
    who=Who.ADMIN,
)
BAD_TABLE_VALUE = Sentence(
    id="mapping-table-value",
    text="{canonical}: the rule gives {value}, which is not {wanted}.",
    fix="Correct the rule's constant, its default, or the right-hand side of its table.",
    cause="What a rule gives by itself is a value that its canonical name cannot hold.",
    who=Who.ADMIN,
)

# --- Its paths ------------------------------------------------------------------------------------------------------

UNREACHABLE_OBJECT = Sentence(
    id="mapping-unreachable-object",
    text="{path}: {group} rules cannot read {object}{guess}",
    fix="Begin the path with one of: {objects}.",
    cause="A path begins with an object that is not read for a deal, or not for a line.",
    who=Who.ADMIN,
)
UNKNOWN_FIELD = Sentence(
    id="mapping-unknown-field",
    text="{object} has no field {field} that we can see{guess}",
    fix="Check its spelling, and that the integration user may read it; `connector setup` makes our own fields.",
    cause="A path ends in a field that the CRM's description does not list.",
    who=Who.ADMIN,
)
OPTIONAL_MISSING = Sentence(
    id="mapping-optional-missing",
    text="{count} optional fields of the shipped mapping are not there, or not visible: {fields}.",
    fix="Run `connector setup` for ours; fields of a feature that the CRM does not use may stay missing.",
    cause="The shipped mapping reads and writes fields that not every CRM has; they are left out.",
    who=Who.ADMIN,
)
UNKNOWN_RELATION = Sentence(
    id="mapping-unknown-relation",
    text="{object} has no relation {relation}{guess}",
    fix="Name a relation as the CRM does: Account for AccountId, Billing_Payer__r for Billing_Payer__c.",
    cause="A path goes through something that leads to no other record.",
    who=Who.ADMIN,
)
WRONG_TYPE = Sentence(
    id="mapping-wrong-type",
    text="{path} is a {type} field, which {transform} cannot read.",
    fix="Use one of: {fitting}.",
    cause="The conversion cannot read what a field of this type holds.",
    who=Who.ADMIN,
)
UNTRANSLATED_CHOICE = Sentence(
    id="mapping-untranslated-choice",
    text="{path} may be {choice}, which {transform} cannot translate.",
    fix="Add it to the rule's table.",
    cause="A picklist has a value that the rule does not know; a deal with it would wait for a person.",
    who=Who.ADMIN,
)
LOST_DECIMALS = Sentence(
    id="mapping-lost-decimals",
    text="{path} may have {scale} decimals, which {transform} does not take.",
    fix="Read it as decimal, or map a field without decimals.",
    cause="A value with decimals would not be read, as it must not be rounded in silence.",
    who=Who.ADMIN,
)
LOST_TEXT = Sentence(
    id="mapping-lost-text",
    text="{path} may hold {length} characters, but {canonical} takes {longest} in billing.",
    fix="Map a shorter field, or take the part that matters with the regex conversion.",
    cause="Stripe takes fewer characters than the CRM field holds; longer text is cut.",
    who=Who.ADMIN,
)

# --- What it writes -------------------------------------------------------------------------------------------------

NO_OBJECT = Sentence(
    id="mapping-no-object",
    text="The mapping's objects do not say what the CRM calls our {kind}{guess}",
    fix="Add {kind} to [objects].",
    cause="Values are written to a kind of record that has no CRM object.",
    who=Who.ADMIN,
)
UNKNOWN_WRITTEN = Sentence(
    id="mapping-unknown-written",
    text="There is no value {value} that a record of the kind {kind} shows{guess}",
    fix="Correct the name on the left-hand side of [write_back.{kind}].",
    cause="The mapping writes a value that the connector does not know.",
    who=Who.ADMIN,
)
UNKNOWN_TARGET = Sentence(
    id="mapping-unknown-target",
    text="{value} should be written to {target}, which does not exist{guess}",
    fix="Run `connector setup`, or correct the name.",
    cause="The mapping writes to a field that the CRM's description does not list.",
    who=Who.ADMIN,
)
READ_ONLY_TARGET = Sentence(
    id="mapping-read-only-target",
    text="{target} cannot be written, so {value} cannot show.",
    fix="Map it to another field, or let the integration user edit this one.",
    cause="The field is read-only: a formula, a system field, or one that the user may only see.",
    who=Who.ADMIN,
)
SHARED_TARGET = Sentence(
    id="mapping-shared-target",
    text="{target} is to show both {value} and {other}.",
    fix="Give each value a field of its own.",
    cause="Two values are written to one field, and each would overwrite the other.",
    who=Who.ADMIN,
)
TARGET_TYPE = Sentence(
    id="mapping-target-type",
    text="{target} is a {type} field, which cannot hold {value} (a {kind}).",
    fix="Map it to a field of another type; text holds anything.",
    cause="The CRM field's type does not fit the value that is written to it.",
    who=Who.ADMIN,
)
TARGET_CHOICE = Sentence(
    id="mapping-target-choice",
    text="{target} does not offer {choice}, which {value} may be.",
    fix="Add the value to the picklist, or map to a text field.",
    cause="A picklist lacks one of the words that the connector writes.",
    who=Who.ADMIN,
)
TARGET_SHORT = Sentence(
    id="mapping-target-short",
    text="{target} holds {length} characters, too few for {value}.",
    fix="Map it to a field that holds at least {needed} characters.",
    cause="What is written would not fit, and an id or a link that is cut is wrong.",
    who=Who.ADMIN,
)
TARGET_DECIMALS = Sentence(
    id="mapping-target-decimals",
    text="{target} keeps {scale} decimals, but {value} has {needed}.",
    fix="Map it to a field with at least {needed} decimals.",
    cause="The CRM would round what is written: lost precision.",
    who=Who.ADMIN,
)

# --- How lines find their price -------------------------------------------------------------------------------------

PRICES_UNUSED = Sentence(
    id="mapping-prices-unused",
    text="The mapping has a product table, but its order of prices does not name product_table.",
    fix="Add product_table to the order, or take the table out.",
    cause="[prices.products] lists prices that no line will ever find.",
    who=Who.ADMIN,
)
PRICES_UNFED = Sentence(
    id="mapping-prices-unfed",
    text="No line can find a price: the order of prices is {order}, and {problem}.",
    fix="Add a rule for {canonical}, or another source to the order.",
    cause="The order of price sources needs a value that no rule reads.",
    who=Who.ADMIN,
)
PRICE_GONE = Sentence(
    id="mapping-price-gone",
    text="The product table gives {code} the price {price}, which billing does not sell.",
    fix="Correct the price id: Stripe's product catalogue names it.",
    cause="A price id in [prices.products] does not exist in the connected Stripe account, or is archived.",
    who=Who.ADMIN,
)

# --- Where renewal dates are read -----------------------------------------------------------------------------------

RENEWAL_UNFED = Sentence(
    id="mapping-renewal-unfed",
    text="Renewal dates are read from crm_field first, but no rule reads terms.renewal_date.",
    fix="Add a rule for terms.renewal_date, or rank another source first in renewal_from.",
    cause="The mapping ranks its sources, and the best of them can never name a day; the next one is asked each time.",
    who=Who.ADMIN,
)
RENEWAL_UNUSED = Sentence(
    id="mapping-renewal-unused",
    text="A rule reads terms.renewal_date, but renewal_from does not name crm_field.",
    fix="Add crm_field to renewal_from, or take the rule out.",
    cause="The day that people keep in the CRM is read and then never used.",
    who=Who.ADMIN,
)

# --- Versions -------------------------------------------------------------------------------------------------------

BROKEN_VERSION = Sentence(
    id="mapping-version-broken",
    text="Version {version} of the {crm} mapping cannot be used: {problem}",
    fix="Activate another version with `connector mapping activate`, or go back with `connector mapping rollback`.",
    cause="A stored version does not fit this release of the connector.",
    who=Who.ADMIN,
)
NO_VERSION = Sentence(
    id="mapping-version-missing",
    text="There is no version {version} of the {crm} mapping.",
    fix="`connector mapping show {crm} --versions` lists those there are.",
    cause="A version was named that was never saved.",
    who=Who.ADMIN,
)
NOTHING_BEFORE = Sentence(
    id="mapping-nothing-before",
    text="The {crm} mapping in force is the one we ship, and no other was in force before it.",
    fix="Name the version to use with `connector mapping activate`.",
    cause="Roll-back was asked for where there is nothing to go back to.",
    who=Who.ADMIN,
)
OTHER_CRM = Sentence(
    id="mapping-other-crm",
    text="The file is a mapping for {found}, not for {crm}.",
    fix="Name the CRM it is for, or correct `crm` in the file.",
    cause="A file was given for another CRM than it says itself.",
    who=Who.ADMIN,
)
BROKEN_FILE = Sentence(
    id="mapping-file-broken",
    text="{file} is no mapping: {problem}",
    fix="Correct the file; `connector mapping export` writes one that is right.",
    cause="A mapping file is not TOML, not UTF-8, too large, or holds what a mapping cannot.",
    who=Who.ADMIN,
)
CHECK_FAILED = Sentence(
    id="mapping-check-failed",
    text="The mapping does not fit the CRM: {problem}",
    fix="Correct it, or say --force to use it all the same.",
    cause="A mapping with mistakes that would park deals was to be saved or activated.",
    who=Who.ADMIN,
)
