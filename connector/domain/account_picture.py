"""From the facts of one billing customer to what each of its CRM records shows, and which of them are flagged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from connector.domain.account_facts import AccountFacts
from connector.domain.account_profile import AccountProfile
from connector.domain.billing import Dispute, Invoice, Subscription
from connector.domain.excuses import Excuses, excuses_on, steadied
from connector.domain.health_override import Override, in_force
from connector.domain.health_policy import HealthPolicy, RollUp
from connector.domain.health_word import Health
from connector.domain.invoice_standing import contested_by
from connector.domain.payment_health import PaymentHealth, assess
from connector.domain.portfolio import Portfolio
from connector.domain.record_values import account_values, deal_values, next_invoice
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag, Judgement, Verdict, decide_flag, needs_work, reason_of, says_else
from connector.domain.renewals import DEFAULT_ORDER, Renewal, next_renewal
from connector.domain.terms_advice import TermsMode, TermsPolicy, advise_word
from connector.domain.write_back import Value, Values

Ranks = Mapping[str, Sequence[str]]
"""CRM name -> where its accounts' renewal dates are read, the best source first."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the company decided, and what its book as a whole says."""

    policy: HealthPolicy = field(default_factory=HealthPolicy)
    portfolio: Portfolio = field(default_factory=Portfolio)
    renewal_from: Ranks = field(default_factory=dict)  #: a CRM that is not named goes by the default order
    terms: TermsPolicy = field(default_factory=TermsPolicy)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the customer's CRM records show on a day.

    ``flags`` holds every CRM account's flag, ``news`` those of them that must be kept because they say something else
    than before. ``renewal_work`` names accounts whose renewal deals and tasks must be looked at, ``tell_above`` those
    whose word has changed for the accounts above them.
    """

    values: Mapping[RecordRef, Values]
    flags: Mapping[RecordRef, Flag]
    news: Sequence[Flag] = ()
    renewal_work: Sequence[RecordRef] = ()
    tell_above: Sequence[RecordRef] = ()


def account_picture(facts: AccountFacts, today: date, rules: Rules) -> Picture:
    """What every CRM record of the customer should show on that day, the same for the same facts."""
    seen = _Assessed(facts, today, rules)
    judged = {ref: _judge(ref, facts, seen, today, rules) for ref in _accounts(facts, rules)}
    before = facts.background.before
    values: dict[RecordRef, Values] = {}
    for ref, each in judged.items():
        if ref in facts.owners:
            health = seen.now(each.policy)
            shown = account_values(facts.account, today, each.policy, health=health)
            hold = each.flag.own is Health.SEVERE
            values[ref] = {**shown, **each.values, **_terms(each, rules), "credit_hold": hold}
        else:
            values[ref] = {**each.values, **_terms(each, rules)}
        for deal in facts.background.flagged_deals.get(ref, ()):
            values[deal] = each.flag_values
    flags = {ref: each.flag for ref, each in judged.items()}
    for flag in _forgotten(facts, today, rules):
        flags[flag.account] = flag
        nothing: dict[str, Value] = {"health": flag.word.value, "health_score": None, "health_reason": ""}
        for ref in (flag.account, *facts.background.flagged_deals.get(flag.account, ())):
            values[ref] = {**nothing, "health_as_of": today, "late_payer": False}
    for deal in facts.billed_by:
        values[deal] = _deal_values(deal, facts, judged, seen, today, rules)
    return Picture(
        values=values,
        flags=flags,
        news=[flag for ref, flag in flags.items() if not _same(flag, before.get(ref))],
        renewal_work=[ref for ref, flag in flags.items() if needs_work(flag, before.get(ref))],
        tell_above=[ref for ref, flag in flags.items() if says_else(flag, before.get(ref))],
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """One CRM account, looked at."""

    policy: HealthPolicy
    flag: Flag
    values: Mapping[str, Value]  #: all that is decided here

    @property
    def flag_values(self) -> Mapping[str, Value]:
        """What an open renewal deal shows of its account."""
        return {name: value for name, value in self.values.items() if name != "renewal_date"}


def _accounts(facts: AccountFacts, rules: Rules) -> Iterator[RecordRef]:
    """Each CRM account of the customer, and those it pays for where the policy has them show it."""
    yield from facts.owners
    if rules.policy.roll_up is RollUp.PAYER:
        yield from (ref for ref in facts.background.paid_for if ref not in facts.owners)


class _Assessed:
    """The customer's payment record under each policy that its CRM accounts come under: mostly one."""

    def __init__(self, facts: AccountFacts, today: date, rules: Rules) -> None:
        self._facts, self._today, self._rules = facts, today, rules
        self._known: dict[HealthPolicy, PaymentHealth] = {}
        self.contested = contested_by(facts.account.disputes)

    def now(self, policy: HealthPolicy) -> PaymentHealth:
        """As its record shows it."""
        found = self._known.get(policy)
        if found is None:
            account = self._facts.account
            found = self._known[policy] = self._assess(account.invoices, account.disputes, policy)
        return found

    def steady(self, policy: HealthPolicy, excuses: Excuses) -> PaymentHealth:
        """As its flag goes by it."""
        if not excuses.now and not excuses.at_opening:
            return self.now(policy)
        account = self._facts.account
        return self._assess(steadied(account.invoices, excuses), (), policy)

    def _assess(self, invoices: Sequence[Invoice], disputes: Sequence[Dispute], policy: HealthPolicy) -> PaymentHealth:
        account = self._facts.account
        return assess(
            invoices,
            account.payments,
            disputes,
            self._today,
            policy,
            self._rules.portfolio,
            promises=self._facts.background.promises,
            customer=account.customer,
            next_invoice=next_invoice(account.subscriptions),
        )


def _judge(ref: RecordRef, facts: AccountFacts, seen: _Assessed, today: date, rules: Rules) -> _Judged:
    known = facts.background
    before = known.before.get(ref)
    policy = rules.policy.for_account(known.profiles.get(ref) or AccountProfile(ref))
    excuses = excuses_on(facts.account.invoices, seen.contested, today, before.excuses if before else None)
    health = seen.now(policy)
    judgement = Judgement(
        verdict=_verdict(health),
        steady=_verdict(seen.steady(policy, excuses)),
        renewal=_renewal(ref, facts, today, rules),
        excuses=excuses,
        override=in_force(_said_of(ref, facts), today),
        below=known.below.get(ref, ()) if rules.policy.roll_up is RollUp.WORST_CHILD else (),
        paid_on=_paid_late_on(facts.account.invoices),
    )
    flag = decide_flag(ref, judgement, policy.renewal_windows, policy.late_chance_flag, before, today)
    reason = reason_of(flag, judgement)
    if ref not in facts.owners:
        reason = f"Paid for by {facts.account.customer.name or facts.account.customer.ref.id}. {reason}".strip()
    values: dict[str, Value] = {
        "health": flag.word.value,
        "health_score": health.shown_score,
        "health_reason": reason,
        "health_as_of": today,
        "late_payer": flag.late_payer,
        "renewal_date": flag.renewal.on if flag.renewal else None,
    }
    return _Judged(policy, flag, values)


def _said_of(ref: RecordRef, facts: AccountFacts) -> Sequence[Override]:
    """What people said of an account. Records of one customer are one company: what is said of one counts for all.

    What is said of an account that somebody else pays for counts for it alone, and before what is said of its payer.
    """
    said = facts.background.overrides
    of_payer = [each for each in said if each.account in facts.owners]
    own = [each for each in said if each.account == ref]
    return of_payer if ref in facts.owners else own or of_payer


def _forgotten(facts: AccountFacts, today: date, rules: Rules) -> Iterator[Flag]:
    """Accounts that showed how their payer pays, which the policy does not have them show any more."""
    for ref in facts.background.paid_for if rules.policy.roll_up is not RollUp.PAYER else ():
        before = facts.background.before.get(ref)
        if before is not None and ref not in facts.owners and before.word is not Health.UNKNOWN:
            yield replace(
                before,
                late_payer=False,
                window=None,
                word=Health.UNKNOWN,
                own=Health.UNKNOWN,
                own_reason="",
                since=today,
                cleared_on=today if before.late_payer else None,
                cleared_because="how its payer pays is not shown on it any more" if before.late_payer else "",
            )


def _terms(judged: _Judged, rules: Rules) -> Mapping[str, Value]:
    """Which terms the account's word supports. Its deals are told when they are looked at, beside their own terms."""
    if rules.terms.mode is TermsMode.OFF:
        return {"terms_advice": ""}
    return {"terms_advice": advise_word(judged.flag.word, (str(judged.values["health_reason"]),), rules.terms).said}


def _verdict(health: PaymentHealth) -> Verdict:
    return Verdict(health.word, health.next_late_chance, health.reason)


def _renewal(ref: RecordRef, facts: AccountFacts, today: date, rules: Rules) -> Renewal | None:
    """Of all the customer's contracts; an account that others pay for goes by its own deals alone."""
    known = facts.background
    of = facts.owners if ref in facts.owners else (ref,)  # records of one customer are one company, in whichever CRM
    deals = {deal for deal in known.crm_renewals if known.sold_to.get(deal, ref) in of}
    subscriptions: Sequence[Subscription] = facts.account.subscriptions
    if ref not in facts.owners:
        own = {deal for deal, account in known.sold_to.items() if account == ref}
        subscriptions = [each for deal in sorted(own) for each in _billing(deal, facts)]
    order = rules.renewal_from.get(ref.provider, DEFAULT_ORDER)
    return next_renewal(subscriptions, (known.crm_renewals[deal] for deal in deals), order, today)


def _deal_values(
    deal: RecordRef,
    facts: AccountFacts,
    judged: Mapping[RecordRef, _Judged],
    seen: _Assessed,
    today: date,
    rules: Rules,
) -> Values:
    """A billed deal's own figures, under its account's word, reason and flag."""
    known = facts.background
    of = judged.get(known.sold_to.get(deal, deal)) or next(
        (each for ref, each in judged.items() if ref.provider == deal.provider), None
    )
    policy = of.policy if of else rules.policy
    values = deal_values(facts.account, deal, facts.billed_by[deal], today, policy, whole=seen.now(policy))
    dates = [known.crm_renewals[deal]] if deal in known.crm_renewals else []
    order = rules.renewal_from.get(deal.provider, DEFAULT_ORDER)
    renewal = next_renewal(_billing(deal, facts), dates, order, today)
    return {**values, **(of.flag_values if of else {}), "renewal_date": renewal.on if renewal else None}


def _billing(deal: RecordRef, facts: AccountFacts) -> list[Subscription]:
    """The subscriptions that bill one deal; one that a schedule has made names its deal."""
    made = facts.billed_by.get(deal, ())
    return [each for each in facts.account.subscriptions if each.ref in made or each.deal == deal]


def _paid_late_on(invoices: Sequence[Invoice]) -> date | None:
    """The last day on which something was paid that was overdue by then."""
    return max(
        (
            invoice.paid_at.date()
            for invoice in invoices
            if invoice.paid_at is not None
            and invoice.due_date is not None
            and invoice.replaced_by is None
            and invoice.paid_at.date() > invoice.due_date
        ),
        default=None,
    )


def _same(flag: Flag, before: Flag | None) -> bool:
    """Whether keeping it anew would change nothing: on which day nothing happened is no news."""
    if before is None:
        return False
    quiet = flag.excuses.at_opening == flag.excuses.now == before.excuses.at_opening == before.excuses.now
    return (replace(flag, excuses=before.excuses) if quiet else flag) == before
