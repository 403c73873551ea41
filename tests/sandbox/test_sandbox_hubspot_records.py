"""Records of the make-believe HubSpot through the official client: values are text, and some compute themselves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hubspot.crm.companies import PublicMergeInput
from hubspot.crm.contacts import ApiException as ContactsApiException
from hubspot.crm.deals import (
    ApiException,
    AssociationSpec,
    PublicAssociationsForObject,
    PublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.deals.exceptions import NotFoundException

from tests.sandbox.hubspot_served import Served, served


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


def values(hubspot: Served, kind: str, record_id: str) -> dict[str, str]:
    found: dict[str, str] = hubspot.control("GET", f"/objects/{kind}/{record_id}")["properties"]
    return found


def test_a_created_deal_is_read_back_as_text(hubspot: Served) -> None:
    """Ids and every value are strings; dates come back as UTC moments; unknown names read as null."""
    api = hubspot.client().crm.deals.basic_api
    made = api.create(
        SimplePublicObjectInputForCreate(
            properties={"dealname": "Acme", "amount": "1200.50", "closedate": "1795255200000"}
        )
    )

    read = api.get_by_id(made.id, properties=["dealname", "amount", "closedate", "pipeline", "nonsense"])

    assert read.id.isdigit()
    assert read.properties["amount"] == "1200.50"
    assert read.properties["closedate"] == "2026-11-21T10:00:00.000Z"
    assert read.properties["pipeline"] == "default"
    assert read.properties["nonsense"] is None
    assert read.properties["hs_object_id"] == read.id


def test_ids_of_different_kinds_overlap(hubspot: Served) -> None:
    """An id says nothing without its kind."""
    made = hubspot.vendor.people.deal({"dealname": "A"}, company={"name": "B"})

    assert made["deal"] == made["company"]


def test_an_update_changes_what_it_names_and_the_modified_date(hubspot: Served) -> None:
    """Other values stay; writing the same value again changes nothing at all."""
    api = hubspot.client().crm.deals.basic_api
    deal = hubspot.vendor.people.create("deals", {"dealname": "Acme", "amount": "5"}).id
    before = values(hubspot, "deals", deal)
    hubspot.clock.advance(timedelta(minutes=1))

    answer = api.update(deal, SimplePublicObjectInput(properties={"amount": "7"}))
    after = values(hubspot, "deals", deal)
    hubspot.clock.advance(timedelta(minutes=1))
    api.update(deal, SimplePublicObjectInput(properties={"amount": "7"}))

    assert answer.properties["amount"] == "7"
    assert after["dealname"] == "Acme"
    assert after["hs_lastmodifieddate"] > before["hs_lastmodifieddate"]
    assert values(hubspot, "deals", deal) == after


def test_an_empty_text_clears_a_value(hubspot: Served) -> None:
    """HubSpot's way of saying none."""
    deal = hubspot.vendor.people.create("deals", {"dealname": "Acme", "amount": "5"}).id

    hubspot.client().crm.deals.basic_api.update(deal, SimplePublicObjectInput(properties={"amount": ""}))

    assert "amount" not in values(hubspot, "deals", deal)


@pytest.mark.parametrize(
    ("stage", "pipeline", "won", "closed"),
    [
        ("closedwon", "default", "true", "true"),
        ("closedlost", "default", "false", "true"),
        ("contractsent", "default", "false", "false"),
        ("172640984", "94113927", "true", "true"),
        ("172640983", "94113927", "false", "false"),
    ],
)
def test_won_follows_the_stages_metadata(hubspot: Served, stage: str, pipeline: str, won: str, closed: str) -> None:
    """The stage labelled "Closed Won (verbal)" is open; whatever is closed gets a close date."""
    deal = hubspot.vendor.people.create("deals", {"dealname": "A", "dealstage": stage, "pipeline": pipeline}).id
    found = values(hubspot, "deals", deal)

    assert (found["hs_is_closed_won"], found["hs_is_closed"]) == (won, closed)
    assert ("closedate" in found) == (closed == "true")


def test_a_deal_that_is_won_later_closes_now(hubspot: Served) -> None:
    """The close date follows the move, unless the same write names one."""
    people = hubspot.vendor.people
    one, other = (people.create("deals", {"dealname": "A", "closedate": "2030-01-31"}).id for _ in range(2))

    people.edit("deals", one, {"dealstage": "closedwon"})
    people.edit("deals", other, {"dealstage": "closedwon", "closedate": "2026-02-28"})

    assert values(hubspot, "deals", one)["closedate"][:4] < "2030"
    assert values(hubspot, "deals", other)["closedate"] == "2026-02-28T00:00:00.000Z"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {
                "price": "100",
                "quantity": "3",
                "recurringbillingfrequency": "monthly",
                "hs_recurring_billing_period": "P2Y",
            },
            {"amount": "300", "hs_mrr": "300", "hs_arr": "3600", "hs_tcv": "7200", "hs_acv": "3600"},
        ),
        (
            {"price": "1200", "quantity": "1", "discount": "200", "recurringbillingfrequency": "annually"},
            {"amount": "1000", "hs_arr": "1000", "hs_tcv": "1000", "hs_total_discount": "200"},
        ),
        (
            {"price": "80", "quantity": "2", "hs_discount_percentage": "25"},
            {"amount": "120", "hs_mrr": "0", "hs_tcv": "120", "hs_pre_discount_amount": "160"},
        ),
        (
            {"price": "90", "recurringbillingfrequency": "quarterly", "hs_recurring_billing_period": "P6M"},
            {"amount": "90", "hs_mrr": "30", "hs_tcv": "180", "hs_acv": "180", "hs_term_in_months": "6"},
        ),
        (
            {
                "price": "1",
                "hs_recurring_billing_period": "P1M",
                "recurringbillingfrequency": "monthly",
                "hs_recurring_billing_start_date": "2027-01-31",
            },
            {"hs_recurring_billing_end_date": "2027-02-27"},
        ),
    ],
)
def test_line_items_compute_their_amounts(hubspot: Served, line: dict[str, str], expected: dict[str, str]) -> None:
    """Net price, recurring figures and contract value from price, quantity, discount, frequency and term."""
    record = hubspot.vendor.people.create("line_items", line)

    assert expected.items() <= values(hubspot, "line_items", record.id).items()


def test_a_deals_amount_follows_its_line_items(hubspot: Served) -> None:
    """Adding, changing and deleting a line changes the deal; a line without price counts nothing."""
    people = hubspot.vendor.people
    made = people.deal(
        {"dealname": "A"}, line_items=[{"price": "100", "quantity": "2"}, {"price": "50"}, {"name": "to be priced"}]
    )
    amounts = [values(hubspot, "deals", made["deal"])["amount"]]
    people.edit("line_items", made["line_items"][0], {"quantity": "3"})
    amounts.append(values(hubspot, "deals", made["deal"])["amount"])
    people.delete("line_items", made["line_items"][1])
    amounts.append(values(hubspot, "deals", made["deal"])["amount"])

    assert amounts == ["250", "350", "300"]


def test_a_line_item_takes_what_its_product_says(hubspot: Served) -> None:
    """Name, SKU, price and billing frequency are copied; what the line names itself wins."""
    products = hubspot.control("POST", "/seed")["products"]
    api = hubspot.client().crm.line_items.basic_api

    made = api.create({"properties": {"hs_product_id": products["SEAT-TEAM-M"], "price": "25"}})

    assert made.properties["hs_sku"] == "SEAT-TEAM-M"
    assert made.properties["price"] == "25"
    assert made.properties["recurringbillingfrequency"] == "monthly"
    assert made.properties["quantity"] == "1"


def test_an_archived_record_is_gone_from_reading_but_in_the_bin(hubspot: Served) -> None:
    """404 without archived=true; archiving again is no error."""
    api = hubspot.client().crm.deals.basic_api
    deal = hubspot.vendor.people.create("deals", {"dealname": "A"}).id

    api.archive(deal)
    api.archive(deal)

    with pytest.raises(NotFoundException) as caught:
        api.get_by_id(deal)
    assert "OBJECT_NOT_FOUND" in caught.value.body
    assert api.get_by_id(deal, archived=True).archived is True


def test_pages_lead_through_every_record(hubspot: Served) -> None:
    """Each record once, in the order of their ids; the last page has no paging."""
    made = [hubspot.vendor.people.create("companies", {"name": f"C{n}"}).id for n in range(7)]
    api = hubspot.client().crm.companies.basic_api
    seen, after, pages = [], None, 0
    while pages < 10:
        page = api.get_page(limit=3, **({"after": after} if after else {}))
        seen += [one.id for one in page.results]
        pages += 1
        if page.paging is None:
            break
        after = page.paging.next.after

    assert (seen, pages) == (made, 3)


def test_history_tells_who_changed_what_and_when(hubspot: Served) -> None:
    """Newest first, with the source of each change."""
    deal = hubspot.vendor.people.create("deals", {"dealname": "A", "amount": "1"}).id
    api = hubspot.client().crm.deals.basic_api
    api.update(deal, SimplePublicObjectInput(properties={"amount": "2"}))

    read = api.get_by_id(deal, properties_with_history=["amount"])

    assert [(one.value, one.source_type) for one in read.properties_with_history["amount"]] == [
        ("2", "INTEGRATION"),
        ("1", "CRM_UI"),
    ]


def test_a_deal_is_created_with_its_associations(hubspot: Served) -> None:
    """A primary company is also associated without a label; line items appear under "line items"."""
    company = hubspot.vendor.people.create("companies", {"name": "Acme"}).id
    line = hubspot.vendor.people.create("line_items", {"price": "1"}).id
    links = [_association(company, 5), _association(line, 19)]
    api = hubspot.client().crm.deals.basic_api

    made = api.create(SimplePublicObjectInputForCreate(properties={"dealname": "A"}, associations=links))
    read = api.get_by_id(made.id, associations=["companies", "line_items", "contacts"])

    assert {one.type for one in read.associations["companies"].results} == {
        "deal_to_company",
        "deal_to_company_unlabeled",
    }
    assert [one.id for one in read.associations["line items"].results] == [line]
    assert "contacts" not in read.associations


def _association(record_id: str, type_id: int) -> Any:
    spec = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=type_id)
    return PublicAssociationsForObject(types=[spec], to=PublicObjectId(id=record_id))


def test_a_create_that_names_an_unknown_record_makes_nothing(hubspot: Served) -> None:
    """404, and no deal is left behind."""
    with pytest.raises(ApiException) as caught:
        hubspot.client().crm.deals.basic_api.create(
            SimplePublicObjectInputForCreate(properties={"dealname": "A"}, associations=[_association("5", 5)])
        )

    assert caught.value.status == 404
    assert hubspot.control("GET", "/state?type=deals")["deals"] == {}


def test_merged_companies_answer_under_both_ids(hubspot: Served) -> None:
    """The survivor keeps its values, takes the other's blanks and associations; the old id leads to it."""
    people = hubspot.vendor.people
    kept = people.create("companies", {"name": "Acme"}).id
    made = people.deal({"dealname": "A"}, company={"name": "ACME Inc", "city": "Oslo"})
    api = hubspot.client().crm.companies.basic_api

    merged = api.merge(PublicMergeInput(object_id_to_merge=made["company"], primary_object_id=kept))

    assert (merged.id, merged.properties["name"], merged.properties["city"]) == (kept, "Acme", "Oslo")
    assert api.get_by_id(made["company"]).id == kept
    assert [one.id for one in api.get_page().results] == [kept]
    deal = hubspot.control("GET", f"/objects/deals/{made['deal']}")
    assert list(deal["associations"]["companies"]) == [kept]


def test_a_record_is_not_merged_with_itself(hubspot: Served) -> None:
    """400."""
    company = hubspot.vendor.people.create("companies", {"name": "Acme"}).id

    answer = hubspot.raw(
        "POST", "/crm/v3/objects/companies/merge", {"primaryObjectId": company, "objectIdToMerge": company}
    )

    assert answer.status_code == 400


def test_an_email_belongs_to_one_contact(hubspot: Served) -> None:
    """409 names the one that has it, whatever the case of the letters; reading by e-mail finds it."""
    api = hubspot.client().crm.contacts.basic_api
    first = api.create({"properties": {"email": "Ann@Example.com"}})

    with pytest.raises(ContactsApiException) as caught:
        api.create({"properties": {"email": "ann@example.COM"}})

    assert caught.value.status == 409
    assert first.id in caught.value.body
    assert api.get_by_id("ann@example.com", id_property="email").id == first.id


def test_unknown_records_are_not_found(hubspot: Served) -> None:
    """404 for reading by id, by a unique property, and for updating."""
    paths: list[tuple[str, str, Any]] = [
        ("GET", "/crm/v3/objects/deals/1", None),
        ("GET", "/crm/v3/objects/contacts/a@b.de?idProperty=email", None),
        ("PATCH", "/crm/v3/objects/deals/1", {"properties": {}}),
    ]

    assert [hubspot.raw(*one).status_code for one in paths] == [404, 404, 404]


@pytest.mark.parametrize(
    ("kind", "field_type", "good", "stored", "bad"),
    [
        ("bool", "booleancheckbox", "true", "true", "True"),
        ("date", "date", "1795219200000", "2026-11-21", "2026-13-01"),
        ("date", "date", "2026-11-21", "2026-11-21", "1795219200001"),
        ("datetime", "date", "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00.000Z", "yesterday"),
        ("number", "number", "-12.50", "-12.50", "12,50"),
        ("enumeration", "checkbox", "b;a", "b;a", "a;c"),
    ],
)
def test_our_own_properties_hold_their_form(
    hubspot: Served, kind: str, field_type: str, good: str, stored: str, bad: str
) -> None:
    """The good value is kept as HubSpot writes it, the bad one refused."""
    words = {"bool": ("true", "false"), "enumeration": ("a", "b")}.get(kind, ())
    options = [{"label": one, "value": one} for one in words]
    definition = {"name": "mine", "label": "Mine", "groupName": "dealinformation", "options": options}
    hubspot.control("POST", "/properties/deals", {**definition, "type": kind, "fieldType": field_type})

    written = hubspot.raw("POST", "/crm/v3/objects/deals", {"properties": {"mine": good}})
    refused = hubspot.raw("POST", "/crm/v3/objects/deals", {"properties": {"mine": bad}})

    assert written.json()["properties"]["mine"] == stored
    assert refused.status_code == 400


def test_a_unique_property_takes_each_value_once(hubspot: Served) -> None:
    """The second record is refused; writing its own value again is no clash."""
    definition = {"name": "erp", "label": "ERP", "groupName": "dealinformation", "type": "string", "fieldType": "text"}
    hubspot.control("POST", "/properties/deals", {**definition, "hasUniqueValue": True})
    deal = hubspot.vendor.people.create("deals", {"erp": "1"}).id

    again = hubspot.raw("PATCH", f"/crm/v3/objects/deals/{deal}", {"properties": {"erp": "1", "dealname": "A"}})
    other = hubspot.raw("POST", "/crm/v3/objects/deals", {"properties": {"erp": "1"}})

    assert (again.status_code, other.status_code) == (200, 400)
    assert other.json()["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


def test_a_won_deal_that_is_reopened_is_no_longer_won(hubspot: Served) -> None:
    """Flags, probability and won date follow; a later win has its own date."""
    people = hubspot.vendor.people
    deal = people.create("deals", {"dealname": "A", "dealstage": "closedwon", "amount": "10"}).id
    first = values(hubspot, "deals", deal)
    people.edit("deals", deal, {"dealstage": "contractsent"})
    reopened = values(hubspot, "deals", deal)
    hubspot.clock.advance(timedelta(days=1))
    people.edit("deals", deal, {"dealstage": "closedwon"})
    again = values(hubspot, "deals", deal)

    assert (first["hs_closed_amount"], reopened["hs_closed_amount"]) == ("10", "0")
    assert reopened["hs_is_closed_won"] == "false"
    assert "hs_closed_won_date" not in reopened
    assert again["hs_closed_won_date"] > first["hs_closed_won_date"]
    assert reopened["hs_deal_stage_probability"] == "0.9"
