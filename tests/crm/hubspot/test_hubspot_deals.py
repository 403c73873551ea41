"""Reading one deal with all that hangs on it, and finding the deals that were won lately."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Rejected, Unreachable
from mappings.apply import read
from mappings.model import FieldMapping
from tests.crm.hubspot.conftest import PIPELINES, StandingClock
from tests.crm.hubspot.stub import Asked, Reply, StubHubSpot, refusal, results

DEAL = RecordRef("hubspot", "deal", "4711")


def changed_deal(portal: StubHubSpot, *, associations: Any = None, **properties: Any) -> None:
    """Let the portal answer with another version of its deal."""
    body = portal.body_of("GET /crm/v3/objects/deals/4711")
    body["properties"] |= properties
    body["associations"] |= associations or {}
    portal.on(r"GET /crm/v3/objects/deals/4711", Reply(body))


def labelled(*pairs: tuple[int, list[dict[str, Any]]]) -> Reply:
    return results(*({"toObjectId": each, "associationTypes": types} for each, types in pairs))


def test_a_deal_is_read_with_five_requests_once_the_account_is_known(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Deal, company, contact, line items and products: one request each, and none for definitions the second time."""
    client.fetch_deal(DEAL, mapping)
    portal.asked.clear()

    client.fetch_deal(DEAL, mapping)

    assert sorted(portal.lines()) == [
        "GET /crm/v3/objects/deals/4711",
        "POST /crm/v3/objects/companies/batch/read",
        "POST /crm/v3/objects/contacts/batch/read",
        "POST /crm/v3/objects/line_items/batch/read",
        "POST /crm/v3/objects/products/batch/read",
    ]


def test_records_hold_decimals_for_numbers_and_text_for_the_rest(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """The described type decides, and an empty value is None."""
    found = client.fetch_deal(DEAL, mapping)

    assert found.records["deal"]["amount"] == Decimal("12000.50")
    assert isinstance(found.records["deal"]["amount"], Decimal)
    assert found.records["deal"]["closedate"] == "2026-11-20T23:30:00Z"
    assert found.records["company"] == {"name": "Acme GmbH", "city": "Berlin", "country": None}
    assert found.records["contact"]["email"] == "ada@acme.test"
    assert found.lines[1].records["line_item"]["recurringbillingfrequency"] is None


def test_refs_are_in_our_words_with_ids_as_text(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Lines come in the order of their ids, whether HubSpot wrote those as text or as numbers."""
    found = client.fetch_deal(DEAL, mapping)

    assert found.account == RecordRef("hubspot", "account", "20")
    assert found.contact == RecordRef("hubspot", "contact", "30")
    assert found.owner == RecordRef("hubspot", "owner", "77")
    assert [line.ref.id for line in found.lines] == ["40", "41"]
    assert {line.product for line in found.lines} == {RecordRef("hubspot", "product", "50")}
    assert found.problem == ""


def test_the_mapping_we_ship_reads_the_deal(client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping) -> None:
    """What HubSpot holds arrives under canonical names."""
    found = client.fetch_deal(DEAL, mapping)
    deal, lines = read(mapping.deal, found.records), [read(mapping.line_item, line.records) for line in found.lines]

    assert deal["deal.name"] == "Acme renewal"
    assert deal["deal.currency"] == "usd"
    assert deal["contact.name"] == "Ada Ito"
    assert deal["account.name"] == "Acme GmbH"
    assert [line["line.interval"] for line in lines] == [("month", 1), ("one_time", 0)]
    assert lines[0]["line.unit_price"] == Decimal(100)
    assert lines[0]["product.name"] == "Seat"
    assert lines[0]["product.code"] == "SEAT-1"


def test_only_properties_that_the_account_has_are_asked_for(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Optional ones, such as billing_start, are left out until set-up has made them."""
    client.fetch_deal(DEAL, mapping)

    asked = portal.last(r"GET .*/deals/4711").query["properties"]
    assert "dealname" in asked
    assert "billing_start" not in asked
    assert "address2" not in portal.last(r"POST .*/companies/batch/read").body["properties"]


def test_objects_that_the_mapping_reads_nothing_of_are_not_fetched(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """No contact rule, no contact request; the reference is known all the same."""
    bare = FieldMapping(
        "hubspot", 1, mapping.objects, tuple(r for r in mapping.deal if r.canonical == "deal.name"), mapping.line_item
    )
    found = client.fetch_deal(DEAL, bare)

    assert found.contact == RecordRef("hubspot", "contact", "30")
    assert "POST /crm/v3/objects/contacts/batch/read" not in portal.lines()


def test_of_several_companies_the_primary_one_is_billed(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Association type 5 says which; labels are asked for only then."""
    changed_deal(portal, associations={"companies": {"results": [{"id": "20"}, {"id": 21}]}})
    portal.on(
        r"GET /crm/v4/objects/deals/4711/associations/companies",
        labelled((20, [{"typeId": 341}]), (21, [{"typeId": 341}, {"typeId": 5, "label": "Primary"}])),
    )
    portal.on(
        r"POST /crm/v3/objects/companies/batch/read", results({"id": "21", "properties": {"name": "Acme Holding"}})
    )

    found = client.fetch_deal(DEAL, mapping)

    assert found.account == RecordRef("hubspot", "account", "21")
    assert found.records["company"] == {"name": "Acme Holding"}
    assert found.problem == ""


def test_several_companies_without_a_primary_one_are_a_problem(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Nobody is billed by guess; the sentence says what to do."""
    changed_deal(portal, associations={"companies": {"results": [{"id": "20"}, {"id": "21"}]}})
    portal.on(
        r"GET /crm/v4/objects/deals/4711/associations/companies",
        labelled((20, [{"typeId": 341}]), (21, [{"typeId": 341}])),
    )
    found = client.fetch_deal(DEAL, mapping)

    assert found.account is None
    assert "2 companies" in found.problem
    assert "primary" in found.problem


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([None, "Billing contact"], "31"),
        (["Bill To", "Billing contact"], "30"),
        ([None, "Decision maker"], "30"),
    ],
)
def test_the_contact_labelled_for_billing_gets_the_invoice_else_the_first(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping, labels: list[str | None], expected: str
) -> None:
    """The label is the customer's own; any that speaks of bills will do."""
    changed_deal(portal, associations={"contacts": {"results": [{"id": "30"}, {"id": "31"}]}})
    portal.on(
        r"GET /crm/v4/objects/deals/4711/associations/contacts",
        labelled(*((30 + place, [{"typeId": 3, "label": label}]) for place, label in enumerate(labels))),
    )
    found = client.fetch_deal(DEAL, mapping)

    assert found.contact == RecordRef("hubspot", "contact", expected)


def test_a_deal_without_company_contact_or_lines_is_read_as_it_is(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Whether it can be billed is the planner's to say."""
    portal.on(r"GET .*/deals/4711", Reply({"id": "4711", "properties": {"dealname": "Bare", "dealstage": "open1"}}))

    found = client.fetch_deal(DEAL, mapping)

    assert (found.account, found.contact, found.owner, found.lines) == (None, None, None, ())
    assert found.problem == ""


def test_a_line_item_that_hubspot_names_but_does_not_show_is_never_skipped(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Half a deal must not be billed: the work is tried again."""
    portal.on(
        r"POST .*/line_items/batch/read",
        Reply({"results": [{"id": "40", "properties": {"quantity": "1"}}], "numErrors": 1, "errors": []}, 207),
    )
    with pytest.raises(Unreachable, match="line item"):
        client.fetch_deal(DEAL, mapping)


def test_line_items_beyond_the_first_page_are_read_too(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """The deal's answer holds a page; the rest comes from the associations, page by page, a hundred lines a request."""
    changed_deal(portal, associations={"line items": {"results": [{"id": "1"}], "paging": {"next": {"after": "1"}}}})
    first = {"results": [{"toObjectId": n, "associationTypes": []} for n in range(1, 101)]}
    portal.on(
        r"GET /crm/v4/objects/deals/4711/associations/line_items",
        Reply({**first, "paging": {"next": {"after": "100"}}}),
        labelled((101, []), (1, [])),
    )

    def lines(asked: Asked) -> Reply:
        return results(*({"id": each["id"], "properties": {"quantity": "1"}} for each in asked.body["inputs"]))

    portal.on(r"POST .*/line_items/batch/read", lines)

    found = client.fetch_deal(DEAL, mapping)

    assert [line.ref.id for line in found.lines] == [str(n) for n in range(1, 102)]
    batches = [each.body for each in portal.asked if each.path.endswith("line_items/batch/read")]
    assert [len(each["inputs"]) for each in batches] == [100, 1]
    assert portal.last(r"GET /crm/v4/.*").query["after"] == ["100"]


def test_a_deal_with_absurdly_many_lines_is_a_problem_not_a_flood_of_requests(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """More than five hundred lines are not read at all."""
    changed_deal(portal, associations={"line items": {"results": [{"id": str(n)} for n in range(1, 502)]}})

    found = client.fetch_deal(DEAL, mapping)

    assert "500" in found.problem
    assert "POST /crm/v3/objects/line_items/batch/read" not in portal.lines()


def test_a_product_that_is_gone_leaves_the_line_its_own_name(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """The reference stays, so that the product is known again; the rules fall back to the line."""
    portal.on(r"POST .*/products/batch/read", Reply({"results": [], "numErrors": 1, "errors": []}, 207))

    line = client.fetch_deal(DEAL, mapping).lines[0]

    assert line.product == RecordRef("hubspot", "product", "50")
    assert read(mapping.line_item, line.records)["product.name"] == "Seats"


def test_a_merged_deal_is_not_billed_under_its_old_id(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """HubSpot answers the old id with the record that took it in; that one is billed under its own."""
    portal.on(r"GET .*/deals/4711", Reply({"id": "9", "properties": {"dealname": "Kept", "hs_is_closed_won": "true"}}))
    with pytest.raises(NotFound, match="merged into deal 9"):
        client.fetch_deal(DEAL, mapping)


@pytest.mark.parametrize(
    ("properties", "won", "closed"),
    [
        ({"dealstage": "8412", "hs_is_closed_won": "true"}, True, True),
        ({"dealstage": "8412", "hs_is_closed_won": None, "hs_is_closed": None}, True, True),
        ({"dealstage": "8412", "hs_is_closed_won": "false", "hs_is_closed": "false"}, True, True),
        ({"dealstage": "open1", "hs_is_closed_won": "true", "hs_is_closed": "true"}, False, False),
        ({"dealstage": "8413", "hs_is_closed_won": "false", "hs_is_closed": "true"}, False, True),
        ({"dealstage": "8411", "hs_is_closed_won": None, "hs_is_closed": None}, False, False),
        ({"dealstage": "8414", "hs_is_closed_won": None, "hs_is_closed": None}, False, True),
        ({"dealstage": "gone", "hs_is_closed_won": "true", "hs_is_closed": "true"}, True, True),
        ({"dealstage": "gone", "hs_is_closed_won": None, "hs_is_closed": None}, False, False),
        ({"dealstage": None, "hs_is_closed_won": "true", "hs_is_closed": "true"}, True, True),
    ],
)
def test_won_is_what_the_stages_own_metadata_says_never_its_label(
    client: HubSpotClient,
    portal: StubHubSpot,
    mapping: FieldMapping,
    properties: dict[str, str | None],
    won: bool,
    closed: bool,
) -> None:
    """The deal's computed flag counts where the stage is unknown."""
    changed_deal(portal, **properties)

    found = client.fetch_deal(DEAL, mapping)

    assert (found.won, found.closed) == (won, closed)


def test_a_stage_made_today_is_learned_without_a_restart(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping, clock: StandingClock
) -> None:
    """Pipelines are kept for a day, but an unknown stage is reason to look again, at most once a minute."""
    client.fetch_deal(DEAL, mapping)
    stage = {"id": "9999", "label": "New", "metadata": {"isClosed": "true", "probability": "1.0"}}
    portal.on(r"GET /crm/v3/pipelines/deals", results({**PIPELINES, "stages": [*PIPELINES["stages"], stage]}))
    changed_deal(portal, dealstage="9999", hs_is_closed_won="false")

    too_soon = client.fetch_deal(DEAL, mapping)
    clock.advance(timedelta(minutes=2))
    later = client.fetch_deal(DEAL, mapping)

    assert (too_soon.won, later.won) == (False, True)


def test_a_deal_that_is_gone_is_not_found(client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping) -> None:
    """The error names the record and says nothing of what HubSpot quoted."""
    hubspot.on(r"GET .*/deals/4711", refusal(404, "OBJECT_NOT_FOUND", message="secret name of the deal"))

    with pytest.raises(NotFound) as caught:
        client.fetch_deal(DEAL, mapping)

    assert caught.value.ref == DEAL
    assert caught.value.request_id == "c-1"
    assert "secret name" not in str(caught.value)


def test_an_answer_without_a_deal_in_it_is_not_taken_for_one(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """An empty object with status 200 is not HubSpot's word."""
    hubspot.on(r"GET .*/deals/4711", Reply({}))

    with pytest.raises(Unreachable):
        client.fetch_deal(DEAL, mapping)


# --- Polling --------------------------------------------------------------------------------------------------------

SINCE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def moment(seconds: int) -> str:
    return (SINCE + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def found_deal(deal_id: int, seconds: int) -> dict[str, Any]:
    return {"id": str(deal_id), "properties": {"hs_lastmodifieddate": moment(seconds)}}


class DealIndex:
    """A search index that filters by change time and pages by offset, as HubSpot's does."""

    def __init__(self, deals: dict[int, int]) -> None:
        self.deals = deals  #: id -> changed at, in seconds after SINCE
        self.page = 3

    def __call__(self, asked: Asked) -> Reply:
        since = int(asked.body["filterGroups"][0]["filters"][1]["value"])
        hits = sorted(
            (seconds, each) for each, seconds in self.deals.items() if (SINCE.timestamp() + seconds) * 1000 >= since
        )
        start = int(asked.body.get("after") or 0)
        rows = [found_deal(each, seconds) for seconds, each in hits[start : start + self.page]]
        body: dict[str, Any] = {"total": len(hits), "results": rows}
        if start + self.page < len(hits):
            body["paging"] = {"next": {"after": str(start + self.page)}}
        return Reply(body)


def test_won_deals_come_oldest_first_and_once_each(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Page after page, each beginning at the last change seen."""
    hubspot.on(r"POST .*/deals/search", DealIndex({n: n * 10 for n in range(1, 11)}))

    assert [ref.id for ref in client.won_since(SINCE)] == [str(n) for n in range(1, 11)]


def test_a_deal_that_moves_to_the_end_meanwhile_hides_no_other(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """With paging by offset, deal 4 would slip through when deal 1 changes between two pages."""
    index = DealIndex({n: n * 10 for n in range(1, 8)})
    hubspot.on(r"POST .*/deals/search", index)

    deals = client.won_since(SINCE)
    seen = [next(deals).id for _ in range(3)]
    index.deals[1] = 1_000
    seen += [ref.id for ref in deals]

    assert seen == ["1", "2", "3", "4", "5", "6", "7"]


def test_many_deals_changed_in_one_moment_are_paged_through(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """An import gives a whole page one change time; offset paging serves within it."""
    hubspot.on(r"POST .*/deals/search", DealIndex(dict.fromkeys(range(1, 9), 10) | {20: 20}))

    assert [ref.id for ref in client.won_since(SINCE)] == [str(n) for n in range(1, 9)] + ["20"]


def test_more_deals_in_one_millisecond_than_search_lists_stop_with_a_sentence(
    client: HubSpotClient, hubspot: StubHubSpot
) -> None:
    """Ten thousand is where HubSpot's search ends; going on in silence would lose deals."""
    index = DealIndex(dict.fromkeys(range(1, 10_102), 10))
    index.page = 5_000
    hubspot.on(r"POST .*/deals/search", index)

    with pytest.raises(Rejected, match="millisecond"):
        list(client.won_since(SINCE))


def test_polling_asks_by_flag_or_by_won_stage(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Stages are named by id, from their metadata."""
    hubspot.on(r"POST .*/deals/search", results(total=0))

    assert list(client.won_since(SINCE)) == []

    asked = hubspot.last(r"POST .*/deals/search").body
    since = {
        "propertyName": "hs_lastmodifieddate",
        "operator": "GTE",
        "value": str(int(SINCE.timestamp()) * 1000),
    }
    assert asked["filterGroups"] == [
        {"filters": [{"propertyName": "hs_is_closed_won", "operator": "EQ", "value": "true"}, since]},
        {"filters": [{"propertyName": "dealstage", "operator": "IN", "values": ["8412"]}, since]},
    ]
    assert asked["sorts"] == ["hs_lastmodifieddate"]
    assert asked["limit"] == 200


def test_a_search_waits_for_both_of_its_limits(client: HubSpotClient, hubspot: StubHubSpot, throttle: Any) -> None:
    """Search counts against the general limit and its own lower one."""
    hubspot.on(r"POST .*/deals/search", results(total=0))
    list(client.won_since(SINCE))

    assert throttle.waited[-2:] == ["hubspot", "hubspot:search"]


def test_a_search_hit_without_its_change_time_is_not_guessed_at(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Without it the next page would have no beginning."""
    hit = {"id": "1", "properties": {}}
    hubspot.on(r"POST .*/deals/search", results(hit, paging={"next": {"after": "1"}}))

    with pytest.raises(Unreachable):
        list(client.won_since(SINCE))


def test_an_account_without_a_won_stage_is_asked_by_flag_alone(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """An IN filter without values would be refused."""
    hubspot.on(r"GET /crm/v3/pipelines/deals", results({"id": "p", "stages": [{"id": "s", "metadata": {}}]}))
    hubspot.on(r"POST .*/deals/search", results(total=0))
    list(client.won_since(SINCE))

    assert len(hubspot.last(r"POST .*/deals/search").body["filterGroups"]) == 1
