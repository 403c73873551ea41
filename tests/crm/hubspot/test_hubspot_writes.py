"""Writing many records in full batches, in which one bad row spoils nothing for the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import AccessLost, NotFound, RateLimited, Rejected, Unreachable, Unsupported
from connector.ports import CrmWrite
from tests.crm.hubspot.conftest import COMPANY_PROPERTIES, StandingClock
from tests.crm.hubspot.stub import Asked, Reply, StubHubSpot, a_property, refusal, results

UPDATE = r"POST /crm/v3/objects/companies/batch/update"


def company(number: int) -> RecordRef:
    return RecordRef("hubspot", "account", str(number))


def a_write(number: int, **fields: Value) -> CrmWrite:
    return CrmWrite(company(number), fields or {"billing_health": "late"})


def accepting(asked: Asked) -> Reply:
    """Every row taken, as HubSpot answers when all is well."""
    return results(*({"id": row["id"], "properties": row["properties"]} for row in asked.body["inputs"]))


def refusing_whole(*bad: int, **body: Any) -> Callable[[Asked], Reply]:
    """The whole batch refused while any of these rows is in it, without a word on which."""

    def answer(asked: Asked) -> Reply:
        ids = {row["id"] for row in asked.body["inputs"]}
        return refusal(400, **body) if ids & {str(each) for each in bad} else accepting(asked)

    return answer


def sizes(hubspot: StubHubSpot) -> list[int]:
    return [len(each.body["inputs"]) for each in hubspot.asked if each.path.endswith("/batch/update")]


def test_two_hundred_and_fifty_records_are_three_requests(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """A hundred rows go into one."""
    hubspot.on(UPDATE, accepting)

    done = client.write([a_write(n) for n in range(1, 251)])

    assert sizes(hubspot) == [100, 100, 50]
    assert [result.ref for result in done] == [company(n) for n in range(1, 251)]
    assert all(result.error is None for result in done)


def test_values_go_out_as_the_text_that_hubspot_wants(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Numbers plain, days and moments ISO, checkboxes true or false, nothing as the empty text."""
    hubspot.on(UPDATE, accepting)

    client.write(
        [
            a_write(
                1,
                billing_mrr=Decimal("1234.50"),
                billing_overdue_count=3,
                billing_renewal_date=date(2027, 3, 1),
                billing_synced_at=datetime(2026, 11, 21, 10, 30, tzinfo=UTC),
                billing_late_payer=True,
                billing_credit_hold=False,
                billing_health="severe",
                billing_sync_message=None,
            )
        ]
    )
    assert hubspot.last(UPDATE).body["inputs"] == [
        {
            "id": "1",
            "objectWriteTraceId": "1",
            "properties": {
                "billing_mrr": "1234.50",
                "billing_overdue_count": "3",
                "billing_renewal_date": "2027-03-01",
                "billing_synced_at": "2026-11-21T10:30:00.000Z",
                "billing_late_payer": "true",
                "billing_credit_hold": "false",
                "billing_health": "severe",
                "billing_sync_message": "",
            },
        }
    ]


def test_several_writes_to_one_record_become_one_row(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """HubSpot refuses a batch that names a record twice; the later value counts, and both writes have a result."""
    hubspot.on(UPDATE, accepting)

    first = a_write(1, billing_health="late", billing_sync_status="billed")
    done = client.write([first, a_write(1, billing_health="good", billing_currency="usd")])

    assert hubspot.last(UPDATE).body["inputs"][0]["properties"] == {
        "billing_health": "good",
        "billing_sync_status": "billed",
        "billing_currency": "usd",
    }
    assert [result.error for result in done] == [None, None]


def test_each_kind_goes_to_its_own_object(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Deals and companies are different batches; results keep the order of the writes."""
    hubspot.on(UPDATE, accepting)
    hubspot.on(r"POST /crm/v3/objects/deals/batch/update", accepting)
    deal = CrmWrite(RecordRef("hubspot", "deal", "7"), {"billing_sync_status": "billed"})

    done = client.write([deal, a_write(1), a_write(2)])

    assert [result.ref for result in done] == [deal.ref, company(1), company(2)]
    assert sizes(hubspot) == [1, 2]


def test_a_row_that_hubspot_refuses_fails_alone(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """207 with an entry per refused row, named by id or by our trace id."""
    told = {
        "results": [{"id": "1"}],
        "numErrors": 2,
        "errors": [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone: Acme", "context": {"ids": ["2"]}},
            {
                "status": "error",
                "category": "VALIDATION_ERROR",
                "context": {"objectWriteTraceId": ["3"]},
                "errors": [{"code": "INVALID_OPTION", "context": {"propertyName": ["billing_health"]}}],
            },
        ],
    }
    hubspot.on(UPDATE, Reply(told, 207))

    first, second, third = client.write([a_write(n) for n in (1, 2, 3)])

    assert first.error is None
    assert isinstance(second.error, NotFound)
    assert "Acme" not in str(second.error)
    assert isinstance(third.error, Rejected)
    assert "billing_health" in str(third.error)


def test_a_refused_row_without_a_name_is_never_taken_for_written(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """What is not in the results is not written, whoever the error is about."""
    told = {"results": [{"id": "1"}], "errors": [{"category": "RATE_LIMITS", "message": "slow"}]}
    hubspot.on(UPDATE, Reply(told, 207))

    first, second = client.write([a_write(1), a_write(2)])

    assert first.error is None
    assert isinstance(second.error, RateLimited)


def test_a_row_that_the_answer_forgets_is_written_again(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Neither written nor refused: it comes back by itself."""
    hubspot.on(UPDATE, results({"id": "1"}))

    assert isinstance(client.write([a_write(1), a_write(2)])[1].error, Unreachable)


def test_a_batch_refused_whole_is_halved_until_the_bad_row_stands_alone(
    client: HubSpotClient, hubspot: StubHubSpot
) -> None:
    """Of a hundred rows one is refused; ninety-nine are written in few requests."""
    hubspot.on(UPDATE, refusing_whole(37))

    done = client.write([a_write(n) for n in range(1, 101)])

    assert [result.ref for result in done if result.error] == [company(37)]
    assert isinstance(done[36].error, Rejected)
    assert len(sizes(hubspot)) <= 15


def test_a_batch_refused_whole_that_names_its_bad_row_needs_no_halving(
    client: HubSpotClient, hubspot: StubHubSpot
) -> None:
    """The named row is set aside, the rest sent again at once."""
    hubspot.on(UPDATE, refusing_whole(2, context={"ids": ["2"]}))

    done = client.write([a_write(n) for n in (1, 2, 3)])

    assert [result.ref for result in done if result.error] == [company(2)]
    assert sizes(hubspot) == [3, 2]


def test_a_property_that_vanished_fails_its_rows_and_no_others(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """HubSpot knows better than our kept definitions; every row with that property is told so in one go."""

    def answer(asked: Asked) -> Reply:
        if any("billing_health" in row["properties"] for row in asked.body["inputs"]):
            detail = {"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["billing_health"]}}
            return refusal(400, errors=[detail])
        return accepting(asked)

    hubspot.on(UPDATE, answer)

    done = client.write([a_write(1), a_write(2, billing_currency="usd"), a_write(3)])

    assert [bool(result.error) for result in done] == [True, False, True]
    assert "connector setup hubspot" in str(done[0].error)
    assert sizes(hubspot) == [3, 1]


def test_a_property_that_the_account_demands_is_named(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """From version 2026-09 the account's own required-property rules hold for us too: no loop, a sentence."""
    detail = {
        "message": "Industry is required for Acme GmbH",
        "code": "REQUIRED_FIELD",
        "context": {"propertyName": ["industry"]},
    }
    hubspot.on(UPDATE, refusal(400, message="Required properties are missing", errors=[detail]))

    (result,) = client.write([a_write(1)])

    assert isinstance(result.error, Rejected)
    assert "demands a value for industry" in str(result.error)
    assert "Acme" not in str(result.error)
    assert sizes(hubspot) == [1]


def test_a_property_the_account_lacks_is_told_without_asking_for_it(
    client: HubSpotClient, hubspot: StubHubSpot
) -> None:
    """The sentence names the property, the hint the command; the other rows are written."""
    hubspot.on(UPDATE, accepting)

    done = client.write([a_write(1, billing_nonsense="x"), a_write(2)])

    assert isinstance(done[0].error, Rejected)
    assert "billing_nonsense" in str(done[0].error)
    assert "connector setup hubspot" in str(done[0].error)
    assert done[1].error is None
    assert sizes(hubspot) == [1]


def test_a_property_made_since_we_looked_is_found(
    client: HubSpotClient, hubspot: StubHubSpot, clock: StandingClock
) -> None:
    """Set-up may run while we do: what is missing is looked up anew, at most once a minute."""
    hubspot.on(UPDATE, accepting)
    client.describe("account")
    hubspot.on(r"GET /crm/v3/properties/companies", results(*COMPANY_PROPERTIES, a_property("billing_new")))
    clock.advance(timedelta(minutes=2))

    assert client.write([a_write(1, billing_new="x")])[0].error is None


def test_a_missing_property_is_not_looked_up_again_for_every_row(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """A hundred rows without a property cost one request for definitions."""
    client.write([a_write(n, billing_nonsense="x") for n in range(1, 101)])

    assert hubspot.lines() == ["GET /crm/v3/properties/companies"]


@pytest.mark.parametrize(
    ("fields", "word"), [({"billing_health": "splendid"}, "billing_health"), ({"computed": "1"}, "computed")]
)
def test_what_hubspot_is_bound_to_refuse_is_not_sent(
    client: HubSpotClient, hubspot: StubHubSpot, fields: dict[str, Value], word: str
) -> None:
    """A value that is no option of its list, and a property that HubSpot computes."""
    hubspot.on(
        r"GET /crm/v3/properties/companies",
        results(*COMPANY_PROPERTIES, a_property("computed", "number", calculated=True)),
    )
    (result,) = client.write([a_write(1, **fields)])

    assert isinstance(result.error, Rejected)
    assert word in str(result.error)
    assert "splendid" not in str(result.error)
    assert sizes(hubspot) == []


def test_a_write_without_fields_is_done_without_a_request(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """HubSpot would refuse an empty row."""
    assert client.write([CrmWrite(company(1), {})])[0].error is None
    assert sizes(hubspot) == []


def test_a_kind_that_hubspot_has_not_is_unsupported(client: HubSpotClient) -> None:
    """The other rows are not held up by it."""
    (result,) = client.write([CrmWrite(RecordRef("hubspot", "invoice", "1"), {"x": "y"})])

    assert isinstance(result.error, Unsupported)


def test_when_nothing_was_taken_the_failure_is_an_exception(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Nothing is known of any row, so no row may be marked."""
    hubspot.on(UPDATE, refusal(429, "RATE_LIMITS"))

    with pytest.raises(RateLimited):
        client.write([a_write(1), a_write(2)])


def test_when_some_rows_were_taken_the_rest_carry_the_failure(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """The first hundred stay written; no further batch is sent to a closed door."""
    hubspot.on(UPDATE, accepting, refusal(403, "MISSING_SCOPES"))

    done = client.write([a_write(n) for n in range(1, 301)])

    assert all(result.error is None for result in done[:100])
    assert all(isinstance(result.error, AccessLost) for result in done[100:])
    assert sizes(hubspot) == [100, 100]


def test_no_writes_are_no_requests(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """An empty batch would be refused."""
    assert client.write([]) == []
    assert hubspot.asked == []
