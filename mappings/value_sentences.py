"""What a rule's conversion cannot read in a CRM field: one sentence for each kind of value.

Part of the catalogue of ``connector.sentences``; docs/errors.md lists them all.
"""

from __future__ import annotations

from mappings.sentence import Sentence, Who

_CORRECT = "Correct the value in the CRM, or the rule in the mapping."

TOO_LONG = Sentence(
    id="value-too-long",
    text="{where}: the value has {length} characters, more than the {most} we read.",
    fix=_CORRECT,
    cause="A field holds a whole document.",
    who=Who.SALES,
)
NOT_SINGLE = Sentence(
    id="value-not-single",
    text="{where}: {value} is not a single value.",
    fix="Point the rule at a field, not at a record or a list.",
    cause="A rule's path ends at a related record, or at a field that holds several values.",
    who=Who.ADMIN,
)
NOT_A_NUMBER = Sentence(
    id="value-not-a-number",
    text="{where}: {value} is not a number.",
    fix=_CORRECT,
    cause="A rule reads a number from a date, a checkbox or a list.",
    who=Who.ADMIN,
)
NOT_A_PLAIN_NUMBER = Sentence(
    id="value-not-a-plain-number",
    text="{where}: {value} is not a plain number.",
    fix='Use digits and a point, or say decimal_mark = "," in the rule if commas mark the decimals.',
    cause="A number is written with words, a currency sign, or marks that may mean either decimals or thousands.",
    who=Who.SALES,
)
NUMBER_UNWIELDY = Sentence(
    id="value-number-unwieldy",
    text="{where}: the number is too large or too small to be an amount.",
    fix=_CORRECT,
    cause="A number has more digits than can be added up exactly.",
    who=Who.SALES,
)
NOT_WHOLE = Sentence(
    id="value-not-whole",
    text="{where}: {value} is not a whole number.",
    fix=_CORRECT,
    cause="Months, days and the like are counted in whole numbers.",
    who=Who.SALES,
)
NOT_A_PERCENTAGE = Sentence(
    id="value-not-a-percentage",
    text="{where}: {value} is not between 0 and 100 percent.",
    fix=_CORRECT,
    cause="A discount is negative or more than everything, or the rule lacks `fraction = true`, or has it wrongly.",
    who=Who.SALES,
)
NO_TIME_ZONE = Sentence(
    id="value-time-zone-unknown",
    text="{where}: there is no time zone {value}.",
    fix="Europe/Berlin, for one.",
    cause="The rule's `timezone` is not in the IANA list.",
    who=Who.ADMIN,
)
NOT_A_DATE = Sentence(
    id="value-not-a-date",
    text="{where}: {value} is not a date.",
    fix="Dates look like 2026-11-21.",
    cause="A rule reads a day from a text in another form.",
    who=Who.SALES,
)
NOT_A_USABLE_DATE = Sentence(
    id="value-date-out-of-reach",
    text="{where}: {value} is not a date we can use.",
    fix=_CORRECT,
    cause="A date lies before the year 1 or after 9999 in the rule's time zone.",
    who=Who.SALES,
)
NOT_A_CURRENCY = Sentence(
    id="value-not-a-currency",
    text="{where}: {value} is not a currency.",
    fix="Currencies are three letters: USD.",
    cause="A currency is written as a word or a sign.",
    who=Who.SALES,
)
NOT_AN_INTERVAL = Sentence(
    id="value-not-an-interval",
    text="{where}: {value} does not say how often the line is billed.",
    fix="Monthly, quarterly, semiannual, annual and one-time are known; add other words to the rule's table.",
    cause="A billing frequency is a word that the mapping does not know.",
    who=Who.ADMIN,
)
NOT_MONTHS = Sentence(
    id="value-not-months",
    text="{where}: {value} is not a number of months.",
    fix="Write it as 12, P12M or 12 months.",
    cause="A term is written in a form that the mapping does not know.",
    who=Who.SALES,
)
NOT_NET_DAYS = Sentence(
    id="value-not-net-days",
    text="{where}: {value} does not say in how many days an invoice falls due.",
    fix="Net 30, 30 and Due on receipt are known; add other words to the rule's table.",
    cause="Payment terms are written in a form that the mapping does not know.",
    who=Who.ADMIN,
)
NOT_A_COLLECTION = Sentence(
    id="value-not-a-collection-method",
    text="{where}: {value} does not say how invoices are paid.",
    fix="Known are send_invoice and charge_automatically; add other words to the rule's table.",
    cause="A collection method is a word that the mapping does not know.",
    who=Who.ADMIN,
)
NOT_YES_OR_NO = Sentence(
    id="value-not-yes-or-no",
    text="{where}: {value} is neither yes nor no.",
    fix=_CORRECT,
    cause="A rule reads yes or no from a field that holds something else.",
    who=Who.ADMIN,
)
NOT_AN_EMAIL = Sentence(
    id="value-not-an-email",
    text="{where}: the value is not one e-mail address.",
    fix="Leave a single address in the field.",
    cause="An address is malformed, or a field for one address holds several. It is not repeated here: it is personal.",
    who=Who.SALES,
)
TOO_MANY_ENTRIES = Sentence(
    id="value-too-many-entries",
    text="{where}: the value lists {count} entries, more than the {most} we read.",
    fix=_CORRECT,
    cause="A field that holds a list is much longer than such lists are.",
    who=Who.SALES,
)
NOT_A_DEAL_KIND = Sentence(
    id="value-not-a-deal-kind",
    text="{where}: {value} does not say what the deal does to what is billed already.",
    fix="New Business, Existing Business, Amendment, Renewal and Cancellation are known; add other words to the rule's "
    "table.",
    cause="A deal's type is a word that the mapping does not know.",
    who=Who.ADMIN,
)
NOT_A_TAX_STATUS = Sentence(
    id="value-not-a-tax-status",
    text="{where}: {value} is no tax status.",
    fix="None, Exempt and Reverse charge are known; add other words to the rule's table.",
    cause="An account's tax status is a word that the mapping does not know.",
    who=Who.ADMIN,
)
NO_TRANSLATION = Sentence(
    id="value-without-translation",
    text="{where}: {value} has no translation.",
    fix="Add it to the rule's table.",
    cause="The CRM holds a word that the rule's table does not list.",
    who=Who.ADMIN,
)
PATTERN_UNSAFE = Sentence(
    id="value-pattern-unsafe",
    text="{where}: {problem}.",
    fix="Use a simpler pattern.",
    cause="The rule's regex is broken, or could take for ever.",
    who=Who.ADMIN,
)
CANNOT_FOLLOW = Sentence(
    id="value-conversion-cannot-follow",
    text="{where}: {name} cannot follow another conversion.",
    fix="Use one of: {names}.",
    cause="The rule's `then` names a conversion that reads other fields, or none that there is.",
    who=Who.ADMIN,
)
NO_CONVERSION = Sentence(
    id="value-conversion-unknown",
    text="{where}: there is no conversion called {name}.",
    fix="Use one of: {names}.",
    cause="A rule's `transform` is misspelt.",
    who=Who.ADMIN,
)
