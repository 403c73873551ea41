"""What is wrong in the environment, so that a process does not start."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NOT_VALID = Sentence(
    id="setting-invalid",
    text="{name}: {problem}.",
    fix="Correct the variable, or unset it.",
    cause="A variable's value has the wrong type or lies outside its range.",
    who=Who.ADMIN,
)
ADDRESS = Sentence(
    id="setting-address",
    text="{name} must look like {example}.",
    fix="Correct the address, without a path or a query; or unset the variable, if it has a default.",
    cause="An address in the environment is malformed.",
    who=Who.ADMIN,
)
NOT_HTTPS = Sentence(
    id="setting-address-not-https",
    text="{name} must begin with https://.",
    fix="Plain http is for a sandbox on this machine only: elsewhere it would cross the network in the clear.",
    cause="An address in the environment is plain http and not on this machine.",
    who=Who.ADMIN,
)
CURRENCY = Sentence(
    id="setting-currency",
    text="{name} must be a three-letter code such as USD.",
    fix="Use the ISO code of the currency.",
    cause="A currency in the environment is not a code.",
    who=Who.ADMIN,
)
CHOICE = Sentence(
    id="setting-choice",
    text="{name} must be {choices}.",
    fix="Use one of these words, or unset the variable.",
    cause="A variable that takes one of a few words has another.",
    who=Who.ADMIN,
)
RANGE = Sentence(
    id="setting-range",
    text="{name} must lie between {least} and {most}.",
    fix="Leave it unset for {default}.",
    cause="A number in the environment is too small or too large.",
    who=Who.ADMIN,
)
TIME_ZONE = Sentence(
    id="setting-time-zone",
    text="{name} is not a time zone.",
    fix="Write it as Europe/Berlin, for one.",
    cause="A time zone in the environment is not in the IANA list.",
    who=Who.ADMIN,
)
LIMIT_UNREADABLE = Sentence(
    id="setting-approval-above",
    text="APPROVAL_ABOVE: {part} is no amount.",
    fix="Write it as EUR 10000, USD 12000.",
    cause="A limit names no currency, no amount, or more decimals than the currency has.",
    who=Who.ADMIN,
)
TERMS_UNREADABLE = Sentence(
    id="setting-terms-days",
    text="TERMS_DAYS: {given} does not say how many days which payment health may have.",
    fix="Write it as good 90, watch 30, late 14, severe 0, and give a worse health no more days than a better one.",
    cause="A word is none of the four, a number is no whole number of 0 to 365 days, or the days grow as health falls.",
    who=Who.ADMIN,
)
STAGE_UNREADABLE = Sentence(
    id="setting-readiness-stages",
    text="READINESS_STAGES: {part} names no stage.",
    fix="Write it as CRM:STAGE, with one of {crms}.",
    cause="A stage is written without its CRM, or with a CRM that the connector does not know.",
    who=Who.ADMIN,
)
CLOCK = Sentence(
    id="setting-clock-file",
    text="CONNECTOR_CLOCK_FILE is set, but {name} is a real one.",
    fix="Unset CONNECTOR_CLOCK_FILE.",
    cause="The sandbox's clock is for demos and tests; beside a real vendor it would mislead.",
    who=Who.ADMIN,
)
HALF_SET_UP = Sentence(
    id="provider-half-set-up",
    text="{vendor} is half set up: {missing}.",
    fix="Set what is missing, or unset every variable that begins with {prefix}.",
    cause="Some of a provider's variables are set, and one that it cannot do without is not.",
    who=Who.ADMIN,
)
NO_BILLING = Sentence(
    id="no-billing-connected",
    text="No billing is connected.",
    fix="Set STRIPE_API_KEY; README.md says where to find it.",
    cause="The environment holds no key of a billing provider.",
    who=Who.ADMIN,
)
SECRET_CHARACTERS = Sentence(
    id="setting-secret-characters",
    text="{name} holds characters that no {vendor} secret has.",
    fix="Copy it anew, without spaces or line breaks.",
    cause="A secret was copied with a line break, or from a page that changed its letters.",
    who=Who.ADMIN,
)
HUBSPOT_ACCOUNTS = Sentence(
    id="setting-hubspot-portal-ids",
    text="HUBSPOT_PORTAL_IDS holds something that is not a HubSpot account id.",
    fix="Account ids are numbers: they stand beside the account's name in HubSpot's top menu.",
    cause="A HubSpot account is named by something else than its number.",
    who=Who.ADMIN,
)
ORGANIZATIONS = Sentence(
    id="setting-organization-ids",
    text="SALESFORCE_ORGANIZATION_IDS holds something that is not an organization id.",
    fix="Ids begin with 00D and have 15 or 18 characters: Setup > Company Information.",
    cause="A Salesforce org is named by something else than its id.",
    who=Who.ADMIN,
)
TWO_KEYS = Sentence(
    id="setting-two-private-keys",
    text="Both SALESFORCE_PRIVATE_KEY and SALESFORCE_PRIVATE_KEY_FILE are set.",
    fix="Keep one of them.",
    cause="The key that signs us in is given twice.",
    who=Who.ADMIN,
)
KEY_FILE = Sentence(
    id="setting-key-file-unreadable",
    text="The file that SALESFORCE_PRIVATE_KEY_FILE names cannot be read.",
    fix="It must be a PEM file that this process may read.",
    cause="The file is missing, is not text, or belongs to another user.",
    who=Who.ADMIN,
)
STRIPE_KEY = Sentence(
    id="setting-stripe-key",
    text="STRIPE_API_KEY is not a secret key.",
    fix="It begins with sk_test_, rk_test_, sk_live_ or rk_live_: Stripe > Developers > API keys.",
    cause="A publishable key, or something else, stands where a secret key should.",
    who=Who.ADMIN,
)
STRIPE_SECRETS = Sentence(
    id="setting-stripe-webhook-secrets",
    text="STRIPE_WEBHOOK_SECRETS holds something that is not a signing secret.",
    fix="Signing secrets begin with whsec_: Stripe > Developers > Webhooks > your endpoint.",
    cause="An API key, or the id of an endpoint, stands where its signing secret should.",
    who=Who.ADMIN,
)
