"""The client against the sandbox's HubSpot: the whole way over loopback, checked by the SDK's own document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.webhook import HubSpotWebhook
from connector.domain.inbox import EventKind, InboundRequest
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import AccessLost, NotFound, RateLimited, Rejected
from connector.ports import CheckStatus, CrmWrite
from connector.sandbox import Sandbox
from connector.sandbox.faults import Fault
from connector.sandbox.hubspot import signatures
from connector.sandbox.hubspot.access import SERVICE_KEY
from connector.sandbox.hubspot.rules import RequiredProperty
from connector.sandbox.hubspot.workflow import deal_body
from mappings.apply import read
from mappings.model import FieldMapping
from tests.crm.hubspot.conftest import RecordingThrottle

WON = {"dealstage": "closedwon", "pipeline": "default"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running
        assert list(running.hubspot.api.misfits) == []


@pytest.fixture
def throttle() -> RecordingThrottle:
    return RecordingThrottle()


@pytest.fixture
def live(sandbox: Sandbox, throttle: RecordingThrottle, mapping: FieldMapping) -> HubSpotClient:
    """A client of an account that is set up."""
    client = connected(sandbox, throttle)
    for action in client.setup(mapping):
        if action.apply:
            action.apply()
    return connected(sandbox, throttle)


def connected(sandbox: Sandbox, throttle: RecordingThrottle, token: str = SERVICE_KEY) -> HubSpotClient:
    settings = HubSpotSettings(access_token=token, base_url=sandbox.hubspot_url)
    return HubSpotClient(settings, throttle, sandbox.clock.now, sleep=lambda _: None)


def refused(sandbox: Sandbox) -> list[Any]:
    """Requests that the document or HubSpot's own rules turned down."""
    return [each for each in sandbox.log.refused() if "hubspot" in str(each)]


def a_won_deal(sandbox: Sandbox, **deal: Any) -> dict[str, Any]:
    people = sandbox.hubspot.people
    seat_id = people.create("products", {"name": "Platform seat, Team", "hs_sku": "SEAT-TEAM-M", "price": "29"}).id
    setup_id = people.create("products", {"name": "Onboarding", "hs_sku": "SERVICE-ONBOARD", "price": "3500"}).id
    seat = {
        "name": "Platform seat, Team",
        "hs_product_id": seat_id,
        "price": "29.00",
        "quantity": "40",
        "hs_discount_percentage": "10",
        "recurringbillingfrequency": "monthly",
        "hs_recurring_billing_period": "P12M",
    }
    setup = {"name": "Onboarding", "hs_product_id": setup_id, "price": "3500", "quantity": "1"}
    return people.deal(
        {"dealname": "Acme 2027", "deal_currency_code": "EUR", "closedate": "2026-11-20T12:00:00Z", **WON, **deal},
        company={"name": "Acme GmbH", "city": "Berlin", "zip": "10115", "country": "Germany", "hs_country_code": "DE"},
        contact={"firstname": "Ada", "lastname": "Ito", "email": "ada@acme.test"},
        line_items=[seat, setup],
    )


def good_health(company_ids: list[str]) -> list[CrmWrite]:
    return [CrmWrite(RecordRef("hubspot", "account", each), {"billing_health": "good"}) for each in company_ids]


def deal_ref(made: dict[str, Any]) -> RecordRef:
    return RecordRef("hubspot", "deal", made["deal"])


def test_set_up_and_check_agree(sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping) -> None:
    """What set-up made is what the doctor looks for; nothing is left to make, and no request was refused."""
    assert all(action.done for action in live.setup(mapping))
    checks = {each.id: each for each in live.check(mapping)}

    assert {each.id for each in checks.values() if each.status is not CheckStatus.OK} == {"hubspot.webhooks"}
    assert "hubspot.budget" in checks
    assert refused(sandbox) == []


def test_a_won_deal_is_read_whole(sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping) -> None:
    """Company, contact, lines and products, under canonical names."""
    made = a_won_deal(sandbox, billing_start="2026-12-01", billing_net_days="45", billing_po_number="PO-7")
    found = live.fetch_deal(deal_ref(made), mapping)
    deal, lines = read(mapping.deal, found.records), [read(mapping.line_item, line.records) for line in found.lines]

    assert (found.won, found.closed, found.problem) == (True, True, "")
    assert found.account == RecordRef("hubspot", "account", made["company"])
    assert found.contact == RecordRef("hubspot", "contact", made["contact"])
    assert deal["deal.currency"] == "eur"
    assert deal["terms.start"] == date(2026, 12, 1)
    assert deal["terms.net_days"] == 45
    assert deal["terms.po_number"] == "PO-7"
    assert deal["account.address.country"] == "DE"
    assert deal["contact.name"] == "Ada Ito"
    assert [line["line.unit_price"] for line in lines] == [Decimal("29.00"), Decimal(3500)]
    assert [line["line.interval"] for line in lines] == [("month", 1), ("one_time", 0)]
    assert lines[0]["line.discount_percent"] == Decimal(10)
    assert lines[0]["line.months"] == 12
    assert lines[0]["line.total"] == Decimal("1044.00")
    assert [line["product.code"] for line in lines] == ["SEAT-TEAM-M", "SERVICE-ONBOARD"]
    assert refused(sandbox) == []


def test_an_open_deal_is_not_won(sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping) -> None:
    """Whatever its stage is called."""
    made = a_won_deal(sandbox, dealstage="contractsent")
    found = live.fetch_deal(deal_ref(made), mapping)

    assert (found.won, found.closed) == (False, False)


def test_a_deleted_deal_is_not_found(sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping) -> None:
    """It went to the recycling bin before we came."""
    made = a_won_deal(sandbox)
    sandbox.hubspot.people.delete("deals", made["deal"])

    with pytest.raises(NotFound):
        live.fetch_deal(deal_ref(made), mapping)


def test_a_merged_deal_is_told_apart(sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping) -> None:
    """The old id answers with the record that took it in."""
    kept, gone = a_won_deal(sandbox), sandbox.hubspot.people.deal({"dealname": "Twin", **WON})
    sandbox.hubspot.people.merge("deals", kept["deal"], gone["deal"])

    with pytest.raises(NotFound, match=f"merged into deal {kept['deal']}"):
        live.fetch_deal(deal_ref(gone), mapping)


def test_of_two_companies_the_primary_one_counts(sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping) -> None:
    """Until someone takes the mark away."""
    made, people = a_won_deal(sandbox), sandbox.hubspot.people
    other = people.create("companies", {"name": "Partner"}).id
    people.associate(("deals", made["deal"]), ("companies", other))
    assert live.fetch_deal(deal_ref(made), mapping).account == RecordRef("hubspot", "account", made["company"])

    people.associate(("deals", made["deal"]), ("companies", made["company"]), 5, remove=True)
    people.associate(("deals", made["deal"]), ("companies", made["company"]), 341)
    found = live.fetch_deal(deal_ref(made), mapping)

    assert found.account is None
    assert "primary" in found.problem
    assert refused(sandbox) == []


def test_won_deals_are_found_by_polling(sandbox: Sandbox, live: HubSpotClient) -> None:
    """Those that changed since, the oldest change first; open ones and older ones are left out."""
    people = sandbox.hubspot.people
    early, later = people.deal({"dealname": "Early", **WON}), sandbox.clock.now() + timedelta(hours=1)
    sandbox.clock.advance(timedelta(hours=2))
    first = people.deal({"dealname": "First", **WON})
    sandbox.clock.advance(timedelta(minutes=5))
    people.deal({"dealname": "Open", "pipeline": "default", "dealstage": "contractsent"})
    second = people.deal({"dealname": "Second", **WON})

    assert list(live.won_since(later)) == [deal_ref(first), deal_ref(second)]
    assert deal_ref(early) in list(live.won_since(later - timedelta(hours=2)))
    assert refused(sandbox) == []


def test_hundreds_of_won_deals_are_found_page_by_page(sandbox: Sandbox, live: HubSpotClient) -> None:
    """Imported in one go, so that many share their change time."""
    since = sandbox.clock.now() - timedelta(minutes=1)
    made = [sandbox.hubspot.people.deal({"dealname": f"Deal {n}", **WON})["deal"] for n in range(450)]

    found = [ref.id for ref in live.won_since(since)]

    assert sorted(found, key=int) == made
    assert refused(sandbox) == []


def test_values_are_written_and_stand_on_the_record(sandbox: Sandbox, live: HubSpotClient) -> None:
    """Every type of ours, as HubSpot keeps it; clearing a value clears it."""
    made = a_won_deal(sandbox)
    account = RecordRef("hubspot", "account", made["company"])
    values: dict[str, Value] = {
        "billing_health": "late",
        "billing_mrr": Decimal("1044.00"),
        "billing_late_payer": True,
        "billing_renewal_date": date(2027, 12, 1),
        "billing_synced_at": sandbox.clock.now(),
        "billing_health_reason": "Two of three invoices were paid late.",
        "billing_last_invoice_url": "https://invoice.example/1",
    }
    done = live.write([CrmWrite(account, values), CrmWrite(deal_ref(made), {"billing_sync_status": "billed"})])

    assert [each.error for each in done] == [None, None]
    kept = sandbox.hubspot.portal.records["companies"][made["company"]].values
    assert (kept["billing_health"], kept["billing_mrr"], kept["billing_late_payer"]) == ("late", "1044.00", "true")
    assert kept["billing_renewal_date"].startswith("2027-12-01")
    assert sandbox.hubspot.portal.records["deals"][made["deal"]].values["billing_sync_status"] == "billed"

    live.write([CrmWrite(account, {"billing_health": None, "billing_late_payer": False})])

    kept = sandbox.hubspot.portal.records["companies"][made["company"]].values
    assert not kept["billing_health"]
    assert kept["billing_late_payer"] == "false"
    assert refused(sandbox) == []


def test_a_hundred_companies_are_one_request_and_a_deleted_one_fails_alone(
    sandbox: Sandbox, live: HubSpotClient
) -> None:
    """The other ninety-nine are written."""
    ids = [sandbox.hubspot.people.create("companies", {"name": f"Company {n}"}).id for n in range(100)]
    sandbox.hubspot.people.delete("companies", ids[41])
    live.describe("account")
    before = sum(sandbox.log.counts()["hubspot"].values())

    done = live.write(good_health(ids))

    assert sum(sandbox.log.counts()["hubspot"].values()) == before + 1
    assert [each.ref.id for each in done if each.error] == [ids[41]]
    assert isinstance(done[41].error, NotFound)


def test_a_demanded_property_is_named_for_its_row_alone(sandbox: Sandbox, live: HubSpotClient) -> None:
    """An admin made industry required for prospects: that row waits for a person, the other is written."""
    people = sandbox.hubspot.people
    strict, free = (people.create("companies", {"name": "A", "type": each}).id for each in ("PROSPECT", "PARTNER"))
    sandbox.hubspot.portal.required.rules[:] = [RequiredProperty("companies", "industry", {"type": ("PROSPECT",)})]

    done = live.write(
        [CrmWrite(RecordRef("hubspot", "account", each), {"billing_health": "good"}) for each in (strict, free)]
    )

    assert isinstance(done[0].error, Rejected)
    assert "industry" in str(done[0].error)
    assert done[1].error is None


@pytest.mark.parametrize("kind", ["rate_limited", "rate_limited_no_retry_after", "server_error"])
def test_faults_that_pass_are_not_noticed(
    sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping, kind: Any
) -> None:
    """Two in a row, and the deal is read all the same."""
    made = a_won_deal(sandbox)
    sandbox.faults.add(Fault("hubspot", kind, times=2))

    assert live.fetch_deal(deal_ref(made), mapping).won


def test_a_row_fault_fails_its_row(sandbox: Sandbox, live: HubSpotClient) -> None:
    """Struck by the sandbox, as HubSpot strikes rows now and then."""
    ids = [sandbox.hubspot.people.create("companies", {"name": f"Company {n}"}).id for n in range(3)]
    sandbox.faults.add(
        Fault("hubspot", "row_error", operation="POST *batch/update", detail=f"VALIDATION_ERROR@{ids[1]}")
    )

    done = live.write(good_health(ids))

    assert [bool(each.error) for each in done] == [False, True, False]


def test_a_spent_day_says_when_to_come_back(
    sandbox: Sandbox, live: HubSpotClient, mapping: FieldMapping, throttle: RecordingThrottle
) -> None:
    """And the budget was told along the way."""
    made = a_won_deal(sandbox)
    live.fetch_deal(deal_ref(made), mapping)
    assert throttle.budgets[-1][2] == 650_000
    sandbox.hubspot.limits.allowances.daily = 1

    with pytest.raises(RateLimited) as caught:
        live.fetch_deal(deal_ref(made), mapping)
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 3_600


def test_a_token_without_a_scope_is_told_which(
    sandbox: Sandbox, throttle: RecordingThrottle, live: HubSpotClient, mapping: FieldMapping
) -> None:
    """By an error when it works, by the doctor before that."""
    made = a_won_deal(sandbox)
    scopes = [
        f"crm.{part}.{name}.read" for part in ("objects", "schemas") for name in ("deals", "companies", "contacts")
    ]
    sandbox.hubspot.tokens.grant("pat-narrow", [*scopes, "crm.objects.line_items.read", "crm.schemas.line_items.read"])
    narrow = connected(sandbox, throttle, "pat-narrow")

    with pytest.raises(AccessLost):
        narrow.write([CrmWrite(deal_ref(made), {"billing_health": "good"})])
    check = next(each for each in narrow.check(mapping) if each.id == "hubspot.scopes")
    assert check.status is CheckStatus.FAIL
    assert "crm.objects.deals.write" in check.sentence


def test_an_unknown_token_opens_nothing(sandbox: Sandbox, throttle: RecordingThrottle, mapping: FieldMapping) -> None:
    """Expired, rotated or mistyped."""
    with pytest.raises(AccessLost, match="access token"):
        connected(sandbox, throttle, "pat-unknown").describe("deal")


def test_deliveries_of_the_sandbox_are_genuine_and_its_workflows_readable(sandbox: Sandbox) -> None:
    """Two makers of signatures, one result; and the body of a workflow names its deal."""
    made = a_won_deal(sandbox)
    record = sandbox.hubspot.portal.records["deals"][made["deal"]]
    body = json.dumps(deal_body(record, sandbox.hubspot.portal)).encode()
    url = "https://us.example/webhooks/hubspot?next=https%3A%2F%2Fx%20y"
    now = sandbox.clock.now()
    sent = int(now.timestamp() * 1000)
    webhook = HubSpotWebhook(
        HubSpotSettings(
            access_token="t",
            client_secrets="k",
            allow_legacy_signatures=True,
            portal_ids=str(sandbox.hubspot.portal.id),
        )
    )
    new = {
        "x-hubspot-signature-v3": signatures.v3("k", "POST", url, body, sent),
        "x-hubspot-request-timestamp": str(sent),
    }
    old = {"x-hubspot-signature": signatures.v2("k", "POST", url, body), "x-hubspot-signature-version": "v2"}
    for headers in (new, old):
        request = InboundRequest("POST", url, headers, body)
        webhook.verify(request, now)
        (event,) = webhook.parse(request)
        assert (event.kind, event.subject) == (EventKind.DEAL_CHANGED, deal_ref(made))
