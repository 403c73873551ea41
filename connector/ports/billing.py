"""What we ask of billing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from connector.domain.billing import BillingAccount
from connector.domain.billing_plan import Catalogue, MakeCustomer, Step, StepKey
from connector.domain.contract import RunningContract
from connector.domain.customer_match import Candidate
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

        ``made`` is whatever a step made. What has no invoice yet is left alone, and so is one that billing itself
        sends on a later day (a milestone); that one is compared all the same. A second call changes nothing.

        Raises: NeedsHuman: the draft does not come to ``expected`` minor units before tax; it is held.
        """
        ...

    def hold(self, invoice: RecordRef) -> None:
        """Keep a draft from being finalised until ``let_go``. What is no draft any more is left as it is."""
        ...

    def let_go(self, invoice: RecordRef) -> None:
        """Let a held draft take its course again: at once, or on its day where it is a milestone."""
        ...

    def contract_ref(self, named: str) -> RecordRef | None:
        """The contract that a text names by billing's own id, by its form alone; None for any other text."""
        ...

    def contract(self, ref: RecordRef) -> RunningContract:
        """The contract behind a subscription or schedule, also one that has ended. Raises NotFound."""
        ...

    def contracts_of(self, customer: RecordRef) -> list[RunningContract]:
        """The customer's contracts that run or will start, newest first."""
        ...

    def candidates(self, step: MakeCustomer) -> list[Candidate]:
        """Customers that may be this account already, the strongest evidence first.

        A customer made within the last minutes may be missing: ``find`` is what knows those.
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
