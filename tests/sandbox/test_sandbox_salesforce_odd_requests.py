"""Whatever is thrown at it, the make-believe Salesforce answers like Salesforce and keeps standing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET, create

_names = st.sampled_from(["Account", "Opportunity", "OpportunityLineItem", "Task", "FieldPermissions", "Nothing"])
_fields = st.sampled_from(
    [
        "Name",
        "StageName",
        "CloseDate",
        "Amount",
        "OpportunityId",
        "PricebookEntryId",
        "Quantity",
        "UnitPrice",
        "IsWon",
        "OwnerId",
        "Status",
        "Field",
        "SobjectType",
        "ParentId",
        "PermissionsRead",
        "Id",
        "LastName",
        "Nope",
        "WhatId",
    ]
)
_ids = st.sampled_from(["0015500001QdZPKAA3", "0065500000KQ12XAAT", "001", "", "x" * 18, "01u5g0000009qDXAAY"])
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8), _ids
)
_values = st.one_of(
    _scalars, st.lists(_scalars, max_size=2), st.dictionaries(st.text(max_size=3), _scalars, max_size=2)
)
_records = st.dictionaries(_fields, _values, max_size=6)
_rows = st.builds(lambda name, record: {"attributes": {"type": name}, **record}, _names, _records)
_metadata = st.dictionaries(st.sampled_from(["type", "label", "length", "valueSet", "precision", "scale"]), _values)
_parts = st.builds(
    lambda method, path, body: {"referenceId": "a", "method": method, "url": path, "body": body},
    st.sampled_from(["GET", "POST", "PATCH"]),
    st.sampled_from(["/services/data/v66.0/sobjects/Account", "/services/data/v66.0/composite", "limits", "@{a.b}"]),
    _values,
)
_bodies = st.one_of(
    _values,
    _records,
    st.builds(lambda rows: {"records": rows}, st.lists(_rows, max_size=3)),
    st.builds(lambda full_name, meta: {"FullName": full_name, "Metadata": meta}, st.text(max_size=9), _metadata),
    st.builds(lambda parts: {"compositeRequest": parts}, st.lists(_parts, max_size=2)),
)
_paths = st.one_of(
    st.builds(lambda name: f"sobjects/{name}", _names),
    st.builds(lambda name, record_id: f"sobjects/{name}/{record_id}", _names, _ids),
    st.builds(lambda name, field, key: f"sobjects/{name}/{field}/{key}", _names, _fields, _ids),
    st.builds(lambda name, field: f"composite/sobjects/{name}/{field}", _names, _fields),
    st.sampled_from(["composite", "composite/sobjects", "tooling/sobjects/CustomField", "query", "", "//", "%2F"]),
)


Door = tuple[FlaskClient, dict[str, str]]


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    clock, faults = Clock(), Faults()
    deliveries = Deliveries(clock, faults, threads=1)
    client = create(clock, faults, deliveries, RequestLog()).app().test_client()
    form = {"grant_type": "client_credentials", "client_id": CLIENT_KEY, "client_secret": CLIENT_SECRET}
    token = client.post("/services/oauth2/token", data=form).get_json()["access_token"]
    yield client, {"Authorization": f"Bearer {token}"}
    deliveries.close()


@settings(max_examples=300)
@given(method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]), path=_paths, body=_bodies)
def test_no_request_breaks_it(door: Door, method: str, path: str, body: Any) -> None:
    """Every answer is JSON of Salesforce's shape, and none is an error of the sandbox itself."""
    client, headers = door
    answer = client.open(f"/services/data/v66.0/{path}", method=method, json=body, headers=headers)

    assert answer.status_code < 500, f"{method} {path} {json.dumps(body)}"
    if answer.status_code >= 400:
        assert set(answer.get_json()[0]) >= {"message", "errorCode"}
