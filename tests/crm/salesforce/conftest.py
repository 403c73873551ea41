"""A Salesforce org made of canned answers, and a client that talks to it without waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from requests import PreparedRequest

from connector.crm.salesforce.client import SalesforceClient
from connector.crm.salesforce.settings import SalesforceSettings
from connector.domain.refs import RecordRef
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET
from mappings.load import default_mapping
from mappings.model import FieldMapping
from tests.sandbox.salesforce_org import ServedOrg

URL = "https://acme.my.salesforce.com"
BASE = f"{URL}/services/data/v66.0"
ORG_ID = "00D7F00000000XsUAI"
USER_ID = "0057F000001abcdQAA"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "salesforce"


def fixture(name: str) -> bytes:
    """One recorded body."""
    return (FIXTURES / name).read_bytes()


def a_field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """One field as describe tells it."""
    told = {"name": name, "label": name, "type": kind, "updateable": True, "createable": True, "nillable": True}
    return told | {"length": 255 if kind == "string" else 0, "referenceTo": [], "picklistValues": []} | more


def a_parent(name: str, relation: str, target: str) -> dict[str, Any]:
    """One lookup field as describe tells it."""
    return a_field(name, "reference", relationshipName=relation, referenceTo=[target])


SHAPES: dict[str, list[dict[str, Any]]] = {
    "OpportunityLineItem": [
        *(a_field(name, "double") for name in ("Quantity", "Discount")),
        *(a_field(name, "currency") for name in ("UnitPrice", "TotalPrice")),
        a_field("ServiceDate", "date"),
        a_field("Description"),
        a_parent("Product2Id", "Product2", "Product2"),
    ],
    "Product2": [a_field("Name"), a_field("ProductCode"), a_field("Description", "textarea", length=4000)],
    "Task": [
        *(a_field(name) for name in ("WhatId", "OwnerId", "Subject", "Status", "Priority")),
        a_field("Description", "textarea", length=32_000),
        a_field("ActivityDate", "date"),
    ],
    "Contact": [a_field("Name"), a_field("Email", "email"), a_field("Phone", "phone")],
}


@dataclass
class Wall:
    """A clock that moves only when told to."""

    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Turnstile:
    """A throttle that lets everyone through and counts."""

    turns: int = 0
    budgets: list[tuple[str, int, int]] = field(default_factory=list)

    def wait(self, name: str) -> None:
        assert name == "salesforce"
        self.turns += 1

    def budget(self, name: str, used: int, allowed: int) -> None:
        self.budgets.append((name, used, allowed))


class StubOrg:
    """Answers on the wire as Salesforce would; each kind of answer is replaced by assigning to it."""

    def __init__(self, wire: responses.RequestsMock) -> None:
        self.wire = wire
        self.tokens = 0
        self.fields = {name: list(fields) for name, fields in SHAPES.items()}
        for name in ("Opportunity", "Account"):
            self.fields[name] = json.loads(fixture(f"describe__{name.lower()}.json"))["fields"]
        self.described: list[str] = []
        self.queries: list[str] = []
        self.answers: list[Any] = []
        self.deleted: list[dict[str, Any]] = []  #: what queryAll finds
        self.deleted_queries: list[str] = []
        wire.add_callback("POST", f"{URL}/services/oauth2/token", self._token)
        wire.add_callback("GET", f"{BASE}/query/", self._query)
        wire.add_callback("GET", f"{BASE}/queryAll/", self._query_all)
        for name in self.fields:
            wire.add_callback("GET", f"{BASE}/sobjects/{name}/describe", self._describe)

    def add_custom_fields(self, mapping: FieldMapping) -> None:
        """As after set-up: every field that we write back."""
        for kind, name in (("account", "Account"), ("deal", "Opportunity")):
            have = {each["name"] for each in self.fields[name]}
            wanted = [each for each in mapping.write_back[kind].values() if each not in have]
            self.fields[name] += [a_field(each) for each in wanted]

    def answers_query(self, *answers: Any) -> None:
        """What the next queries get, in order: records, a page as it is, or (status, errors)."""
        self.answers += answers

    def on(
        self, method: str, path: str, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """A canned answer for a path below the API's base; several for one path are given in order."""
        self.wire.add(method, f"{BASE}/{path}", json=body, status=status, headers=dict(headers or {}))

    def calls(self, method: str, path: str) -> list[Any]:
        """The JSON bodies of the requests that reached a path."""
        return [
            json.loads(call.request.body or "null")
            for call in self.wire.calls
            if call.request.method == method and str(call.request.url).split("?")[0] == f"{BASE}/{path}"
        ]

    def _token(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.tokens += 1
        token = {
            "access_token": f"{ORG_ID}!token{self.tokens}",
            "instance_url": URL,
            "id": f"https://login.salesforce.com/id/{ORG_ID}/{USER_ID}",
            "token_type": "Bearer",
        }
        return 200, {}, json.dumps(token)

    def _describe(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        name = str(request.url).split("/")[-2]
        self.described.append(name)
        return 200, {"Sforce-Limit-Info": "api-usage=18/15000"}, json.dumps({"name": name, "fields": self.fields[name]})

    def _query(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.queries.append(str(request.params["q"]))  # type: ignore[attr-defined]  # responses adds it
        answer = self.answers.pop(0)
        if isinstance(answer, tuple):
            return answer[0], {}, json.dumps(answer[1])
        page = {"totalSize": len(answer), "done": True, "records": answer} if isinstance(answer, list) else answer
        return 200, {}, json.dumps(page)

    def _query_all(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.deleted_queries.append(str(request.params["q"]))  # type: ignore[attr-defined]  # responses adds it
        return 200, {}, json.dumps({"totalSize": len(self.deleted), "done": True, "records": self.deleted})


@pytest.fixture
def clock() -> Wall:
    return Wall()


@pytest.fixture
def throttle() -> Turnstile:
    return Turnstile()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def org(wire: responses.RequestsMock) -> StubOrg:
    return StubOrg(wire)


@pytest.fixture
def naps() -> list[float]:
    """How long the client would have slept, each time."""
    return []


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [each for each in os.environ if each.startswith("SALESFORCE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings() -> SalesforceSettings:
    return some_settings()


def some_settings(**changes: Any) -> SalesforceSettings:
    """Client credentials for the stub org, with whatever a test changes."""
    return SalesforceSettings(**({"instance_url": URL, "client_id": "key", "client_secret": "s3cret"} | changes))


@pytest.fixture
def client(
    settings: SalesforceSettings, org: StubOrg, throttle: Turnstile, clock: Wall, naps: list[float]
) -> SalesforceClient:
    client = SalesforceClient.connect(settings, throttle, clock)
    client._connection._sleep = naps.append
    return client


@pytest.fixture
def mapping() -> FieldMapping:
    return default_mapping("salesforce")


# --- The make-believe org, over real HTTP ---------------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[ServedOrg]:
    org = ServedOrg()
    yield org
    org.close()


def settings_for(served: ServedOrg, **changes: Any) -> SalesforceSettings:
    return some_settings(
        **({"instance_url": served.url, "client_id": CLIENT_KEY, "client_secret": CLIENT_SECRET} | changes)
    )


@pytest.fixture
def connected(served: ServedOrg, throttle: Turnstile, naps: list[float]) -> SalesforceClient:
    return SalesforceClient(settings_for(served, currency="USD"), throttle, served.clock.now, sleep=naps.append)


@pytest.fixture
def ready(connected: SalesforceClient, mapping: FieldMapping) -> SalesforceClient:
    """After set-up."""
    set_up(connected, mapping)
    return connected


def set_up(client: SalesforceClient, mapping: FieldMapping) -> list[str]:
    """What ``connector setup salesforce`` does; the ids of what it made."""
    made = []
    for action in client.setup(mapping):
        if not action.done and action.apply is not None:
            action.apply()
            made.append(action.id)
    return made


def deal_ref(made: dict[str, Any]) -> RecordRef:
    return RecordRef("salesforce", "deal", made["opportunity_id"])


def calls(served: ServedOrg, method: str, template: str) -> int:
    """How often a path was asked for."""
    return served.log.counts()["salesforce"].get(f"{method} /services/data/v{{version}}{template}", 0)


def account_ref(account_id: str) -> RecordRef:
    return RecordRef("salesforce", "account", account_id)
