"""The exact lines for the rest of a period in which a contract changes, and the invoice or credit that carries them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.billing import Invoice
from connector.domain.billing_plan import (
    AddToNextInvoice,
    CreditInvoice,
    InlinePrice,
    MakeInvoice,
    Period,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.change_timing import Moment, next_invoice
from connector.domain.contract import RunningContract
from connector.domain.contract_steps import (
    CREDIT,
    PRORATION,
    contract_terms,
    key,
    last_day,
    said,
    smallest,
)
from connector.domain.crediting import spread, unserved_by
from connector.domain.deal import Deal, Interval
from connector.domain.planning import deal_metadata
from connector.domain.policy import BillingPolicy
from connector.domain.proration import rest_of
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import amending as sentences


@dataclass(frozen=True, slots=True)
class Changed:
    """What one CRM line changes about the running period: ``amount`` per period, signed, None where usage decides.

    ``product`` is what an invoice line for it is sold as.
    """

    line: RecordRef
    name: str
    quantity: int
    amount: int | None
    product: str | StepKey
    interval: Interval
    moment: Moment


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is settled: a deal's change of a contract on ``start``. ``number`` counts the deal's changes."""

    deal: Deal
    contract: RunningContract
    customer: StepKey
    policy: BillingPolicy
    start: date
    today: date
    number: int
    credit: bool  #: whether what is taken away is credited

    def settle(
        self, changed: Iterable[Changed], once: Sequence[PlannedLine], invoices: Sequence[Invoice]
    ) -> tuple[tuple[Step, ...], tuple[str, ...]]:
        """The steps that bill or credit what changed for the rest of the period, with ``once`` beside it; the notes.

        What costs something is invoiced on ``start`` (or with the next invoice, if the policy says so); what comes to
        less than nothing lowers the next invoice, or, where the contract ends before one, its last invoices.

        Raises:
            CannotBill: a share cannot be known, or no invoice is left to take the credit.
        """
        lines: list[PlannedLine] = []
        notes: list[str] = []
        for group in _by_line(changed):
            line, note = self._rest(group)
            lines += [line] if line is not None else []
            notes += [note] if note else []
        lines += once
        total = sum(line.amount for line in lines)
        following = next_invoice(self.contract, self.today)
        if not lines or (total == 0 and following is None):
            return (), tuple(notes)
        if total > 0 and (self.policy.amendments_now or following is None):
            return (self._invoice(lines, total),), tuple(notes)
        if following is not None:
            amount = said(total, self.contract.currency)
            return (self._next_invoice(lines),), (*notes, sentences.ON_NEXT_INVOICE.says(amount=amount))
        return self._credits(-total, invoices), tuple(notes)

    def _rest(self, group: Sequence[Changed]) -> tuple[PlannedLine | None, str]:
        """One line for what a CRM line changes in the rest of the period, and what to say about it."""
        first, currency = group[0], self.contract.currency
        moment = first.moment
        if not moment.rest or all(each.amount == 0 for each in group):
            return None, ""
        amounts = [each.amount for each in group if each.amount is not None]
        if len(amounts) < len(group):
            raise CannotBill.because(
                sentences.UNKNOWN_AMOUNT, ref=first.line, line=first.name, period_end=moment.period.end
            )
        last = moment.period.end - timedelta(days=1)
        if sum(amounts) < 0 and not self.credit:
            return None, sentences.NOT_CREDITED.says(line=first.name, end=last)
        rule = self.policy.proration
        share = rest_of(moment.period, moment.start, rule, first.interval)
        amount = share.of_amount(sum(amounts), currency)
        if not amount:
            return None, ""
        count = sum(each.quantity for each in group)
        more = f"{abs(count)} {'more' if count > 0 else 'fewer'}" if count else "changed"
        planned = PlannedLine(
            line=first.line,
            description=f"{first.name}: {more}, {moment.start} to {last}",
            price=InlinePrice(first.product, Decimal(amount), None),
            quantity=1,
            amount=amount,
            period=Period(moment.start, moment.period.end),
        )
        note = sentences.PRORATED.says(
            line=first.name,
            amount=said(amount, currency),
            share=share,
            start=moment.period.start,
            end=last,
            step=smallest(currency),
        )
        return planned, note if share.count < share.of else ""

    def _invoice(self, lines: Sequence[PlannedLine], total: int) -> MakeInvoice:
        return MakeInvoice(
            key=key(self.deal.ref, PRORATION, self.number),
            customer=self.customer,
            currency=self.contract.currency,
            lines=tuple(lines),
            terms=contract_terms(self.deal, self.contract, self.policy),
            description=self.deal.name,
            metadata=deal_metadata(self.deal),
            total=total,
            on=self.start if self.start > self.today else None,
        )

    def _next_invoice(self, lines: Sequence[PlannedLine]) -> AddToNextInvoice:
        return AddToNextInvoice(
            key=key(self.deal.ref, PRORATION, self.number),
            customer=self.customer,
            subscription=self.contract.subscription,
            currency=self.contract.currency,
            lines=tuple(lines),
            metadata=deal_metadata(self.deal),
        )

    def _credits(self, amount: int, invoices: Sequence[Invoice]) -> tuple[CreditInvoice, ...]:
        covering = unserved_by(self.deal, self.contract, invoices, self.start, self.policy.proration, rest_of)
        parts, left = spread(amount, covering)
        if left:
            raise CannotBill.because(
                sentences.NO_NEXT_INVOICE,
                ref=self.deal.ref,
                amount=said(amount, self.contract.currency),
                end=last_day(self.contract, self.today),
            )
        reason = sentences.CREDIT_TAKEN_AWAY.says(start=self.start)
        return tuple(credit_step(self.deal, self.number, invoice, part, reason) for invoice, part in parts)


def credit_step(deal: Deal, number: int, invoice: Invoice, amount: int, reason: str) -> CreditInvoice:
    """The credit note on one invoice; its role names the invoice, as one change may credit several."""
    return CreditInvoice(
        key=key(deal.ref, f"{CREDIT}-{invoice.ref.id}", number),
        invoice=invoice.ref,
        currency=invoice.currency,
        amount=amount,
        reason=reason,
        metadata=deal_metadata(deal),
    )


def _by_line(changed: Iterable[Changed]) -> Iterator[list[Changed]]:
    """What one CRM line changes in one period is rounded once, in however many items it is."""
    groups: dict[object, list[Changed]] = {}
    for each in changed:
        groups.setdefault((each.line, each.moment.period), []).append(each)
    yield from groups.values()
