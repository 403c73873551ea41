"""Why a running contract cannot be changed, renewed or ended as a deal says, and what its record says when it is."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

# What stands against any change

NO_ACCOUNT = Sentence(
    id="change-without-account",
    text="The deal has no account, so the contract that it changes cannot be held against it.",
    fix="Set the account.",
    cause="An amendment, renewal or cancellation is not connected to a company.",
    who=Who.SALES,
    field="deal.account",
)
CONTRACT_OVER = Sentence(
    id="contract-is-over",
    text="The contract {contract} that the deal changes has ended already.",
    fix="Make it a new deal, or name the contract that runs.",
    cause="The subscription that an amendment or an edited deal refers to is cancelled in billing.",
    who=Who.SALES,
    field="terms.amends",
)
OTHER_CURRENCY = Sentence(
    id="amends-in-another-currency",
    text="The deal is in {deal_currency}, but the contract that it changes is billed in {contract_currency}.",
    fix="Sell the change in the contract's currency, or make it a new deal.",
    cause="All that one subscription bills is in one currency.",
    who=Who.SALES,
    field="deal.currency",
)
OTHER_CUSTOMER = Sentence(
    id="amends-another-customers-contract",
    text="The contract {contract} is the billing customer {contract_customer}'s, but the deal's account is {customer}.",
    fix="Name a contract of this account, or correct the account's customer id.",
    cause="The deal that is amended and the account that buys now are billed as two customers.",
    who=Who.SALES,
    field="terms.amends",
)

# Amendments

NOTHING_TO_CHANGE = Sentence(
    id="amendment-without-lines",
    text="The amendment has no products, so it changes nothing.",
    fix="Add what is sold or taken away as lines, with a negative quantity for what is taken away.",
    cause="A deal of kind amendment has no line items.",
    who=Who.SALES,
    field="deal.line_items",
)
NOT_IN_CONTRACT = Sentence(
    id="takes-away-what-is-not-sold",
    text="“{line}” is taken away, but the contract has no such product{when}.",
    fix="Name the product that the contract bills, or remove the line.",
    cause="A line with a negative quantity matches nothing that the subscription bills, by price or by product.",
    who=Who.SALES,
    field="product.price_id",
)
TAKES_TOO_MUCH = Sentence(
    id="takes-away-more-than-there-is",
    text="“{line}”: {taken} are taken away, but the contract has only {there}{when}.",
    fix="Take away {there} at most.",
    cause="A negative quantity is larger than what the subscription bills, now or in a later phase.",
    who=Who.SALES,
    field="line.quantity",
)
OTHER_PRICE = Sentence(
    id="takes-away-at-another-price",
    text="“{line}” is taken away at {price}, but the contract bills it at {there}.",
    fix="Use the contract's price on the line, so that what is given back is what was paid.",
    cause="The net price of a line with a negative quantity is not the one that the subscription bills.",
    who=Who.SALES,
    field="line.unit_price",
)
OTHER_INTERVAL = Sentence(
    id="amends-with-another-interval",
    text="“{line}” recurs {interval}, but the contract is billed {there}.",
    fix="Bill the line {there}, or sell it with a deal of its own.",
    cause="A line can end together with a contract only if it shares one of its billing intervals.",
    who=Who.SALES,
    field="line.interval",
)
BEFORE_THE_PERIOD = Sentence(
    id="amendment-starts-too-early",
    text="The change starts on {start}, but the billing period that runs began on {period_start}.",
    fix="Start it on {period_start} or later, and invoice or credit what came before by hand.",
    cause="The start lies in a billing period that is over, and whose invoice may be paid.",
    who=Who.SALES,
    field="terms.start",
)
AFTER_THE_END = Sentence(
    id="amendment-starts-after-the-end",
    text="The change starts on {start}, but the contract ends on {end}.",
    fix="Start it earlier, or sell it with the renewal.",
    cause="An amendment begins when the contract that it changes is over.",
    who=Who.SALES,
    field="terms.start",
)
TOO_FAR_AHEAD = Sentence(
    id="amendment-starts-in-a-later-period",
    text="The change starts on {start}, within a billing period that begins only on {period_start}.",
    fix="Start it on the first day of a billing period, or close the deal later.",
    cause="The days between a start in mid-period and that period's end can be billed or credited exactly only in the "
    "running period or the next one.",
    who=Who.SALES,
    field="terms.start",
)
DIFFERENT_STARTS = Sentence(
    id="amendment-with-different-starts",
    text="The amendment's lines start on different days: {days}.",
    fix="Give all recurring lines one start, or make one amendment for each day.",
    cause="One amendment changes a contract on one day.",
    who=Who.SALES,
    field="line.start",
)
NOT_CO_TERMED = Sentence(
    id="amendment-ends-otherwise",
    text="“{line}” ends on {end}, but the contract that it joins {contract_end}.",
    fix="Empty the line's end, so that it ends with the contract, or sell it with a deal of its own.",
    cause="What an amendment adds is co-termed: it ends with the contract.",
    who=Who.SALES,
    field="line.end",
)
NOT_FOR_AMENDMENTS = Sentence(
    id="not-for-amendments",
    text="“{line}” has {what}, which an amendment cannot have.",
    fix="Put net prices on the lines, or sell it with a deal of its own.",
    cause="Free months, discounts for some months, whole-deal discounts and prepaid credits need their own contract.",
    who=Who.SALES,
    field="deal.line_items",
)
UNKNOWN_AMOUNT = Sentence(
    id="amends-usage-in-mid-period",
    text="“{line}” is billed by usage or in tiers, so its share of a period cannot be known.",
    fix="Sell the change as an amendment that starts on the first day of a billing period: {period_end}.",
    cause="A metered or tiered line is added to, or taken from, a contract within a billing period.",
    who=Who.SALES,
    field="terms.start",
)
TOO_MANY_ITEMS = Sentence(
    id="contract-is-full",
    text="With the change the contract would have {count} lines; one subscription holds at most {most}.",
    fix="Sell the new lines with a deal of their own.",
    cause="Stripe takes at most 20 items on one subscription.",
    who=Who.SALES,
    field="deal.line_items",
)
NOTHING_LEFT = Sentence(
    id="amendment-takes-all",
    text="The amendment takes away all that the contract bills.",
    fix="Sell a cancellation instead, which says when the contract ends and whether the rest is credited.",
    cause="After the negative quantities of an amendment no line of the subscription is left, and Stripe keeps none "
    "that is empty.",
    who=Who.SALES,
    field="terms.kind",
)
NO_NEXT_INVOICE = Sentence(
    id="no-invoice-left-to-credit",
    text="{amount} are to be credited, but the contract ends on {end} without another invoice, and none covers it.",
    fix="Credit it by hand in billing, and say on the deal that it is without credit.",
    cause="A credit lowers the contract's next invoice; in its last period there is none, and what was billed for "
    "those days is less than the credit.",
    who=Who.FINANCE,
    field="terms.with_credit",
)

# Edited deals

EDITED_AFTER_AMENDMENT = Sentence(
    id="edited-after-amendment",
    text="The deal was edited, but later deals have amended its contract: {deals}.",
    fix="Put the deal back as it was, and sell the change as an amendment.",
    cause="The contract no longer is what this deal alone says, so its absolute quantities say nothing.",
    who=Who.SALES,
    field="deal.line_items",
)
EDITED_AMENDMENT = Sentence(
    id="edited-amendment",
    text="The deal changed a running contract and is billed; its lines cannot be changed afterwards.",
    fix="Put it back as it was, and sell the rest as a further amendment.",
    cause="A billed amendment or cancellation was edited. Its quantities are differences, not what the contract holds.",
    who=Who.SALES,
    field="deal.line_items",
)
START_MOVED = Sentence(
    id="edited-start",
    text="The deal's start was moved to {start}, but its contract starts on {started}.",
    fix="Put the start back, or cancel the contract and sell it anew.",
    cause="The start of a billed deal was edited.",
    who=Who.SALES,
    field="terms.start",
)
PHASES_MOVED = Sentence(
    id="edited-phases",
    text="The edit moves the days on which the contract's prices change: {planned}, not {there}.",
    fix="Put the lines' starts and ends back, or cancel the contract and sell it anew.",
    cause="A ramp, free months or a discount for some months was edited after the deal was billed.",
    who=Who.SALES,
    field="line.start",
)
ONE_OFF_ONLY = Sentence(
    id="edited-to-one-off",
    text="After the edit nothing on the deal recurs any more, but its contract runs.",
    fix="Lose the deal or sell a cancellation to end the contract.",
    cause="All recurring lines of a billed deal were removed or made one-off.",
    who=Who.SALES,
    field="deal.line_items",
)
TERM_OVER = Sentence(
    id="edited-term-is-over",
    text="The edited term ends on {end}, before the running period ends on {period_end}.",
    fix="Sell a cancellation instead, which says whether the rest is credited.",
    cause="The term of a billed deal was shortened to a day that is paid for already.",
    who=Who.SALES,
    field="terms.term_months",
)
RUNS_ON_AGAIN = Sentence(
    id="edited-to-run-on",
    text="The contract is set to end after {end}, and the edited deal says that it runs on.",
    fix="Let it renew with a renewal deal, or take the end off the subscription in billing.",
    cause="Automatic renewal was switched on after the deal was billed for a fixed term.",
    who=Who.FINANCE,
    field="terms.auto_renew",
)

# Renewals

RENEWAL_GAP = Sentence(
    id="renewal-with-gap",
    text="The renewal starts on {start}, but the contract before it ends on {end}: {days} days would not be billed.",
    fix="Start it on {follows}, or leave the start empty.",
    cause="A renewal follows its predecessor on the next day.",
    who=Who.SALES,
    field="terms.start",
)
RENEWAL_OVERLAP = Sentence(
    id="renewal-overlaps",
    text="The renewal starts on {start}, but the contract before it ends on {end}: {days} days would be billed twice.",
    fix="Start it on {follows}, or leave the start empty.",
    cause="A renewal follows its predecessor on the next day.",
    who=Who.SALES,
    field="terms.start",
)
RENEWAL_IN_A_PERIOD = Sentence(
    id="renewal-in-mid-period",
    text="The contract ends on {end}, but it is billed until {billed_until}, so a renewal would bill days twice.",
    fix="Correct the contract's end, or sell the difference as an amendment.",
    cause="The contract end lies within the billing period that is invoiced already.",
    who=Who.FINANCE,
    field="terms.end",
)

# Cancellations

ENDS_BEFORE_IT_BEGAN = Sentence(
    id="cancelled-before-the-start",
    text="The last day is {ends_on}, but the contract started on {started}.",
    fix="Correct the last day. To undo the contract from its start, use the day before it: {before}.",
    cause="The churn date lies before the contract.",
    who=Who.SALES,
    field="terms.ends_on",
)
CREDIT_IN_A_LATER_PERIOD = Sentence(
    id="credit-in-a-later-period",
    text="The contract is to end on {ends_on} with credit, in the middle of a billing period that is not invoiced yet.",
    fix="End it on the last day of a billing period, or without credit, or close the deal when that period runs.",
    cause="A credit can be given only on an invoice that exists.",
    who=Who.SALES,
    field="terms.ends_on",
)
DRAFT_INVOICE = Sentence(
    id="credit-on-a-draft",
    text="Days that will not be served stand on an invoice that is still a draft: {invoice}.",
    fix="Wait until it is finalised, about an hour, or change or delete the draft in billing; then try again.",
    cause="A contract is ended with credit within the hour in which its newest invoice is still open to changes.",
    who=Who.FINANCE,
)
CREDIT_FINISHED = Sentence(
    id="credit-note",
    text="The contract ended; not served from {start}.",
    fix="Nothing needs to be done.",
    cause="It stands on the credit note that gives back what was billed for days not served.",
    who=Who.FINANCE,
)
CREDIT_TAKEN_AWAY = Sentence(
    id="credit-note-for-change",
    text="The contract was reduced from {start}.",
    fix="Nothing needs to be done.",
    cause="It stands on the credit note that gives back what was taken away in a contract's last billing period.",
    who=Who.FINANCE,
)

# Notes

PRORATED = Sentence(
    id="note-prorated",
    text="“{line}”: {amount} for {share} of the period from {start} to {end}, rounded half up to {step}.",
    fix="Nothing needs to be done.",
    cause="A contract changes within a billing period; the setting BILLING_PRORATION says how parts are counted.",
    who=Who.FINANCE,
)
NOT_CREDITED = Sentence(
    id="note-not-credited",
    text="“{line}”: what is billed until {end} is not credited.",
    fix="Say on the deal that it is with credit, if it is to be.",
    cause="Something is taken away within a billing period, and neither the deal nor BILLING_DOWNSELL_CREDIT asks for "
    "credit.",
    who=Who.SALES,
    field="terms.with_credit",
)
ON_NEXT_INVOICE = Sentence(
    id="note-on-next-invoice",
    text="{amount} go on the contract's next invoice.",
    fix="Nothing needs to be done.",
    cause="A change gives back more than it costs, or the setting BILLING_AMENDMENTS says so.",
    who=Who.FINANCE,
)
TERM_NOT_USED = Sentence(
    id="note-term-not-used",
    text="The amendment's own term of {months} months is not used: what it adds ends with the contract.",
    fix="Nothing needs to be done.",
    cause="What an amendment adds is co-termed.",
    who=Who.SALES,
)
TERMS_STAY = Sentence(
    id="note-payment-terms-stay",
    text="The contract's payment terms of {days} days stay; the deal now says {now}.",
    fix="Change them on the subscription in billing, if they are to hold for what runs already.",
    cause="Net days of a billed deal were edited.",
    who=Who.FINANCE,
    field="terms.net_days",
)
ONE_OFF_NOT_COMPARED = Sentence(
    id="note-one-off-not-compared",
    text="Lines that do not recur were not compared with what was billed.",
    fix="Invoice or credit a changed one by hand.",
    cause="A billed deal was edited, and what was billed for its one-off lines is not known.",
    who=Who.FINANCE,
)
ONE_OFF_NOT_CREDITED = Sentence(
    id="note-one-off-not-credited",
    text="“{line}” was billed with {was} and is now {now}; the difference is not credited.",
    fix="Say on the deal that it is with credit, if it is to be.",
    cause="A line that does not recur was lowered or removed after the deal was billed, without credit.",
    who=Who.SALES,
    field="terms.with_credit",
)
ONE_OFF_GONE = Sentence(
    id="note-one-off-gone",
    text="{amount} was billed for a line sold once that is no longer on the deal; it can only be credited by hand.",
    fix="Credit it in billing, if it is to be, or put the line back.",
    cause="A line that does not recur was removed after the deal was billed.",
    who=Who.FINANCE,
    field="deal.line_items",
)
RUNS_UNTIL_PERIOD_END = Sentence(
    id="note-no-contract-end",
    text="The contract names no end that lies ahead, so the running period's last day counts: {end}.",
    fix="Nothing needs to be done.",
    cause="A contract that runs on without a term is renewed or cancelled.",
    who=Who.SALES,
)
LAST_PERIOD_WHOLE = Sentence(
    id="note-last-period-whole",
    text="The contract ends on {ends_on}, within a billing period; what is billed for that period is not credited.",
    fix="Say on the deal that it is with credit, if it is to be.",
    cause="A contract ends in mid-period, without credit.",
    who=Who.SALES,
    field="terms.with_credit",
)
ENDS_ALREADY = Sentence(
    id="note-ends-already",
    text="The contract ends by itself after {end}, so nothing is changed about that.",
    fix="Nothing needs to be done.",
    cause="A cancellation asks for an end that billing has already.",
    who=Who.FINANCE,
)
CREDIT_CAPPED = Sentence(
    id="note-credit-capped",
    text="{amount} of the credit are left out: its invoices were credited before.",
    fix="Nothing needs to be done, unless the earlier credit was for something else.",
    cause="Credit notes cannot come to more than their invoice.",
    who=Who.FINANCE,
)
NOTHING_TO_CREDIT = Sentence(
    id="note-nothing-to-credit",
    text="Nothing that was billed is for days after {ends_on}, so nothing is credited.",
    fix="Nothing needs to be done.",
    cause="A contract ends with credit at the end of what was billed.",
    who=Who.FINANCE,
)
