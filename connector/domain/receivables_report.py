"""All that is told of receivables as of a day, from one pass over the ledger's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from connector.domain.cash_forecast import (
    WEEKS,
    CashForecast,
    ExpectedCash,
    RunningItem,
    by_week,
    draft_cash,
    forecast_cash,
    open_cash,
)
from connector.domain.debtors import Debtor, Debtors
from connector.domain.pay_delay import PayDelays
from connector.domain.promise import Promise
from connector.domain.promised import Promised, promised
from connector.domain.receivable_parts import MADE_OF, Frame, Part
from connector.domain.receivable_rows import CustomerFacts, InvoiceHistory
from connector.domain.receivables import Receivables, Tally, unapplied_credits

SEGMENTS: Mapping[str, Callable[[CustomerFacts], str]] = {
    "size": lambda customer: customer.size,
    "country": lambda customer: customer.country,
    "plan": lambda customer: customer.plan,
    "account": lambda customer: customer.debtor,
}
"""What figures can be broken down by."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger has, as plain rows. ``running`` and ``drafts`` are None where they are not known for that day."""

    customers: Mapping[str, CustomerFacts]
    invoices: Iterable[InvoiceHistory]
    promises: Sequence[Promise] = ()
    running: Sequence[RunningItem] | None = None
    drafts: Sequence[InvoiceHistory] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be told."""

    as_of: date
    days: int = 90
    currency: str = ""  #: this one only
    by: str = ""  #: a segment: one set of figures for each of its values
    rows_of: str = ""  #: the figure whose rows are wanted
    weeks: int = WEEKS

    @property
    def frame(self) -> Frame:
        """The day and the period before it."""
        return Frame(self.as_of, self.days)


class Row(NamedTuple):
    """One invoice's share in a figure."""

    segment: str
    part: Part
    invoice: InvoiceHistory
    amount: int
    days: int


@dataclass(frozen=True, slots=True)
class Report:
    """Per currency, and per segment where one was asked for; what is not broken down is empty then."""

    asked: Asked
    figures: Mapping[tuple[str, str], Receivables]  #: by currency and segment
    rows: Sequence[Row] = ()
    debtors: Sequence[Debtor] = ()
    promises: Sequence[Promised] = ()
    cash: Mapping[str, CashForecast] = field(default_factory=dict)


def report(ledger: Ledger, asked: Asked) -> Report:
    """Everything, from one pass over the invoices; only what is open, and what is asked to be opened, is kept."""
    segment_of = SEGMENTS.get(asked.by, _no_segment)
    wanted = frozenset(MADE_OF.get(asked.rows_of, ()))
    tallies: dict[tuple[str, str], Tally] = {}
    rows: list[Row] = []
    still_open: list[InvoiceHistory] = []
    promising: list[InvoiceHistory] = []
    promisers = {str(promise.customer) for promise in ledger.promises}
    delays, debtors = PayDelays(asked.as_of), Debtors(ledger.customers, asked.as_of)
    for invoice in ledger.invoices:
        delays.add(invoice)
        if asked.currency and invoice.currency != asked.currency:
            continue
        customer = ledger.customers.get(invoice.customer)
        segment = segment_of(customer) if customer is not None else ""
        key = invoice.currency, segment
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = Tally(invoice.currency, asked.frame)
        for part, amount, days in tally.add(invoice):
            if part in wanted:
                rows.append(Row(segment, part, invoice, amount, days))
            if part is Part.OPEN:
                still_open.append(invoice)
                debtors.add(invoice, amount)
        if invoice.customer in promisers:
            promising.append(invoice)
    credits_of = _credits(ledger.customers.values(), asked, segment_of)
    for key, credit in credits_of.items():
        if key not in tallies and credit:
            tallies[key] = Tally(key[0], asked.frame)
    cash = list(_cash(ledger, asked, still_open, delays))
    owing = [each for each in debtors.found(ledger.running) if asked.currency in ("", each.currency)]
    return Report(
        asked=asked,
        figures={key: tally.figures(credits_of.get(key, 0)) for key, tally in sorted(tallies.items())},
        rows=rows,
        debtors=owing,
        promises=promised(ledger.promises, promising, asked.as_of),
        cash={
            currency: by_week(cash, currency, asked.as_of, asked.weeks)
            for currency in sorted({each.currency for each in cash})
        },
    )


def _cash(
    ledger: Ledger, asked: Asked, still_open: Sequence[InvoiceHistory], delays: PayDelays
) -> Iterable[ExpectedCash]:
    until = date.fromordinal(asked.as_of.toordinal() + 7 * asked.weeks)
    for source in (
        open_cash(still_open, delays),
        draft_cash(ledger.drafts or (), delays),
        forecast_cash(ledger.running or (), delays, until),
    ):
        yield from (each for each in source if asked.currency in ("", each.currency))


def _credits(
    customers: Iterable[CustomerFacts], asked: Asked, segment_of: Callable[[CustomerFacts], str]
) -> dict[tuple[str, str], int | None]:
    by_segment: dict[str, list[CustomerFacts]] = {}
    for customer in customers:
        by_segment.setdefault(segment_of(customer), []).append(customer)
    return {
        (currency, segment): amount
        for segment, mine in by_segment.items()
        for currency, amount in unapplied_credits(mine, asked.frame).items()
        if asked.currency in ("", currency)
    }


def _no_segment(_customer: CustomerFacts) -> str:
    return ""
