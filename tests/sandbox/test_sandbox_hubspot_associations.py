"""Associations v4: types, primaries, labels, and the trap that having none is an error entry."""

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot.crm.associations.v4 import (
    ApiException,
    AssociationSpec,
    BatchInputPublicAssociationMultiArchive,
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicDefaultAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicAssociationMultiArchive,
    PublicAssociationMultiPost,
    PublicDefaultAssociationMultiPost,
    PublicFetchAssociationsBatchRequest,
    PublicObjectId,
)
from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest

from tests.sandbox.hubspot_served import Served, served


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


@pytest.fixture
def v4(hubspot: Served) -> Any:
    return hubspot.client().crm.associations.v4


def spec(type_id: int, category: str = "HUBSPOT_DEFINED") -> AssociationSpec:
    return AssociationSpec(association_category=category, association_type_id=type_id)


def types_of(v4: Any, deal: str) -> dict[str, set[int]]:
    rows = v4.basic_api.get_page("deals", deal, "companies").results
    return {row.to_object_id: {one.type_id for one in row.association_types} for row in rows}


def make(hubspot: Served, kind: str, count: int = 1) -> list[str]:
    names = {"deals": "dealname", "companies": "name", "contacts": "firstname", "line_items": "name"}
    return [hubspot.vendor.people.create(kind, {names[kind]: f"{kind} {n}"}).id for n in range(count)]


def test_a_default_association_is_unlabelled_and_runs_both_ways(hubspot: Served, v4: Any) -> None:
    """deal -> company 341, company -> deal 342, and no primary."""
    (deal,), (company,) = make(hubspot, "deals"), make(hubspot, "companies")

    answer = v4.basic_api.create_default("deals", deal, "companies", company)

    assert {one.association_spec.association_type_id for one in answer.results} == {341, 342}
    assert types_of(v4, deal) == {company: {341}}
    back = v4.basic_api.get_page("companies", company, "deals").results[0]
    assert (back.to_object_id, [one.type_id for one in back.association_types]) == (deal, [342])


def test_a_deal_has_one_primary_company(hubspot: Served, v4: Any) -> None:
    """A second primary takes the mark from the first, which stays associated; the deal's own property follows."""
    (deal,), (one, other) = make(hubspot, "deals"), make(hubspot, "companies", 2)

    for company in (one, other):
        v4.basic_api.create("deals", deal, "companies", company, [spec(5)])

    assert types_of(v4, deal) == {one: {341}, other: {5, 341}}
    state = hubspot.control("GET", f"/objects/deals/{deal}")["properties"]
    assert state["hs_primary_associated_company"] == other


def test_a_company_may_be_primary_for_many_deals(hubspot: Served, v4: Any) -> None:
    """Set from the company's side as well."""
    (one, other), (company,) = make(hubspot, "deals", 2), make(hubspot, "companies")

    v4.basic_api.create("companies", company, "deals", one, [spec(6)])
    v4.basic_api.create("companies", company, "deals", other, [spec(6)])

    assert (types_of(v4, one), types_of(v4, other)) == ({company: {5, 341}}, {company: {5, 341}})


def test_reading_many_tells_of_those_without_any(hubspot: Served, v4: Any) -> None:
    """207: the rows that have some, and an error for each that has none."""
    (with_one, without), (company,) = make(hubspot, "deals", 2), make(hubspot, "companies")
    v4.basic_api.create_default("deals", with_one, "companies", company)

    answer = v4.batch_api.get_page(
        "deals",
        "companies",
        BatchInputPublicFetchAssociationsBatchRequest(
            inputs=[PublicFetchAssociationsBatchRequest(id=one) for one in (with_one, without)]
        ),
    )

    assert [(row._from.id, [to.to_object_id for to in row.to]) for row in answer.results] == [(with_one, [company])]
    assert answer.errors[0].context["fromObjectId"] == [without]
    assert answer.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_pages_of_associations(hubspot: Served, v4: Any) -> None:
    """A limit and a cursor lead through all of them."""
    (company,), deals = make(hubspot, "companies"), make(hubspot, "deals", 3)
    for deal in deals:
        v4.basic_api.create_default("companies", company, "deals", deal)

    first = v4.basic_api.get_page("companies", company, "deals", limit=2)
    second = v4.basic_api.get_page("companies", company, "deals", limit=2, after=first.paging.next.after)

    assert [one.to_object_id for one in first.results + second.results] == deals
    assert second.paging is None


def test_a_line_item_has_one_deal(hubspot: Served, v4: Any) -> None:
    """A second parent is refused, whichever way it is asked for."""
    (one, other), (line,) = make(hubspot, "deals", 2), make(hubspot, "line_items")
    v4.basic_api.create_default("deals", one, "line_items", line)

    for ends in (("deals", other, "line_items", line), ("line_items", line, "deals", other)):
        with pytest.raises(ApiException) as caught:
            v4.basic_api.create_default(*ends)
        assert caught.value.status == 400


def test_many_at_once_with_one_that_fails(hubspot: Served, v4: Any) -> None:
    """The good rows are made, the bad one is an error entry."""
    (deal,), (contact,) = make(hubspot, "deals"), make(hubspot, "contacts")
    rows = [
        PublicAssociationMultiPost(_from=PublicObjectId(id=deal), to=PublicObjectId(id=to), types=[spec(3)])
        for to in (contact, "404")
    ]

    answer = v4.batch_api.create("deals", "contacts", BatchInputPublicAssociationMultiPost(inputs=rows))

    assert [one.to_object_id for one in answer.results] == [contact]
    assert [one.category for one in answer.errors] == ["OBJECT_NOT_FOUND"]


def test_many_defaults_at_once(hubspot: Served, v4: Any) -> None:
    """Errors travel beside the results."""
    (deal,), (contact,) = make(hubspot, "deals"), make(hubspot, "contacts")
    rows = [
        PublicDefaultAssociationMultiPost(_from=PublicObjectId(id=deal), to=PublicObjectId(id=to))
        for to in (contact, "404")
    ]

    answer = v4.batch_api.create_default("deals", "contacts", BatchInputPublicDefaultAssociationMultiPost(inputs=rows))

    assert len(answer.results) == 2
    assert answer.num_errors == 1


def test_parting_records(hubspot: Served, v4: Any) -> None:
    """One pair, many pairs, or only a label of theirs."""
    (deal,), companies = make(hubspot, "deals"), make(hubspot, "companies", 3)
    for company in companies:
        v4.basic_api.create("deals", deal, "companies", company, [spec(5)])

    v4.basic_api.archive("deals", deal, "companies", companies[0])
    v4.batch_api.archive(
        "deals",
        "companies",
        BatchInputPublicAssociationMultiArchive(
            inputs=[PublicAssociationMultiArchive(_from=PublicObjectId(id=deal), to=[PublicObjectId(id=companies[1])])]
        ),
    )
    v4.batch_api.archive_labels(
        "deals",
        "companies",
        BatchInputPublicAssociationMultiPost(
            inputs=[
                PublicAssociationMultiPost(
                    _from=PublicObjectId(id=deal), to=PublicObjectId(id=companies[2]), types=[spec(5)]
                )
            ]
        ),
    )

    assert types_of(v4, deal) == {companies[2]: {341}}


def test_a_customers_own_label(hubspot: Served, v4: Any) -> None:
    """Made in both directions, listed beside HubSpot's own, usable at once; a second of the same name is refused."""
    (deal,), (contact,) = make(hubspot, "deals"), make(hubspot, "contacts")
    wanted = PublicAssociationDefinitionCreateRequest(label="Billing contact", name="billing_contact")
    definitions = v4.schema.definitions_api

    made = definitions.create("deals", "contacts", wanted)
    v4.basic_api.create("deals", deal, "contacts", contact, [spec(made.results[0].type_id, "USER_DEFINED")])
    again = hubspot.raw(
        "POST",
        "/crm/v4/associations/deals/contacts/labels",
        {"label": "Billing contact", "name": "billing_contact"},
    )

    assert len(made.results) == 2
    assert {one.label for one in definitions.get_all("deals", "contacts").results} == {None, "Billing contact"}
    row = v4.basic_api.get_page("deals", deal, "contacts").results[0]
    assert [one.label for one in row.association_types] == ["Billing contact"]
    assert again.status_code == 400


def test_an_archived_record_is_nobodys_neighbour(hubspot: Served, v4: Any) -> None:
    """It disappears from reads and from counts."""
    made = hubspot.vendor.people.deal({"dealname": "A"}, contact={"email": "a@example.com"})
    hubspot.vendor.people.delete("contacts", made["contact"])

    assert v4.basic_api.get_page("deals", made["deal"], "contacts").results == []
    state = hubspot.control("GET", f"/objects/deals/{made['deal']}")["properties"]
    assert state["num_associated_contacts"] == "0"


def test_parent_companies(hubspot: Served, v4: Any) -> None:
    """Type 14 leads from child to parent, and the child's property names the parent."""
    child, parent = make(hubspot, "companies", 2)

    v4.basic_api.create("companies", child, "companies", parent, [spec(14)])

    assert hubspot.control("GET", f"/objects/companies/{child}")["properties"]["hs_parent_company_id"] == parent
    back = v4.basic_api.get_page("companies", parent, "companies").results[0]
    assert [one.type_id for one in back.association_types] == [13]


@pytest.mark.parametrize("remove", [False, True])
def test_a_person_ties_and_parts(hubspot: Served, v4: Any, remove: bool) -> None:
    """The control page does what the record page does."""
    (deal,), (company,) = make(hubspot, "deals"), make(hubspot, "companies")
    ends = {"from": {"type": "deals", "id": deal}, "to": {"type": "companies", "id": company}}

    hubspot.control("POST", "/associations", {**ends, "type_id": 5})
    if remove:
        hubspot.control("DELETE", "/associations", ends)

    assert types_of(v4, deal) == ({} if remove else {company: {5, 341}})
