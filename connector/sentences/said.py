"""What is wrong with what somebody wants to say about how an account pays."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NOT_BILLED = Sentence(
    id="account-not-billed",
    text="{account} is not billed, so no payment health is shown on it.",
    fix="Name the account as its CRM does: salesforce:0015g00000XyZ or hubspot:123456.",
    cause="`connector health override` named an account that no deal was billed to.",
    who=Who.FINANCE,
)
OVERRIDE_PAST = Sentence(
    id="override-in-the-past",
    text="An override until {until} would be over already.",
    fix="Name a last day to come with --until.",
    cause="`connector health override` got a day that has passed.",
    who=Who.FINANCE,
)
OVERRIDE_INCOMPLETE = Sentence(
    id="override-incomplete",
    text="An override needs a word, a last day and a reason.",
    fix="Say --word, --until and --why; or --end to end the one in force.",
    cause="`connector health override` named an account but did not say all that the record must show.",
    who=Who.FINANCE,
)
NO_OVERRIDE = Sentence(
    id="override-unknown",
    text="No override is in force for {account}.",
    fix="`connector health override` lists those there are.",
    cause="`connector health override --end` named an account whose override was ended already, or that had none.",
    who=Who.FINANCE,
)
OWES_NOTHING_KNOWN = Sentence(
    id="promise-of-nobody",
    text="{text} is no invoice, customer or account that the ledger knows.",
    fix="Name an invoice by its number or id, a customer by its id, or an account as salesforce:0015g00000XyZ.",
    cause="`connector health promise` takes what is mirrored from billing: it may be new, misspelt, or of another "
    "account in billing.",
    who=Who.FINANCE,
)
SEVERAL_INVOICES = Sentence(
    id="promise-of-several-invoices",
    text="{count} invoices carry the number {text}.",
    fix="Name the one that is meant by its id.",
    cause="Invoice numbers of several customers may be alike.",
    who=Who.FINANCE,
)
PROMISE_INCOMPLETE = Sentence(
    id="promise-incomplete",
    text="A promise needs the day on which it is to be kept.",
    fix="Say --on with a day to come; or --withdraw with the number of a promise.",
    cause="`connector health promise` named whose promise it is but no day, or one that has passed.",
    who=Who.FINANCE,
)
PROMISE_AMOUNT = Sentence(
    id="promise-amount-unfit",
    text="{amount} is no amount of {currency}.",
    fix="Write it in major units with the currency's own decimals.",
    cause="`connector health promise --amount` got a number that the currency cannot hold exactly, or none at all.",
    who=Who.FINANCE,
)
PROMISE_WITHOUT_CURRENCY = Sentence(
    id="promise-without-currency",
    text="Nothing says what currency {amount} is in: a customer may owe in several.",
    fix="Say it, as in --currency EUR, or name the invoice.",
    cause="`connector health promise --amount` is about all that somebody owes, and names no currency.",
    who=Who.FINANCE,
)
PROMISE_OTHER_CURRENCY = Sentence(
    id="promise-other-currency",
    text="The invoice is in {invoice}, so {currency} cannot be promised for it.",
    fix="Leave out --currency, or name another invoice.",
    cause="`connector health promise` names an invoice and another currency. Amounts are never converted.",
    who=Who.FINANCE,
)
NO_PROMISE = Sentence(
    id="promise-unknown",
    text="There is no promise {number} that stands.",
    fix="`connector health promise` lists those there are.",
    cause="`connector health promise --withdraw` named one that was withdrawn already, or never made.",
    who=Who.FINANCE,
)
POLICY_FILE = Sentence(
    id="health-policy-file",
    text="{file} is no file of JSON ({problem}).",
    fix="Begin with what `connector health policy show` prints.",
    cause="`connector health policy` was given a file that cannot be read, or holds something else.",
    who=Who.ADMIN,
)
