"""Column types that speak our words: a RecordRef or an Interval goes in, and the same comes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from connector.domain.billing import InvoiceStatus
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
