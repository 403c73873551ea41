"""What a doctor finds, and what set-up would make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class CheckStatus(StrEnum):
    """How a doctor's check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: an id, a sentence, and what to do about it."""

    id: str
    status: CheckStatus
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SetupAction:
    """One thing set-up makes, or finds made. ``done`` says it is there already."""

    id: str  #: "field Account.Billing_Health__c"
    sentence: str
    done: bool
    apply: Callable[[], None] | None = field(default=None, compare=False, repr=False)
