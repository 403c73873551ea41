"""Outbound messages: reads Salesforce's SOAP notifications with a parser that no document can turn against us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connector.crm.salesforce.ids import is_record_id, long_id
from connector.errors import NotGenuine, Unreadable

MOST_NOTIFICATIONS = 100

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENTERPRISE = "urn:sobject.enterprise.soap.sforce.com"

_RECORD_NAMESPACES = "{urn:sobject."
_SESSION = re.compile(rb"(<(?:[\w.-]{1,40}:)?SessionId\b[^>]{0,200}>)[^<]+")

ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
"""Acknowledges the whole message, every notification in it. Salesforce repeats the message until it hears this."""

for _prefix, _namespace in (("soapenv", SOAP), ("out", OUTBOUND), ("xsi", XSI), ("sf", ENTERPRISE)):
    register_namespace(_prefix, _namespace)


@dataclass(frozen=True, slots=True)
class Notification:
    """One record that changed, as one element of a message tells it."""

    id: str  #: unique for each change; empty when the element names none
    object: str  #: "Opportunity"; empty when the record is gone
    record_id: str  #: as it arrived; empty when the element names none
    empty: bool  #: Salesforce has nothing to tell any more: the record was deleted meanwhile
    changed_at: datetime | None
    body: str  #: the envelope with this notification alone, and without any session id


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery: whose it is, and what it tells."""

    organization_id: str
    notifications: tuple[Notification, ...]


def read_message(body: bytes) -> Message:
    """The delivery's content.

    Raises:
        NotGenuine: the XML uses a DTD or entities, which Salesforce never does.
        Unreadable: it is no outbound message, or holds no notification, or more than a hundred.
    """
    root = _parsed(body)
    found = root.find(f"{{{SOAP}}}Body/{{{OUTBOUND}}}notifications")
    if root.tag != f"{{{SOAP}}}Envelope" or found is None:
        raise Unreadable("The body is not a Salesforce outbound message.", provider="salesforce")
    elements = found.findall(f"{{{OUTBOUND}}}Notification")
    if not 1 <= len(elements) <= MOST_NOTIFICATIONS:
        raise Unreadable(
            f"An outbound message holds 1 to {MOST_NOTIFICATIONS} notifications, this one {len(elements)}.",
            provider="salesforce",
        )
    organization = _text(found, "OrganizationId")
    if not is_record_id(organization):
        raise Unreadable("The outbound message names no organization.", provider="salesforce")
    action = _text(found, "ActionId")
    return Message(
        organization_id=long_id(organization),
        notifications=tuple(_notification(each, organization, action) for each in elements),
    )


def without_session(body: bytes) -> bytes:
    """Any body without the session ids in it, even one that no parser can read."""
    return _SESSION.sub(rb"\1", body)


def _parsed(body: bytes) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise NotGenuine(
            "The XML uses what Salesforce never sends: a DTD or an entity.", provider="salesforce"
        ) from error
    except (ParseError, ValueError, LookupError) as error:  # the latter two: an encoding that does not exist or fit
        raise Unreadable("The body is not XML.", provider="salesforce") from error
    return root


def _notification(element: Element, organization: str, action: str) -> Notification:
    record = element.find(f"{{{OUTBOUND}}}sObject")
    fields = dict(_fields(record)) if record is not None else {}
    kind = record.get(f"{{{XSI}}}type", "") if record is not None else ""
    return Notification(
        id=_text(element, "Id"),
        object=kind.rsplit(":", 1)[-1],
        record_id=fields.get("Id", ""),
        empty=not fields,
        changed_at=_moment(fields.get("SystemModstamp") or fields.get("LastModifiedDate")),
        body=_alone(element, organization, action),
    )


def _fields(record: Element) -> Iterator[tuple[str, str]]:
    for child in record:
        if child.tag.startswith(_RECORD_NAMESPACES):
            yield child.tag.rsplit("}", 1)[-1], (child.text or "").strip()


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(f"{{{OUTBOUND}}}{name}") or "").strip()


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


def _alone(notification: Element, organization: str, action: str) -> str:
    """A message with this notification only: small enough to store, whole enough to parse again."""
    envelope = Element(f"{{{SOAP}}}Envelope")
    message = SubElement(SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{OUTBOUND}}}notifications")
    SubElement(message, f"{{{OUTBOUND}}}OrganizationId").text = organization
    SubElement(message, f"{{{OUTBOUND}}}ActionId").text = action
    message.append(notification)
    return tostring(envelope, encoding="unicode")
