"""What the org tells others: outbound messages until they are acknowledged, and callouts made once."""

import hashlib
import hmac
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from connector.sandbox.faults import Fault
from connector.sandbox.salesforce.outbound import OutboundRule
from tests.sandbox.salesforce_org import Listener, ServedOrg, listening

OUT = "{http://soap.sforce.com/2005/09/outbound}"
SF = "{urn:sobject.enterprise.soap.sforce.com}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def ack(word: str) -> tuple[int, bytes]:
    body = (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{word}</Ack>'
        "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
    )
    return 200, body.encode()


YES, NO = ack("true"), ack("false")


def tell(org: ServedOrg, listener: Listener, **more: object) -> None:
    rule = {"name": "won", "object": "Opportunity", "url": listener.url, "criterion": "IsWon = true", **more}
    rule.setdefault("fields", ("Name", "Amount", "StageName", "CloseDate", "IsWon", "NextStep", "SystemModstamp"))
    org.vendor.outbound.set(OutboundRule(**rule))  # type: ignore[arg-type]  # by name


def message(listener: Listener, number: int) -> Element:
    found: Element | None = fromstring(listener.got[number][1]).find(f".//{OUT}notifications")
    assert found is not None
    return found


def told(listener: Listener, number: int) -> list[tuple[str, dict[str, str]]]:
    """(notification id, fields) of a message."""
    return [
        (
            one.findtext(f"{OUT}Id", ""),
            {field.tag.removeprefix(SF): field.text or "" for field in one.find(f"{OUT}sObject") or []},
        )
        for one in message(listener, number).findall(f"{OUT}Notification")
    ]


def test_a_won_deal_is_told_in_salesforces_envelope(org: ServedOrg) -> None:
    with listening(YES) as listener:
        tell(org, listener)
        deal = org.deal(
            opportunity={"Name": "A & B <Ltd>"},
            lines=[{"product_code": "X", "UnitPrice": 12_500_000, "Quantity": 1}],
        )
        listener.wait_for(1)

    root = message(listener, 0)
    assert root.findtext(f"{OUT}OrganizationId") == org.org.id
    assert root.findtext(f"{OUT}ActionId", "").startswith("04k")
    assert root.find(f"{OUT}SessionId") is not None
    ((number, fields),) = told(listener, 0)
    assert (number[:3], len(number)) == ("04l", 18)
    assert next(iter(fields)) == "Id"
    assert fields == {
        "Id": deal["opportunity_id"],
        "Amount": "1.25E7",
        "CloseDate": "2026-11-20",
        "IsWon": "true",
        "Name": "A & B <Ltd>",
        "StageName": "Closed Won",
        "SystemModstamp": fields["SystemModstamp"],
    }  # NextStep is empty, so it is not sent
    assert fields["SystemModstamp"].endswith(".000Z")
    record = root.find(f".//{OUT}sObject")
    assert record is not None
    assert record.get(XSI_TYPE) == "sf:Opportunity"
    assert listener.got[0][0]["Content-Type"] == "text/xml; charset=utf-8"


def test_any_change_of_a_won_deal_is_told_and_none_of_an_open_one(org: ServedOrg) -> None:
    with listening(YES) as listener:
        tell(org, listener)
        open_ = org.deal(opportunity={"StageName": "Prospecting"})
        won = org.deal()
        listener.wait_for(1)
        org.rest("PATCH", f"sobjects/Opportunity/{open_['opportunity_id']}", {"NextStep": "call"})
        org.rest("PATCH", f"sobjects/Opportunity/{won['opportunity_id']}", {"NextStep": "bill"})
        listener.wait_for(2)
        org.deliveries.wait_until_idle(5)

    assert [fields["Id"] for n in range(2) for _, fields in told(listener, n)] == [won["opportunity_id"]] * 2
    assert told(listener, 1)[0][1]["NextStep"] == "bill"
    assert len({told(listener, n)[0][0] for n in range(2)}) == 2  # each change has a notification of its own


def test_a_rule_may_wait_for_the_criterion_to_become_true(org: ServedOrg) -> None:
    with listening(YES) as listener:
        tell(org, listener, fires="becomes_true")
        deal = org.deal(opportunity={"StageName": "Prospecting"})
        path = f"sobjects/Opportunity/{deal['opportunity_id']}"
        org.rest("PATCH", path, {"StageName": "Signed and Countersigned"})
        listener.wait_for(1)
        org.rest("PATCH", path, {"NextStep": "bill"})
        org.rest("PATCH", path, {"StageName": "Prospecting"})
        org.rest("PATCH", path, {"StageName": "Closed Won"})
        listener.wait_for(2)
        org.deliveries.wait_until_idle(5)

    assert [told(listener, n)[0][1]["StageName"] for n in range(2)] == ["Signed and Countersigned", "Closed Won"]


def test_a_message_is_repeated_until_it_is_acknowledged_with_the_values_of_that_moment(org: ServedOrg) -> None:
    with listening((500, b"down"), (200, b"not xml"), (200, b"<html/>"), NO, YES) as listener:
        tell(org, listener, fires="becomes_true")
        deal = org.deal()
        listener.wait_for(2)
        org.people.update("Opportunity", deal["opportunity_id"], {"NextStep": "changed since"})
        listener.wait_for(5)
        assert org.deliveries.wait_until_idle(5)

    ids = [told(listener, n)[0][0] for n in range(5)]
    assert len(set(ids)) == 1  # the same notification, five times
    assert "NextStep" not in told(listener, 0)[0][1]
    assert told(listener, 4)[0][1]["NextStep"] == "changed since"
    assert len(listener.got) == 5


def test_a_record_deleted_meanwhile_leaves_an_empty_notification(org: ServedOrg) -> None:
    with listening(NO, YES) as listener:
        tell(org, listener)
        deal = org.deal()
        listener.wait_for(1)
        org.people.delete("Opportunity", deal["opportunity_id"])
        listener.wait_for(2)

    ((number, fields),) = told(listener, 1)
    assert number == told(listener, 0)[0][0]
    assert fields == {}


def test_many_changes_travel_in_messages_of_a_hundred(org: ServedOrg) -> None:
    deals = [org.deal(opportunity={"StageName": "Prospecting"})["opportunity_id"] for _ in range(150)]
    with listening(YES) as listener:
        tell(org, listener)
        rows = [{"attributes": {"type": "Opportunity"}, "id": one, "StageName": "Closed Won"} for one in deals]
        org.rest("PATCH", "composite/sobjects", {"records": rows})
        listener.wait_for(2)
        org.deliveries.wait_until_idle(5)

    assert sorted(len(told(listener, n)) for n in range(len(listener.got))) == [50, 100]
    assert {fields["Id"] for n in range(2) for _, fields in told(listener, n)} == set(deals)


def test_a_failed_write_tells_nobody(org: ServedOrg) -> None:
    deal = org.deal(opportunity={"StageName": "Prospecting"})["opportunity_id"]
    with listening(YES) as listener:
        tell(org, listener)
        rows = [
            {"attributes": {"type": "Opportunity"}, "id": deal, "StageName": "Closed Won"},
            {"attributes": {"type": "Opportunity"}, "id": "0065500000KQ12XAAT", "StageName": "Closed Won"},
        ]
        org.rest("PATCH", "composite/sobjects", {"allOrNone": True, "records": rows})
        marker = org.deal()["opportunity_id"]  # the first that may be told
        listener.wait_for(1)

    assert told(listener, 0)[0][1]["Id"] == marker


def test_webhook_faults_lose_and_double_messages(org: ServedOrg) -> None:
    with listening(YES) as listener:
        tell(org, listener)
        org.faults.add(Fault("salesforce", "drop"))
        org.deal()
        assert wait_for_history(org, 1)
        org.faults.add(Fault("salesforce", "double"))
        twice = org.deal()["opportunity_id"]
        listener.wait_for(2)

    assert [told(listener, n)[0][1]["Id"] for n in range(2)] == [twice] * 2
    assert told(listener, 0)[0][0] == told(listener, 1)[0][0]


def wait_for_history(org: ServedOrg, count: int) -> bool:
    org.vendor.outbound.flush()
    return len(org.deliveries.history) >= count


def test_a_callout_names_the_records_and_proves_its_sender(org: ServedOrg) -> None:
    with listening((200, b"{}")) as listener:
        tell(org, listener, format="json", secret="hush", event="deal.won")
        org.advance(days=30)
        deal = org.deal()
        listener.wait_for(1)

    headers, body = listener.got[0]
    assert listener.json(0) == {
        "organizationId": org.org.id,
        "event": "deal.won",
        "records": [{"type": "Opportunity", "id": deal["opportunity_id"]}],
    }
    moment, _, digest = headers["X-Connector-Signature"].removeprefix("t=").partition(",v1=")
    assert abs(int(moment) - org.clock.now().timestamp()) < 10
    assert digest == hmac.new(b"hush", moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["Content-Type"] == "application/json"


def test_a_callout_is_made_once_whatever_the_answer(org: ServedOrg) -> None:
    with listening((500, b"down")) as listener:
        tell(org, listener, format="json", secret="hush")
        org.deal()
        listener.wait_for(1)
        assert org.deliveries.wait_until_idle(5)
        assert len(listener.got) == 1

        tell(org, listener, format="json", secret="hush", url="http://127.0.0.1:9/nobody")
        org.deal()
        org.vendor.outbound.flush()
        assert org.deliveries.wait_until_idle(5)
    assert [one.attempt for one in org.deliveries.history] == [1, 1]


def test_rules_can_be_replaced_and_removed(org: ServedOrg) -> None:
    with listening(YES) as listener:
        tell(org, listener)
        tell(org, listener, criterion="StageName = 'Closed Lost'")
        org.deal()
        lost = org.deal(opportunity={"StageName": "Closed Lost"})["opportunity_id"]
        listener.wait_for(1)
        org.vendor.outbound.drop("won")
        org.deal(opportunity={"StageName": "Closed Lost"})
        org.vendor.outbound.flush()
        assert org.deliveries.wait_until_idle(5)

    assert [fields["Id"] for _, fields in told(listener, 0)] == [lost]
    assert len(listener.got) == 1
    assert org.vendor.outbound.rules() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"object": "Nothing"},
        {"fields": ("Nope",)},
        {"criterion": "Nope = 1"},
        {"criterion": "IsWon ="},
        {"format": "json", "secret": ""},
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_set(org: ServedOrg, wrong: dict[str, object]) -> None:
    with listening(YES) as listener, pytest.raises(ValueError, match=r"\w"):
        tell(org, listener, **wrong)
    assert org.vendor.outbound.rules() == []
