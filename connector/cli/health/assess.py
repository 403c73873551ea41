"""``connector health assess``: every customer's payment record, the worst first, from a file or from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import click

from connector.cli.health.invoice_options import as_plain, invoice_options, opened
from connector.cli.health.invoices_csv import CsvOptions, InvoiceFile
from connector.cli.health.unreadable import UnreadableInvoices, bad_input_told, printable, quoted
from connector.cli.output import json_option, print_json
from connector.domain.currency_health import CurrencyHealth
from connector.domain.money import Money
from connector.domain.past_invoice import PastInvoice, as_invoice, by_customer, outcomes_on
from connector.domain.payment_health import PaymentHealth
from connector.domain.payment_health import assess as assess_invoices
from connector.domain.portfolio import Portfolio, fit_from_others
from connector.errors import Misconfigured
from connector.sentences.commands import NOT_YET
from connector.sentences.health import NO_SUCH_CUSTOMER

_FILE = "csv"


class Assessed(NamedTuple):
    """One customer."""

    customer: str
    name: str  #: where the ledger knows one
    health: PaymentHealth


@click.command(short_help="Every customer's payment record, the worst first, with reasons.")
@invoice_options
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day to look from; else the last that the file knows of, or today for the ledger.",
)
@click.option("--customer", help="Only this one: as the file calls it; in the ledger an id or a name.")
@click.option("--worst", type=click.IntRange(min=1), metavar="N", help="Only the N worst.")
@json_option
def assess(
    file: str | None,
    about: CsvOptions,
    as_of: datetime | None,
    customer: str | None,
    worst: int | None,
    as_json: bool,
) -> None:
    """Assess every customer from the ledger, or from a CSV of invoices, which needs no database and no account.

    The file names for each invoice its customer and amount, the days it was issued, due and paid (empty: unpaid), and
    as far as known its currency, number, and whether it is disputed. Only what was known on the day is counted: later
    invoices are left out, and what was paid later is unpaid.

    Exit codes: 0 assessed; 1 the file or what was said about it cannot be read; 2 the command could not do its work.
    """
    with bad_input_told():
        day = as_of.date() if as_of else None
        if file is not None:
            found = opened(file, about)
            day = day or found.last_day
            answer, everybody = as_plain(found), _of_file(found, day, customer)
        else:
            answer, day, everybody = _of_ledger(day, customer)
        if customer is not None and not everybody:
            raise UnreadableInvoices.because(NO_SUCH_CUSTOMER, customer=quoted(customer), day=day)
    everybody.sort(key=_worst_first)
    shown = everybody[:worst]
    if as_json:
        print_json({"as_of": day, **answer, "customers": [_plain(one) for one in shown]})
    else:
        _tell(shown, day, len(everybody))


def _of_file(found: InvoiceFile, day: date, customer: str | None) -> list[Assessed]:
    """Each customer of the file, or one; each borrows from all others of the file."""
    accounts = by_customer(invoice for invoice in found.invoices if invoice.issued <= day)
    borrowed = fit_from_others({name: outcomes_on(history, day) for name, history in accounts.items()}, day)
    chosen = accounts if customer is None else {name: accounts[name] for name in {customer} & accounts.keys()}
    return [Assessed(name, "", _health(history, day, borrowed[name])) for name, history in chosen.items()]


def _health(history: Sequence[PastInvoice], day: date, portfolio: Portfolio) -> PaymentHealth:
    return assess_invoices([as_invoice(each, _FILE) for each in history], (), (), day, portfolio=portfolio)


def _of_ledger(day: date | None, customer: str | None) -> tuple[dict[str, object], date, list[Assessed]]:
    from connector.bootstrap import open_services  # a file is assessed without any of it
    from connector.domain.refs import RecordRef
    from connector.sync.list_health import list_health

    with open_services() as services:
        as_of = day or services.today()
        if as_of > services.today():
            raise Misconfigured.because(NOT_YET, day=as_of.isoformat())
        try:
            ref = RecordRef.parse(customer) if customer is not None else None
        except ValueError:
            ref = RecordRef(services.billing.name, "customer", str(customer))
        found = [Assessed(str(one.ref), one.name, health) for one, health in list_health(services, as_of, ref)]
        if ref is not None and not found:  # by the name that a table shows, which several may have
            everybody = list_health(services, as_of)
            found = [Assessed(str(one.ref), one.name, health) for one, health in everybody if one.name == customer]
    return {}, as_of, found


def _worst_first(one: Assessed) -> tuple[bool, float, str]:
    """By score; those of whom nothing is known come last."""
    score = one.health.score
    return score is None, score or 0.0, one.customer


def _plain(one: Assessed) -> dict[str, object]:
    """One customer for a script: amounts as exact decimals, chances from 0 to 1."""
    health = one.health
    return {
        "customer": one.customer,
        **({"name": one.name} if one.name else {}),
        "currency": health.currency.upper(),
        "word": health.word.value,
        "score": health.score,
        "next_late_chance": health.next_late_chance,
        "trouble_chance": health.trouble_chance,
        "confidence": health.confidence.value,
        "resolved": health.resolved,
        "open_balance": _amount(health.open_balance),
        "overdue_balance": _amount(health.overdue_balance),
        "overdue_count": health.overdue_count,
        "days_past_due": health.days_past_due,
        "average_days_late": _text(health.average_days_late),
        "on_time_rate": _text(health.on_time_rate),
        "disputed": health.disputed,
        "reasons": [
            {"code": reason.code, "text": reason.text, "invoices": [ref.id for ref in reason.invoices]}
            for reason in health.reasons
        ],
        "by_currency": {code.upper(): _of_currency(each) for code, each in health.by_currency.items()},
    }


def _of_currency(each: CurrencyHealth) -> dict[str, object]:
    return {
        "open_balance": _amount(each.open_balance),
        "overdue_balance": _amount(each.overdue_balance),
        "overdue_count": each.overdue_count,
        "days_past_due": each.days_past_due,
        "disputed": _amount(each.disputed),
        "average_days_late": _text(each.average_days_late),
        "on_time_rate": _text(each.on_time_rate),
        "resolved": each.resolved,
    }


def _amount(money: Money | None) -> str | None:
    return None if money is None else f"{money.major:f}"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _tell(shown: Sequence[Assessed], day: date, total: int) -> None:
    if not shown:
        click.echo(f"No invoice was issued by {day}.")
        return
    title = f"Payment health on {day}: {total} {'customer' if total == 1 else 'customers'}"
    if len(shown) < total:
        title += ", the worst" if len(shown) == 1 else f", the {len(shown)} worst"
    click.echo(title)
    for one in shown:
        health = one.health
        late, trouble = _percents(health.next_late_chance, health.trouble_chance)
        score = "-" if health.shown_score is None else health.shown_score
        who = printable(one.name or one.customer)
        click.echo(f"{health.word:<8} {score:>3}  next late {late:>5}  trouble {trouble:>5}  {who}")
        for reason in health.reasons:
            click.echo(f"              {printable(reason.text)}")


def _percents(*chances: float | None) -> Iterable[str]:
    return ["-" if chance is None else f"{100 * chance:.0f} %" for chance in chances]
