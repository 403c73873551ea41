"""What hands sell, the connector reads: each canonical value, the same from either CRM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest

from connector.domain.deal import Deal, DealKind, Interval, TaxStatus
from connector.domain.refs import RecordRef
from connector.domain.write_back import BY_NAME
from connector.errors import CannotBill
from connector.ports import CrmWrite
from connector.sync.read_deal import read_deal
from mappings.apply import write
from tests.contracts.houses import HOUSES, SandboxHouse
from tests.shapes.crm_hands import HANDS, Hands, hands_for, line

MONTHLY, YEARLY = Interval("month"), Interval("year")
SEATS = line("Seats", 5, "20.00", MONTHLY)


@dataclass
class Shop:
    """A CRM that is set up, and hands in it."""

    house: SandboxHouse
    hands: Hands

    def read(self, deal: RecordRef) -> Deal:
        return read_deal(self.house.crm.fetch_deal(deal, self.house.mapping), self.house.mapping)


@pytest.fixture(params=list(HANDS))
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with HOUSES[request.param]() as house:
        hands = hands_for(request.param, house.control)
        house.crm.check(house.mapping)  # the doctor looks anew: the org has several currencies now
        yield Shop(house, hands)


def test_every_term_that_is_sold_is_read(shop: Shop) -> None:
    terms = {
        "start": date(2026, 12, 1),
        "end": date(2027, 11, 30),
        "months": 12,
        "auto_renew": False,
        "net_days": 45,
        "po_number": "PO-1",
        "contract_number": "C-2026-7",
        "recipients": ("ap@acme.example", "cfo@acme.example"),
        "discount_percent": Decimal("12.5"),
        "discount_amount": Decimal("99.95"),
        "discount_months": 3,
        "free_months": 2,
        "kind": DealKind.AMENDMENT,
        "amends": "sub_123",
        "ends_on": date(2027, 5, 31),
        "with_credit": True,
        "collection": "charge_automatically",
    }
    deal = shop.read(shop.hands.deal(lines=[SEATS], terms=terms, currency="JPY", close_date=date(2026, 11, 1)).ref)

    found = deal.terms
    assert (found.start, found.end, found.term_months) == (date(2026, 12, 1), date(2027, 11, 30), 12)
    assert (found.auto_renew, found.net_days, found.collection) == (False, 45, "charge_automatically")
    assert (found.po_number, found.contract_number) == ("PO-1", "C-2026-7")
    assert (found.discount_percent, found.discount_amount) == (Decimal("12.5"), Decimal("99.95"))
    assert (found.discount_months, found.free_months) == (3, 2)
    assert (found.kind, found.amends, found.ends_on) == (DealKind.AMENDMENT, "sub_123", date(2027, 5, 31))
    assert found.with_credit is True
    assert deal.recipients == ("ap@acme.example", "cfo@acme.example")
    assert (deal.currency, deal.close_date) == ("jpy", date(2026, 11, 1))


def test_every_value_of_a_line_is_read(shop: Shop) -> None:
    sold = shop.hands.deal(
        lines=[
            line(
                "Platform",
                Decimal("2.5"),
                "100.25",
                YEARLY,
                price_interval=MONTHLY,
                start=date(2027, 1, 1),
                end=date(2027, 12, 31),
                discount_percent=Decimal(10),
                discount_months=6,
                free_months=1,
                code="PLATFORM-1",
                price_id="price_1",
                tax_code="txcd_10103001",
            ),
            line("Workshop", 1, "1500.00", None, bill_on=date(2027, 3, 1)),
            line("Credits", 1, "900.00", None, credit_amount=Decimal("1000.00"), credit_months=12),
        ],
        currency="EUR",
    )
    platform, workshop, prepaid = shop.read(sold.ref).line_items

    assert (platform.ref, platform.quantity, platform.unit_price) == (sold.lines[0], Decimal("2.5"), Decimal("100.25"))
    assert (platform.interval, platform.price_interval) == (YEARLY, MONTHLY)
    assert (platform.start, platform.end) == (date(2027, 1, 1), date(2027, 12, 31))
    assert (platform.discount_percent, platform.discount_months, platform.free_months) == (Decimal(10), 6, 1)
    product = platform.product
    assert (product.name, product.code, product.price_id, product.tax_code) == (
        "Platform",
        "PLATFORM-1",
        "price_1",
        "txcd_10103001",
    )
    assert (workshop.one_off, workshop.bill_on, workshop.interval) == (True, date(2027, 3, 1), None)
    assert (prepaid.credit_amount, prepaid.credit_months) == (Decimal(1000), 12)


def test_a_discount_per_unit_lowers_what_a_line_costs(shop: Shop) -> None:
    sold = shop.hands.deal(lines=[line("Seats", 4, "25.00", MONTHLY, discount_per_unit=Decimal("2.50"))])
    [seats] = shop.read(sold.ref).line_items
    assert seats.total == Decimal("90.00")


@pytest.mark.parametrize(
    "interval",
    [Interval("week"), MONTHLY, Interval("month", 3), Interval("month", 6), YEARLY, Interval("year", 2)],
    ids=str,
)
def test_every_interval_has_a_word_in_either_crm(shop: Shop, interval: Interval) -> None:
    sold = shop.hands.deal(lines=[line("Seats", 1, "10.00", interval)])
    assert shop.read(sold.ref).line_items[0].interval == interval


def test_a_product_is_the_same_record_each_time_it_is_sold(shop: Shop) -> None:
    first, second = (shop.hands.deal(lines=[SEATS]) for _ in range(2))
    products = {shop.read(each.ref).line_items[0].product.ref for each in (first, second)}
    assert len(products) == 1
    assert None not in products


def test_the_company_says_how_it_stands_towards_tax(shop: Shop) -> None:
    values = {"tax_id": "DE123456789", "tax_status": TaxStatus.REVERSE_CHARGE, "address.country": "AT"}
    acme = shop.hands.company("Acme", values)
    account = shop.read(shop.hands.deal(lines=[SEATS], account=acme).ref).account
    assert account is not None
    assert (account.ref, account.name, account.tax_id) == (acme, "Acme", "DE123456789")
    assert (account.tax_status, account.address.country) == (TaxStatus.REVERSE_CHARGE, "AT")


def test_another_company_may_pay(shop: Shop) -> None:
    parent = shop.hands.company("Parent", {"tax_id": "FR1"})
    deal = shop.read(shop.hands.deal(lines=[SEATS], payer=parent, name="Child").ref)
    assert deal.payer is not None
    assert (deal.payer.ref, deal.payer.name, deal.payer.tax_id) == (parent, "Parent", "FR1")
    assert deal.account is not None
    assert deal.account.name == "Child Company"


def test_what_cannot_be_told_from_a_deal_is_refused_by_its_sentence(shop: Shop) -> None:
    """In Salesforce two billing contacts, in HubSpot two payers: the reader gets the catalogue's own words."""
    acme, other = shop.hands.company("Acme"), shop.hands.company("Other")
    people = [shop.hands.contact(f"{n}@acme.example", acme) for n in range(2)]
    if shop.hands.crm == "salesforce":
        sold = shop.hands.deal(lines=[SEATS], account=acme, contact=people[0], others={"billing": people[1:]})
        path = "/salesforce/records/OpportunityContactRole"
        for role in shop.house.control.get(path)["records"]:
            shop.house.control.patch(f"{path}/{role['Id']}", {"IsPrimary": False})
        expected = "deal-several-billing-contacts"
    else:
        sold = shop.hands.deal(lines=[SEATS], account=acme, payer=other, others={"Bill To": [acme]})
        expected = "deal-several-payers"
    with pytest.raises(CannotBill) as caught:
        shop.read(sold.ref)
    assert caught.value.sentence_id == expected
    assert caught.value.hint


def test_a_deal_is_won_lost_and_reopened(shop: Shop) -> None:
    deal = shop.hands.deal(lines=[SEATS]).ref
    seen = []
    for act in (shop.hands.promise, shop.hands.win, shop.hands.reopen, shop.hands.lose):
        act(deal)
        records = shop.house.crm.fetch_deal(deal, shop.house.mapping)
        seen.append((records.won, records.closed, records.lost, records.stage == shop.hands.ready_stage))
    assert seen == [
        (False, False, False, True),
        (True, True, False, False),
        (False, False, False, True),
        (False, True, True, False),
    ]


def test_lines_are_added_changed_and_removed(shop: Shop) -> None:
    sold = shop.hands.deal(lines=[SEATS, line("Support", 1, "50.00", MONTHLY)])
    seats, support = sold.lines
    training = shop.hands.add_line(sold.ref, line("Training", 2, "1200.00", None))
    shop.hands.change_line(seats, {"quantity": Decimal(7), "unit_price": Decimal("19.50")})
    shop.hands.remove_line(support)

    lines = {each.ref: each for each in shop.read(sold.ref).line_items}
    assert lines.keys() == {seats, training}
    assert (lines[seats].quantity, lines[seats].unit_price) == (Decimal(7), Decimal("19.50"))


def test_a_deal_and_its_account_are_changed(shop: Shop) -> None:
    sold = shop.hands.deal(lines=[SEATS], terms={"po_number": "PO-1"})
    shop.hands.change(sold.ref, {"po_number": None, "net_days": 60, "deal.name": "Renamed"})
    shop.hands.change(sold.account, {"name": "Renamed Inc.", "address.postal_code": "20095"})
    shop.hands.change(sold.contact, {"email": "new@acme.example"})
    deal = shop.read(sold.ref)
    assert (deal.name, deal.terms.po_number, deal.terms.net_days) == ("Renamed", "", 60)
    assert deal.account is not None
    assert (deal.account.name, deal.account.address.postal_code) == ("Renamed Inc.", "20095")
    assert deal.billing_contact is not None
    assert deal.billing_contact.email == "new@acme.example"


def test_merged_accounts_leave_their_deals_to_the_one_that_stays(shop: Shop) -> None:
    stays, goes = shop.hands.company("Acme"), shop.hands.company("Acme Ltd")
    deal = shop.hands.deal(lines=[SEATS], account=goes).ref
    shop.hands.win(deal)
    assert shop.hands.merge([stays, goes]) == stays
    account = shop.read(deal).account
    assert account is not None
    assert (account.ref, account.formerly) == (stays, (goes,))


def test_what_billing_shows_reads_the_same_from_either(shop: Shop) -> None:
    sold = shop.hands.deal(lines=[SEATS])
    values = {
        "customer_id": "cus_1",
        "open_balance": Decimal("12.50"),
        "overdue_count": Decimal(2),
        "renewal_date": date(2027, 11, 21),
        "late_payer": True,
        "sync_status": "awaiting_approval",
        "sync_message": "",
    }
    [result] = shop.house.crm.write([CrmWrite(sold.ref, write(shop.house.mapping, "deal", values))])
    assert result.error is None
    shown = shop.hands.shown(sold.ref)
    assert {name: shown[name] for name in values} == {**values, "sync_message": None}
    assert shown.keys() == {name for name, field in BY_NAME.items() if "deal" in field.on}


def test_a_nameless_value_is_refused_by_its_name(shop: Shop) -> None:
    with pytest.raises(KeyError, match=r"terms\.moon"):
        shop.hands.deal(lines=[SEATS], terms={"moon": "full"})


def test_sold_records_say_whose_they_are(shop: Shop) -> None:
    sold = shop.hands.deal(lines=[SEATS])
    deal = shop.read(sold.ref)
    assert deal.billing_contact is not None
    assert (replace(sold, lines=()).account, deal.billing_contact.ref) == (sold.account, sold.contact)
