"""What we ask of billing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from connector.domain.billing import BillingAccount
from connector.domain.billing_plan import Catalogue, Step, StepKey
from connector.domain.inbox import InboxEvent
from connector.domain.refs import RecordRef
from connector.ports.checks import Check, SetupAction


class Billing(Protocol):
    """What we ask of billing."""

    name: str

    def prices(self, price_ids: Sequence[str], lookup_keys: Sequence[str]) -> Catalogue:
        """Those of the named prices that exist and are active."""
        ...

    def find(self, step: Step, made: Mapping[StepKey, RecordRef]) -> RecordRef | None:
        """What an earlier attempt at this step made without our hearing so; by consistent lists, never by search."""
        ...

    def made_for(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """Whatever earlier attempts made to bill this deal to this customer, in any form, and what still holds.

        What was cancelled, voided or deleted since is left out.
        """
        ...

    def run(self, step: Step, made: Mapping[StepKey, RecordRef], key: str) -> RecordRef:
        """Make what the step says, once per ``key``.

        Raises: Rejected (nothing was made), RateLimited, Unreachable (something may have been made: ``find`` it),
        KeyUsed (the key is spent on another request, or on a failure that would only be replayed).
        """
        ...

    def release_first_invoice(self, made: RecordRef, expected: int | None) -> None:
        """Finalise and send the first invoice of what a step made, so that its link exists at once.

        ``made`` is a subscription or an invoice. A second call changes nothing.

        Raises: NeedsHuman: the draft does not come to ``expected`` minor units before tax; it is held.
        """
        ...

    def account(self, customer: RecordRef) -> BillingAccount:
        """All that billing knows of one customer now. Raises NotFound when it never existed."""
        ...

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        """The customer behind an invoice, payment, dispute, refund or credit note; None when it has none."""
        ...

    def events_since(self, moment: datetime) -> Iterable[InboxEvent]:
        """Events since ``moment`` in billing's own log, oldest first: what a dead endpoint missed."""
        ...

    def check(self, public_url: str) -> list[Check]:
        """Credentials, endpoint, mode: what a doctor would ask."""
        ...

    def setup(self, public_url: str) -> list[SetupAction]:
        """Everything set-up would make, in order; reads only. ``apply`` of each action makes it."""
        ...

    @property
    def new_secret(self) -> SecretStr | None:
        """The signing secret of a webhook endpoint that set-up has just made: to be shown once, never logged."""
        ...
