"""A believable company book: who buys what in which CRM, and how they pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any


class Pays(StrEnum):
    """How an account pays. The value is what the table at the end calls it."""

    EARLY = "early"
    ON_TIME = "on time"
    A_FEW_DAYS_LATE = "a few days late"
    WEEKS_LATE = "weeks late"
    IN_PARTS = "in parts"
    DISPUTES = "disputes"
    FORGETS = "forgot one"  #: its first invoice, until somebody asks; everything else on time
    NEVER = "never"


class Scene(StrEnum):
    """What a deal is in the book for, besides being one of many."""

    RAMP = "ramp"  #: quantity and price by year or month: one schedule, one phase each; previewed before it is won
    UPSELL = "upsell"  #: adds to the account's first deal in mid-term, and ends with it
    REFUSAL = "refusal"  #: cannot be billed exactly until somebody changes a field
    RENEWAL = "renewal"  #: stays open: what follows the account's first deal, whose payer is late


@dataclass(frozen=True)
class Line:
    """One product on a deal. ``frequency`` is our own word; each CRM has its own."""

    product: str
    quantity: int
    price: Decimal
    frequency: str  #: monthly, quarterly, yearly or once
    months: tuple[int, int] | None = None  #: of a ramp: served from this month of the deal up to that one, without it


@dataclass(frozen=True)
class Sale:
    """One deal of the book."""

    crm: str
    account: str
    city: str
    country: str
    currency: str
    pays: Pays
    lines: tuple[Line, ...]
    net_days: int
    po_number: str = ""
    term_months: int = 0
    second: bool = False  #: another deal of an account that is in the book already, closed in the same moment
    won: bool = True  #: False: stays open, and must not be billed
    email_missing: bool = False  #: cannot be billed until somebody adds it
    scene: Scene | None = None
    months_meant: int = 0  #: what somebody makes of a ``term_months`` that does not fit the lines

    @property
    def name(self) -> str:
        """What the deal is called."""
        return f"{self.account}: {self.lines[0].product}" + self._kind()

    def _kind(self) -> str:
        words = {Scene.RAMP: " (ramp)", Scene.UPSELL: " (upsell)", Scene.RENEWAL: " (renewal)"}
        return words.get(self.scene, "") if self.scene else " (expansion)" if self.second else ""

    @property
    def email(self) -> str:
        """Where invoices go."""
        return "accounts.payable@" + "".join(c for c in self.account.lower() if c.isalnum()) + ".example"


_COMPANIES = (
    "Alder & Finch|Hamburg|DE",
    "Bluewater Freight|Rotterdam|NL",
    "Cobalt Dental|Austin|US",
    "Driftwood Hotels|Cork|IE",
    "Eastgate Foods|Leeds|GB",
    "Fernhill Clinics|Graz|AT",
    "Granite Works|Denver|US",
    "Harbour Line|Bergen|NO",
    "Indigo Press|Lyon|FR",
    "Juniper Labs|Boston|US",
    "Kestrel Air|Malmö|SE",
    "Larkspur Media|Toronto|CA",
    "Meridian Tools|Milan|IT",
    "Northfold Energy|Aarhus|DK",
    "Oakline Interiors|Ghent|BE",
    "Pinewood Schools|Dublin|IE",
    "Quarry Street Bank|London|GB",
    "Redfern Robotics|Munich|DE",
    "Saltmarsh Seafood|Vigo|ES",
    "Thornbury Law|Bristol|GB",
    "Umber Ceramics|Porto|PT",
    "Vantage Optics|Zürich|CH",
    "Willow Health|Seattle|US",
    "Xylo Instruments|Vienna|AT",
    "Yarrow Textiles|Lodz|PL",
    "Zephyr Games|Helsinki|FI",
    "Amber Route|Prague|CZ",
    "Birchwood Dairy|Bern|CH",
    "Cedar Point Ports|Antwerp|BE",
    "Dovetail Software|Chicago|US",
    "Elmwood Estates|Galway|IE",
    "Foxglove Cosmetics|Paris|FR",
    "Goldcrest Travel|Lisbon|PT",
    "Hazel Grove Farms|York|GB",
    "Ironbridge Steel|Bilbao|ES",
    "Jetty Logistics|Gdansk|PL",
    "Kingfisher Water|Utrecht|NL",
    "Lantern Theatres|Edinburgh|GB",
    "Mosswood Paper|Turku|FI",
    "Nightingale Care|Atlanta|US",
    "Orchard Analytics|Berlin|DE",
    "Pebble Mobile|Tallinn|EE",
    "Quill Insurance|Geneva|CH",
    "Rowan Architects|Oslo|NO",
)

_BEHAVIOURS = (
    *(Pays.EARLY,) * 4,
    *(Pays.ON_TIME,) * 6,
    *(Pays.A_FEW_DAYS_LATE,) * 4,
    *(Pays.WEEKS_LATE,) * 3,
    Pays.IN_PARTS,
    Pays.DISPUTES,
    *(Pays.NEVER,) * 2,
)

_SEATS = Line("Team seat", 25, Decimal("29.00"), "monthly")
_SHAPES: tuple[tuple[Line, ...], ...] = (
    (_SEATS,),
    (Line("Business seat", 12, Decimal("59.00"), "monthly"), Line("Onboarding", 1, Decimal("3500.00"), "once")),
    (Line("Enterprise seat", 40, Decimal("1089.00"), "yearly"),),
    (
        Line("Platform fee", 1, Decimal("2250.00"), "quarterly"),
        Line("Premium support", 1, Decimal("1350.00"), "quarterly"),
    ),
    (Line("Training day", 3, Decimal("1200.00"), "once"),),
    (Line("Team seat", 60, Decimal("26.10"), "monthly"), Line("Single sign-on", 1, Decimal("200.00"), "monthly")),
)

_YEARLY_RAMP = (
    Line("Enterprise seat", 10, Decimal("1089.00"), "yearly", (0, 12)),
    Line("Enterprise seat", 20, Decimal("1089.00"), "yearly", (12, 24)),
    Line("Enterprise seat", 30, Decimal("990.00"), "yearly", (24, 36)),
)
_MONTHLY_RAMP = (
    Line("Team seat", 10, Decimal("29.00"), "monthly", (0, 2)),
    Line("Team seat", 25, Decimal("27.50"), "monthly", (2, 6)),
)
_PLATFORM = (Line("Platform fee", 1, Decimal("2250.00"), "quarterly"),)
_YEARLY_SEATS = (Line("Business seat", 20, Decimal("649.00"), "yearly"),)

_SCENES: Mapping[str, Mapping[str, Any]] = {
    "Kestrel Air": {"scene": Scene.RAMP, "lines": _YEARLY_RAMP, "term_months": 36, "net_days": 30},
    "Bluewater Freight": {"scene": Scene.RAMP, "lines": _MONTHLY_RAMP, "term_months": 6, "currency": "EUR"},
    "Cobalt Dental": {"lines": _YEARLY_SEATS, "term_months": 12, "net_days": 30},
    "Vantage Optics": {"lines": (_SEATS,), "term_months": 12, "currency": "EUR"},
    "Yarrow Textiles": {"scene": Scene.REFUSAL, "lines": _YEARLY_SEATS, "term_months": 13, "months_meant": 12},
    "Xylo Instruments": {
        "scene": Scene.REFUSAL,
        "lines": _PLATFORM,
        "term_months": 4,
        "months_meant": 6,
        "currency": "EUR",
    },
    "Quarry Street Bank": {"lines": (_SEATS,), "term_months": 4, "net_days": 14, "pays": Pays.FORGETS},
    "Redfern Robotics": {"lines": (_SEATS,), "term_months": 4, "net_days": 14, "pays": Pays.FORGETS, "currency": "EUR"},
    "Oakline Interiors": {"lines": (_SEATS,), "term_months": 4, "net_days": 14, "pays": Pays.NEVER},
    "Pinewood Schools": {"lines": (_SEATS,), "term_months": 4, "net_days": 14, "pays": Pays.NEVER, "currency": "EUR"},
    "Granite Works": {"scene": Scene.REFUSAL, "email_missing": True},
    "Northfold Energy": {"scene": Scene.REFUSAL, "email_missing": True},
}
"""What is special about some of the deals, by account; both CRMs have one of each."""

_UPSELLS: Mapping[str, Line] = {
    "Cobalt Dental": Line("Business seat", 8, Decimal("649.00"), "yearly"),
    "Vantage Optics": Line("Premium support", 1, Decimal("450.00"), "monthly"),
}
"""What some accounts add in the middle of their term."""

_RENEWED = ("Quarry Street Bank", "Redfern Robotics", "Oakline Interiors", "Pinewood Schools")
"""Late payers whose contract ends soon after the quarter: sales is about to talk to them about the next one."""

_OWN_TERMS: Mapping[str, Any] = {"po_number": "", "email_missing": False, "scene": None}
"""What another deal of an account does not share with the first."""


def the_book(seed: int = 7) -> tuple[Sale, ...]:
    """The same book for the same seed: 44 accounts on two CRMs, some with a second deal, some deals left open."""
    return tuple(_sales(Random(seed)))


def _sales(chance: Random) -> Iterator[Sale]:
    for number, company in enumerate(_COMPANIES):
        account, city, country = company.split("|")
        crm = "salesforce" if number % 2 == 0 else "hubspot"
        currency = "USD" if crm == "salesforce" else chance.choice(("EUR", "EUR", "GBP", "USD", "JPY"))
        sale = Sale(
            crm=crm,
            account=account,
            city=city,
            country=country,
            currency=currency,
            pays=_BEHAVIOURS[(number * 5) % len(_BEHAVIOURS)],
            lines=_in_currency(chance.choice(_SHAPES), currency),
            net_days=chance.choice((0, 14, 14, 30)),
            po_number=f"PO-{4100 + number}" if number % 3 == 0 else "",
            term_months=chance.choice((0, 0, 12, 4)),  # four months: its renewal is near when the quarter ends
        )
        sale = _changed(sale, **{"term_months": _whole_periods(sale), **_SCENES.get(account, {})})
        yield sale
        if account in _UPSELLS:
            more = (_UPSELLS[account],)
            yield _changed(sale, lines=more, second=True, term_months=0, po_number="", scene=Scene.UPSELL)
        if account in _RENEWED:
            yield _changed(sale, second=True, won=False, term_months=12, po_number="", scene=Scene.RENEWAL)
        if number % 9 == 4:
            extra = (Line("Premium support", 1, Decimal("450.00"), "monthly"),)
            yield _changed(sale, lines=_in_currency(extra, currency), second=True, **_OWN_TERMS)
        if number % 11 == 8:
            yield _changed(sale, lines=_in_currency((_SEATS,), currency), second=True, won=False, **_OWN_TERMS)


def _changed(sale: Sale, **changes: Any) -> Sale:
    return replace(sale, **changes)


def _whole_periods(sale: Sale) -> int:
    """A term that holds whole periods of each line; any other is refused."""
    frequencies = {line.frequency for line in sale.lines}
    shortest = 12 if "yearly" in frequencies else 6 if "quarterly" in frequencies else 0
    return max(sale.term_months, shortest) if sale.term_months else 0


def _in_currency(lines: tuple[Line, ...], currency: str) -> tuple[Line, ...]:
    """Yen have no cents, and are about a hundred and fifty to the euro."""
    if currency != "JPY":
        return lines
    return tuple(
        Line(one.product, one.quantity, (one.price * 150).quantize(Decimal(1)), one.frequency) for one in lines
    )
