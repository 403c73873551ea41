"""Column types that speak our words: a RecordRef or an Interval goes in, and the same comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from connector.domain.billing import InvoiceStatus, PaymentMethod
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef


class RefColumn(TypeDecorator[RecordRef]):
    """A RecordRef, stored as its text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: RecordRef | None, dialect: Dialect) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> RecordRef | None:
        return None if value is None else RecordRef.parse(value)


class IntervalColumn(TypeDecorator[Interval]):
    """A billing Interval, stored as ``3 month``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Interval | None, dialect: Dialect) -> Any:
        return None if value is None else f"{value.count} {value.unit}"

    def process_result_value(self, value: Any, dialect: Dialect) -> Interval | None:
        if value is None:
            return None
        count, unit = value.split(" ", 1)
        return Interval(unit, int(count))


class InvoiceStatusColumn(TypeDecorator[InvoiceStatus]):
    """An InvoiceStatus, stored as its word."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: InvoiceStatus | None, dialect: Dialect) -> Any:
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Dialect) -> InvoiceStatus | None:
        return None if value is None else InvoiceStatus(value)


class PaymentMethodColumn(TypeDecorator[PaymentMethod]):
    """A PaymentMethod, stored as its word."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: PaymentMethod | None, dialect: Dialect) -> Any:
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Dialect) -> PaymentMethod | None:
        return None if value is None else PaymentMethod(value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, always UTC when it comes out, whatever time zone the session has."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a moment carries its time zone: {value!r} does not")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """The text as Postgres can hold it: NUL and lone surrogates, which it refuses, become their escapes."""
    if "\x00" in text:
        text = text.replace("\x00", "\\u0000")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_json(value: Any) -> str:
    """JSON as Postgres can hold it; a Decimal, a date and a reference become their text, anything else is refused."""
    text = json.dumps(value, default=_text_of)
    if "\\u0000" in text or "\\ud" in text:  # a NUL or a surrogate, perhaps a lone one
        text = json.dumps(_storable_deep(value), default=_text_of)
    return text


def _text_of(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | RecordRef):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not stored as JSON")


def _storable_deep(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _storable_deep(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable_deep(inner) for inner in value]
    return value
