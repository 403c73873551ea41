"""Dates and times as HubSpot writes and reads them: ISO 8601 in UTC with milliseconds, or epoch milliseconds."""

import re
from datetime import UTC, date, datetime, timedelta

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_moment(moment: datetime) -> str:
    """`2026-11-21T09:30:00.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def read_moment(text: str) -> datetime:
    """An ISO moment, an ISO date (midnight UTC) or epoch milliseconds. Raises ValueError for anything else."""
    if re.fullmatch(r"-?\d{9,15}", text):
        return _EPOCH + timedelta(milliseconds=int(text))
    if _DATE.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    if _MOMENT.fullmatch(text):
        return datetime.fromisoformat(text).astimezone(UTC)
    raise ValueError(f"{text!r} is neither an ISO 8601 moment with an offset nor epoch milliseconds")


def read_date(text: str) -> date:
    """An ISO date, or epoch milliseconds at midnight UTC. Raises ValueError for anything else."""
    if _DATE.fullmatch(text):
        return date.fromisoformat(text)
    moment = read_moment(text)
    if moment.time() != datetime.min.time():
        raise ValueError(f"{text!r} is not midnight UTC, which a date property asks for")
    return moment.date()
