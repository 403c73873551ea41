"""Batches: full ones, partly failed ones, and those that fail as a whole."""

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot.crm.companies import (
    ApiException,
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    SimplePublicObjectBatchInput,
    SimplePublicObjectBatchInputForCreate,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
)

from connector.sandbox.faults import Fault
from tests.sandbox.hubspot_served import Served, served


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


@pytest.fixture
def companies(hubspot: Served) -> list[str]:
    return [hubspot.vendor.people.create("companies", {"name": f"C{n}"}).id for n in range(3)]


def _updates(*rows: tuple[str, dict[str, str]], trace: bool = False) -> Any:
    inputs = [
        SimplePublicObjectBatchInput(
            id=record_id, properties=values, **({"object_write_trace_id": f"row-{n}"} if trace else {})
        )
        for n, (record_id, values) in enumerate(rows)
    ]
    return BatchInputSimplePublicObjectBatchInput(inputs=inputs)


def _names(hubspot: Served) -> list[str]:
    state = hubspot.control("GET", "/state?type=companies")["companies"]
    return [one["properties"].get("name", "") for one in state.values()]


def test_a_batch_updates_every_row(hubspot: Served, companies: list[str]) -> None:
    """200 with one result per row, each with its trace id."""
    rows = [(one, {"city": "Oslo"}) for one in companies]

    answer = hubspot.client().crm.companies.batch_api.update(_updates(*rows, trace=True))

    assert answer.status == "COMPLETE"
    assert {one.id for one in answer.results} == set(companies)
    assert [one.object_write_trace_id for one in answer.results] == ["row-0", "row-1", "row-2"]


def test_an_unknown_id_fails_alone(hubspot: Served, companies: list[str]) -> None:
    """207: the good rows are written, the error names the id and the trace."""
    rows = [(companies[0], {"name": "New"}), ("999", {"name": "Lost"})]

    answer = hubspot.client().crm.companies.batch_api.update(_updates(*rows, trace=True))

    assert [one.id for one in answer.results] == [companies[0]]
    assert answer.num_errors == 1
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    assert answer.errors[0].context == {"ids": ["999"], "objectWriteTraceId": ["row-1"]}
    assert _names(hubspot) == ["New", "C1", "C2"]


def test_a_bad_value_fails_alone_only_with_trace_ids(hubspot: Served, companies: list[str]) -> None:
    """Without trace ids the whole batch is a 400 and nothing is written."""
    rows = [(companies[0], {"name": "New"}), (companies[1], {"annualrevenue": "much"})]
    api = hubspot.client().crm.companies.batch_api

    with pytest.raises(ApiException) as caught:
        api.update(_updates(*rows))
    untouched = _names(hubspot)
    answer = api.update(_updates(*rows, trace=True))

    assert caught.value.status == 400
    assert untouched == ["C0", "C1", "C2"]
    assert [error.category for error in answer.errors] == ["VALIDATION_ERROR"]
    assert answer.errors[0].errors[0].code == "INVALID_NUMBER"
    assert _names(hubspot)[0] == "New"


@pytest.mark.parametrize("aimed", [False, True])
def test_a_row_error_fault_strikes_one_row(hubspot: Served, companies: list[str], aimed: bool) -> None:
    """The first row, or the one it is aimed at; the others are written."""
    victim = companies[2] if aimed else companies[0]
    detail = f"RATE_LIMITS@{victim}" if aimed else "RATE_LIMITS"
    hubspot.faults.add(Fault("hubspot", "row_error", operation="*/batch/update", detail=detail))

    answer = hubspot.client().crm.companies.batch_api.update(_updates(*((one, {"name": "New"}) for one in companies)))

    assert [(error.category, error.context["ids"]) for error in answer.errors] == [("RATE_LIMITS", [victim])]
    assert len(answer.results) == 2


def test_a_row_error_for_a_record_that_is_not_there_strikes_nobody(hubspot: Served, companies: list[str]) -> None:
    """The batch passes."""
    hubspot.faults.add(Fault("hubspot", "row_error", detail="VALIDATION_ERROR@1"))

    answer = hubspot.client().crm.companies.batch_api.update(_updates((companies[0], {"name": "New"})))

    assert len(answer.results) == 1


def test_a_row_error_on_a_single_record_refuses_it(hubspot: Served, companies: list[str]) -> None:
    """400 on update and on create."""
    for _ in range(2):
        hubspot.faults.add(Fault("hubspot", "row_error"))

    update = hubspot.raw("PATCH", f"/crm/v3/objects/companies/{companies[0]}", {"properties": {"name": "X"}})
    create = hubspot.raw("POST", "/crm/v3/objects/companies", {"properties": {"name": "X"}})

    assert (update.status_code, create.status_code) == (400, 400)
    assert _names(hubspot) == ["C0", "C1", "C2"]


def test_batch_read_tells_missing_ids_in_one_entry(hubspot: Served, companies: list[str]) -> None:
    """207: what was found, and one error with every id that was not."""
    answer = hubspot.client().crm.companies.batch_api.read(
        BatchReadInputSimplePublicObjectId(
            inputs=[SimplePublicObjectId(id=one) for one in (companies[1], "7", "8")],
            properties=["name"],
            properties_with_history=["name"],
        )
    )

    assert [one.properties["name"] for one in answer.results] == ["C1"]
    assert [error.context["ids"] for error in answer.errors] == [["7", "8"]]
    assert answer.results[0].properties_with_history["name"][0].value == "C1"


def test_batch_read_of_the_bin(hubspot: Served, companies: list[str]) -> None:
    """archived=true finds the archived and only them."""
    hubspot.vendor.people.delete("companies", companies[0])

    answer = hubspot.client().crm.companies.batch_api.read(
        BatchReadInputSimplePublicObjectId(
            inputs=[SimplePublicObjectId(id=one) for one in companies[:2]],
            properties=["name"],
            properties_with_history=[],
        ),
        archived=True,
    )

    assert [one.id for one in answer.results] == [companies[0]]


def test_batch_create_with_a_bad_row(hubspot: Served) -> None:
    """With trace ids 207 and the good row made; without them 400 and none."""
    api = hubspot.client().crm.companies.batch_api

    def rows(*, trace: bool) -> Any:
        return BatchInputSimplePublicObjectBatchInputForCreate(
            inputs=[
                SimplePublicObjectBatchInputForCreate(
                    properties=values, associations=[], **({"object_write_trace_id": str(n)} if trace else {})
                )
                for n, values in enumerate([{"name": "Good"}, {"nome": "Bad"}])
            ]
        )

    with pytest.raises(ApiException):
        api.create(rows(trace=False))
    before = _names(hubspot)
    answer = api.create(rows(trace=True))

    assert (before, _names(hubspot)) == ([], ["Good"])
    assert answer.errors[0].context["objectWriteTraceId"] == ["1"]


def test_upsert_creates_once_and_then_updates(hubspot: Served) -> None:
    """By a property of our own with unique values; `new` tells which it was."""
    hubspot.control(
        "POST",
        "/properties/companies",
        {
            "name": "erp_number",
            "label": "ERP number",
            "type": "string",
            "fieldType": "text",
            "groupName": "companyinformation",
            "hasUniqueValue": True,
        },
    )
    api = hubspot.client().crm.companies.batch_api

    def upsert(name: str) -> Any:
        row = SimplePublicObjectBatchInputUpsert(id="E-1", id_property="erp_number", properties={"name": name})
        return api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=[row])).results[0]

    first, second = upsert("One"), upsert("Two")

    assert (first.new, second.new) == (True, False)
    assert first.id == second.id
    assert _names(hubspot) == ["Two"]


def test_two_rows_that_want_one_unique_value_clash(hubspot: Served) -> None:
    """The second row fails alone."""
    rows = [{"properties": {"email": "a@example.com"}}, {"properties": {"email": "a@example.com"}}]

    answer = hubspot.raw("POST", "/crm/v3/objects/contacts/batch/create", {"inputs": rows})

    assert answer.status_code == 207
    assert [error["category"] for error in answer.json()["errors"]] == ["CONFLICT"]


def test_batch_archive_forgives_unknown_ids(hubspot: Served, companies: list[str]) -> None:
    """The known ones go to the bin."""
    hubspot.client().crm.companies.batch_api.archive(
        BatchInputSimplePublicObjectId(inputs=[SimplePublicObjectId(id=one) for one in (companies[0], "5")])
    )

    assert _names(hubspot) == ["C1", "C2"]
