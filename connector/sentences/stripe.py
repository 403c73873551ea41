"""What Stripe refuses, or fails to do, and what can be changed about it.

``{details}`` are the call, the parameter and the code; ``{said}`` is Stripe's own sentence, without what is personal.
"""

from __future__ import annotations

from mappings.sentence import Sentence, Who

_AGAIN = "It is tried again by itself."
_LOG = "The request id leads to the details: Stripe > Developers > Logs."
_KEY = "Check STRIPE_API_KEY, and that the key may read and write what `connector doctor` lists."

AMOUNT_TOO_SMALL = Sentence(
    id="stripe-amount-too-small",
    text="Stripe charges no amount below its minimum for this currency{details}.{said}",
    fix="Bill it together with other lines, or collect it by hand.",
    cause="What is to be invoiced is less than the smallest amount that Stripe collects.",
    who=Who.FINANCE,
)
TOO_MANY_SUBSCRIPTIONS = Sentence(
    id="stripe-customer-subscriptions-full",
    text="This customer has as many subscriptions as Stripe allows{details}.{said}",
    fix="End some of the customer's subscriptions first.",
    cause="Stripe limits how many subscriptions one customer may have.",
    who=Who.FINANCE,
)
NO_TAX_LOCATION = Sentence(
    id="stripe-tax-location-invalid",
    text="Stripe cannot work out tax for this customer{details}.{said}",
    fix="Give the account a complete address: tax cannot be worked out without one.",
    cause="BILLING_AUTOMATIC_TAX is on, and the customer's address is missing or unknown to Stripe.",
    who=Who.SALES,
)
EMAIL_INVALID = Sentence(
    id="stripe-email-invalid",
    text="Stripe does not take the e-mail address{details}.{said}",
    fix="Correct the billing contact's e-mail address.",
    cause="The address that invoices are sent to is malformed.",
    who=Who.SALES,
)
INVOICE_FINALISED = Sentence(
    id="stripe-invoice-not-editable",
    text="The invoice is finalised already and cannot be changed{details}.{said}",
    fix="Credit or void it in Stripe, then replay the deal.",
    cause="A step wanted to change an invoice that has gone out meanwhile.",
    who=Who.FINANCE,
)
BAD_INTEGER = Sentence(
    id="stripe-number-invalid",
    text="Stripe does not take a number{details}.{said}",
    fix="Correct the number that Stripe names.",
    cause="A quantity or an amount is not one that Stripe can bill.",
    who=Who.SALES,
)
NO_RECORD = Sentence(
    id="stripe-record-missing",
    text="Stripe does not know this record{details}.{said}",
    fix="Look the id up in Stripe, in the same mode (test or live) as our key.",
    cause="A record was deleted in Stripe, or its id belongs to another account or mode.",
    who=Who.FINANCE,
)
NOT_ACTIVATED = Sentence(
    id="stripe-account-not-activated",
    text="The Stripe account takes no live payments yet{details}.{said}",
    fix="Activate the Stripe account, or use a test key.",
    cause="The key is a live one, and the account has not been activated.",
    who=Who.ADMIN,
)
URL_INVALID = Sentence(
    id="stripe-url-invalid",
    text="Stripe does not take our address{details}.{said}",
    fix="PUBLIC_URL must be an address that Stripe can reach.",
    cause="The webhook endpoint is to be made at an address that is not public.",
    who=Who.ADMIN,
)
KEY_IN_USE = Sentence(
    id="stripe-request-under-way",
    text="The same request is still under way{details}.",
    fix=_AGAIN,
    cause="An earlier attempt of the same step has not been answered yet.",
    who=Who.ADMIN,
)
BUSY = Sentence(
    id="stripe-record-busy",
    text="Stripe is busy with this record{details}.",
    fix=_AGAIN,
    cause="Another request changes the same record at this moment.",
    who=Who.ADMIN,
)
SLOW_DOWN = Sentence(
    id="stripe-slow-down",
    text="Stripe asks us to slow down{details}.",
    fix=_AGAIN,
    cause="The Stripe account's limit of calls is used up, by the connector or by other programs.",
    who=Who.ADMIN,
)
NO_ANSWER = Sentence(
    id="stripe-no-answer",
    text="Stripe did not answer{details}.",
    fix=_AGAIN,
    cause="The connection broke, or no answer came in time.",
    who=Who.ADMIN,
)
KEY_REFUSED = Sentence(
    id="stripe-key-refused",
    text="Stripe does not accept our key{details}.",
    fix=_KEY,
    cause="The API key was rolled, deleted or mistyped.",
    who=Who.ADMIN,
)
NOT_ALLOWED = Sentence(
    id="stripe-key-not-allowed",
    text="Our Stripe key may not do this{details}.",
    fix=_KEY,
    cause="A restricted key lacks a permission.",
    who=Who.ADMIN,
)
KEY_SPENT = Sentence(
    id="stripe-idempotency-key-used",
    text="The idempotency key was used for another request{details}.",
    fix="The step looks for what was made, then tries again by itself.",
    cause="A step was tried before with other values.",
    who=Who.ADMIN,
)
REPLAYED = Sentence(
    id="stripe-failure-replayed",
    text="Stripe would only repeat an earlier failure under this idempotency key{details}.",
    fix="The step looks for what was made, then tries again by itself.",
    cause="Stripe remembers for a day how a request ended, also when it failed.",
    who=Who.ADMIN,
)
DECLINED = Sentence(
    id="stripe-payment-declined",
    text="The payment was declined{details}.{said}",
    fix="Ask the customer for another payment method.",
    cause="The customer's bank refused the charge.",
    who=Who.FINANCE,
)
REFUSED = Sentence(
    id="stripe-refused",
    text="Stripe refused the request{details}.{said}",
    fix=_LOG,
    cause="Stripe refused for a reason that the connector does not know better.",
    who=Who.FINANCE,
)
UNWELL = Sentence(
    id="stripe-unwell",
    text="Stripe failed in itself{details}.",
    fix=_AGAIN,
    cause="Stripe answered that it failed, or with something that is not its own.",
    who=Who.ADMIN,
)
TOO_MANY_RECORDS = Sentence(
    id="stripe-too-many-records",
    text="Stripe has more than {most} records where far fewer were expected ({what}).",
    fix="Tell the maintainers: this account needs a higher bound.",
    cause="A list in Stripe is longer than the connector reads, and nothing is left out in silence.",
    who=Who.ADMIN,
)
PRODUCT_ARCHIVED = Sentence(
    id="stripe-product-archived",
    text="The Stripe product {product} is archived.",
    fix="Make it active again in Stripe, or name a price on the CRM product.",
    cause="The product that the connector made for a line was archived by hand.",
    who=Who.FINANCE,
)
WHOSE = Sentence(
    id="stripe-owner-unknown",
    text="Stripe cannot say whose a {kind} is.",
    fix="Leave it: no work follows from it.",
    cause="An event is about a kind of record that leads to no customer.",
    who=Who.ADMIN,
)
DRAFT_DIFFERS = Sentence(
    id="first-draft-differs",
    text="The first {invoice} comes to {comes_to} before tax, but the deal to {expected}.",
    fix="It is held: correct it in Stripe, then replay the deal; or finalise it by hand to accept it.",
    cause="The first invoice of a deal is compared with its plan while it is a draft, and Stripe's sum is another.",
    who=Who.FINANCE,
)
INVOICE_DIFFERS = Sentence(
    id="first-invoice-differs",
    text="The first {invoice} comes to {comes_to} before tax, but the deal to {expected}.",
    fix="It is finalised already: correct it by a credit note or void it; or accept it by setting {accepted}=yes in "
    "its metadata. Then replay the deal.",
    cause="The first invoice of a deal went out before it was compared with its plan, and its sum is another.",
    who=Who.FINANCE,
)
