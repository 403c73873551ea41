"""A HubSpot client that talks to a stub on loopback, with a clock that stands still and no real sleeping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.settings import HubSpotSettings
from connector.domain.write_back import FIELDS, ValueType
from mappings.load import default_mapping
from mappings.model import FieldMapping
from tests.crm.hubspot.stub import Reply, StubHubSpot, a_property, results

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

_HUBSPOT_TYPE = {
    ValueType.MONEY: "number",
    ValueType.NUMBER: "number",
    ValueType.PERCENT: "number",
    ValueType.DATE: "date",
    ValueType.DATETIME: "datetime",
    ValueType.CHECKBOX: "bool",
    ValueType.CHOICE: "enumeration",
}


@dataclass
class RecordingThrottle:
    """Lets everything through, and remembers it."""

    waited: list[str] = field(default_factory=list)
    budgets: list[tuple[str, int, int]] = field(default_factory=list)
    error: Exception | None = None

    def wait(self, name: str) -> None:
        if self.error:
            raise self.error
        self.waited.append(name)

    def budget(self, name: str, used: int, allowed: int) -> None:
        self.budgets.append((name, used, allowed))


@dataclass
class StandingClock:
    """Time that moves only when a test says so."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


def our_properties(kind: str) -> list[dict[str, object]]:
    """What set-up would have made for the values we write."""
    return [
        a_property(
            f"billing_{each.name}",
            _HUBSPOT_TYPE.get(each.type, "string"),
            choices=[value for value, _ in each.choices],
        )
        for each in FIELDS
        if kind in each.on
    ]


DEAL_PROPERTIES = [
    a_property("dealname"),
    a_property("amount", "number", showCurrencySymbol=True),
    a_property("closedate", "datetime"),
    a_property("deal_currency_code", "enumeration", choices=["USD", "EUR"]),
    a_property("dealstage", "enumeration"),
    a_property("pipeline", "enumeration"),
    a_property("hs_is_closed", "bool", read_only=True),
    a_property("hs_is_closed_won", "bool", read_only=True),
    a_property("hubspot_owner_id", "enumeration", referencedObjectType="OWNER", externalOptions=True),
    a_property("hs_lastmodifieddate", "datetime", read_only=True),
    *our_properties("deal"),
]
COMPANY_PROPERTIES = [
    *(a_property(name) for name in ("name", "phone", "domain", "address", "city", "state", "zip", "country")),
    *our_properties("account"),
]
CONTACT_PROPERTIES = [a_property(name) for name in ("firstname", "lastname", "email", "phone")]
LINE_PROPERTIES = [
    a_property("name"),
    a_property("quantity", "number"),
    a_property("price", "number"),
    a_property("amount", "number", read_only=True),
    a_property("hs_product_id", "number"),
    a_property("hs_sku"),
    a_property("recurringbillingfrequency", "enumeration", choices=["monthly", "annually"]),
]
PRODUCT_PROPERTIES = [a_property("name"), a_property("hs_sku"), a_property("description")]

PIPELINES = {
    "id": "default",
    "label": "Sales",
    "stages": [
        {"id": "open1", "label": "Closed won (not really)", "metadata": {"isClosed": "false", "probability": "0.9"}},
        {"id": "8412", "label": "Unterschrieben", "metadata": {"isClosed": "true", "probability": "1.0"}},
        {"id": "8411", "label": "Agreed", "metadata": {"isClosed": "false", "probability": "1.0"}},
        {"id": "8414", "label": "Odd", "metadata": {"isClosed": "true", "probability": "surely"}},
        {"id": "8413", "label": "Lost", "metadata": {"isClosed": "true", "probability": "0.0"}},
    ],
}


@pytest.fixture
def hubspot() -> Iterator[StubHubSpot]:
    stub = StubHubSpot()
    stub.on(r"GET /crm/v3/properties/deals", results(*DEAL_PROPERTIES))
    stub.on(r"GET /crm/v3/properties/companies", results(*COMPANY_PROPERTIES))
    stub.on(r"GET /crm/v3/properties/contacts", results(*CONTACT_PROPERTIES))
    stub.on(r"GET /crm/v3/properties/line_items", results(*LINE_PROPERTIES))
    stub.on(r"GET /crm/v3/properties/products", results(*PRODUCT_PROPERTIES))
    stub.on(r"GET /crm/v3/pipelines/deals", results(PIPELINES))
    yield stub
    stub.close()


@pytest.fixture
def throttle() -> RecordingThrottle:
    return RecordingThrottle()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def naps() -> list[float]:
    """How long the client would have slept, each time."""
    return []


@pytest.fixture
def settings(hubspot: StubHubSpot) -> HubSpotSettings:
    return HubSpotSettings(access_token="pat-na1-secret", base_url=hubspot.url)


@pytest.fixture
def client(
    settings: HubSpotSettings, throttle: RecordingThrottle, clock: StandingClock, naps: list[float]
) -> HubSpotClient:
    return HubSpotClient(settings, throttle, clock, sleep=naps.append)


@pytest.fixture(scope="session")
def mapping() -> FieldMapping:
    return default_mapping("hubspot")


@pytest.fixture
def portal(hubspot: StubHubSpot) -> StubHubSpot:
    """An account with one won deal: 4711, of company 20 and contact 30, with two line items of product 50."""
    deal = {
        "id": "4711",
        "properties": {
            "dealname": "Acme renewal",
            "amount": "12000.50",
            "closedate": "2026-11-20T23:30:00Z",
            "deal_currency_code": "USD",
            "dealstage": "8412",
            "pipeline": "default",
            "hs_is_closed_won": "true",
            "hs_is_closed": "true",
            "hubspot_owner_id": "77",
        },
        "associations": {
            "companies": {
                "results": [
                    {"id": "20", "type": "deal_to_company"},
                    {"id": "20", "type": "deal_to_company_unlabeled"},
                ]
            },
            "contacts": {"results": [{"id": "30", "type": "deal_to_contact"}]},
            "line items": {"results": [{"id": "41", "type": "deal_to_line_item"}, {"id": "40", "type": "x"}]},
        },
    }
    hubspot.on(r"GET /crm/v3/objects/deals/4711", Reply(deal))
    line = {"quantity": "5", "price": "100", "amount": "500", "hs_product_id": "50", "name": "Seats"}
    hubspot.on(
        r"POST /crm/v3/objects/line_items/batch/read",
        results(
            {"id": "41", "properties": {**line, "recurringbillingfrequency": ""}},
            {"id": 40, "properties": {**line, "recurringbillingfrequency": "monthly"}},
            status="COMPLETE",
        ),
    )
    hubspot.on(
        r"POST /crm/v3/objects/products/batch/read",
        results({"id": "50", "properties": {"name": "Seat", "hs_sku": "SEAT-1"}}),
    )
    hubspot.on(
        r"POST /crm/v3/objects/companies/batch/read",
        results({"id": "20", "properties": {"name": "Acme GmbH", "city": "Berlin", "country": None}}),
    )
    hubspot.on(
        r"POST /crm/v3/objects/contacts/batch/read",
        results({"id": "30", "properties": {"firstname": "Ada", "lastname": "Ito", "email": "ada@acme.test"}}),
    )
    return hubspot
