"""Why something that may be billed already is not billed again without a person."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

BILLED_BEFORE_THE_CHANGE = Sentence(
    id="billed-before-the-change",
    text="The deal was billed already, before it was changed: as {kind} {id} of {customer}.",
    fix="Put the deal back as it was, or cancel or void the {kind} in billing; then replay it.",
    cause="An earlier attempt reached billing without our hearing its answer, and the deal's account or lines were "
    "changed before the next one.",
    who=Who.FINANCE,
    field="deal.line_items",
)
HALF_BILLED = Sentence(
    id="changed-while-billed",
    text="The deal was changed while it was being billed: {changes}.",
    fix="Put it back as it was; once it is billed, the change can be made and approved.",
    cause="Part of the deal's plan was made in billing, the rest failed, and the deal was edited before the next "
    "attempt.",
    who=Who.SALES,
)
CUSTOMER_DELETED = Sentence(
    id="customer-deleted",
    text="The account's customer {customer} was deleted in billing.",
    fix="Name another customer on the account, or empty the field to have a new one made.",
    cause="The customer that the account was billed as is gone, and the account still names it.",
    who=Who.FINANCE,
    field="account.customer_id",
)
OTHER_CUSTOMER = Sentence(
    id="account-names-another-customer",
    text="The account names the billing customer {named}, but has been billed as {linked}.",
    fix="Put the right customer id on the account, or empty the field.",
    cause="The customer id on the account was changed after it was billed.",
    who=Who.FINANCE,
    field="account.customer_id",
)
TWO_CUSTOMERS_MERGED = Sentence(
    id="merged-accounts-with-two-customers",
    text="The account took in another one, and both are billed: as {mine} and as {other}.",
    fix="Put the id of the customer that shall be billed on the account, and move or close the other in billing.",
    cause="Two CRM accounts were merged, and each has a customer of its own in billing.",
    who=Who.FINANCE,
    field="account.customer_id",
)
NO_CONTRACT = Sentence(
    id="nothing-to-amend",
    text="The deal changes a running contract, but the account has none{of_what}.",
    fix="Name the deal or the subscription it changes, or make it a new deal.",
    cause="The deal's kind is amendment, renewal or cancellation, and no running subscription was found for it.",
    who=Who.SALES,
    field="terms.amends",
)
WHICH_CONTRACT = Sentence(
    id="which-contract",
    text="The deal changes a running contract, but the account has several: {contracts}.",
    fix="Name the deal or the subscription it changes.",
    cause="The deal's kind is amendment, renewal or cancellation, it names no contract, and several run.",
    who=Who.SALES,
    field="terms.amends",
)
CONTRACT_OF_ANOTHER = Sentence(
    id="contract-of-another-customer",
    text="The deal changes the subscription {subscription}, which is not this account's.",
    fix="Correct the contract that the deal names, or its account.",
    cause="The subscription that an amendment names belongs to another customer in billing.",
    who=Who.SALES,
    field="terms.amends",
)
WON_BEFORE_US = Sentence(
    id="won-before-the-connector",
    text="The deal was won on {won}, before the connector began to bill this CRM's deals on {began}, so it is not "
    "billed by itself.",
    fix="Run `connector bill {deal}` if nobody has billed it.",
    cause="An edit, or a mass update, touched a deal that was won before the connector was there.",
    who=Who.FINANCE,
)
TOOK_IN_A_BILLED_DEAL = Sentence(
    id="merged-with-a-billed-deal",
    text="The deal took in the deal {other}, which is billed already as {kind} {billed_by}.",
    fix="Take off what that one has sold, then run `connector bill {deal}` for the rest.",
    cause="Two deals were merged in the CRM, and the one that is gone had been billed.",
    who=Who.SALES,
    field="deal.line_items",
)
