"""Why a deal waits for a person's approval, or an invoice is held, and what its record says meanwhile."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

ALWAYS = Sentence(
    id="approval-always",
    text="Billing it ({worth} in all) waits for approval.",
    fix="Look at the plan with `connector plan`, then approve it with `connector approve`.",
    cause="The setting APPROVAL=always makes every deal wait.",
    who=Who.FINANCE,
)
ABOVE = Sentence(
    id="approval-above-limit",
    text="It is worth {worth}, more than the {limit} that are billed without approval.",
    fix="Look at the plan with `connector plan`, then approve it with `connector approve`.",
    cause="APPROVAL holds `above`, and the contract's value until its term ends passes APPROVAL_ABOVE.",
    who=Who.FINANCE,
)
NO_LIMIT = Sentence(
    id="approval-currency-without-limit",
    text="It is worth {worth}, and no limit is set for deals in {currency}.",
    fix="Approve it with `connector approve`, or add the currency to APPROVAL_ABOVE.",
    cause="APPROVAL holds `above`, but APPROVAL_ABOVE names no amount in the deal's currency.",
    who=Who.FINANCE,
)
MISMATCH = Sentence(
    id="approval-amount-mismatch",
    text="The deal's amount is {amount}, but billing it comes to {worth}.",
    fix="Correct the deal's amount or its lines, or approve it as it is with `connector approve`.",
    cause="APPROVAL holds `mismatch`, and the deal's own amount is neither what is billed in all nor what its lines "
    "come to, by more than APPROVAL_TOLERANCE minor units.",
    who=Who.SALES,
    field="deal.amount",
)
RENEWED_ALREADY = Sentence(
    id="approval-renewed-already",
    text="The account has another contract from the day on which the renewal begins: {contracts}. Both would bill.",
    fix="Lose the deal if the contract has been renewed already; else approve it with `connector approve`.",
    cause="Two renewal deals follow one contract, or something else was sold to begin on the same day.",
    who=Who.FINANCE,
)
CHANGED_SINCE = Sentence(
    id="approval-changed-since",
    text="The deal has changed since its plan was approved: {changes}.",
    fix="Look at the new plan and approve it again.",
    cause="Between the approval and the billing somebody edited the deal, its products or the mapping, or the contract "
    "that it changes was changed or billed on.",
    who=Who.FINANCE,
)
EDITED = Sentence(
    id="billed-deal-edited",
    text="The deal was changed after it was billed: {changes}.",
    fix="Approve the change with `connector approve`, or put the deal back as it was.",
    cause="Lines, prices, terms or the payer of a billed deal were edited in the CRM. Nothing is changed in billing "
    "before a person agrees.",
    who=Who.FINANCE,
)
REOPENED = Sentence(
    id="billed-deal-reopened",
    text="The deal is open again, but it is billed already.",
    fix="Win it again, or lose it to end its billing.",
    cause="A billed deal was moved back to an open stage. Billing goes on meanwhile.",
    who=Who.SALES,
)
LOST = Sentence(
    id="billed-deal-lost",
    text="The deal was lost after it was billed. Ending it: {changes}",
    fix="Approve the end with `connector approve`, or win the deal again.",
    cause="A billed deal was moved to a lost stage. Its subscription runs until a person agrees to end it.",
    who=Who.FINANCE,
)
EDITED_ELSEWHERE = Sentence(
    id="billed-deal-edited-beside",
    text="The deal was changed after it was billed: {changes}. Nothing that is invoiced follows from it by itself.",
    fix="Change it in billing where it matters, then approve to say that it was seen; or put the deal back as it was.",
    cause="Something was edited that stands on the customer or on invoices that are out already.",
    who=Who.FINANCE,
)
EDITED_AMENDMENT = Sentence(
    id="billed-amendment-edited",
    text="The deal was changed after what it amends was changed in billing. Nothing of that was done.",
    fix="Make a new deal for the further change, then approve to say that this one was seen.",
    cause="An amendment, renewal or cancellation was edited after it was carried out.",
    who=Who.FINANCE,
)
LOST_INVOICE = Sentence(
    id="billed-deal-lost-invoice",
    text="The deal was lost after its invoice was made.",
    fix="Void or credit the invoice in billing, then approve to say that it was seen; or win the deal again.",
    cause="A deal in which nothing recurs was moved to a lost stage after it was billed.",
    who=Who.FINANCE,
)
LOST_SEVERAL = Sentence(
    id="billed-deal-lost-several-contracts",
    text="The deal was lost after it was billed by several subscriptions, which all run on: {contracts}.",
    fix="End them in billing, or sell a cancellation for each that names it; then approve to say that it was seen. Or "
    "win the deal again.",
    cause="A deal whose lines need a subscription each was moved to a lost stage. None is ended by itself.",
    who=Who.FINANCE,
)
MILESTONES_STAY = Sentence(
    id="billed-deal-lost-milestones",
    text="Its invoices of {days} are not stopped by that.",
    fix="Delete or void them in billing if they shall not go out.",
    cause="A deal with dated invoices to come was lost: what it sold by milestone may have been delivered.",
    who=Who.FINANCE,
)
WON_AGAIN = Sentence(
    id="billed-deal-won-again",
    text="It was lost, which a person approved, and is won again.",
    fix="Look in billing what still runs. What has ended is sold anew with a new deal.",
    cause="A deal whose billing was ended because it was lost was moved back to a won stage.",
    who=Who.FINANCE,
)
CHANGE_IMPOSSIBLE = Sentence(
    id="billed-deal-change-impossible",
    text="The deal was changed after it was billed, and the change cannot be billed: {why}",
    fix="Correct the deal, or put it back as it was. Billing goes on as before meanwhile.",
    cause="The edited deal cannot be planned exactly; what is billed stays untouched.",
    who=Who.SALES,
)
DECLINED = Sentence(
    id="plan-declined",
    text="{who} declined to bill this: {why}.",
    fix="Change the deal, or approve it after all with `connector approve`.",
    cause="A person declined the plan with `connector decline`.",
    who=Who.SALES,
)
NOT_READY = Sentence(
    id="not-ready-to-bill",
    text="If this deal is won as it stands, it cannot be billed: {problems}",
    fix="Fill in what is missing; this message goes by itself.",
    cause="The deal has reached a stage of READINESS_STAGES, and billing it would be refused.",
    who=Who.SALES,
)
HELD = Sentence(
    id="invoice-held",
    text="The draft invoice of {day} comes to {found}, but the contract says {expected}. It is held and not sent.",
    fix="Correct it in billing, or let it go with `connector release {invoice}`.",
    cause="A draft invoice differs from the deal's plan by more than HOLD_TOLERANCE minor units.",
    who=Who.FINANCE,
)
NOT_WAITING = Sentence(
    id="nothing-to-approve",
    text="The deal {deal} has no plan that waits for a decision.",
    fix="See `connector approvals` for those that do.",
    cause="`connector approve` or `decline` named a deal that is billed, approved, or was never planned.",
    who=Who.FINANCE,
)
OTHER_PLAN = Sentence(
    id="approval-of-another-plan",
    text="The deal {deal} has changed: its plan is {now} now, not {given}.",
    fix="Look at the new plan, then approve that one.",
    cause="`connector approve --hash` named a plan that is not the one that waits any more.",
    who=Who.FINANCE,
)
CUSTOMER_UNCLEAR = Sentence(
    id="customer-unclear",
    text="Billing may know this company already: {candidates}.",
    fix="Put the right customer id on the account; or the word `new`, if none of them is it.",
    cause="The account has no customer yet, and billing has customers with the same e-mail address, domain or name. "
    "Nobody but a person can tell whether they are the same company.",
    who=Who.FINANCE,
    field="account.customer_id",
)
CUSTOMER_FOUND = Sentence(
    id="customer-found",
    text="Billed as the existing customer {customer}, found by {why}.",
    fix="If that is another company, put the right customer id on the account.",
    cause="The account had no customer id, and exactly one customer in billing clearly is the same company.",
    who=Who.FINANCE,
    field="account.customer_id",
)
