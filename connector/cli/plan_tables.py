"""A plan as a person reads it: what is made, phase by phase; every invoice; and the CRM field behind each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from connector.cli.output import print_table
from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    ExistingPrice,
    GrantCredits,
    InvoiceTerms,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    Step,
)
from connector.domain.forecast import Forecast, ForecastInvoice
from connector.domain.money import Money, exponent
from connector.domain.plan_document import plan_hash
from connector.sync.provenance import Provenance

Row = tuple[object, ...]


def print_plan(plan: BillingPlan, foreseen: Forecast, origins: Sequence[Provenance]) -> None:
    """Everything about one plan, on standard output."""
    print_table("What billing would make", ("step", "what"), [row for step in plan.steps for row in _made(step)])
    lines = [row for step in plan.steps for row in _lines(step)]
    if lines:
        print_table("Lines", ("when", "line", "quantity", "price", "amount"), lines)
    _print_invoices(foreseen)
    print_table("Where each value comes from", ("value", "is", "from"), list(_origins(origins)))
    for note in plan.notes:
        click.echo(f"note: {note}")
    click.echo(f"This is plan {plan_hash(plan)[:12]}.")


def _print_invoices(foreseen: Forecast) -> None:
    if foreseen.invoices:
        rows = [(i.day, i.due or "charged at once", _amount(i), i.tax, i.step.role) for i in foreseen.invoices]
        print_table("Invoices", ("date", "due", "amount", "tax", "by"), rows)
        total = Money(foreseen.total, foreseen.invoices[0].currency)
        usage = ", and what usage adds" if any(invoice.by_usage for invoice in foreseen.invoices) else ""
        further = f" It runs on; this is what comes before {foreseen.until}." if foreseen.runs_on else ""
        count = "1 invoice" if len(foreseen.invoices) == 1 else f"{len(foreseen.invoices)} invoices"
        click.echo(f"{count}, {total} in all before tax{usage}.{further}")
    for each in foreseen.adjustments:
        click.echo(f"{each.step.role}: {each.description}: {Money(each.amount, each.currency)}")


def _amount(invoice: ForecastInvoice) -> str:
    amount = str(Money(invoice.total, invoice.currency))
    if not invoice.by_usage:
        return amount
    return "by usage" if all(line.amount is None for line in invoice.lines) else f"{amount} and by usage"


def _origins(origins: Sequence[Provenance]) -> Iterator[Row]:
    for record, values in groupby(origins, key=lambda each: each.record):
        yield f"{record.kind} {record.id}", "", ""
        yield from ((f"  {each.decides}", each.value, each.source) for each in values)


def _made(step: Step) -> Iterator[Row]:
    yield step.key.role, _says(step)
    if isinstance(step, MakeSubscription) and (len(step.phases) > 1 or step.phases[0].trial):
        for number, phase in enumerate(step.phases, 1):
            free = ", free" if phase.trial else ""
            yield "", f"phase {number}: {_when(phase)}{free}, {_counted(phase)}"


def _when(phase: Phase) -> str:
    return f"from {phase.start}" + (f" until {phase.end}" if phase.end is not None else "")


def _counted(phase: Phase) -> str:
    return f"{len(phase.recurring)} recurring and {len(phase.one_off)} one-off lines"


def _says(step: Step) -> str:
    match step:
        case MakeCustomer():
            return f"{step.name} <{step.email}>" + (f", adopting {step.adopt}" if step.adopt else "")
        case MakeProduct():
            return step.name
        case MakeSubscription():
            return _says_subscription(step)
        case MakeInvoice():
            when = f"on {step.on}" if step.on is not None else "now"
            return f"{Money(step.total, step.currency)}, {when}, {_due(step.terms)}"
        case GrantCredits():
            until = f", until {step.expires}" if step.expires is not None else ""
            return f"{step.name}: {Money(step.amount, step.currency)}{until}"
        case ChangeSubscription():
            when = f"from {step.on}" if step.on is not None else "from now"
            ends = f", ends {step.ends_on}" if step.ends_on is not None else ""
            return f"{step.subscription.id} changes {when}: {len(step.changes)} items{ends}"
        case AddToNextInvoice():
            return f"{Money(sum(line.amount for line in step.lines), step.currency)} with the next invoice"
        case EndSubscription():
            return f"{step.subscription.id} ends " + (f"on {step.on}" if step.on is not None else "now")
        case CreditInvoice():
            return f"{Money(step.amount, step.currency)} off {step.invoice.id}: {step.reason}"


def _says_subscription(step: MakeSubscription) -> str:
    ends = step.phases[-1].end
    until = f", ends {ends}" if step.ends and ends is not None else ", runs on"
    anchor = f", full periods from {step.anchor}" if step.anchor is not None else ""
    first = "" if step.first_invoice is None else f", first invoice {Money(step.first_invoice, step.currency)}"
    return f"{_counted(step.phases[0])}, starts {step.start}{until}{anchor}, {_due(step.terms)}{first}"


def _due(terms: InvoiceTerms) -> str:
    due = f"due in {terms.net_days} days" if terms.net_days is not None else "charged automatically"
    return f"{due}, tax worked out by Stripe" if terms.automatic_tax else due


def _lines(step: Step) -> Iterator[Row]:
    match step:
        case MakeSubscription():
            for phase in step.phases:
                yield from (_line(str(phase.start), line, step.currency) for line in phase.recurring + phase.one_off)
        case MakeInvoice() | AddToNextInvoice():
            when = str(step.on) if isinstance(step, MakeInvoice) and step.on is not None else "once"
            yield from (_line(when, line, step.currency) for line in step.lines)
        case ChangeSubscription():
            when = str(step.on) if step.on is not None else "now"
            for change in step.changes:
                if change.line is None:
                    yield when, f"{change.item_id} goes", "", "", ""
                else:
                    yield _line(when, change.line, step.currency)
        case _:
            return


def _line(when: str, line: PlannedLine, currency: str) -> Row:
    served = f" ({line.period.start} until {line.period.end})" if line.period is not None else ""
    amount = "by usage" if line.metered else Money(line.amount, currency)
    return when, f"{line.description}{served}", "" if line.metered else line.quantity, _price(line, currency), amount


def _price(line: PlannedLine, currency: str) -> str:
    how_often = line.interval or "once"
    if isinstance(line.price, ExistingPrice):
        return f"{line.price.price_id}, {how_often}"
    major = line.price.unit_amount.scaleb(-exponent(currency))  # may be finer than the currency: a price per call, say
    return f"{currency.upper()} {major:,f}, {how_often}"
