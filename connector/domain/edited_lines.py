"""Each recurring line of an edited deal beside the item of the contract that it became."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.domain.billing_plan import Catalogue, ExistingPrice, InlinePrice, ItemChange, PlannedLine, StepKey
from connector.domain.change_timing import item_billed, moment
from connector.domain.contract import ContractItem, RunningContract
from connector.domain.contract_lines import billed_per_period, in_words
from connector.domain.dates import length
from connector.domain.deal import Deal, Interval
from connector.domain.refs import RecordRef
from connector.domain.settling import Changed
from connector.domain.sold_products import product_of
from connector.errors import CannotBill
from connector.sentences import amending as sentences


@dataclass(frozen=True, slots=True)
class Pair:
    """A line as it should be and the item as it is; one of them is missing where it is new, or gone."""

    line: PlannedLine | None
    item: ContractItem | None

    @property
    def same_price(self) -> bool:
        """Whether the item's own price is the line's."""
        if self.line is None or self.item is None or not _of_one_product(self.line, self.item):
            return False
        match self.line.price:
            case ExistingPrice(price_id=price_id) if price_id == self.item.price_id:
                return True
            case InlinePrice(unit_amount=unit):
                return unit == self.item.unit_amount
            case _:
                # Another catalogue price of the same product that comes to the same: nothing anybody would see.
                return self.line.amount == billed_per_period(self.item, self.line.quantity)

    @property
    def same(self) -> bool:
        """Whether nothing changed."""
        if not self.same_price or self.line is None or self.item is None:
            return False
        return self.line.metered or self.line.quantity == self.item.quantity

    @property
    def amount(self) -> int | None:
        """What changes per period, in minor units; None where that is not known."""
        is_now = billed_per_period(self.item, self.item.quantity) if self.item else 0
        return None if is_now is None else (self.line.amount if self.line else 0) - is_now

    @property
    def quantity(self) -> int:
        """What changes in the quantity, as billing counts it."""
        return (self.line.quantity if self.line else 0) - (self.item.quantity if self.item else 0)


def paired(lines: Sequence[PlannedLine], items: Sequence[ContractItem]) -> list[Pair]:
    """Each line with its item: by the CRM line, else, for a line that was entered anew, by product and price."""
    left, there = list(lines), list(items)
    pairs: list[Pair] = []
    for fits in (_of_one_line, _entered_anew):
        pairs += _take(left, there, fits)
    return [*pairs, *(Pair(None, item) for item in there), *(Pair(line, None) for line in left)]


def item_changes(pairs: Iterable[Pair]) -> tuple[ItemChange, ...]:
    """What must be another than it is; an item that keeps its price is changed in its quantity only."""
    return tuple(_item_change(pair) for pair in pairs if not pair.same)


def changed_by(
    pairs: Iterable[Pair], deal: Deal, contract: RunningContract, catalogue: Catalogue, start: date, today: date
) -> list[Changed]:
    """What changes about the running period.

    Raises:
        CannotBill: a line recurs in an interval that the contract does not have.
    """
    return [_changed(pair, deal, contract, catalogue, start, today) for pair in pairs if not pair.same]


def _changed(
    pair: Pair, deal: Deal, contract: RunningContract, catalogue: Catalogue, start: date, today: date
) -> Changed:
    line, item = pair.line, pair.item
    interval = (line.interval if line else item.interval if item else None) or Interval("month")
    if line is not None and (item_billed(contract, interval) is None or not _as_often(item, interval)):
        raise CannotBill.because(
            sentences.OTHER_INTERVAL,
            ref=line.line,
            line=line.description,
            interval=interval,
            there=in_words(each.interval for each in contract.items),
        )
    billed = item or item_billed(contract, interval) or contract.items[0]
    name = line.description if line else (item.description if item else "") or "a line that was removed"
    return Changed(
        line=_line_of(pair, deal),
        name=name,
        quantity=pair.quantity,
        amount=pair.amount,
        product=_product(pair, catalogue),
        interval=interval,
        moment=moment(deal, contract, billed, start, today),
    )


def _item_change(pair: Pair) -> ItemChange:
    if pair.item is None or pair.line is None:
        return ItemChange(pair.item.id if pair.item else "", pair.line)
    line = replace(pair.line, price=ExistingPrice(pair.item.price_id)) if pair.same_price else pair.line
    return ItemChange(pair.item.id, line)


def _take(
    lines: list[PlannedLine], items: list[ContractItem], fits: Callable[[PlannedLine, ContractItem], bool]
) -> Iterator[Pair]:
    for line in tuple(lines):
        item = next((each for each in items if fits(line, each)), None)
        if item is not None:
            lines.remove(line)
            items.remove(item)
            yield Pair(line, item)


def _of_one_line(line: PlannedLine, item: ContractItem) -> bool:
    return item.line == line.line


def _entered_anew(line: PlannedLine, item: ContractItem) -> bool:
    return Pair(line, item).same_price and _as_often(item, line.interval)


def _of_one_product(line: PlannedLine, item: ContractItem) -> bool:
    """Whether they may be of one product; a line at a catalogue price says nothing of its product."""
    match line.price:
        case InlinePrice(product=StepKey(owner=owner)):
            return item.product is None or owner == item.product
        case InlinePrice(product=product):
            return product == item.product_id
        case _:
            return True


def _as_often(item: ContractItem | None, interval: Interval | None) -> bool:
    if item is None:
        return True
    return item.interval is not None and interval is not None and length(item.interval) == length(interval)


def _line_of(pair: Pair, deal: Deal) -> RecordRef:
    if pair.line is not None:
        return pair.line.line
    return (pair.item.line if pair.item else None) or deal.ref


def _product(pair: Pair, catalogue: Catalogue) -> str | StepKey:
    if pair.line is not None and not pair.same_price:
        return product_of(pair.line.price, catalogue)
    return pair.item.product_id if pair.item else ""
