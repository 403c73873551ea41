"""The outbound message's envelope and the acknowledgement it waits for.

Source: SOAP API guide, "Outbound Messaging"; the order and spelling follow messages that public tests show.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connector.sandbox.salesforce.json_text import double
from connector.sandbox.salesforce.values import Record, Value, to_json

_ACK = "{http://soap.sforce.com/2005/09/outbound}Ack"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    ' <soapenv:Body>\n  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">\n'
)
_TAIL = "  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>"


def envelope(
    organization_id: str, action_id: str, host: str, object_name: str, notifications: Sequence[tuple[str, Record]]
) -> bytes:
    """One message of up to a hundred notifications: (notification id, the record's fields as they are now)."""
    lines = [
        _HEAD,
        f"   <OrganizationId>{organization_id}</OrganizationId>\n   <ActionId>{action_id}</ActionId>\n",
        '   <SessionId xsi:nil="true"/>\n',
        f"   <EnterpriseUrl>{escape(host)}/services/Soap/c/66.0/{organization_id[:15]}</EnterpriseUrl>\n",
        f"   <PartnerUrl>{escape(host)}/services/Soap/u/66.0/{organization_id[:15]}</PartnerUrl>\n",
    ]
    for notification_id, record in notifications:
        lines.append(
            f"   <Notification>\n    <Id>{notification_id}</Id>\n"
            f'    <sObject xsi:type="sf:{object_name}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">\n'
        )
        lines += [f"     <sf:{name}>{escape(_text(value))}</sf:{name}>\n" for name, value in _ordered(record)]
        lines.append("    </sObject>\n   </Notification>\n")
    return "".join([*lines, _TAIL]).encode()


def acknowledged(status: int, answer: bytes) -> bool:
    """True for HTTP 200 with Ack true, which covers the whole message."""
    if status != 200:
        return False
    try:
        ack = fromstring(answer, forbid_dtd=True).find(f".//{_ACK}")
    except (ParseError, DefusedXmlException, ValueError):
        return False
    return ack is not None and (ack.text or "").strip() == "true"


def _ordered(record: Record) -> list[tuple[str, Value]]:
    """Id first, then by name; fields without a value are not sent."""
    names = sorted(record, key=lambda name: (name != "Id", name))
    return [(name, record[name]) for name in names if record[name] is not None]


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return double(float(value))
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return str(to_json(value))
