"""The values a CRM record should show, and which of them differ from what was last written.

The names are canonical: the same on every CRM. A FieldMapping says which CRM field carries which of them
(HubSpot ``billing_*``, Salesforce ``Billing_*__c`` by default).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from connector.domain.refs import RecordRef

Value: TypeAlias = str | int | Decimal | bool | date | datetime | None
"""One canonical value. Money is a Decimal in major units: CRMs show money so; beside it stands ``currency``."""

Values: TypeAlias = Mapping[str, Value]

_Stored: TypeAlias = str | int | bool | None
Stored: TypeAlias = Mapping[str, _Stored]
"""Values as JSON holds them, by ``encode``."""


class ValueType(StrEnum):
    """How a CRM should hold the value."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    MONEY = "money"
    NUMBER = "number"
    PERCENT = "percent"  #: 0 to 100
    DATE = "date"
    DATETIME = "datetime"
    CHECKBOX = "checkbox"
    CHOICE = "choice"
    URL = "url"


@dataclass(frozen=True, slots=True)
class CanonicalField:
    """One value we can show on a CRM record."""

    name: str
    type: ValueType
    label: str
    description: str
    choices: tuple[tuple[str, str], ...] = ()  #: (value, label)
    on: frozenset[str] = frozenset({"account", "deal"})  #: record kinds that carry it


HEALTH_WORDS = ("good", "watch", "late", "severe", "unknown")
SYNC_STATUSES = (
    ("waiting", "Waiting"),
    ("billed", "Billed"),
    ("needs_attention", "Needs attention"),
    ("awaiting_approval", "Awaiting approval"),
)
COLLECTION_STAGES = (
    ("none", "None"),
    ("reminder", "Reminder"),
    ("overdue", "Overdue"),
    ("escalated", "Escalated"),
    ("disputed", "Disputed"),
)

_ACCOUNT = frozenset({"account"})
_T = ValueType

FIELDS: tuple[CanonicalField, ...] = (
    CanonicalField(
        "customer_id", _T.TEXT, "Billing customer", "The customer in billing that this record is billed as."
    ),
    CanonicalField("subscription_id", _T.TEXT, "Billing subscription", "The subscription that bills this record."),
    CanonicalField(
        "subscription_status", _T.TEXT, "Subscription status", "As billing says: active, past_due, canceled."
    ),
    CanonicalField("mrr", _T.MONEY, "MRR", "Monthly recurring revenue after discounts, in the billing currency."),
    CanonicalField("currency", _T.TEXT, "Billing currency", "The currency of every amount beside it."),
    CanonicalField("renewal_date", _T.DATE, "Renewal date", "The day the current contract period ends."),
    CanonicalField("next_invoice_date", _T.DATE, "Next invoice date", "The day the next invoice is made."),
    CanonicalField("next_invoice_amount", _T.MONEY, "Next invoice amount", "Before tax, as it stands today."),
    CanonicalField("last_invoice_number", _T.TEXT, "Last invoice number", "The newest invoice that was sent."),
    CanonicalField("last_invoice_status", _T.TEXT, "Last invoice status", "draft, open, paid, uncollectible or void."),
    CanonicalField("last_invoice_due_date", _T.DATE, "Last invoice due", "The day the newest invoice falls due."),
    CanonicalField("last_invoice_url", _T.URL, "Last invoice link", "The page where the newest invoice can be paid."),
    CanonicalField("last_payment_date", _T.DATE, "Last payment date", "The day money last arrived."),
    CanonicalField("last_payment_amount", _T.MONEY, "Last payment amount", "How much arrived then."),
    CanonicalField("open_balance", _T.MONEY, "Open balance", "All that is owed on sent invoices, due or not."),
    CanonicalField("overdue_balance", _T.MONEY, "Overdue balance", "What is owed past its due date."),
    CanonicalField("overdue_count", _T.NUMBER, "Overdue invoices", "How many invoices are past their due date."),
    CanonicalField("days_past_due", _T.NUMBER, "Days past due", "Of the oldest unpaid invoice; 0 when none is."),
    CanonicalField(
        "average_days_late", _T.NUMBER, "Average days late", "Weighted by amount; unpaid counts up to today."
    ),
    CanonicalField("on_time_rate", _T.PERCENT, "Paid on time", "Share of invoices paid by their due date, percent."),
    CanonicalField(
        "health",
        _T.CHOICE,
        "Payment health",
        "good, watch, late, severe, or unknown where nothing was ever due.",
        tuple((word, word.capitalize()) for word in HEALTH_WORDS),
    ),
    CanonicalField("health_score", _T.NUMBER, "Payment score", "0 (hopeless) to 100 (always on time)."),
    CanonicalField("health_reason", _T.LONG_TEXT, "Payment health reason", "Why, in at most three sentences."),
    CanonicalField("health_as_of", _T.DATE, "Payment health as of", "The day this was last worked out."),
    CanonicalField("late_payer", _T.CHECKBOX, "Late payer", "Pays late enough to talk about before the renewal."),
    CanonicalField(
        "terms_advice", _T.LONG_TEXT, "Billing terms advice", "Which terms the payment record supports, and why."
    ),
    CanonicalField(
        "collection_stage",
        _T.CHOICE,
        "Collection stage",
        "Where collection stands.",
        COLLECTION_STAGES,
        _ACCOUNT,
    ),
    CanonicalField("credit_hold", _T.CHECKBOX, "Credit hold", "No new spend until the account has paid.", on=_ACCOUNT),
    CanonicalField(
        "sync_status",
        _T.CHOICE,
        "Billing sync",
        "Billed, waiting, needs attention, or awaiting approval.",
        SYNC_STATUSES,
    ),
    CanonicalField(
        "sync_message",
        _T.LONG_TEXT,
        "Billing sync message",
        "What to fix, in one sentence; empty if all is well.",
    ),
    CanonicalField("synced_at", _T.DATETIME, "Billing synced at", "When these values were last written."),
)

BY_NAME: Mapping[str, CanonicalField] = MappingProxyType({f.name: f for f in FIELDS})

STAMP = "synced_at"
"""Set when values are sent, never compared: a stamp alone is no reason to spend an API call."""

QUIET = frozenset({"health_as_of"})
"""Goes along with other changes, but does not cause a write by itself."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """One CRM record: what it should show, and what we last wrote there."""

    ref: RecordRef
    desired: Values
    written: Values

    def difference(self) -> dict[str, Value]:
        """Only what must be sent; empty when the record already shows the truth."""
        changed = {
            name: value
            for name, value in self.desired.items()
            if name not in self.written or self.written[name] != value
        }
        return changed if changed.keys() - QUIET else {}


def loud(values: Values) -> dict[str, Value]:
    """The values whose change is a reason to write."""
    return {name: value for name, value in values.items() if name not in QUIET}


def says_else(before: Stored, now: Stored) -> bool:
    """Whether ``now`` holds a value that is a reason to write and that ``before`` has not.

    So it is with ``RecordState.difference``, but both are as ``encode`` gives them: what is the same to the letter need
    not be decoded.
    """
    return any(
        name not in QUIET
        and (
            name not in before
            or (before[name] != value and _decode_one(name, before[name]) != _decode_one(name, value))
        )
        for name, value in now.items()
    )


def encode(values: Values) -> dict[str, _Stored]:
    """Values as JSON holds them, exactly: a Decimal becomes its text, never a float."""
    return {name: _encode_one(value) for name, value in sorted(values.items())}


def decode(stored: Stored) -> dict[str, Value]:
    """What ``encode`` wrote, with each value's type restored from its canonical field."""
    return {name: _decode_one(name, value) for name, value in stored.items()}


def _encode_one(value: Value) -> _Stored:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _decode_one(name: str, value: _Stored) -> Value:
    known = BY_NAME.get(name)
    if known is None or not isinstance(value, str):
        return value
    if known.type in (ValueType.MONEY, ValueType.PERCENT, ValueType.NUMBER):
        return Decimal(value)
    if known.type is ValueType.DATE:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if known.type is ValueType.DATETIME else value
