"""Which terms an account's payment record supports, and what is said of a deal whose terms go beyond them."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

UP_TO = Sentence(
    id="terms-up-to",
    text="The account's payment record is {word} and supports up to {days} days to pay.",
    fix="Agree on no more days than that, or record an exception with `connector terms allow`.",
    cause="What the account has paid, and how late, allows that many days by the setting TERMS_DAYS.",
    who=Who.SALES,
    field="terms.net_days",
)
PREPAID = Sentence(
    id="terms-prepaid",
    text="The account's payment record is {word} and supports payment in advance only: due on receipt, or charged "
    "automatically.",
    fix="Agree on 0 days to pay or automatic collection, or record an exception with `connector terms allow`.",
    cause="The setting TERMS_DAYS allows no days to an account that pays like this.",
    who=Who.SALES,
    field="terms.net_days",
)
NO_LIMIT = Sentence(
    id="terms-without-limit",
    text="The account's payment record is {word} and limits no terms.",
    fix="Nothing is to be done.",
    cause="The setting TERMS_DAYS names no days for accounts that pay like this.",
    who=Who.SALES,
)
APPROVAL_TOO = Sentence(
    id="terms-approval-too",
    text="A person should approve the deal before it is billed.",
    fix="Approve it with `connector approve` once it is won, or record an exception with `connector terms allow`.",
    cause="The account is so far behind with its payments that nothing is sold to it unseen.",
    who=Who.FINANCE,
)
NO_RECORD = Sentence(
    id="terms-no-record",
    text="No invoice tells yet how the account pays: the usual terms hold.",
    fix="Nothing is to be done.",
    cause="The account is a customer already, but nothing of it has come due, or what has is disputed.",
    who=Who.SALES,
)
TOO_LONG = Sentence(
    id="terms-too-long",
    text="The deal allows {days} days to pay, more than the account's payment record supports.",
    fix="Change the deal's days to pay, record an exception with `connector terms allow {account} --net-days {days}`, "
    "or approve the deal with `connector approve` once it is won.",
    cause="TERMS_POLICY=require, and the deal's terms go against the account's payment record. Nothing is billed "
    "before one of the three is done, or the account has paid up.",
    who=Who.FINANCE,
    field="terms.net_days",
)
NOT_UNSEEN = Sentence(
    id="terms-not-unseen",
    text="The account is so far behind with its payments that a person decides on the deal.",
    fix="Record an exception with `connector terms allow {account} --net-days {days}`, or approve the deal with "
    "`connector approve` once it is won.",
    cause="TERMS_POLICY=require, and the account's payment health is severe. The deal waits even if it is paid in "
    "advance.",
    who=Who.FINANCE,
)
ALLOWED = Sentence(
    id="terms-allowed",
    text="{owner} answers for up to {days} days to pay until {until}, by exception {id}: {why}",
    fix="End it with `connector terms end {id}` when its reason is gone.",
    cause="Somebody recorded an exception for the account, and it is in force.",
    who=Who.FINANCE,
)
GIVEN = Sentence(
    id="terms-given",
    text="The deal names no days to pay: its invoices are due in {days}, as the account's payment record supports.",
    fix="Name the days on the deal if others were agreed.",
    cause="TERMS_POLICY=require, and the account's payment record supports fewer days than DEFAULT_NET_DAYS.",
    who=Who.SALES,
    field="terms.net_days",
)
GIVEN_NONE = Sentence(
    id="terms-given-none",
    text="The deal names no days to pay: its invoices are due on receipt, as the account's payment record supports.",
    fix="Name the days on the deal if others were agreed.",
    cause="TERMS_POLICY=require, and the account's payment record supports payment in advance only.",
    who=Who.SALES,
    field="terms.net_days",
)
NOT_AN_ACCOUNT = Sentence(
    id="not-an-account",
    text="{text} is not an account.",
    fix="Write salesforce:ID or hubspot:ID, as in salesforce:0015g00000AbCdE, or salesforce:account:ID.",
    cause="A command about an account got something else.",
    who=Who.ADMIN,
)
UNKNOWN_TO_BILLING = Sentence(
    id="terms-unknown-customer",
    text="{record} has not been billed by the connector yet, so there is no payment record to go by.",
    fix="Nothing is to be done: the usual terms hold for it.",
    cause="`connector terms advise` named an account without a customer, a deal of one, or nothing that is there.",
    who=Who.ADMIN,
)
ENDS_IN_THE_PAST = Sentence(
    id="terms-exception-over",
    text="The exception would end on {until}, which has passed.",
    fix="Give it a day to come with --until.",
    cause="`connector terms allow` was given a last day before today.",
    who=Who.FINANCE,
)
NO_EXCEPTION = Sentence(
    id="terms-no-exception",
    text="No exception {id} is open.",
    fix="See `connector terms exceptions --all`.",
    cause="`connector terms end` named an exception that was never recorded, or that somebody has ended already.",
    who=Who.FINANCE,
)
