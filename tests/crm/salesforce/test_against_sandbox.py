"""The client against the make-believe Salesforce, over real HTTP: sign-in, set-up, a deal, write-backs, faults."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.crm.salesforce.client import SalesforceClient
from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.domain.inbox import EventKind, InboundRequest
from connector.domain.refs import RecordRef
from connector.domain.write_back import BY_NAME, Value, ValueType
from connector.errors import AccessLost, Gone, NotFound, RateLimited, Rejected, RetryLater, Unreachable
from connector.ports import CheckStatus, CrmWrite
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import INTEGRATION_USERNAME
from connector.sandbox.salesforce.oauth import Client
from connector.sandbox.salesforce.outbound import OutboundRule
from connector.sandbox.salesforce.settings import ValidationRule
from mappings.apply import read, write
from mappings.model import FieldMapping
from tests.crm.salesforce.conftest import Turnstile, account_ref, calls, deal_ref, set_up, settings_for
from tests.sandbox.salesforce_org import Listener, ServedOrg, listening

ACK = b"<Ack>true</Ack>"


# --- set-up and checks ----------------------------------------------------------------------------------------------


def test_setup_makes_everything_once(connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping) -> None:
    """A second run finds it all made; a third party's view agrees; the sandbox refused nothing."""
    made = set_up(connected, mapping)
    assert "field Account.Billing_Health__c" in made
    assert "field Opportunity.Billing_Sync_Message__c" in made
    assert "field Product2.Stripe_Price_Id__c" in made
    assert "permission set Billing_Connector" in made
    assert [action.id for action in connected.setup(mapping) if not action.done] == []
    assert served.log.refused() == []


def test_a_field_of_the_customers_own_stays_as_it_is(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """Same name, another type: set-up does not touch it, and what does not fit is told at the write."""
    ours = {"FullName": "Account.Billing_Mrr__c", "Metadata": {"label": "Ours", "type": "Text", "length": 7}}
    served.rest("POST", "tooling/sobjects/CustomField", ours)
    assert "field Account.Billing_Mrr__c" not in set_up(connected, mapping)
    info = connected.describe("account").fields["Billing_Mrr__c"]
    assert (info.label, info.type, info.length) == ("Ours", "text", 7)


def test_an_interrupted_setup_is_taken_up_again(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """Actions planned before somebody else made the same things end well."""
    planned = connected.setup(mapping)
    set_up(connected, mapping)
    for action in planned:
        assert action.apply is not None
        action.apply()
    assert [action.id for action in connected.setup(mapping) if not action.done] == []


def test_fields_that_stay_hidden_fail_the_last_step(
    ready: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """Somebody took the permission set away again."""
    [assignment] = served.people.read_all("PermissionSetAssignment")
    served.people.delete("PermissionSetAssignment", str(assignment["Id"]))
    undone = {action.id: action for action in ready.setup(mapping) if not action.done}
    assert set(undone) == {"assignment of Billing_Connector", "fields visible"}
    verify = undone["fields visible"].apply
    assert verify is not None
    with pytest.raises(AccessLost, match=r"Opportunity\.Billing_"):
        verify()


def test_every_canonical_type_becomes_its_own_kind_of_field(ready: SalesforceClient, mapping: FieldMapping) -> None:
    """As describe sees them afterwards."""
    expected = {
        ValueType.TEXT: "text",
        ValueType.LONG_TEXT: "long_text",
        ValueType.MONEY: "money",
        ValueType.NUMBER: "number",
        ValueType.PERCENT: "percent",
        ValueType.DATE: "date",
        ValueType.DATETIME: "datetime",
        ValueType.CHECKBOX: "checkbox",
        ValueType.CHOICE: "choice",
        ValueType.URL: "text",
    }
    for kind in ("account", "deal"):
        fields = ready.describe(kind).fields
        for canonical, name in mapping.write_back[kind].items():
            assert fields[name].type == expected[BY_NAME[canonical].type], name
            assert fields[name].writable, name
    assert ready.describe("account").fields["Billing_Health__c"].choices == (
        "good",
        "watch",
        "late",
        "severe",
        "unknown",
    )


def test_a_word_that_we_learn_later_fits_an_older_org(ready: SalesforceClient, served: ServedOrg) -> None:
    """Our picklists are not restricted, so an upgrade needs no second set-up."""
    account = served.account()
    [result] = ready.write([CrmWrite(account_ref(account), {"Billing_Health__c": "splendid"})])
    assert result.error is None
    assert served.people.read("Account", account)["Billing_Health__c"] == "splendid"


def test_checks_tell_what_set_up_would_mend(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """Red before, green after."""

    def found() -> dict[str, CheckStatus]:
        return {check.id: check.status for check in connected.check(mapping)}

    before = found()
    assert before["salesforce.credentials"] is CheckStatus.OK
    assert before["salesforce.organization"] is CheckStatus.OK
    assert before["salesforce.fields.write.account"] is CheckStatus.FAIL
    assert before["salesforce.fields.write.deal"] is CheckStatus.FAIL
    assert before["salesforce.fields.read"] is CheckStatus.WARN
    assert before["salesforce.allowance"] is CheckStatus.OK
    assert before["salesforce.webhooks"] is CheckStatus.WARN
    set_up(connected, mapping)
    after = found()
    assert after["salesforce.fields.write.account"] is CheckStatus.OK
    assert after["salesforce.fields.write.deal"] is CheckStatus.OK


def test_checks_without_a_way_in_say_so(served: ServedOrg, throttle: Turnstile, mapping: FieldMapping) -> None:
    """One finding instead of a traceback."""
    client = SalesforceClient(settings_for(served, client_secret="wrong"), throttle, served.clock.now)
    first = client.check(mapping)[0]
    assert (first.id, first.status) == ("salesforce.credentials", CheckStatus.FAIL)
    assert "SALESFORCE_CLIENT_ID" in first.hint


# --- signing in -----------------------------------------------------------------------------------------------------


def test_a_jwt_lets_us_in(served: ServedOrg, throttle: Turnstile) -> None:
    """Signed with a key whose public half the org holds."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    served.vendor.logins.clients["jwt"] = Client(
        "jwt", public_key=public.decode(), approved_users={INTEGRATION_USERNAME}
    )
    settings = settings_for(
        served, client_id="jwt", client_secret="", username=INTEGRATION_USERNAME, private_key=pem.replace("\n", "\\n")
    )
    client = SalesforceClient(settings, throttle, served.clock.now)
    assert "Name" in client.describe("deal").fields


def test_a_session_that_ends_is_renewed_without_a_word(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """An admin revoked every session between two calls."""
    ref = deal_ref(served.deal())
    connected.fetch_deal(ref, mapping)
    with served.org.lock:
        served.vendor.logins.end_all()
    assert connected.fetch_deal(ref, mapping).won


# --- deals ----------------------------------------------------------------------------------------------------------


def test_a_deal_arrives_whole(ready: SalesforceClient, served: ServedOrg, mapping: FieldMapping) -> None:
    """What people entered is what the mapping yields, to the cent."""
    made = served.deal(
        account={"Name": "Fjord Fisheries", "BillingCity": "Bergen", "BillingCountry": "Norway", "Phone": "+47 1"},
        contact={"FirstName": "Ida", "LastName": "Moe", "Email": "ida@fjord.example"},
        opportunity={
            "Name": "Fjord 2026",
            "StageName": "Signed and Countersigned",
            "Billing_Start__c": "2026-12-01",
            "Billing_Term_Months__c": 12,
            "Billing_Net_Days__c": 45,
            "Billing_PO_Number__c": "PO-7",
            "Billing_Collection__c": "send_invoice",
        },
        lines=[
            {"product_code": "SEAT-TEAM", "Quantity": 7, "UnitPrice": 29.99, "Billing_Frequency__c": "Monthly"},
            {
                "product": {"Name": "Launch", "ProductCode": "LAUNCH", "Billing_Frequency__c": "One-time"},
                "Quantity": 1,
                "UnitPrice": 1000.1,
                "Discount": 10,
            },
        ],
    )

    deal = ready.fetch_deal(deal_ref(made), mapping)

    assert deal.won
    assert deal.closed
    assert deal.account == account_ref(made["account_id"])
    assert deal.contact == RecordRef("salesforce", "contact", made["contact_id"])
    values = read(mapping.deal, deal.records)
    assert values["account.name"] == "Fjord Fisheries"
    assert values["account.address.country"] == "Norway"
    assert values["contact.email"] == "ida@fjord.example"
    assert values["deal.currency"] == "usd"
    assert values["terms.start"] == date(2026, 12, 1)
    assert (values["terms.months"], values["terms.net_days"]) == (12, 45)
    assert (values["terms.po_number"], values["terms.collection"]) == ("PO-7", "send_invoice")
    seats, launch = (read(mapping.line_item, line.records) for line in deal.lines)
    assert (seats["line.quantity"], seats["line.unit_price"]) == (Decimal(7), Decimal("29.99"))
    assert seats["line.interval"] == ("month", 1)
    assert seats["product.code"] == "SEAT-TEAM"
    assert (launch["line.unit_price"], launch["line.discount_percent"]) == (Decimal("1000.1"), Decimal(10))
    assert launch["line.interval"] is not None
    assert launch["line.total"] == Decimal("900.09")
    assert served.log.refused() == []


def test_an_org_with_several_currencies_names_one_per_deal(
    served: ServedOrg, throttle: Turnstile, mapping: FieldMapping
) -> None:
    """There the field exists, and the setting is not needed."""
    from connector.sandbox.salesforce.features import use_currencies

    with served.org.lock:
        use_currencies(served.org, on=True)
    client = SalesforceClient(settings_for(served), throttle, served.clock.now)
    made = served.deal(opportunity={"CurrencyIsoCode": "EUR"})
    deal = client.fetch_deal(deal_ref(made), mapping)
    assert read(mapping.deal, deal.records)["deal.currency"] == "eur"


def test_a_deleted_deal_is_not_found(connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping) -> None:
    """And an open one is not won."""
    made = served.deal(opportunity={"StageName": "Prospecting"})
    assert not connected.fetch_deal(deal_ref(made), mapping).won
    served.people.delete("Opportunity", made["opportunity_id"])
    with pytest.raises(Gone):
        connected.fetch_deal(deal_ref(made), mapping)


def test_polling_finds_won_deals_in_order(connected: SalesforceClient, served: ServedOrg) -> None:
    """Across pages, several in one second, none twice and none missed; open and lost ones stay out."""
    served.org.settings.query_batch = 2
    served.deal()
    served.advance(minutes=10)
    since = served.clock.now().replace(microsecond=0)
    won = [served.deal()["opportunity_id"] for _ in range(3)]
    served.deal(opportunity={"StageName": "Closed Lost"})
    served.deal(opportunity={"StageName": "Prospecting"})
    served.advance(minutes=1)
    won += [served.deal()["opportunity_id"] for _ in range(2)]
    found = [ref.id for ref in connected.won_since(since)]
    assert sorted(found) == sorted(won)
    assert found[-2:] == won[-2:]
    assert calls(served, "GET", "/query/{locator}") == 2
    assert served.log.refused() == []


# --- write-backs ----------------------------------------------------------------------------------------------------

VALUES: dict[str, Value] = {
    "customer_id": "cus_123",
    "mrr": Decimal("1234.56"),
    "currency": "usd",
    "renewal_date": date(2027, 1, 31),
    "overdue_count": 2,
    "on_time_rate": Decimal("66.67"),
    "average_days_late": Decimal("3.5"),
    "health": "late",
    "health_reason": "Two invoices are overdue.",
    "late_payer": True,
    "last_invoice_url": "https://invoice.example.com/1",
    "synced_at": datetime(2026, 11, 21, 12, 30, 15, tzinfo=UTC),
}


def test_values_arrive_as_they_are(ready: SalesforceClient, served: ServedOrg, mapping: FieldMapping) -> None:
    """Each in its own type; None clears, and clears a checkbox to false."""
    account = served.account()
    deal = served.deal(account_id=account, account=None)["opportunity_id"]
    writes = [
        CrmWrite(account_ref(account), write(mapping, "account", VALUES)),
        CrmWrite(RecordRef("salesforce", "deal", deal), write(mapping, "deal", VALUES)),
    ]
    assert [result.error for result in ready.write(writes)] == [None, None]
    for name, record_id in (("Account", account), ("Opportunity", deal)):
        record = served.people.read(name, record_id)
        assert record["Billing_Customer_Id__c"] == "cus_123"
        assert record["Billing_Mrr__c"] == 1234.56
        assert record["Billing_Renewal_Date__c"] == "2027-01-31"
        assert record["Billing_Overdue_Count__c"] == 2
        assert record["Billing_On_Time_Rate__c"] == 66.67
        assert record["Billing_Average_Days_Late__c"] == 3.5
        assert record["Billing_Late_Payer__c"] is True
        assert record["Billing_Synced_At__c"] == "2026-11-21T12:30:15.000+0000"
    cleared = dict.fromkeys(VALUES)
    [result] = ready.write([CrmWrite(account_ref(account), write(mapping, "account", cleared))])
    assert result.error is None
    record = served.people.read("Account", account)
    assert record["Billing_Mrr__c"] is None
    assert record["Billing_Late_Payer__c"] is False
    assert served.log.refused() == []


def test_two_hundred_records_are_one_call(ready: SalesforceClient, served: ServedOrg) -> None:
    """Accounts and deals together; one more record makes a second call."""
    accounts = [served.account(f"A{n}") for n in range(200)]
    deal = served.deal(account_id=accounts[0], account=None)["opportunity_id"]
    writes = [CrmWrite(account_ref(each), {"Billing_Overdue_Count__c": n}) for n, each in enumerate(accounts)]
    writes[7] = CrmWrite(RecordRef("salesforce", "deal", deal), {"Billing_Mrr__c": Decimal(5)})
    assert [result.error for result in ready.write(writes)] == [None] * 200
    assert calls(served, "PATCH", "/composite/sobjects") == 1
    ready.write([*writes, CrmWrite(account_ref(accounts[7]), {"Billing_Overdue_Count__c": 1})])
    assert calls(served, "PATCH", "/composite/sobjects") == 3
    assert served.people.read("Account", accounts[199])["Billing_Overdue_Count__c"] == 199


def test_one_bad_row_spoils_no_other(ready: SalesforceClient, served: ServedOrg) -> None:
    """A rule of the customer's, a deleted record, a value that does not fit: each told on its own row, in order."""
    fine, guarded, gone, fat = (served.account(name) for name in ("Fine", "Guarded", "Gone", "Fat"))
    served.people.delete("Account", gone)
    with served.org.lock:
        served.org.settings.validation_rules = [ValidationRule("Account", "Name = 'Guarded'", "Guarded owes 5")]
    results = ready.write(
        [
            CrmWrite(account_ref(guarded), {"Billing_Overdue_Count__c": 1}),
            CrmWrite(account_ref(gone), {"Billing_Overdue_Count__c": 1}),
            CrmWrite(account_ref(fat), {"Billing_Currency__c": "x" * 256}),
            CrmWrite(account_ref(fine), {"Billing_Overdue_Count__c": 1}),
        ]
    )
    assert [result.ref.id for result in results] == [guarded, gone, fat, fine]
    assert [type(result.error) for result in results] == [Rejected, NotFound, Rejected, type(None)]
    assert "validation rule" in str(results[0].error)
    assert "Guarded" not in str(results[0].error)
    assert "Account.Billing_Currency__c" in str(results[2].error)
    assert served.people.read("Account", fine)["Billing_Overdue_Count__c"] == 1


def test_a_locked_row_is_tried_later(ready: SalesforceClient, served: ServedOrg) -> None:
    """The row alone, and only for a while."""
    account = served.account()
    served.faults.add(Fault("salesforce", "row_error", detail="UNABLE_TO_LOCK_ROW"))
    change = CrmWrite(account_ref(account), {"Billing_Overdue_Count__c": 1})
    [first] = ready.write([change])
    assert type(first.error) is RetryLater
    [second] = ready.write([change])
    assert second.error is None


def test_fields_that_are_missing_are_told_once(connected: SalesforceClient, served: ServedOrg) -> None:
    """Before set-up nothing is sent: one sentence instead of two hundred parked rows. After set-up it just works."""
    writes = [CrmWrite(account_ref(served.account(name)), {"Billing_Health__c": "good"}) for name in "ABC"]
    with pytest.raises(Rejected, match=r"Account\.Billing_Health__c") as caught:
        connected.write(writes)
    assert "connector setup salesforce" in caught.value.hint
    assert calls(served, "PATCH", "/composite/sobjects") == 0


def test_a_field_made_since_is_found_without_a_restart(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """The org is asked again before anyone complains."""
    change = [CrmWrite(account_ref(served.account()), {"Billing_Health__c": "good"})]
    assert [type(result.error) for result in connected.write(change)] == [Rejected]
    other = SalesforceClient(settings_for(served), Turnstile(), served.clock.now)
    set_up(other, mapping)
    assert [result.error for result in connected.write(change)] == [None]


# --- trouble --------------------------------------------------------------------------------------------------------


def test_a_short_outage_is_bridged(
    connected: SalesforceClient, served: ServedOrg, naps: list[float], mapping: FieldMapping
) -> None:
    """Two answers of 503, then all is well."""
    ref = deal_ref(served.deal())
    connected.fetch_deal(ref, mapping)
    served.faults.add(Fault("salesforce", "server_error", times=2, detail="SERVER_UNAVAILABLE"))
    assert connected.fetch_deal(ref, mapping).won
    assert len(naps) == 2


def test_a_long_outage_is_unreachable(connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping) -> None:
    """And the work comes back later."""
    ref = deal_ref(served.deal())
    connected.fetch_deal(ref, mapping)
    served.faults.add(Fault("salesforce", "server_error", times=99))
    with pytest.raises(Unreachable):
        connected.fetch_deal(ref, mapping)


def test_a_spent_allowance_is_rate_limited(
    connected: SalesforceClient, served: ServedOrg, throttle: Turnstile, naps: list[float], mapping: FieldMapping
) -> None:
    """Not tried again within seconds: it lasts for hours. The figures reach the throttle."""
    ref = deal_ref(served.deal())
    connected.fetch_deal(ref, mapping)
    used = throttle.budgets[-1][1]
    served.org.settings.daily_requests = used
    with pytest.raises(RateLimited):
        connected.fetch_deal(ref, mapping)
    assert naps == []
    assert throttle.budgets[-1] == ("salesforce", used, used)


# --- webhooks -------------------------------------------------------------------------------------------------------


def delivered(listener: Listener, number: int = 0, token: str = "") -> InboundRequest:
    headers, body = listener.got[number]
    lower = {name.lower(): value for name, value in headers.items()}
    return InboundRequest("POST", listener.url, lower, body, path_token=token)


def test_an_outbound_message_of_the_sandbox_is_understood(served: ServedOrg) -> None:
    """As it comes off the wire, with the answer that stops its repeats."""
    hook = SalesforceWebhook(settings_for(served, webhook_token="hush", organization_ids=served.org.id))
    with listening((200, hook.acknowledge(InboundRequest("POST", "", {}, b"")).body)) as listener:
        served.vendor.outbound.set(OutboundRule("won", "Opportunity", listener.url, criterion="IsWon = true"))
        made = served.deal()
        listener.wait_for(1)
        request = delivered(listener, token="hush")
        hook.verify(request, served.clock.now())
        assert {event.subject for event in hook.parse(request)} == {deal_ref(made)}
        assert hook.parse(request)[0].kind is EventKind.DEAL_CHANGED


def test_a_callout_of_the_sandbox_is_understood(served: ServedOrg) -> None:
    """Signed by the clock that the sandbox and we share."""
    hook = SalesforceWebhook(settings_for(served, webhook_secrets="s1,s2", organization_ids=served.org.id))
    served.advance(days=40)
    with listening((200, b"{}")) as listener:
        served.vendor.outbound.set(
            OutboundRule("won", "Opportunity", listener.url, criterion="IsWon = true", format="json", secret="s2")
        )
        made = served.deal()
        listener.wait_for(1)
        request = delivered(listener)
        hook.verify(request, served.clock.now() + timedelta(seconds=5))
        assert {event.subject for event in hook.parse(request)} == {deal_ref(made)}
