"""What a person may set about the make-believe org: limits, features, sessions, rules."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass
class DuplicateRule:
    """Records of an object that agree in these fields are duplicates; "alert" may be overruled by the caller."""

    object: str
    fields: tuple[str, ...]
    action: Literal["alert", "block"] = "alert"


@dataclass
class ValidationRule:
    """A save that leaves a record matching `criterion` (a SOQL condition) is refused with `message`."""

    object: str
    criterion: str
    message: str
    field: str = ""


@dataclass
class Settings:
    """The switches of one org."""

    versions: tuple[str, ...] = ("66.0", "68.0")
    daily_requests: int = 15_000  #: API calls in any 24 hours, by the sandbox clock
    session_lifetime: timedelta = timedelta(hours=2)
    query_batch: int = 2_000  #: records in one answer; the rest is fetched by nextRecordsUrl
    unknown_field_stops_request: bool = False  #: True: an unknown field in one row refuses the whole collection
    audiences: tuple[str, ...] = ("https://login.salesforce.com", "https://test.salesforce.com")
    duplicate_rules: list[DuplicateRule] = field(default_factory=list)
    validation_rules: list[ValidationRule] = field(default_factory=list)
    read_only_objects: tuple[str, ...] = ()  #: what the API's users may read, but neither make nor change
