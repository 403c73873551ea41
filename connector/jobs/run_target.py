"""Run one Target's work: start, the use-case, finish; and decide what happens after a failure."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import structlog

from connector.errors import ConnectorError, NeedsHuman, RetryLater
from connector.ports import Services
from connector.sentences.running import BUG, GAVE_UP
from connector.sync.tell_trouble import tell_trouble
from connector.targets import Target, TargetKind

UseCases: TypeAlias = Mapping[TargetKind, Callable[[str, Services], None]]

log = structlog.get_logger(__name__)

_MOST_ROUNDS = 5
"""After so many rounds without a pause the job ends and queues its own successor, so that others get their turn."""

_FIRST_WAIT = timedelta(seconds=3)
_LONGEST_WAIT = timedelta(hours=1)
_PATIENCE = timedelta(hours=72)
_TRIES_AT_A_BUG = 3
_HERE = Path(__file__).parents[1].name


def run_target(target: Target, services: Services, use_cases: UseCases) -> None:
    """Do the work a Target asks for until nothing is left undone, or until it fails.

    A failure of the work is noted on the Target and not raised: the wake-up has done its part, and the Target says
    when to come back.

    Raises:
        RetryLater: the store is away, so that nothing could be noted; the Target is still dirty, and the sweep
            brings it back.
    """
    began = time.monotonic()
    for rounds in range(1, _MOST_ROUNDS + 1):
        with services.store.begin() as work:
            seq = work.targets.start(target)
        if seq is None:
            return
        try:
            use_cases[target.kind](target.ref, services)
        except Exception as error:
            _note_failure(target, error, services, began)
            return
        with services.store.begin() as work:
            more = work.targets.finish(target, seq)
            if more and rounds == _MOST_ROUNDS:
                work.targets.wake(target)
        if not more:
            break
    log.info("target done", **_fields(target, began), rounds=rounds, more=more)


def backoff(failures: int, advice: float | None) -> timedelta:
    """How long to wait after so many failures in a row: the vendor's advice, or twice as long each time; 1 h at most.

    Spread a little, so that a hundred Targets that failed together do not come back together; never earlier than
    the vendor said.
    """
    if advice is not None:
        wait = timedelta(seconds=max(0.0, advice)) * random.uniform(1.0, 1.1)
    else:
        wait = _FIRST_WAIT * 2 ** min(failures - 1, 20) * random.uniform(0.75, 1.25)
    return min(wait, _LONGEST_WAIT)


def _note_failure(target: Target, error: Exception, services: Services, began: float) -> None:
    with services.store.begin() as work:
        failures = work.targets.attempts(target) + 1
        patient = work.targets.failing_for(target) < _PATIENCE
        retry_in = _retry_in(error, failures, patient=patient)
        told = _told(error, gave_up=not patient)
        if retry_in is None:  # before the Target's own row is locked: elsewhere, too, crm Targets are locked first
            tell_trouble(target, str(told), work, services)
        work.targets.fail(target, told.with_id, retry_in=retry_in)
    fields = {
        **_fields(target, began),
        **_evidence(error),
        "attempt": failures,
        "retry_in": None if retry_in is None else round(retry_in.total_seconds(), 1),
    }
    if isinstance(error, RetryLater) and retry_in is not None:
        log.warning("target waits", **fields)
    elif isinstance(error, NeedsHuman | RetryLater):
        log.warning("target parked", **fields)
    else:
        log.error("target failed: a bug", **fields)


def _retry_in(error: Exception, failures: int, *, patient: bool) -> timedelta | None:
    """None parks: at once what only a person can mend, after three days what never came back, a bug at its third."""
    match error:
        case NeedsHuman():
            return None
        case RetryLater():
            return backoff(failures, error.retry_after) if patient else None
        case _:
            return backoff(failures, None) if failures < _TRIES_AT_A_BUG else None


def _told(error: Exception, *, gave_up: bool) -> ConnectorError:
    """What a person reads beside the parked or waiting Target, and on the records that it is about."""
    if isinstance(error, RetryLater) and gave_up:
        return NeedsHuman.because(GAVE_UP, problem=str(error))
    if isinstance(error, ConnectorError):
        return error
    # The message of an unforeseen error may hold anything, personal data too: its type and place are enough to find it.
    return NeedsHuman.because(BUG, error=type(error).__name__, place=_place(error))


def _evidence(error: Exception) -> dict[str, object]:
    """What may be logged of an error: never its message, which may name a customer."""
    evidence: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, ConnectorError):
        said = {
            "sentence": error.sentence_id,
            "provider": error.provider,
            "status": error.status,
            "code": error.code,
            "request": error.request_id,
        }
        return evidence | {name: value for name, value in said.items() if value}
    return evidence | {"place": _place(error)}


def _place(error: Exception) -> str:
    """Where in our own code an error came from, as file:line function."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _HERE in Path(frame.filename).parts] or frames
    if not ours:
        return "an unknown place"
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno} {ours[-1].name}"


def _fields(target: Target, began: float) -> dict[str, object]:
    return {"kind": target.kind.value, "ref": target.ref, "seconds": round(time.monotonic() - began, 3)}
