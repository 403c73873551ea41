"""Every error of ours, and what happens next after each.

ConnectorError
  RetryLater          the world may be better soon: the work is tried again by itself
    RateLimited       the vendor asks us to wait; carries retry_after
    Unreachable       no answer, or an answer that says the vendor itself is unwell
    KeyUsed           an idempotency key is spent: look for what it made, then use a new one
    NotMigrated       our own tables are not there yet, or not those of this version
  NeedsHuman          parked at once, with a hint, until a person changes something
    CannotBill        the deal itself cannot be billed exactly; names the field to fix
    Rejected          the vendor understood the request and refused it
    AccessLost        credentials expired, were revoked or lack a permission
    NotFound          the record is gone, or was never visible to us
      Gone            it was deleted, or merged into another, for sure
    Unsupported       the provider has no way to express what was asked
  NotGenuine          a webhook request that is not the vendor's: refused at the door
  Unreadable          a verified body that makes no sense: stored and parked, then acknowledged
  Misconfigured       settings that cannot work; the process does not start
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from connector.domain.refs import RecordRef
from connector.sentences import running
from mappings.sentence import Sentence


class ConnectorError(Exception):
    """Base of every error raised on purpose.

    ``message`` is one sentence for a person; ``hint`` says what to change. The rest is evidence: which
    provider, which record, which HTTP status and the provider's own request id. ``field`` is the canonical name
    of the value to correct, where one is to blame; ``sentence_id`` names the sentence in the catalogue
    (``connector.sentences``, docs/errors.md) and is empty for errors that only the log shows.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        provider: str = "",
        ref: RecordRef | None = None,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        field: str = "",
        sentence_id: str = "",
    ) -> None:
        super().__init__(message)
        self.field = field
        self.sentence_id = sentence_id
        self.message = message
        self.hint = hint
        self.provider = provider
        self.ref = ref
        self.status = status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    @property
    def with_id(self) -> str:
        """What an operator reads: the sentence, what to change, and the id to look it up by in docs/errors.md."""
        return f"{self} [{self.sentence_id}]" if self.sentence_id else str(self)

    @classmethod
    def because(
        cls,
        sentence: Sentence,
        *,
        ref: RecordRef | None = None,
        provider: str = "",
        field: str = "",
        evidence: Mapping[str, Any] | None = None,
        **values: object,
    ) -> Self:
        """The error that a sentence of the catalogue describes, its ``{names}`` filled in from ``values``.

        ``field`` overrides the sentence's own where several fields may be to blame. ``evidence`` is what else the
        class takes: ``status``, ``code``, ``request_id``, ``retry_after``.
        """
        return cls(
            sentence.says(**values),
            hint=sentence.advises(**values),
            provider=provider,
            ref=ref,
            field=field or sentence.field,
            sentence_id=sentence.id,
            **(evidence or {}),
        )


class RetryLater(ConnectorError):
    """The world may be better soon; ``retry_after`` (seconds) is the vendor's own advice, if it gave any."""

    def __init__(self, message: str, *, retry_after: float | None = None, **evidence: object) -> None:
        super().__init__(message, **evidence)  # type: ignore[arg-type]  # the same evidence as every error
        self.retry_after = retry_after


class RateLimited(RetryLater):
    """The vendor, or our own throttle in front of it, asks us to wait."""


class Unreachable(RetryLater):
    """No answer, or an answer that says the vendor itself is unwell."""


class KeyUsed(RetryLater):
    """An idempotency key is spent on another request, or on a failure that would only be replayed."""


class NotMigrated(RetryLater):
    """Our own tables are not there yet, or not those of this version; all is well again once somebody migrates."""

    def __init__(self) -> None:
        sentence = running.NOT_MIGRATED
        super().__init__(sentence.says(), hint=sentence.advises(), sentence_id=sentence.id)


class NeedsHuman(ConnectorError):
    """Trying again changes nothing until a person does something; the hint says what."""


class CannotBill(NeedsHuman):
    """The deal cannot be billed exactly as it stands; ``field`` names what to fix, as the canonical path."""


class Rejected(NeedsHuman):
    """The provider understood the request and refused it."""


class AccessLost(NeedsHuman):
    """Credentials expired, were revoked, or lack a permission."""


class NotFound(NeedsHuman):
    """The record is gone, or was never visible to us."""


class Gone(NotFound):
    """The record was deleted, or merged into another, for sure: nothing is left to do for it."""


class Unsupported(NeedsHuman):
    """The provider has no way to express what was asked."""


class NotGenuine(ConnectorError):
    """A webhook request whose signature, age or sender is wrong. Nothing about it is stored."""


class Unreadable(ConnectorError):
    """A verified webhook body that cannot be understood. It is stored and parked, so that nothing is lost."""


class Misconfigured(ConnectorError):
    """Settings that cannot work."""
