"""What no vendor should send, and some proxy or sender will: it is neither lost nor taken for the vendor's word."""

from __future__ import annotations

import stripe

from connector.billing.stripe.errors import translate
from connector.crm.salesforce.outbound import read_message
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.domain.inbox import InboundRequest
from connector.errors import Unreachable
from connector.ports import Store

ORG = "00D5g000004VYjTEAW"


def test_a_proxys_page_with_status_200_is_no_refusal_of_stripes() -> None:
    """What was asked for may well have been made behind it."""
    page = stripe.APIError("Invalid response body from API", "<html>", 200, None, {})
    assert isinstance(translate(page, "subscriptions.create"), Unreachable)


def message(notification_id: str) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{ORG}</OrganizationId>
<ActionId>04k5g000000TNsFAAW</ActionId><Notification><Id>{notification_id}</Id>
<sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>0067F000003pmdWQAQ</sf:Id>
</sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>""".encode()


def test_a_notification_id_too_long_for_an_index_is_stored_all_the_same(store: Store) -> None:
    """Refused by the database it would come again for ever, and everything else in its delivery with it."""
    body = message("".join(f"{number:x}" for number in range(20_000)))
    assert read_message(body).notifications
    hook = SalesforceWebhook(SalesforceSettings())
    events = hook.parse(InboundRequest("POST", "", {}, body))
    assert store.receive(events, events[0].occurred_at) == 1
    assert store.receive(events, events[0].occurred_at) == 0
