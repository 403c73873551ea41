"""How one sender's requests are told from forgeries, read, and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from connector.domain.inbox import Acknowledgement, InboundRequest, InboxEvent


class Webhook(Protocol):
    """How one sender's requests are told from forgeries, read, and answered."""

    source: str

    def verify(self, request: InboundRequest, now: datetime) -> None:
        """Raises NotGenuine unless the raw bytes are this sender's and fresh."""
        ...

    def parse(self, request: InboundRequest) -> list[InboxEvent]:
        """Every event in the delivery. Raises Unreadable for a body that makes no sense."""
        ...

    def acknowledge(self, request: InboundRequest) -> Acknowledgement:
        """The answer that tells this sender its delivery is safely stored."""
        ...
