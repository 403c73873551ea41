"""The document derived from hubspot-api-client: what it matches, what it refuses, how it is kept."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.documents.hubspot import HubSpotDocument, hubspot_document, load


@pytest.fixture(scope="module")
def document() -> HubSpotDocument:
    return hubspot_document()


def problems(
    document: HubSpotDocument, method: str, path: str, body: object = None, query: dict[str, list[str]] | None = None
) -> list[str]:
    matched = document.match(method, path)
    assert matched is not None
    return [
        f"{one.kind} {'.'.join(map(str, one.path))}" for one in document.check_request(matched[0], query or {}, body)
    ]


@pytest.mark.parametrize(
    ("method", "path", "operation", "params"),
    [
        ("GET", "/crm/v3/objects/deals/17", "crm.deals.BasicApi.get_by_id", {"dealId": "17"}),
        ("GET", "/crm/v3/objects/0-3/17", "crm.objects.BasicApi.get_by_id", {"objectType": "0-3", "objectId": "17"}),
        ("POST", "/crm/v3/objects/deals/search", "crm.deals.SearchApi.do_search", {}),
        ("POST", "/crm/v3/objects/companies/merge", "crm.companies.BasicApi.merge", {}),
        ("POST", "/crm/v3/objects/tasks/batch/create", "crm.objects.tasks.BatchApi.create", {}),
        ("GET", "/crm/v3/properties/deals/groups", "crm.properties.GroupsApi.get_all", {"objectType": "deals"}),
        ("GET", "/crm/v3/properties/deals/amount", "crm.properties.CoreApi.get_by_name", None),
        ("GET", "/crm/v3/owners", "crm.owners.OwnersApi.get_page", {}),
        ("GET", "/crm/v3/owners/", "crm.owners.OwnersApi.get_page", {}),
        (
            "GET",
            "/crm/v4/associations/deals/companies/labels",
            "crm.associations.v4.schema.DefinitionsApi.get_all",
            None,
        ),
    ],
)
def test_a_request_finds_the_call_that_would_have_made_it(
    document: HubSpotDocument, method: str, path: str, operation: str, params: dict[str, str] | None
) -> None:
    """Named paths win over templated ones, a slash at the end does not matter."""
    matched = document.match(method, path)

    assert matched is not None
    assert matched[0].id == operation
    assert params is None or matched[1] == params


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/crm/v3/objects/deals/17"), ("GET", "/crm/v2/deals"), ("GET", "/"), ("POST", "/crm/v3/owners/")],
)
def test_a_call_the_sdk_cannot_make_is_not_found(document: HubSpotDocument, method: str, path: str) -> None:
    """Wrong verbs and other paths match nothing."""
    assert document.match(method, path) is None


DEAL = "/crm/v3/objects/deals"
SEARCH = f"{DEAL}/search"


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "expected"),
    [
        ("POST", DEAL, {"properties": {"amount": 12}}, {}, "wrong_type properties.amount"),
        ("POST", DEAL, {"properties": {"hs_is_closed": True}}, {}, "wrong_type properties.hs_is_closed"),
        ("POST", DEAL, {"properties": {"amount": None}}, {}, "wrong_type properties.amount"),
        ("POST", DEAL, {"properties": {}, "owner": "1"}, {}, "unknown owner"),
        ("POST", DEAL, {}, {}, "missing properties"),
        ("POST", DEAL, None, {}, "missing "),
        ("POST", DEAL, [], {}, "wrong_type "),
        ("GET", f"{DEAL}/1", {"properties": {}}, {}, "unknown "),
        ("GET", f"{DEAL}/1", None, {"fields": ["amount"]}, "unknown fields"),
        ("GET", DEAL, None, {"limit": ["ten"]}, "wrong_type limit"),
        ("GET", DEAL, None, {"limit": ["1", "2"]}, "wrong_type limit"),
        ("GET", DEAL, None, {"archived": ["yes"]}, "wrong_type archived"),
        ("POST", SEARCH, {"limit": "5"}, {}, "wrong_type limit"),
        ("POST", SEARCH, {"sorts": [{"propertyName": "amount"}]}, {}, "wrong_type sorts.0"),
        ("POST", SEARCH, {"filterGroups": [{}]}, {}, "missing filterGroups.0.filters"),
        (
            "POST",
            SEARCH,
            {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "LIKE", "value": "1"}]}]},
            {},
            "wrong_value filterGroups.0.filters.0.operator",
        ),
        ("POST", f"{DEAL}/batch/read", {"inputs": [], "properties": []}, {}, "missing propertiesWithHistory"),
        (
            "POST",
            "/crm/v3/properties/deals",
            {"name": "x", "label": "X", "type": "money", "fieldType": "number", "groupName": "g"},
            {},
            "wrong_value type",
        ),
    ],
)
def test_a_wrong_request_is_told_apart(
    document: HubSpotDocument,
    method: str,
    path: str,
    body: object,
    query: dict[str, list[str]],
    expected: str,
) -> None:
    """Each kind of mistake is found at its place, and nothing else is."""
    assert problems(document, method, path, body, query) == [expected]


def test_right_requests_have_no_problems(document: HubSpotDocument) -> None:
    """Bodies, lists and flags as the SDK writes them pass."""
    assert problems(document, "POST", DEAL, {"properties": {"amount": "12"}, "associations": []}) == []
    assert problems(document, "GET", f"{DEAL}/1", None, {"properties": ["a", "b"], "archived": ["False"]}) == []
    assert problems(document, "POST", "/oauth/v1/token", {"grant_type": "refresh_token"}) == []


def test_answers_are_held_to_the_sdks_models(document: HubSpotDocument) -> None:
    """A missing id, an unknown key, a wrong status and a malformed error are all noticed; a null value is not."""
    matched = document.match("GET", f"{DEAL}/1")
    assert matched is not None
    operation = matched[0]
    good: dict[str, Any] = {
        "id": "1",
        "properties": {"amount": None},
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
    }

    assert document.check_answer(operation, 200, good) == []
    assert document.check_answer(operation, 200, {**good, "id": 1}) != []
    assert document.check_answer(operation, 200, {**good, "extra": 1}) != []
    assert document.check_answer(operation, 201, good) != []
    assert document.check_answer(operation, 404, {"message": "no"}) != []


def test_an_answer_without_content_must_have_none(document: HubSpotDocument) -> None:
    """A 204 with a body is a misfit."""
    matched = document.match("DELETE", f"{DEAL}/1")
    assert matched is not None

    assert document.check_answer(matched[0], 204, None) == []
    assert document.check_answer(matched[0], 204, {}) != []


def test_the_document_is_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second load reads the file; a torn or foreign file is derived anew."""
    first = load(tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text(json.dumps({"operations": [], "types": {}}), encoding="utf-8")
    read_again = load(tmp_path)
    kept.write_text('{"operations": [', encoding="utf-8")
    torn = load(tmp_path)
    kept.write_text("[]", encoding="utf-8")

    assert read_again == {"operations": [], "types": {}}
    assert torn == first
    assert load(tmp_path) == first


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    """Below a plain file no folder can be made; the document is derived all the same."""
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    blocked.chmod(stat.S_IRUSR)

    assert load(blocked / "cache")["operations"]


def test_without_the_sdk_the_sandbox_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names the package."""
    monkeypatch.setattr("connector.sandbox.documents.hubspot.importlib.util.find_spec", lambda _: None)

    with pytest.raises(ModuleNotFoundError, match="hubspot-api-client"):
        load(tmp_path)
