"""Which terms the payment record of whoever pays for a deal supports, from the ledger alone: no call to anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connector.domain.account_picture import account_picture
from connector.domain.billing_plan import StepKey
from connector.domain.deal import BillingTerms, Deal
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import (
    PlanTerms,
    TermsAdvice,
    TermsException,
    TermsMode,
    advise_word,
    against,
    answers_for,
    days_allowed,
    given_days,
    objection,
    terms_set,
)
from connector.domain.write_back import Value
from connector.errors import CannotBill
from connector.ports import DealRecords, Services, UnitOfWork
from connector.sync.read_deal import read_deal
from connector.sync.rules_in_force import rules_in_force
from connector.sync.show_account import facts_of


@dataclass(frozen=True, slots=True)
class TermsLook:
    """What is known of one payer today: the advice, and the exceptions that are in force for any of its records."""

    account: RecordRef
    advice: TermsAdvice
    exceptions: Sequence[TermsException]

    def asks(self, terms: BillingTerms, services: Services) -> BillingTerms | None:
        """The terms that a deal asks for as it stands; days that the policy would give it count."""
        given = self.given(terms, services)
        default = services.billing_policy.default_net_days if given is None else given
        return terms_set(terms, default)

    def given(self, terms: BillingTerms, services: Services) -> int | None:
        """Days for a deal that names none, where the policy decides on them."""
        if services.terms_policy.mode is not TermsMode.REQUIRE:
            return None
        default = services.billing_policy.default_net_days
        return given_days(terms, self.advice, self.exceptions, services.today(), default)


def terms_of_account(
    account: RecordRef, services: Services, *, named: str = "", formerly: Sequence[RecordRef] = ()
) -> TermsLook | None:
    """What the account's payment record supports; None for one that has no customer in the ledger, or without a policy.

    ``named`` is the customer's id as the account's own record has it; ``formerly`` are accounts merged into this one.
    """
    if services.terms_policy.mode is TermsMode.OFF:
        return None
    rules, today = rules_in_force(services), services.today()
    with services.store.begin() as work:
        customer = _customer((account, *formerly), named, work, services)
        billed = work.ledger.account(customer) if customer is not None else None
        if billed is None:
            return None
        facts = facts_of(billed, work)
        accounts = {account, *formerly, *facts.owners}
        exceptions = work.terms.in_force(accounts, today)
    # By the word that its record shows: a person's own word counts, and what its children owe, as the policy has it.
    judged = account_picture(replace(facts, owners=[account]), today, rules)
    reason = str(judged.values[account]["health_reason"])
    return TermsLook(account, advise_word(judged.flags[account].word, (reason,), services.terms_policy), exceptions)


def terms_of_deal(deal: Deal, services: Services) -> TermsLook | None:
    """The same for whoever pays for the deal."""
    payer = deal.payer or deal.account
    if payer is None:
        return None
    return terms_of_account(payer.ref, services, named=payer.customer_id, formerly=payer.formerly)


def terms_for_plan(look: TermsLook | None, terms: BillingTerms, services: Services) -> PlanTerms | None:
    """What a plan that is made now should remember; None where the payment record has no say."""
    if look is None or services.terms_policy.mode is not TermsMode.REQUIRE:
        return None
    return PlanTerms(look.account, look.advice.word, look.given(terms, services))


def advice_values(look: TermsLook | None, terms: BillingTerms | None, services: Services) -> Mapping[str, Value]:
    """What a deal's record should say of its terms; nothing where its payer is not known."""
    return {} if look is None else {"terms_advice": told(look, terms, services)}


def told(look: TermsLook, terms: BillingTerms | None, services: Services) -> str:
    """The advice, what a deal with these terms comes to under it, and why, in sentences."""
    asked = look.asks(terms, services) if terms is not None else None
    beside = _beside(look, asked, services) if asked is not None else ""
    return " ".join(part for part in (look.advice.sentence, beside, *look.advice.reasons) if part)


def advise_open_deal(records: DealRecords, services: Services) -> Mapping[str, Value]:
    """What an open deal's record should say, as far as it can be read."""
    payer = records.payer or records.account
    if payer is None or records.closed or services.terms_policy.mode is TermsMode.OFF:
        return {}
    try:
        deal = read_deal(records, services.mappings[records.ref.provider])
    except CannotBill:
        return advice_values(terms_of_account(payer, services, formerly=records.formerly), None, services)
    return advice_values(terms_of_deal(deal, services), deal.terms, services)


def _beside(look: TermsLook, asked: BillingTerms, services: Services) -> str:
    """Who answers for the deal's terms, where they need somebody; or what is to be said against them."""
    today = services.today()
    said = objection(asked, look.advice, (), today)
    if said is None:
        return ""
    days = days_allowed(asked)
    if (answer := answers_for(days, look.exceptions, today)) is not None:
        return answer.said
    if services.terms_policy.mode is TermsMode.ADVISE:
        return said.says(days=days)
    return against(asked, look.advice, look.exceptions, today, named(look.account))


def named(account: RecordRef) -> str:
    """The account as a command takes it."""
    return f"{account.provider}:{account.id}"


def _customer(accounts: Sequence[RecordRef], named_id: str, work: UnitOfWork, services: Services) -> RecordRef | None:
    """Who the accounts are billed as: their Link, else what their record says."""
    for account in accounts:
        if (linked := work.links.get(StepKey(account, CUSTOMER))) is not None:
            return linked
    return RecordRef(services.billing.name, CUSTOMER, named_id) if named_id else None
