"""A small book of deals for both CRMs: a subscription, one with a set-up fee, a plain invoice, and an expansion."""

from __future__ import annotations

from decimal import Decimal

from connector.cli.demo.book import Line, Pays, Sale

SEATS = Line("Team seat", 5, Decimal("29.00"), "monthly")
FEE = Line("Platform fee", 1, Decimal("2250.00"), "yearly")
SETUP = Line("Onboarding", 1, Decimal("1500.00"), "once")
TRAINING = Line("Training day", 2, Decimal("1200.00"), "once")
SUPPORT = Line("Premium support", 1, Decimal("450.00"), "quarterly")

CRMS = ("salesforce", "hubspot")


def small_book(tag: str) -> tuple[Sale, ...]:
    """Eight deals of six accounts; ``tag`` keeps the accounts of one test from those of the next."""
    return tuple(sale for crm in CRMS for sale in _of(crm, tag))


def one_each(tag: str, *, email_missing: bool = False, won: bool = True) -> tuple[Sale, ...]:
    """One deal on each CRM."""
    return tuple(a_sale(crm, f"{tag} Solo", (SEATS,), email_missing=email_missing, won=won) for crm in CRMS)


def a_sale(
    crm: str,
    account: str,
    lines: tuple[Line, ...],
    *,
    second: bool = False,
    email_missing: bool = False,
    won: bool = True,
) -> Sale:
    """One deal; ``second`` is another one of an account that is in the book already."""
    return Sale(
        crm=crm,
        account=f"{account} {crm}",
        city="Hamburg",
        country="DE",
        currency="USD" if crm == "salesforce" else "EUR",
        pays=Pays.ON_TIME,
        lines=lines,
        net_days=14,
        second=second,
        won=won,
        email_missing=email_missing,
    )


def _of(crm: str, tag: str) -> tuple[Sale, ...]:
    return (
        a_sale(crm, f"{tag} Alder", (SEATS,)),
        a_sale(crm, f"{tag} Alder", (SUPPORT,), second=True),
        a_sale(crm, f"{tag} Birch", (FEE, SETUP)),
        a_sale(crm, f"{tag} Cedar", (TRAINING,)),
    )
