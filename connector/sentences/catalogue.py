"""The themes of the catalogue, in the order in which docs/errors.md tells them."""

from __future__ import annotations

from dataclasses import dataclass

from connector.sentences import (
    amending,
    approval,
    billing,
    billing_again,
    commands,
    crm,
    health,
    health_policy,
    hubspot,
    planning,
    planning_lines,
    running,
    said,
    salesforce,
    settings,
    stripe,
    terms,
)
from mappings import sentences as mapping
from mappings import value_sentences as values
from mappings.sentence import Sentence, all_in


@dataclass(frozen=True, slots=True)
class Theme:
    """One chapter: what its sentences are about, and where a reader meets them."""

    title: str
    about: str
    sentences: tuple[Sentence, ...]


THEMES: tuple[Theme, ...] = (
    Theme(
        "The deal as it stands in the CRM",
        "What the records of a deal, or the CRM that holds them, do not let us read or write.",
        all_in(crm),
    ),
    Theme(
        "What a deal must say to be billed",
        "Refusals and notes about a deal as a whole: its account, currency, term and days.",
        all_in(planning),
    ),
    Theme(
        "The deal's lines",
        "Refusals and notes about one product line: its price, quantity, discount and days.",
        all_in(planning_lines),
    ),
    Theme(
        "Amendments, renewals and cancellations",
        "Why a running contract cannot be changed as a deal says, and what is noted when it is.",
        all_in(amending),
    ),
    Theme(
        "Approval, readiness and held invoices",
        "Why something waits for a person, and what its record says meanwhile.",
        all_in(approval),
    ),
    Theme(
        "Terms and the payment record",
        "Which terms an account's payment record supports, and what is said of a deal that goes beyond them.",
        all_in(terms),
    ),
    Theme(
        "What may be billed already",
        "Nothing that may have been billed is billed again without a person.",
        all_in(billing_again),
    ),
    Theme(
        "Customers, invoices and contracts in billing",
        "What billing cannot do with a step of a plan.",
        all_in(billing),
    ),
    Theme(
        "Values that a mapping cannot read",
        "One for each kind of value: a rule's conversion met something else in the CRM field that {where} names.",
        all_in(values),
    ),
    Theme(
        "The field mapping",
        "What a mapping's rules cannot read, each mistake that `connector mapping check` finds, and its versions.",
        all_in(mapping),
    ),
    Theme(
        "What Salesforce refuses",
        "Salesforce's own refusals and failures, in our words: its messages quote record data and are not passed on.",
        all_in(salesforce),
    ),
    Theme(
        "What Stripe refuses",
        "Stripe's refusals and failures, with its own sentence where that quotes nobody.",
        all_in(stripe),
    ),
    Theme(
        "What HubSpot refuses",
        "HubSpot's own refusals and failures, in our words: its messages quote record data and are not passed on.",
        all_in(hubspot),
    ),
    Theme(
        "The settings",
        "What is wrong in the environment. The process does not start, and `connector doctor` says the same.",
        all_in(settings),
    ),
    Theme(
        "The health policy",
        "What is wrong with the thresholds of payment health, as an admin wrote them.",
        all_in(health_policy),
    ),
    Theme(
        "What people say about how accounts pay",
        "Why an override, a promise to pay or a policy was not taken.",
        all_in(said),
    ),
    Theme(
        "Commands",
        "What is wrong with a command as it was typed.",
        all_in(commands),
    ),
    Theme(
        "Files of past invoices",
        "What `connector health` cannot read. Its command then ends with 1, and nothing was worked out.",
        all_in(health),
    ),
    Theme(
        "The connector at work",
        "What keeps the connector from working for a while: its database, its allowances, its own mistakes.",
        all_in(running),
    ),
)


def every_sentence() -> tuple[Sentence, ...]:
    """All of the catalogue, in the document's order."""
    return tuple(sentence for theme in THEMES for sentence in theme.sentences)
