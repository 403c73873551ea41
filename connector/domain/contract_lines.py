"""The recurring lines of a running contract as a deal's lines add to them and take from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from connector.domain.billing import Price
from connector.domain.billing_plan import ExistingPrice, InlinePrice, ItemChange, MakeProduct, PlannedLine, StepKey
from connector.domain.contract import ContractItem
from connector.domain.dates import length
from connector.domain.deal import Interval, LineItem
from connector.domain.line_planning import PricedLine, planned_at
from connector.domain.money import exponent
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import amending as sentences


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A deal's recurring line as a change: what it is priced at, without the sign of its quantity.

    ``unit`` is the net price of one per period in minor units; None for usage and tiers.
    """

    line: LineItem
    planned: PlannedLine
    unit: Decimal | None
    price: Price | None
    product: MakeProduct | None

    @classmethod
    def of(cls, line: LineItem, priced: PricedLine) -> ChangeLine:
        """The line as ``price_line`` has it."""
        planned = planned_at(priced, priced.amount)
        match planned.price:
            case InlinePrice(unit_amount=amount):
                unit: Decimal | None = amount
            case _:
                unit = None if priced.fixed or priced.price is None else priced.price.unit_amount
        return cls(line, planned, unit, priced.price, priced.product)

    @property
    def name(self) -> str:
        """What sentences call it."""
        return self.line.product.name or self.line.description or str(self.line.ref)

    @property
    def interval(self) -> Interval:
        """How often it recurs."""
        return self.planned.interval or Interval("month")

    def is_of(self, item: ContractItem) -> bool:
        """Whether the item is of the same catalogue price, or else of the same product."""
        if self.price is not None and (item.price_id == self.price.ref.id or item.product_id == self.price.product_id):
            return True
        return item.product is not None and item.product == (self.line.product.ref or self.line.ref)

    def costs_as(self, item: ContractItem) -> bool:
        """Whether one more of the item costs exactly this line's price."""
        if item.interval is None or length(item.interval) != length(self.interval):
            return False
        if isinstance(self.planned.price, ExistingPrice) and self.planned.price.price_id == item.price_id:
            return True
        return not item.metered and self.unit is not None and self.unit == item.unit_amount


@dataclass(frozen=True, slots=True)
class Difference:
    """What one line changes about one item: ``amount`` per period in minor units, signed; None where usage decides.

    ``item`` is None for a new one. ``product`` is what an extra invoice line for it is sold as.
    """

    line: ChangeLine
    item: ContractItem | None
    quantity: int
    amount: int | None
    product: str | StepKey


def billed_per_period(item: ContractItem, quantity: int) -> int | None:
    """What the item comes to per period, in minor units, as Stripe rounds it: half up. None for usage and tiers."""
    if item.unit_amount is None or item.metered:
        return None
    return int((item.unit_amount * quantity).quantize(Decimal(1), ROUND_HALF_UP))


class ContractLines:
    """The items of one stretch of a contract, changed line by line; ``changes`` is what came of it.

    ``later`` is the first day of a phase that has not begun: there a line is taken away at whatever it costs then, and
    what has gone by itself needs not be taken away.
    """

    def __init__(self, items: Sequence[ContractItem], currency: str, later: date | None = None) -> None:
        self._items = items
        self._currency = currency
        self._changed_by: dict[str, RecordRef] = {}
        self._before = {item.id: _count(item) for item in items}
        self._quantity = dict(self._before)
        self._new: list[PlannedLine] = []
        self._later = later

    def add(self, line: ChangeLine) -> Difference:
        """More of an item that costs just as much, else a new one."""
        for item in self._items:
            if line.is_of(item) and line.costs_as(item) and self._quantity[item.id]:
                return self._change(line, item, 0 if item.metered else line.planned.quantity)
        self._new.append(line.planned)
        price = line.planned.price
        product = price.product if isinstance(price, InlinePrice) else line.price.product_id if line.price else ""
        return Difference(line, None, line.planned.quantity, line.planned.amount, product)

    def take(self, line: ChangeLine) -> list[Difference]:
        """Less of the items that it matches, the youngest first.

        Raises:
            CannotBill: the contract has no such product, not at this price or interval, or not as many.
        """
        matching = [item for item in self._items if line.is_of(item) and self._quantity[item.id]]
        if not matching and self._later is not None:
            return []
        matching = self._at_the_same_price(line, matching)
        wanted = 1 if line.planned.metered else line.planned.quantity
        there = sum(self._quantity[item.id] for item in matching)
        if wanted > there:
            raise CannotBill.because(
                sentences.TAKES_TOO_MUCH,
                ref=line.line.ref,
                line=line.name,
                taken=wanted,
                there=there,
                when=self._when(),
            )
        taken: list[Difference] = []
        for item in reversed(matching):
            part = min(wanted, self._quantity[item.id])
            if part:
                taken.append(self._change(line, item, -part))
                wanted -= part
        return taken

    def changes(self) -> tuple[ItemChange, ...]:
        """Every item that is not as it was, in the contract's order, then the new ones."""
        return (
            *(
                ItemChange(item.id, self._kept(item, self._quantity[item.id]) if self._quantity[item.id] else None)
                for item in self._items
                if self._quantity[item.id] != self._before[item.id]
            ),
            *(ItemChange("", line) for line in self._new),
        )

    def count(self) -> int:
        """How many items there are after the change."""
        return sum(1 for quantity in self._quantity.values() if quantity) + len(self._new)

    def _change(self, line: ChangeLine, item: ContractItem, quantity: int) -> Difference:
        before = self._quantity[item.id]
        self._quantity[item.id] = before + quantity
        self._changed_by[item.id] = line.line.ref
        was, becomes = billed_per_period(item, before), billed_per_period(item, before + quantity)
        amount = (None if quantity else 0) if was is None or becomes is None else becomes - was
        return Difference(line, item, quantity, amount, item.product_id)

    def _at_the_same_price(self, line: ChangeLine, matching: list[ContractItem]) -> list[ContractItem]:
        if not matching:
            raise CannotBill.because(sentences.NOT_IN_CONTRACT, ref=line.line.ref, line=line.name, when=self._when())
        as_often = [item for item in matching if item.interval and length(item.interval) == length(line.interval)]
        if not as_often:
            raise CannotBill.because(
                sentences.OTHER_INTERVAL,
                ref=line.line.ref,
                line=line.name,
                interval=line.interval,
                there=in_words(item.interval for item in matching),
            )
        if self._later is not None:
            return as_often
        same = [item for item in as_often if line.costs_as(item)]
        if not same:
            raise CannotBill.because(
                sentences.OTHER_PRICE,
                ref=line.line.ref,
                line=line.name,
                price=each(line.unit, self._currency),
                there=in_words(each(item.unit_amount, self._currency) for item in as_often),
            )
        return same

    def _kept(self, item: ContractItem, quantity: int) -> PlannedLine:
        return kept(item, quantity, self._changed_by[item.id])

    def _when(self) -> str:
        return f" from {self._later.isoformat()} on" if self._later is not None else ""


def _count(item: ContractItem) -> int:
    """A metered item is there once: usage, not a quantity, says what it comes to."""
    return 1 if item.metered else item.quantity


def kept(item: ContractItem, quantity: int, line: RecordRef) -> PlannedLine:
    """The item at its own price in another quantity; ``line`` is whose it is if the item does not say."""
    return PlannedLine(
        line=item.line or line,
        description=item.description,
        price=ExistingPrice(item.price_id),
        quantity=quantity,
        amount=billed_per_period(item, quantity) or 0,
        interval=item.interval,
        metered=item.metered,
    )


def each(unit: Decimal | None, currency: str) -> str:
    """A unit price as sentences have it: "EUR 0.125"; prices without one are told as such."""
    if unit is None:
        return "a price by usage or in tiers"
    major = unit.scaleb(-exponent(currency))
    digits = max(exponent(currency), -int(major.normalize().as_tuple().exponent))
    return f"{currency.upper()} {major:,.{digits}f}"


def in_words(values: Iterable[object]) -> str:
    """ "this and that", each once."""
    return " and ".join(dict.fromkeys(str(value) for value in values))
