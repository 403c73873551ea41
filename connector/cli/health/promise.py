"""``connector health promise``: when customers said they would pay, and whether they did."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import click

from connector.bootstrap import open_services
from connector.cli.approve import by_option
from connector.cli.output import json_option, print_json, print_table
from connector.cli.terms import account_ref
from connector.domain.money import CHARGEABLE, AmountDoesNotFit, Money
from connector.domain.promise import Promise, standing
from connector.domain.refs import RecordRef
from connector.errors import Misconfigured
from connector.ports import NewPromise, Services
from connector.sentences import said as sentences
from connector.sync.note_promise import note_promise, withdraw_promise


@click.command(short_help="Note when a customer says it will pay, and see whether it did.")
@click.argument("whose", required=False, metavar="[INVOICE|CUSTOMER|ACCOUNT]")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it is kept.")
@click.option("--amount", help="How much, in major units; else all that is owed.")
@click.option("--currency", default="", help="Of the amount, where no invoice is named.")
@click.option("--note", default="", help="Who said so, and how.")
@click.option("--withdraw", type=int, metavar="N", help="Take promise N back.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@by_option
@json_option
def promise(
    whose: str | None,
    day: datetime | None,
    amount: str | None,
    currency: str,
    note: str,
    withdraw: int | None,
    limit: int,
    by: str,
    as_json: bool,
) -> None:
    """Note a promise to pay an invoice (its number or id), or all that a customer or an account owes.

    Without anything: list those that stand, and what became of them. A promise that is not kept counts on the record.
    """
    with open_services() as services:
        if withdraw is not None:
            found = [_told(withdraw_promise(withdraw, services, by=by), services)]
        elif whose is None:
            with services.store.begin() as work:
                kept = work.said.promises(limit=limit)
            found = [_told(each, services) for each in kept]
        else:
            if day is None:
                raise Misconfigured.because(sentences.PROMISE_INCOMPLETE)
            new = _new(whose, day, amount, currency, note, by, services)
            found = [_told(note_promise(new, services), services)]
    if as_json:
        print_json(found if whose is None and withdraw is None else found[0])
    elif not found:
        click.echo("No promise stands.")
    else:
        columns = ("id", "customer", "invoice", "amount", "on", "stands", "by", "note")
        print_table("Promises to pay", columns, [tuple(each[name] or "" for name in columns) for each in found])


class _Owed(NamedTuple):
    """What a promise is about."""

    customer: RecordRef
    invoice: RecordRef | None = None
    currency: str = ""


def _new(
    whose: str, day: datetime, amount: str | None, currency: str, note: str, by: str, services: Services
) -> NewPromise:
    owed = _owed(whose, services)
    if owed.currency and currency and currency.lower() != owed.currency:
        raise Misconfigured.because(
            sentences.PROMISE_OTHER_CURRENCY,
            ref=owed.invoice,
            invoice=owed.currency.upper(),
            currency=currency.upper(),
        )
    money = _money(amount, currency or owed.currency) if amount is not None else None
    return NewPromise(
        customer=owed.customer,
        promised_for=day.date(),
        noted_by=by,
        invoice=owed.invoice,
        amount=money.minor if money else None,
        currency=money.currency if money else "",
        note=note,
    )


def _owed(text: str, services: Services) -> _Owed:
    """An invoice by its number or id, a customer by its id, or the customer of an account.

    Raises:
        Misconfigured: it is none of these, or several invoices carry the number.
    """
    billing = services.billing.name
    bare = text.removeprefix(f"{billing}:invoice:").removeprefix(f"{billing}:customer:")
    with services.store.begin() as work:
        named = RecordRef(billing, "invoice", bare)
        if (customer := work.ledger.customer_of(named)) is not None:
            account = work.ledger.account(customer)
            known = {each.ref: each.currency for each in account.invoices} if account else {}
            return _Owed(customer, named, known.get(named, ""))
        if work.ledger.customer_of(RecordRef(billing, "customer", bare)) is not None:
            return _Owed(RecordRef(billing, "customer", bare))
        numbered = work.said.invoices_numbered(text)
    if len(numbered) > 1:
        raise Misconfigured.because(sentences.SEVERAL_INVOICES, text=text, count=len(numbered))
    if numbered:
        invoice, customer, currency = numbered[0]
        return _Owed(customer, invoice, currency)
    if ":" in text:
        with services.store.begin() as work:
            customers = work.accounts.customers_of(account_ref(text, services.crms))
        if customers:
            return _Owed(customers[0])
    raise Misconfigured.because(sentences.OWES_NOTHING_KNOWN, text=text)


def _money(amount: str, currency: str) -> Money:
    """The amount in its currency.

    Raises:
        Misconfigured: it is no amount above nothing, or the currency cannot hold it.
    """
    if not currency:
        raise Misconfigured.because(sentences.PROMISE_WITHOUT_CURRENCY, amount=amount)
    try:
        given = Decimal(amount)
        if currency.lower() in CHARGEABLE and given.is_finite() and given > 0:
            return Money.exactly(given, currency)
    except (InvalidOperation, AmountDoesNotFit):
        pass  # told below, like every other amount that cannot be
    raise Misconfigured.because(sentences.PROMISE_AMOUNT, amount=amount, currency=currency.upper())


def _told(kept: Promise, services: Services) -> dict[str, Any]:
    with services.store.begin() as work:
        account = work.ledger.account(kept.customer)
    invoices, payments = (account.invoices, account.payments) if account else ((), ())
    return {
        "id": kept.id,
        "customer": str(kept.customer),
        "invoice": str(kept.invoice) if kept.invoice else None,
        "amount": str(Money(kept.amount, kept.currency)) if kept.amount is not None and kept.currency else None,
        "on": kept.promised_for,
        "stands": standing(kept, invoices, payments, services.today()).value,
        "by": kept.noted_by,
        "note": kept.note,
    }
