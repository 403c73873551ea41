"""What the org tells others when a record changes: outbound messages, and a flow's signed JSON callout."""

import hashlib
import hmac
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector.sandbox.deliveries import Deliveries
from connector.sandbox.salesforce.checks import meets
from connector.sandbox.salesforce.envelope import acknowledged, envelope
from connector.sandbox.salesforce.org import Change, Org
from connector.sandbox.salesforce.values import Record

_MOST_IN_A_MESSAGE = 100
_GATHER = 0.02  # seconds in which notifications join the same message


@dataclass
class OutboundRule:
    """A record-triggered flow that tells one address about one object.

    It fires when `criterion`, a SOQL condition, comes to hold ("becomes_true") or holds after any change
    ("every_change"). "soap" is an outbound message, "json" an HTTP callout signed with `secret`.
    """

    name: str
    object: str
    url: str
    fields: tuple[str, ...] = ()
    criterion: str = ""
    fires: Literal["every_change", "becomes_true"] = "every_change"
    format: Literal["soap", "json"] = "soap"
    secret: str = ""
    event: str = "record.changed"
    action_id: str = ""


class Outbound:
    """The org's rules and the notifications that wait to be sent."""

    def __init__(self, org: Org, deliveries: Deliveries) -> None:
        self.host = "https://sandbox.my.salesforce.com"
        self._org = org
        self._deliveries = deliveries
        self._rules: dict[str, OutboundRule] = {}
        self._waiting: dict[str, list[tuple[str, str]]] = {}
        org.on_change(self._changed)

    def rules(self) -> list[OutboundRule]:
        """Every rule."""
        with self._org.lock:
            return list(self._rules.values())

    def waiting(self) -> int:
        """Notifications that have not left for the delivery queue yet."""
        with self._org.lock:
            return sum(len(one) for one in self._waiting.values())

    def set(self, rule: OutboundRule) -> None:
        """Add a rule, or replace the one of the same name; raises ValueError for one that cannot work."""
        with self._org.lock:
            object_type = self._org.schema.find(rule.object)
            unknown = [name for name in rule.fields if object_type is None or object_type.field(name) is None]
            if object_type is None or unknown:
                raise ValueError(f"{rule.object} has no such fields: {', '.join(unknown)}")
            if rule.format == "json" and not rule.secret:
                raise ValueError("A callout needs a secret to sign with")
            meets(self._org, rule.object, rule.criterion)  # a criterion that cannot be read is told here
            rule.action_id = rule.action_id or self._org.fresh_id("04k")
            self._rules[rule.name] = rule

    def drop(self, name: str) -> None:
        """Remove a rule; KeyError when there is none."""
        with self._org.lock:
            del self._rules[name]

    def _changed(self, changes: list[Change]) -> None:
        for rule in self._rules.values():
            if not any(change.object == rule.object for change in changes):
                continue
            holds = meets(self._org, rule.object, rule.criterion)
            for change in changes:
                after = change.after
                if change.object != rule.object or after is None or after.get("IsDeleted") or not holds(after):
                    continue
                held = change.before is not None and holds(change.before)
                if rule.fires == "every_change" or not held:
                    self._queue(rule, change.id)

    def _queue(self, rule: OutboundRule, record_id: str) -> None:
        first = not self._waiting
        self._waiting.setdefault(rule.name, []).append((self._org.fresh_id("04l"), record_id))
        if first:
            timer = threading.Timer(_GATHER, self.flush)
            timer.daemon = True
            timer.start()

    def flush(self) -> None:
        """Send what waits, now."""
        with self._org.lock:
            waiting, self._waiting = self._waiting, {}
            for name, notifications in waiting.items():
                rule = self._rules.get(name)
                for start in range(0, len(notifications) if rule else 0, _MOST_IN_A_MESSAGE):
                    self._send(rule, notifications[start : start + _MOST_IN_A_MESSAGE])

    def _send(self, rule: OutboundRule | None, notifications: Sequence[tuple[str, str]]) -> None:
        if rule is None:
            return
        if rule.format == "soap":
            self._deliveries.send("salesforce", rule.url, lambda: self._message(rule, notifications), acknowledged)
            return
        self._deliveries.send(
            "salesforce",
            rule.url,
            lambda: self._callout(rule, notifications),
            lambda _status, _body: True,
            tries=1,  # a flow's callout is made once: what fails is for the poller to find
        )

    def _message(self, rule: OutboundRule, notifications: Sequence[tuple[str, str]]) -> tuple[bytes, dict[str, str]]:
        """The message with the values of this moment: a retry tells what is, not what was."""
        with self._org.lock:
            told = [(number, self._current(rule, record_id)) for number, record_id in notifications]
            body = envelope(self._org.id, rule.action_id, self.host, rule.object, told)
        return body, {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "User-Agent": "SFDC-Outbound"}

    def _current(self, rule: OutboundRule, record_id: str) -> Record:
        record = self._org.row(rule.object, record_id)
        if record is None or record.get("IsDeleted"):
            return {}  # a record deleted meanwhile leaves an empty notification
        object_type = self._org.schema.get(rule.object)
        names = [field.name for name in rule.fields if (field := object_type.field(name))]
        return {name: record.get(name) for name in dict.fromkeys(["Id", *names])}

    def _callout(self, rule: OutboundRule, notifications: Sequence[tuple[str, str]]) -> tuple[bytes, dict[str, str]]:
        records = [{"type": rule.object, "id": record_id} for _, record_id in notifications]
        body = json.dumps({"organizationId": self._org.id, "event": rule.event, "records": records}).encode()
        moment = int(self._org.clock.now().timestamp())
        digest = hmac.new(rule.secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"Content-Type": "application/json", "X-Connector-Signature": f"t={moment},v1={digest}"}
