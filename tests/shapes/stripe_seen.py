"""What Stripe holds for the customers of one story, in the words that stories use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.billing.stripe.steps import META_STEP
from connector.domain.billing_plan import META_DEAL, META_LINE
from connector.domain.deal import Interval
from connector.domain.money import exponent
from tests.shapes.words import often

_A_DAY = timedelta(days=1)
_OVER = frozenset({"canceled", "incomplete_expired"})
_WAITING = frozenset({"not_started", "active"})


@dataclass(frozen=True)
class SeenLine:
    """One line of an invoice; its period by its first and last day."""

    product: str
    amount: Decimal
    first: date
    last: date
    crm_line: str

    def __str__(self) -> str:
        return f"{self.product} {self.amount:f} ({self.first} to {self.last})"


@dataclass(frozen=True)
class SeenInvoice:
    """One invoice. ``day`` is the day it became the customer's; for a draft the day it will."""

    id: str
    number: str
    day: date
    status: str
    currency: str
    total: Decimal
    open: Decimal
    due: date | None
    lines: tuple[SeenLine, ...]
    email: str
    fields: Mapping[str, str]
    automatic_tax: bool
    tax: Decimal
    step: str
    deal: str
    customer: str

    @property
    def before_tax(self) -> Decimal:
        """What the lines come to."""
        return sum((line.amount for line in self.lines), Decimal(0))

    def __str__(self) -> str:
        lines = "; ".join(map(str, self.lines))
        return f"{self.status} {self.total:f} {self.currency} of {self.day}, due {self.due}: {lines}"


@dataclass(frozen=True)
class SeenContract:
    """A subscription that runs: its items in words, its last day if it ends by itself."""

    id: str
    items: tuple[str, ...]
    until: date | None
    trial_until: date | None

    def __str__(self) -> str:
        return f"until {self.until}, trial until {self.trial_until}: {'; '.join(self.items)}"


@dataclass(frozen=True)
class SeenPhase:
    """A phase of a schedule by its first and last day, with its items in words."""

    first: date
    last: date
    items: tuple[str, ...]
    trial: bool

    def __str__(self) -> str:
        return f"{'free ' if self.trial else ''}from {self.first} to {self.last} {' + '.join(self.items)}"


class StripeSeen:
    """The Stripe account as far as one story goes."""

    def __init__(self, world: Any, customers: Iterable[str]) -> None:
        self._world = world
        self._customers = frozenset(customers)

    def customers(self) -> list[Mapping[str, Any]]:
        """Every customer, as Stripe has it."""
        return list(self._own("customer"))

    def tax_ids(self, customer: str) -> list[str]:
        """The values of a customer's tax ids."""
        return [one["value"] for one in self._world.all("tax_id") if one["customer"] == customer]

    def invoices(self) -> list[SeenInvoice]:
        """Every invoice, drafts too, in order of their days."""
        return sorted((self._invoice(one) for one in self._own("invoice")), key=lambda one: (one.day, one.number))

    def contracts(self) -> list[SeenContract]:
        """Subscriptions that are not over."""
        return [self._contract(one) for one in self._own("subscription") if one["status"] not in _OVER]

    def schedules(self) -> list[tuple[list[SeenPhase], bool]]:
        """Schedules that wait or run: their phases, and whether the contract ends with the last one."""
        found = [one for one in self._own("subscription_schedule") if one["status"] in _WAITING]
        return [([self._phase(p) for p in one["phases"]], one["end_behavior"] == "cancel") for one in found]

    def credit_notes(self) -> list[tuple[date, Decimal]]:
        """Day and amount of every credit note."""
        return [(_day(one["created"]), _major(one["total"], one["currency"])) for one in self._own("credit_note")]

    def grants(self) -> list[tuple[Decimal, date | None]]:
        """Prepaid credits and the last day they hold."""
        return [
            (
                _major(one["amount"]["monetary"]["value"], one["amount"]["monetary"]["currency"]),
                _day(one["expires_at"]) - _A_DAY if one["expires_at"] else None,
            )
            for one in self._own("billing.credit_grant")
        ]

    def monthly(self, customer: str) -> Decimal:
        """What recurs a month, of everything that is paid for and not metered, rounded half up at the end."""
        months = {"month": Decimal(1), "year": Decimal(12), "week": Decimal(12) / 52, "day": Decimal(12) / 365}
        total, currency = Decimal(0), "eur"
        for subscription in self._own("subscription"):
            if subscription["status"] not in ("active", "past_due") or subscription["customer"] != customer:
                continue
            currency = subscription["currency"]
            for item in self._items(subscription):
                price = self._price(item["_price"])
                recurring = price["recurring"]
                if recurring["usage_type"] == "metered":
                    continue
                amount = _for_all(price, item["quantity"])
                total += amount / months[recurring["interval"]] / recurring["interval_count"]
        return _major(int(total + Decimal("0.5")), currency)

    def _own(self, kind: str) -> Iterator[dict[str, Any]]:
        whose = "id" if kind == "customer" else "customer"
        return (one for one in self._world.all(kind) if one[whose] in self._customers and not one.get("_gone"))

    def _invoice(self, one: Mapping[str, Any]) -> SeenInvoice:
        details = (one["parent"] or {}).get("subscription_details")
        metadata = details["metadata"] if details else one["metadata"]
        made = one["created"]
        if not details:  # a milestone is drafted with the others and is the customer's on its day
            made = one["status_transitions"]["finalized_at"] or one["automatically_finalizes_at"] or made
        currency = one["currency"]
        return SeenInvoice(
            id=one["id"],
            number=one["number"] or "",
            day=_day(made),
            status=one["status"],
            currency=currency,
            total=_major(one["total"], currency),
            open=_major(one["amount_remaining"], currency),
            due=_day(one["due_date"]) if one["due_date"] is not None else None,
            lines=tuple(self._line(line, currency) for line in one["_lines"]),
            email=one["customer_email"] or "",
            fields={field["name"]: field["value"] for field in one["custom_fields"] or ()},
            automatic_tax=one["automatic_tax"]["enabled"],
            tax=_major(one["total"] - one["total_excluding_tax"], currency),
            step=metadata.get(META_STEP, ""),
            deal=metadata.get(META_DEAL, ""),
            customer=one["customer"],
        )

    def _line(self, line: Mapping[str, Any], currency: str) -> SeenLine:
        product = ((line["pricing"] or {}).get("price_details") or {}).get("product")
        name = self._world.tables["product"][product]["name"] if product else line["description"]
        first, end = _day(line["period"]["start"]), _last_day(line["period"])
        return SeenLine(name, _major(line["amount"], currency), first, end, line["metadata"].get(META_LINE, ""))

    def _contract(self, one: Mapping[str, Any]) -> SeenContract:
        until = _day(one["cancel_at"]) - _A_DAY if one["cancel_at"] else None
        schedule = self._world.tables["subscription_schedule"].get(one["schedule"] or "")
        if until is None and schedule is not None and schedule["end_behavior"] == "cancel":
            until = _day(schedule["phases"][-1]["end_date"]) - _A_DAY
        trial = _day(one["trial_end"]) - _A_DAY if one["trial_end"] and one["status"] == "trialing" else None
        items = (self._in_words(self._price(item["_price"]), item["quantity"]) for item in self._items(one))
        return SeenContract(one["id"], tuple(sorted(items)), until, trial)

    def _items(self, subscription: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [self._world.tables["subscription_item"][item] for item in subscription["_items"]]

    def _phase(self, phase: Mapping[str, Any]) -> SeenPhase:
        items = (self._in_words(self._price(item["price"]), item.get("quantity")) for item in phase["items"])
        end = _day(phase["end_date"]) - _A_DAY
        return SeenPhase(_day(phase["start_date"]), end, tuple(sorted(items)), bool(phase["trial_end"]))

    def _price(self, price: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._world.tables["price"][price]
        return found

    def _in_words(self, price: Mapping[str, Any], quantity: int | None) -> str:
        name = self._world.tables["product"][price["product"]]["name"]
        recurring = price["recurring"]
        every = often(Interval(recurring["interval"], recurring["interval_count"]))
        if price["billing_scheme"] == "tiered":
            return f"{quantity} {name} tiered {every}"
        cost = in_words(Decimal(price["unit_amount_decimal"]).scaleb(-exponent(price["currency"])))
        if recurring["usage_type"] == "metered":
            return f"{name} metered at {cost} {every}"
        return f"{quantity} {name} at {cost} {every}"


def in_words(cost: Decimal) -> str:
    """A price without trailing zeros beyond the second decimal: 20.00, 0.125."""
    plain = cost.normalize()
    return f"{plain:f}" if -int(plain.as_tuple().exponent) > 2 else f"{plain:.2f}"


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


def _last_day(period: Mapping[str, int]) -> date:
    """A period's end is the first second after it; what is sold once has a period of no length."""
    first, end = _day(period["start"]), _day(period["end"])
    return end - _A_DAY if end > first else first


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _for_all(price: Mapping[str, Any], quantity: int) -> Decimal:
    """What so many units come to per period: unit by unit, each at the price of the tier it is counted in."""
    if not price["_tiers"]:
        return Decimal(price["unit_amount_decimal"]) * quantity
    of_each = range(1, quantity + 1) if price["tiers_mode"] == "graduated" else [quantity] * quantity
    return sum((Decimal(_tier_of(unit, price)["unit_amount_decimal"] or 0) for unit in of_each), Decimal(0))


def _tier_of(unit: int, price: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(tier for tier in price["_tiers"] if tier["up_to"] is None or unit <= tier["up_to"])
