"""plan_amendment: a deal that adds to a running contract, or takes from it, in mid-term."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from connector.domain.billing import Invoice
from connector.domain.billing_plan import (
    BillingPlan,
    Catalogue,
    ChangeSubscription,
    MakeInvoice,
    PhaseChange,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.change_timing import change_start, item_billed, moment, taking_hold
from connector.domain.contract import ContractItem, LaterPhase, RunningContract
from connector.domain.contract_lines import ChangeLine, ContractLines, Difference, in_words
from connector.domain.contract_steps import (
    CHANGE,
    change_metadata,
    contract_customer,
    contract_terms,
    key,
    last_day,
    refuse_unless_changeable,
    with_credit,
)
from connector.domain.deal import Deal, LineItem
from connector.domain.line_planning import PricedLine, line_notes, planned_at, price_line
from connector.domain.planning import INVOICE, deal_metadata
from connector.domain.policy import BillingPolicy
from connector.domain.settling import Changed, Settlement
from connector.domain.sold_products import needed
from connector.domain.timeline import MOST_ITEMS
from connector.errors import CannotBill
from connector.sentences import amending as sentences


def plan_amendment(
    deal: Deal,
    contract: RunningContract,
    catalogue: Catalogue,
    today: date,
    policy: BillingPolicy,
    *,
    invoices: Sequence[Invoice] = (),
    round: int = 1,  # noqa: A002 - a repeated change of a deal is its next round, everywhere
) -> BillingPlan:
    """The change of the contract for the invoices to come, and exact lines for the rest of the running period.

    Quantities are differences: a negative one takes away. What is added ends with the contract. ``invoices`` are what
    was billed so far: in a contract's last period they take the credit, as no further invoice can.

    Raises:
        CannotBill: the change cannot be made exactly; the error names the field to fix.
    """
    refuse_unless_changeable(deal, contract, today, policy)
    _refuse_what_needs_its_own_contract(deal)
    priced = [_priced(line, contract, catalogue) for line in deal.line_items]
    pairs = list(zip(deal.line_items, priced, strict=True))
    recurring = [ChangeLine.of(line, each) for line, each in pairs if each.interval]
    one_off = [_sold_once(line, each) for line, each in pairs if not each.interval]
    start = change_start(deal, contract, [line.line for line in recurring], today)
    change = _Change(deal, contract, tuple(recurring), start, today)
    customer = contract_customer(deal, contract)
    once, milestones = _one_off(one_off, deal, contract, customer.key, today, policy)
    settlement = Settlement(deal, contract, customer.key, policy, start, today, round, with_credit(deal, policy))
    settled, notes = settlement.settle(change.changed, once, invoices)
    changing = change.step(round)
    bills: tuple[Step, ...] = (*changing, *settled, *milestones)
    products = needed([each.product for each in priced if each.product is not None], bills)
    steps = (customer, *products, *bills) if bills else ()
    line_said = [said for each in priced for said in line_notes(each, planned_at(each, each.amount))]
    return BillingPlan(deal.ref, steps, (*line_said, *notes, *_term_note(deal)))


class _Change:
    """The deal's recurring lines, worked into the contract as it runs and into each phase that has not begun."""

    def __init__(
        self, deal: Deal, contract: RunningContract, lines: Sequence[ChangeLine], start: date, today: date
    ) -> None:
        self._deal, self._contract, self._today = deal, contract, today
        for line in lines:
            _refuse_another_end(line, contract, today)
        # A change from a later phase on leaves what runs now as it is.
        ahead = [phase for phase in contract.later if phase.start <= start]
        self._now = ContractLines(contract.items, contract.currency)
        self.changed: list[Changed] = []
        if ahead:
            self._refuse_mid_phase(ahead[-1], start)
        else:
            for line in lines:
                for each in self._worked_in(line, self._now, contract.items):
                    self.changed.append(self._changed(each, start))
        self._later = [
            (phase, ContractLines(phase.items, contract.currency, None if phase.start == start else phase.start))
            for phase in contract.later
            if not ahead or phase.start >= start
        ]
        for phase, there in self._later:
            for line in lines:
                self._worked_in(line, there, phase.items)
        self._refuse_too_many()
        self._refuse_too_few()

    def step(self, number: int) -> tuple[ChangeSubscription, ...]:
        """The change of the subscription itself; none where nothing recurring is another than before."""
        changes = self._now.changes()
        later = tuple(PhaseChange(phase.start, there.changes()) for phase, there in self._later if there.changes())
        if not changes and not later:
            return ()
        step = key(self._deal.ref, CHANGE, number)
        return (
            ChangeSubscription(
                key=step,
                subscription=self._contract.subscription,
                currency=self._contract.currency,
                changes=changes,
                metadata=change_metadata(step, self._contract),
                on=taking_hold((each.moment for each in self.changed), self._today),
                later=later,
            ),
        )

    def _worked_in(self, line: ChangeLine, there: ContractLines, items: Iterable[ContractItem]) -> list[Difference]:
        if line.line.quantity < 0:
            return there.take(line)
        if item_billed(self._contract, line.interval) is None:
            raise CannotBill.because(
                sentences.OTHER_INTERVAL,
                ref=line.line.ref,
                line=line.name,
                interval=line.interval,
                there=in_words(item.interval for item in items),
            )
        return [there.add(line)]

    def _changed(self, difference: Difference, start: date) -> Changed:
        line = difference.line
        item = difference.item or item_billed(self._contract, line.interval) or self._contract.items[0]
        when = moment(self._deal, self._contract, item, start, self._today)
        return Changed(
            line.line.ref, line.name, difference.quantity, difference.amount, difference.product, line.interval, when
        )

    def _refuse_mid_phase(self, phase: LaterPhase, start: date) -> None:
        if start != phase.start:
            raise CannotBill.because(sentences.TOO_FAR_AHEAD, ref=self._deal.ref, start=start, period_start=phase.start)

    def _refuse_too_many(self) -> None:
        count = max(there.count() for there in (self._now, *(there for _, there in self._later)))
        if count > MOST_ITEMS:
            raise CannotBill.because(sentences.TOO_MANY_ITEMS, ref=self._deal.ref, count=count, most=MOST_ITEMS)

    def _refuse_too_few(self) -> None:
        if min(there.count() for there in (self._now, *(there for _, there in self._later))) == 0:
            raise CannotBill.because(sentences.NOTHING_LEFT, ref=self._deal.ref)


def _refuse_what_needs_its_own_contract(deal: Deal) -> None:
    if not deal.line_items:
        raise CannotBill.because(sentences.NOTHING_TO_CHANGE, ref=deal.ref)
    terms = deal.terms
    if terms.discount_percent or terms.discount_amount:
        _refuse_shape(deal, None, "a discount on the whole deal")
    if terms.free_months:
        _refuse_shape(deal, None, "free months")
    for line in deal.line_items:
        if line.free_months:
            _refuse_shape(deal, line, "free months")
        if line.discount_months is not None and (line.discount_percent or line.discount_per_unit):
            _refuse_shape(deal, line, "a discount for some months only")
        if line.credit_amount is not None:
            _refuse_shape(deal, line, "prepaid credits")


def _refuse_shape(deal: Deal, line: LineItem | None, what: str) -> None:
    name = (line.product.name or line.description or str(line.ref)) if line else deal.name
    raise CannotBill.because(sentences.NOT_FOR_AMENDMENTS, ref=line.ref if line else deal.ref, line=name, what=what)


def _priced(line: LineItem, contract: RunningContract, catalogue: Catalogue) -> PricedLine:
    """The line's price, without the sign of its quantity; one that says no interval recurs as its product does."""
    if line.interval is None and not line.one_off:
        same = [item.interval for item in contract.items if item.product and item.product == line.product.ref]
        line = replace(line, interval=same[0]) if same else line
    if line.quantity < 0:
        line = replace(line, quantity=-line.quantity, total=None if line.total is None else -line.total)
    return price_line(line, catalogue, contract.currency)


def _sold_once(line: LineItem, priced: PricedLine) -> PricedLine:
    if line.quantity < 0:
        name = line.product.name or line.description or str(line.ref)
        raise CannotBill.because(sentences.NOT_IN_CONTRACT, ref=line.ref, line=name, when="")
    return priced


def _refuse_another_end(line: ChangeLine, contract: RunningContract, today: date) -> None:
    """What is added ends with the contract; a line that says so itself is welcome to."""
    end = last_day(contract, today)
    if line.line.end is not None and line.line.end != end:
        raise CannotBill.because(
            sentences.NOT_CO_TERMED,
            ref=line.line.ref,
            line=line.name,
            end=line.line.end,
            contract_end=f"ends on {end}" if end else "runs on",
        )


def _one_off(
    lines: Iterable[PricedLine],
    deal: Deal,
    contract: RunningContract,
    customer: StepKey,
    today: date,
    policy: BillingPolicy,
) -> tuple[list[PlannedLine], tuple[MakeInvoice, ...]]:
    """What is sold once beside the change: for its invoice, and, with a day of its own, as milestones by day."""
    once: list[PlannedLine] = []
    by_day: dict[date, list[PlannedLine]] = {}
    for priced in lines:
        planned = planned_at(priced, priced.amount)
        on = priced.line.bill_on
        (by_day.setdefault(on, []) if on is not None and on > today else once).append(planned)
    milestones = tuple(
        MakeInvoice(
            key=StepKey(deal.ref, f"{INVOICE}-{day.isoformat()}"),
            customer=customer,
            currency=contract.currency,
            lines=tuple(planned),
            terms=contract_terms(deal, contract, policy),
            description=deal.name,
            metadata=deal_metadata(deal),
            total=sum(line.amount for line in planned),
            on=day,
        )
        for day, planned in sorted(by_day.items())
    )
    return once, milestones


def _term_note(deal: Deal) -> tuple[str, ...]:
    months = deal.terms.term_months
    return (sentences.TERM_NOT_USED.says(months=months),) if months else ()
