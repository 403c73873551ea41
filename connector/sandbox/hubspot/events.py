"""What happens to records, as webhooks and workflows hear of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connector.sandbox.hubspot.kinds import Kind
from connector.sandbox.hubspot.records import Source

Happening = Literal["creation", "deletion", "propertyChange", "associationChange", "merge"]


@dataclass(frozen=True)
class Event:
    """One thing that happened to one record."""

    kind: Kind
    happening: Happening
    record_id: str
    at: datetime
    source: Source
    property_name: str = ""
    value: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)  #: what merges and associations say besides

    @property
    def subscription_type(self) -> str:
        """`deal.propertyChange`."""
        return f"{self.kind.singular}.{self.happening}"


Listener = Callable[[Event], None]
