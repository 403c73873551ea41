"""What people do in a story, done in the make-believe CRM, in Stripe's Dashboard and by the connector's command line.

Names of a story get its id behind them (``Acme 7a``, ``ap@acme-7a.example``), so that many stories share one stage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import stripe

from connector.domain.deal import Interval
from connector.domain.money import exponent
from connector.domain.refs import RecordRef
from connector.sync.decide_plan import approve_plan, decline_plan
from tests.shapes.crm_hands import line
from tests.shapes.stage import KEY, Stage
from tests.shapes.story import Row, Story
from tests.shapes.words import (
    FREQUENCIES,
    Company,
    SoldLine,
    Unclear,
    amount,
    company,
    named,
    parts,
    sold_line,
    value_of,
)

_DEAL = r"(?P<deal>[A-Z]\d?)"
_ADDRESS = frozenset({"line1", "city", "state", "postal_code", "country"})
_EVERYBODY = "Acme"
"""Who buys where a deal does not say."""

_BUYER_ROLE = "Decision Maker"
_BILLING_ROLE = "Billing"


@dataclass
class Entered:
    """A deal as it was entered, with its lines in their order."""

    ref: RecordRef
    account: RecordRef
    contact: RecordRef
    lines: list[RecordRef]


@dataclass
class Terms:
    """A deal about to be entered: what its parts come to."""

    buyer: Company = field(default_factory=lambda: Company(_EVERYBODY))
    payer: Company | None = None
    lines: list[SoldLine] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    currency: str = "EUR"
    contact: str = ""
    billing_contact: str = ""


class Players:
    """Everybody in one story, and what they have made so far."""

    def __init__(self, story: Story, stage: Stage) -> None:
        self.story = story
        self.stage = stage
        self.deals: dict[str, Entered] = {}
        self.companies: dict[str, RecordRef] = {}
        self.net_days: set[int] = {30}
        self.gone: set[str] = set()  #: companies that were merged into others
        self.pay = True
        self._contacts: dict[str, RecordRef] = {}
        self._prices: dict[str, str] = {}
        self._sdk = stripe.StripeClient(KEY, base_addresses={"api": stage.sandbox.stripe_url})

    def act(self, row: Row) -> None:
        """Do what a row says. Raises Unclear for what nobody understands."""
        for pattern, do in _ACTS[row.who]:
            found = re.fullmatch(pattern, row.what)
            if found is not None:
                do(self, **found.groupdict())
                return
        raise Unclear(f"{row.who} cannot do that: {row.what!r}")

    def name(self, text: str) -> str:
        """A company's name as the CRM has it."""
        return f"{text} {self.story.id}"

    def address(self, text: str) -> str:
        """Addresses and domains within a text as this story has them."""
        return re.sub(r"\.example\b", f"-{self.story.id}.example", text)

    def customers(self) -> set[str]:
        """The ids of all Stripe customers of this story."""
        ending = f" {self.story.id}"
        return {one["id"] for one in self.stage.world.all("customer") if (one["name"] or "").endswith(ending)}

    # --- sales ---------------------------------------------------------------------------------------------------

    def wins(self, deal: str, text: str | None) -> None:
        """Close a deal as won, entering it first where it is new."""
        self._enter_if_new(deal, text)
        self.stage.hands.win(self.deals[deal].ref)
        self.stage.ring(self.deals[deal].ref)

    def enters(self, deal: str, text: str | None) -> None:
        """Enter an open deal."""
        self._enter_if_new(deal, text)
        self.stage.ring(self.deals[deal].ref)

    def promises(self, deal: str, text: str | None) -> None:
        """Move an open deal to a late stage."""
        self._enter_if_new(deal, text)
        self.stage.hands.promise(self.deals[deal].ref)
        self.stage.ring(self.deals[deal].ref)

    def loses(self, deal: str) -> None:
        """Close it as lost."""
        self.stage.hands.lose(self.deals[deal].ref)
        self.stage.ring(self.deals[deal].ref)

    def reopens(self, deal: str) -> None:
        """Move it back to a late stage."""
        self.stage.hands.reopen(self.deals[deal].ref)
        self.stage.ring(self.deals[deal].ref)

    def changes(self, deal: str, text: str) -> None:
        """Change terms of a deal, or who buys or pays."""
        terms = self._terms(text)
        if terms.values:
            self.stage.hands.change(self.deals[deal].ref, self._values("terms", terms.values))
        self.stage.ring(self.deals[deal].ref)

    def changes_line(self, number: str, deal: str, text: str) -> None:
        """Change values of a line."""
        values = dict(named(part) for part in parts(text, ","))
        self.stage.hands.change_line(self.deals[deal].lines[int(number) - 1], self._values("line", values))
        self.stage.ring(self.deals[deal].ref)

    def removes_line(self, number: str, deal: str) -> None:
        """Take a line off a deal; the others keep their numbers."""
        self.stage.hands.remove_line(self.deals[deal].lines[int(number) - 1])
        self.stage.ring(self.deals[deal].ref)

    def adds(self, deal: str, text: str) -> None:
        """Put more lines on a deal."""
        for part in parts(text):
            self.deals[deal].lines.append(self.stage.hands.add_line(self.deals[deal].ref, self._line(sold_line(part))))
        self.stage.ring(self.deals[deal].ref)

    def changes_company(self, name: str, text: str) -> None:
        """Change what a company's record says; its deals are looked at as after any change."""
        values = dict(named(part) for part in parts(text))
        self.stage.hands.change(self.companies[name], self._values("account", values))
        self._ring_deals_of(name)

    def changes_contact(self, name: str, text: str) -> None:
        """Give the person who gets a company's invoices another address."""
        self.stage.hands.change(self._contacts[name], {"email": self.address(text)})
        self._ring_deals_of(name)

    def renames(self, name: str, other: str) -> None:
        """A company gets another name."""
        self.stage.hands.change(self.companies[name], {"name": self.name(other)})
        self.companies[other] = self.companies[name]
        self._contacts[other] = self._contacts[name]
        self._ring_deals_of(name)

    def merges(self, goes: str, stays: str) -> None:
        """Two records of one company become one."""
        self.stage.hands.merge([self.companies[stays], self.companies[goes]])
        self.gone.add(goes)
        self._ring_deals_of(goes)
        self._ring_deals_of(stays)

    # --- finance -------------------------------------------------------------------------------------------------

    def approves(self, deal: str) -> None:
        """Agree to what waits for a deal."""
        approve_plan(self.deals[deal].ref, self.stage.services, by="finance", why="agreed")

    def declines(self, deal: str, why: str) -> None:
        """Say no to it."""
        decline_plan(self.deals[deal].ref, self.stage.services, by="finance", why=why)

    def has_customer(self, name: str, email: str, more: str | None) -> None:
        """There is a customer in Stripe already, made by hand."""
        given: dict[str, Any] = {"name": self.name(name), "email": self.address(email)}
        if more:
            given["metadata"] = dict(map(named, parts(more, ",")))
        self._prices[name] = self._sdk.v1.customers.create(given).id  # type: ignore[arg-type]  # built as the story says

    def sells(self, name: str, how: str, price: str | None, often: str, code: str, tiers: str | None) -> None:
        """Put a product with a price into Stripe's catalogue, under a lookup key."""
        interval = FREQUENCIES[often] or Interval("month")
        key = self._code(code)
        product = self._sdk.v1.products.create({"name": name})
        recurring: dict[str, Any] = {"interval": interval.unit, "interval_count": interval.count}
        given: dict[str, Any] = {"product": product.id, "currency": "eur", "lookup_key": key, "recurring": recurring}
        if how == "metered":
            meter = self._sdk.v1.billing.meters.create(
                {"display_name": name, "event_name": key, "default_aggregation": {"formula": "sum"}}
            )
            recurring |= {"usage_type": "metered", "meter": meter.id}
        if tiers is None:
            given["unit_amount_decimal"] = _minor(price or "0")
        else:
            mode = "volume" if how == "by volume" else "graduated"
            given |= {"billing_scheme": "tiered", "tiers_mode": mode, "tiers": [_tier(part) for part in parts(tiers)]}
        self._prices[code] = self._sdk.v1.prices.create(given).id  # type: ignore[arg-type]  # built as the story says

    # --- customer ------------------------------------------------------------------------------------------------

    def uses(self, quantity: str, code: str) -> None:
        """Use something that is metered."""
        for customer in sorted(self.customers()):
            self._sdk.v1.billing.meter_events.create(
                {"event_name": self._code(code), "payload": {"stripe_customer_id": customer, "value": quantity}}
            )

    def keeps_money(self) -> None:
        """Pay nothing from now on."""
        self.pay = False

    def pays(self) -> None:
        """Pay whatever is open, and all that is sent from now on."""
        self.pay = True

    # --- from the story's words to the CRM's ---------------------------------------------------------------------

    def _enter_if_new(self, deal: str, text: str | None) -> None:
        if deal in self.deals:
            if text:
                raise Unclear(f"deal {deal} is there already: change it first")
            return
        if not text:
            raise Unclear(f"nobody has entered deal {deal} yet")
        terms = self._terms(text)
        buyer = self._company(terms.buyer)
        contact, others = self._people(terms)
        if "net_days" in terms.values:
            self.net_days.add(int(terms.values["net_days"]))
        sold = self.stage.hands.deal(
            lines=[self._line(each) for each in terms.lines],
            terms=self._values("terms", terms.values),
            account=buyer,
            contact=contact,
            payer=self._company(terms.payer) if terms.payer else None,
            others=others,
            name=f"Deal {deal} {self.story.id}",
            currency=terms.currency,
            close_date=self.stage.today,
        )
        self.deals[deal] = Entered(sold.ref, sold.account, sold.contact, list(sold.lines))

    def _terms(self, text: str) -> Terms:
        terms = Terms()
        for part in parts(text):
            word, _, rest = part.partition(" ")
            if re.match(r"-?\d", part):
                terms.lines.append(sold_line(part))
            elif word == "for":
                terms.buyer = company(rest)
            elif word == "payer":
                terms.payer = company(rest)
            elif word == "currency":
                terms.currency = rest
            elif word == "contact":
                terms.contact = rest
            elif part.startswith("billing contact "):
                terms.billing_contact = part.removeprefix("billing contact ")
            else:
                name, value = named(part)
                terms.values[name] = value
        return terms

    def _people(self, terms: Terms) -> tuple[RecordRef, Mapping[str, list[RecordRef]]]:
        """Who the invoice goes to, in the way that each CRM says so: by a contact's role, or by a label."""
        name = terms.buyer.name
        account = self.companies[name]
        if not terms.billing_contact:
            return self._contact(name, terms.contact), {}
        billing = self.stage.hands.contact(self.address(terms.billing_contact), account, "Accounts Payable")
        buyer = self._contact(name, terms.contact)
        if self.stage.crm.name == "salesforce":
            return billing, {_BUYER_ROLE: [buyer]}
        return buyer, {_BILLING_ROLE: [billing]}

    def _company(self, told: Company) -> RecordRef:
        if told.name not in self.companies:
            values = self._values("account", told.options)
            self.companies[told.name] = self.stage.hands.company(self.name(told.name), values)
        return self.companies[told.name]

    def _contact(self, name: str, email: str) -> RecordRef:
        if email:
            found = "" if email == "none" else self.address(email)
            self._contacts[name] = self.stage.hands.contact(found, self.companies[name])
        elif name not in self._contacts:
            where = re.sub(r"\W+", "-", name.lower())
            self._contacts[name] = self.stage.hands.contact(self.address(f"ap@{where}.example"), self.companies[name])
        return self._contacts[name]

    def _line(self, sold: SoldLine) -> dict[str, Any]:
        values = self._values("line", sold.options)
        return line(sold.product, sold.quantity, sold.price, sold.interval, **values)

    def _values(self, group: str, told: Mapping[str, str]) -> dict[str, Any]:
        found = {}
        for name, text in told.items():
            key = f"address.{name}" if group == "account" and name in _ADDRESS else name
            canonical = key if "." in key and group != "account" else f"{group}.{key}"
            if canonical in {"line.price_id", "line.code", "line.tax_code"}:
                canonical = canonical.replace("line.", "product.")
            found[key] = self._value(canonical, text)
        return found

    def _value(self, canonical: str, text: str) -> Any:
        match canonical:
            case "terms.amends" if text in self.deals:
                return self.deals[text].ref.id
            case "terms.amends":
                return self._subscription_of(text)
            case "product.price_id" | "account.customer_id" if text in self._prices:
                return self._prices[text]
            case "product.code":
                return self._code(text)
            case "terms.recipients" | "account.domain":
                return value_of(canonical, self.address(text))
            case _:
                return value_of(canonical, text)

    def _subscription_of(self, text: str) -> str:
        """``subscription of A``: Stripe's own id."""
        deal = text.removeprefix("subscription of ")
        if deal not in self.deals:
            return text
        shown = self.stage.hands.shown(self.deals[deal].ref)["subscription_id"]
        return str(shown)

    def _code(self, code: str) -> str:
        return f"{code}-{self.story.id}"

    def _ring_deals_of(self, name: str) -> None:
        """A change of an account rings for nobody: what waits for it is looked at again by the hour, or replayed."""
        for deal in self.deals.values():
            if deal.account == self.companies[name]:
                self.stage.ring(deal.ref)


def _minor(price: str) -> str:
    """A catalogue price in euros as Stripe takes it: in cents, with decimals."""
    return f"{amount(price).scaleb(exponent('eur')).normalize():f}"


def _tier(text: str) -> dict[str, Any]:
    """``10 at 9.00`` or ``more at 8.00``, with ``plus 5.00`` for a flat amount."""
    found = re.fullmatch(r"(?P<up_to>\d+|more) at (?P<price>[\d.]+)(?: plus (?P<flat>[\d.]+))?", text)
    if found is None:
        raise Unclear(f"{text!r} is no tier: write 10 at 9.00, or more at 8.00")
    up_to: int | str = "inf" if found["up_to"] == "more" else int(found["up_to"])
    tier: dict[str, Any] = {"up_to": up_to, "unit_amount_decimal": _minor(found["price"])}
    if found["flat"]:
        tier["flat_amount"] = int(Decimal(_minor(found["flat"])))
    return tier


_SELLS = (
    r"sells (?P<name>.+?) (?P<how>metered |graduated |by volume )?(?:at (?P<price>[\d.]+) )?"
    rf"(?P<often>{'|'.join(FREQUENCIES)}) as (?P<code>\S+?)(?:: (?P<tiers>.+))?"
)

_ACTS: Mapping[str, tuple[tuple[str, Callable[..., None]], ...]] = {
    "sales": (
        (rf"wins {_DEAL}(?:: (?P<text>.+))?", Players.wins),
        (rf"enters {_DEAL}(?:: (?P<text>.+))?", Players.enters),
        (rf"promises {_DEAL}(?:: (?P<text>.+))?", Players.promises),
        (rf"loses {_DEAL}", Players.loses),
        (rf"reopens {_DEAL}", Players.reopens),
        (rf"changes line (?P<number>\d+) of {_DEAL}: (?P<text>.+)", Players.changes_line),
        (rf"removes line (?P<number>\d+) of {_DEAL}", Players.removes_line),
        (rf"adds to {_DEAL}: (?P<text>.+)", Players.adds),
        (rf"changes {_DEAL}: (?P<text>.+)", Players.changes),
        (r"changes contact of (?P<name>[^:]+): (?P<text>.+)", Players.changes_contact),
        (r"changes (?P<name>[^:]+): (?P<text>.+)", Players.changes_company),
        (r"renames (?P<name>.+) to (?P<other>.+)", Players.renames),
        (r"merges (?P<goes>.+) into (?P<stays>.+)", Players.merges),
    ),
    "finance": (
        (rf"approves {_DEAL}", Players.approves),
        (rf"declines {_DEAL}: (?P<why>.+)", Players.declines),
        (r"has customer (?P<name>.+) (?P<email>\S+@\S+)(?: \((?P<more>.+)\))?", Players.has_customer),
        (_SELLS, lambda self, how, **rest: Players.sells(self, how=(how or "").strip(), **rest)),
    ),
    "customer": (
        (r"uses (?P<quantity>\d+) (?P<code>\S+)", Players.uses),
        (r"does not pay", Players.keeps_money),
        (r"pays", Players.pays),
    ),
}
"""Who may do what, in the order in which it is tried."""
