"""Why a deal cannot be billed as it stands: its company, its terms, its days. Lines have ``planning_lines``."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NO_ACCOUNT = Sentence(
    id="deal-without-account",
    text="The deal has no account, so there is nobody to bill.",
    fix="Set the account.",
    cause="A won deal is not connected to a company.",
    who=Who.SALES,
    field="deal.account",
)

ACCOUNT_WITHOUT_NAME = Sentence(
    id="account-without-name",
    text="The account has no name.",
    fix="Name the account.",
    cause="The company that is to be billed has an empty name.",
    who=Who.SALES,
    field="account.name",
)

NO_CURRENCY = Sentence(
    id="deal-without-currency",
    text="The deal names no currency.",
    fix="Set the deal's currency, or a default currency for the whole CRM in the settings.",
    cause="Neither the deal nor the settings say which currency its amounts are in.",
    who=Who.SALES,
    field="deal.currency",
)

UNKNOWN_CURRENCY = Sentence(
    id="deal-currency-unknown",
    text="“{currency}” is no currency.",
    fix="Set the deal's currency to its three letters, like EUR.",
    cause="A currency is not written as its three-letter ISO code.",
    who=Who.SALES,
    field="deal.currency",
)

CURRENCY_NOT_BILLED = Sentence(
    id="deal-currency-not-billed",
    text="Stripe does not bill in {currency}.",
    fix="Sell in a currency that Stripe supports, and set the deal's currency to it.",
    cause="The deal's currency is one that Stripe takes no payments in.",
    who=Who.SALES,
    field="deal.currency",
)

NO_LINES = Sentence(
    id="deal-without-lines",
    text="The deal has no products, so there is nothing to bill.",
    fix="Add the sold products to the deal.",
    cause="A won deal has no line items.",
    who=Who.SALES,
    field="deal.line_items",
)

TOO_MANY_LINES = Sentence(
    id="invoice-too-long",
    text="One invoice of the deal would have {count} lines; an invoice holds at most {most}.",
    fix="Split the deal, or join lines of the same product.",
    cause="The one-off lines of a deal, and the periods that lie back, are more than one invoice holds.",
    who=Who.SALES,
    field="deal.line_items",
)

NOT_NEW = Sentence(
    id="deal-needs-its-contract",
    text="The deal is a {kind}, which can only be planned together with the contract it changes.",
    fix="Name the deal or subscription that it changes, or make it a new deal.",
    cause="An amendment, renewal or cancellation was planned without the running contract.",
    who=Who.SALES,
    field="terms.kind",
)

NEGATIVE_NET_DAYS = Sentence(
    id="net-days-negative",
    text="Payment terms of {days} days make no sense.",
    fix="Use 0 or more.",
    cause="The payment terms are a negative number of days.",
    who=Who.SALES,
    field="terms.net_days",
)

NO_EMAIL = Sentence(
    id="no-invoice-email",
    text="There is no e-mail address to send the invoice to.",
    fix="Give the deal a billing contact with an e-mail address.",
    cause="Invoices are sent by mail, and neither the billing contact nor the account has an address.",
    who=Who.SALES,
    field="contact.email",
)

BAD_EMAIL = Sentence(
    id="invoice-email-unusable",
    text="The billing contact's e-mail address is not one that mail can reach.",
    fix="Correct the contact's e-mail address.",
    cause="The address has no @, or a space, or is longer than 512 characters.",
    who=Who.SALES,
    field="contact.email",
)

NO_TAX_ADDRESS = Sentence(
    id="no-address-for-tax",
    text="Tax is worked out from the customer's address, and its {missing} is missing.",
    fix="Fill in the {missing} of the company that pays.",
    cause="Automatic tax is on, and the paying company has no country or no postal code.",
    who=Who.SALES,
    field="account.address.country",
)

STARTS_UNCLEAR = Sentence(
    id="line-starts-unclear",
    text="The deal's lines start on different days.",
    fix="Give all recurring lines the same start, or set one start on the deal.",
    cause="Some recurring lines say when they start and others do not, and neither does the deal.",
    who=Who.SALES,
    field="line.start",
)

DAY_TOO_FAR = Sentence(
    id="day-too-far",
    text="{day} is too far away to be meant.",
    fix="Correct the date.",
    cause="A date of the deal lies more than a hundred years from today.",
    who=Who.SALES,
    field="terms.start",
)

BAD_MONTHS = Sentence(
    id="months-unusable",
    text="{months} months are no {what}.",
    fix="Use a whole number from 1 to {most}, or empty the field.",
    cause="A term, or a number of free or discounted months, is zero, negative or beyond what can be meant.",
    who=Who.SALES,
    field="terms.term_months",
)

TERM_CONTRADICTS = Sentence(
    id="term-contradicts-end",
    text="{months} months from {start} end on {worked_out}, but the deal says that it ends on {end}.",
    fix="Make the term and the end agree, or empty one of them.",
    cause="A deal names both its term and its last day, and they disagree.",
    who=Who.SALES,
    field="terms.end",
)

ENDS_BEFORE_START = Sentence(
    id="contract-ends-before-start",
    text="The contract would end on {end}, before it starts on {start}.",
    fix="Correct the start or the end.",
    cause="A deal's last day lies before its first.",
    who=Who.SALES,
    field="terms.end",
)

NO_END = Sentence(
    id="ends-without-term",
    text="The contract does not renew, but nothing says when it ends.",
    fix="Set the deal's term or its end, or let it renew.",
    cause="A deal says that it does not renew, and neither it nor its lines have a term.",
    who=Who.SALES,
    field="terms.term_months",
)

PAST_START_REFUSED = Sentence(
    id="start-in-the-past",
    text="The start {start} lies in the past.",
    fix="Set a start today or later, and invoice what came before by hand.",
    cause="The settings say that a person decides about every start in the past.",
    who=Who.SALES,
    field="terms.start",
)

PAST_START_TOO_FAR = Sentence(
    id="start-too-far-back",
    text="The start {start} lies more than {most} billing periods back.",
    fix="Set a later start, and invoice what came before by hand.",
    cause="A start in the past leaves more elapsed periods than one invoice holds.",
    who=Who.FINANCE,
    field="terms.start",
)

PAST_START_MONTH_END = Sentence(
    id="past-start-at-month-end",
    text="A past start on day {day} of a month leaves billing periods of unequal length.",
    fix="Start on day 28 or earlier, or today.",
    cause="Billing counts all periods from the next one's first day, which this month has no such day for.",
    who=Who.SALES,
    field="terms.start",
)

TOO_MANY_PHASES = Sentence(
    id="too-many-phases",
    text="The deal changes its lines or prices {count} times; billing can follow at most {most}.",
    fix="Join changes, or sell the later part as a deal of its own.",
    cause="A subscription schedule holds ten phases.",
    who=Who.SALES,
    field="line.start",
)

TRIAL_TOO_LONG = Sentence(
    id="free-months-too-long",
    text="Nothing would be billed before {day}; billing can leave out at most two years.",
    fix="Shorten the free months, or start later.",
    cause="A trial may last at most two years.",
    who=Who.SALES,
    field="terms.free_months",
)

BAD_PERCENT = Sentence(
    id="deal-discount-unusable",
    text="A discount of {percent} % on the deal makes no sense.",
    fix="Use a percentage from 0 to 100.",
    cause="The deal's discount is negative or more than everything.",
    who=Who.SALES,
    field="terms.discount_percent",
)

BAD_DISCOUNT_AMOUNT = Sentence(
    id="deal-discount-amount-unusable",
    text="A discount of {amount} {currency} on the deal cannot be given.",
    fix="Use an amount of zero or more that fits the currency.",
    cause="The deal's discount is negative, or finer than the currency's smallest unit.",
    who=Who.SALES,
    field="terms.discount_amount",
)

DISCOUNT_TOO_LARGE = Sentence(
    id="deal-discount-too-large",
    text="The deal's discount is {discount}, but its first invoice comes to {first} only.",
    fix="Lower the discount, or give it as a percentage.",
    cause="A discount that is given once is taken off the first invoice, which must not fall below zero.",
    who=Who.SALES,
    field="terms.discount_amount",
)

FIELD_CUT = Sentence(
    id="invoice-field-cut",
    text="The {name} is longer than {most} characters and was cut on the invoice.",
    fix="Shorten it, if the customer needs it whole.",
    cause="An invoice's own fields hold 140 characters.",
    who=Who.SALES,
)

MORE_RECIPIENTS = Sentence(
    id="invoice-recipients-by-hand",
    text="Stripe's API sends an invoice to one address only; {addresses} will not get it.",
    fix="Add the address to the customer's billing e-mails in Stripe's Dashboard.",
    cause="The deal names several people who should get its invoices. Stripe keeps further addresses on the customer, "
    "but only its Dashboard can set them.",
    who=Who.FINANCE,
)

NOTE_FROM_TODAY = Sentence(
    id="billed-from-today",
    text="The start {start} lies in the past; billing begins today, as the settings say.",
    fix="Invoice what came before by hand, if it is owed.",
    cause="The settings say that days before today are not billed.",
    who=Who.FINANCE,
)

NOTE_PAST_BILLED = Sentence(
    id="past-periods-billed",
    text="The first invoice bills {count} lines for periods before today, since the start {start} lies in the past.",
    fix="Nothing; set another start if this is not what was agreed.",
    cause="The contract began before the deal was billed, and the settings say that past periods are billed.",
    who=Who.FINANCE,
)

NOTE_SEVERAL = Sentence(
    id="several-subscriptions",
    text="The lines are billed by {count} subscriptions, since no single one can hold them together.",
    fix="Nothing; each line is billed exactly as sold.",
    cause="Lines recur in intervals, or start on days, that one subscription cannot hold, or are more than twenty.",
    who=Who.FINANCE,
)
