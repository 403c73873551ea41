"""Which terms an account's payment record supports, and whether a deal's own go against them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from connector.domain.deal import BillingTerms, CollectionMethod, Deal, DealKind
from connector.domain.health_word import Health
from connector.domain.payment_health import PaymentHealth
from connector.domain.refs import RecordRef
from connector.sentences import terms as sentences
from mappings.sentence import Sentence

WORSE: tuple[Health, ...] = (Health.GOOD, Health.WATCH, Health.LATE, Health.SEVERE)
"""The words that say something, each worse than the one before it."""

LONGEST_TERMS = 365
"""Days to pay that any deal, setting or exception may name."""

_SETS_TERMS = frozenset({DealKind.NEW, DealKind.RENEWAL})
"""Kinds of deals that begin a contract. A change of a running one keeps the terms that were agreed for it."""


class TermsMode(StrEnum):
    """What is done with the advice."""

    OFF = "off"  #: nothing is said
    ADVISE = "advise"  #: the records say it
    REQUIRE = "require"  #: and a deal whose terms go against it waits for an exception or a person


@dataclass(frozen=True, slots=True)
class TermsPolicy:
    """What an operator chose: the longest days to pay by health, and which health needs a person's eye in any case.

    No days at all mean payment in advance. A health without a number has no limit.

    Raises:
        ValueError: a worse health would get longer terms than a better one.
    """

    mode: TermsMode = TermsMode.REQUIRE
    days: Mapping[Health, int] = field(
        default_factory=lambda: {Health.GOOD: 90, Health.WATCH: 30, Health.LATE: 14, Health.SEVERE: 0}
    )
    approval: frozenset[Health] = frozenset({Health.SEVERE})

    def __post_init__(self) -> None:
        asked = [word in self.approval for word in WORSE]
        limits = [self.days.get(word) for word in WORSE]
        known = [limit for limit in limits if limit is not None]
        if known != sorted(known, reverse=True) or None in limits[limits.count(None) :]:
            raise ValueError("a worse payment record never gets longer terms")
        if asked != sorted(asked):
            raise ValueError("a worse payment record is never asked about less")
        if any(not 0 <= limit <= LONGEST_TERMS for limit in known) or Health.UNKNOWN in self.days:
            raise ValueError(f"terms are 0 to {LONGEST_TERMS} days, for {', '.join(WORSE)}")


@dataclass(frozen=True, slots=True)
class TermsAdvice:
    """What the payment record supports. ``net_days`` is the most; None where nothing limits it, 0 with ``prepay``."""

    word: Health
    net_days: int | None
    prepay: bool
    needs_approval: bool
    sentence: str
    reasons: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """All of it, for a record: what is supported, and why."""
        return " ".join(filter(None, (self.sentence, *self.reasons)))


@dataclass(frozen=True, slots=True)
class TermsException:
    """Somebody answers for longer terms of one account than its payment record supports, up to and including a day."""

    account: RecordRef
    net_days: int
    owner: str
    why: str
    until: date
    recorded_by: str
    recorded_at: datetime
    ended_at: datetime | None = None
    id: int = 0  #: given by the store

    def in_force(self, today: date) -> bool:
        """Neither over nor ended."""
        return self.ended_at is None and today <= self.until

    @property
    def said(self) -> str:
        """Who answers, for what, how long and why; other sentences may follow."""
        why = self.why if self.why.endswith((".", "!", "?")) else f"{self.why}."
        return sentences.ALLOWED.says(owner=self.owner, days=self.net_days, until=self.until, id=self.id, why=why)


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What the payment record had to do with a deal's plan; kept with it, so that it is planned alike later on."""

    account: RecordRef  #: who pays
    health: Health  #: when the deal was planned first
    given: int | None = None  #: days to pay that the deal got, since it named none
    held: bool = False  #: the plan waits for nothing but its terms
    exception: int | None = None  #: what allowed them

    def of(self, deal: Deal) -> Deal:
        """The deal with the days it was given, where it names none."""
        if self.given is None or deal.terms.net_days is not None:
            return deal
        return replace(deal, terms=replace(deal.terms, net_days=self.given))

    def notes(self, deal: Deal) -> tuple[str, ...]:
        """What the deal's record says of days that it was given."""
        if self.given is None or deal.terms.net_days is not None:
            return ()
        return (sentences.GIVEN.says(days=_days(self.given)) if self.given else sentences.GIVEN_NONE.says(),)


def advise(health: PaymentHealth, policy: TermsPolicy) -> TermsAdvice:
    """The terms that the payment record supports. A worse health never gets longer ones, nor is it asked about less."""
    return advise_word(health.word, tuple(reason.text for reason in health.reasons), policy)


def advise_word(word: Health, reasons: tuple[str, ...], policy: TermsPolicy) -> TermsAdvice:
    """The same for a word that a person, or an account below, has put in the place of the record's own."""
    if word is Health.UNKNOWN:
        return TermsAdvice(word, None, False, False, sentences.NO_RECORD.says())
    days, asks = policy.days.get(word), word in policy.approval
    supported = sentences.NO_LIMIT if days is None else sentences.UP_TO if days else sentences.PREPAID
    said = [supported.says(word=word.value, days=days)]
    said += [sentences.APPROVAL_TOO.says()] if asks else []
    return TermsAdvice(word, days, days == 0, asks, " ".join(said), reasons)


def given_days(
    terms: BillingTerms,
    advice: TermsAdvice,
    exceptions: Collection[TermsException],
    today: date,
    default_net_days: int,
) -> int | None:
    """Days to pay for a deal that names none: what its account's record supports, or somebody answers for.

    None where the deal's own word holds, or the operator's default, which is never made longer.
    """
    silent = terms.net_days is None and terms.collection is CollectionMethod.SEND_INVOICE
    if not silent or terms.kind not in _SETS_TERMS or advice.net_days is None:
        return None
    days = max([advice.net_days, *(each.net_days for each in exceptions if each.in_force(today))])
    return days if days < default_net_days else None


def terms_set(terms: BillingTerms, default_net_days: int) -> BillingTerms | None:
    """The terms that a deal asks to be billed on; None for one that leaves those of a running contract as they are."""
    if terms.kind in _SETS_TERMS:
        return terms if terms.net_days is not None else replace(terms, net_days=default_net_days)
    return terms if terms.kind is DealKind.AMENDMENT and terms.net_days is not None else None


def against(
    terms: BillingTerms, advice: TermsAdvice, exceptions: Collection[TermsException], today: date, account: str = ""
) -> str:
    """How the terms go against the advice, and what to do, in sentences; empty where they do not, or somebody answers.

    ``account`` names the account for the command that helps.
    """
    said, days = objection(terms, advice, exceptions, today), days_allowed(terms)
    return f"{said.says(days=days)} {said.advises(days=days, account=account or 'ACCOUNT')}" if said else ""


def objection(
    terms: BillingTerms, advice: TermsAdvice, exceptions: Collection[TermsException], today: date
) -> Sentence | None:
    """What is to be said against the terms, if anything is. What is charged automatically is paid at once."""
    days = days_allowed(terms)
    if answers_for(days, exceptions, today) is not None:
        return None
    if advice.net_days is not None and days > advice.net_days:
        return sentences.TOO_LONG
    return sentences.NOT_UNSEEN if advice.needs_approval else None


def answers_for(days: int, exceptions: Collection[TermsException], today: date) -> TermsException | None:
    """The exception that covers so many days to pay: of several, the one that runs longest."""
    found = [each for each in exceptions if each.in_force(today) and each.net_days >= days]
    return max(found, key=lambda each: (each.until, each.id), default=None)


def days_allowed(terms: BillingTerms) -> int:
    """Days from an invoice until its money is due; none when it is charged automatically."""
    return 0 if terms.collection is CollectionMethod.CHARGE_AUTOMATICALLY else terms.net_days or 0


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
