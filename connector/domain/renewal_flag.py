"""The late-payer flag: who should be talked to about paying before the renewal, why, and why no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from connector.domain.excuses import Excuses
from connector.domain.health_override import Override
from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.renewals import Renewal, window_of
from connector.domain.roll_up import Relative, worst_of
from connector.domain.write_back import Values

BAD = frozenset({Health.LATE, Health.SEVERE})

SAID_FOR = timedelta(days=30)
"""How long a record says why it is no longer flagged."""

SAYS_NOTHING: Values = MappingProxyType(
    {"late_payer": False, "health": Health.UNKNOWN.value, "health_score": None, "health_reason": ""}
)
"""What an open deal shows that carried an account's flag and has nothing to do with it any more."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One CRM account's flag after a look at it. It is kept: the next look says what has changed since.

    ``own`` is its own word before any roll-up, which accounts above it go by; ``word`` is what its record shows.
    """

    account: RecordRef
    late_payer: bool
    window: int | None  #: days: the innermost renewal window it has entered, flagged or not
    renewal: Renewal | None
    word: Health
    own: Health
    own_reason: str
    since: date  #: when ``late_payer`` last changed, or the account was first seen
    excuses: Excuses
    cleared_on: date | None = None
    cleared_because: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an account pays by its own invoices: the word, the chance that its next invoice is late, and why."""

    word: Health
    next_late_chance: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that decides an account's flag on a day.

    ``verdict`` goes by today's facts and is what the record shows; ``steady`` is what the flag goes by (see
    ``connector.domain.excuses``). ``paid_on`` is the last day on which an invoice was paid after it was due.
    """

    verdict: Verdict
    steady: Verdict
    renewal: Renewal | None
    excuses: Excuses
    override: Override | None = None
    below: Sequence[Relative] = ()
    paid_on: date | None = None


def decide_flag(
    account: RecordRef,
    judgement: Judgement,
    windows: Sequence[int],
    late_chance_flag: float,
    before: Flag | None,
    today: date,
) -> Flag:
    """The account's flag today.

    It is flagged inside a renewal window while its word is late or severe, or while the chance that its next invoice
    is late reaches ``late_chance_flag`` (0 to 1; 1 is off). Without any renewal date there
    is no renewal to talk before: the word still says late, and nothing is flagged. A person's override decides alone.
    """
    window = window_of(judgement.renewal, today, windows)
    flagged = window is not None and _bad(judgement, late_chance_flag)
    own = judgement.override.word if judgement.override else judgement.verdict.word
    word, _ = _shown(judgement)
    changed = before is None or before.late_payer != flagged
    cleared_on, because = None, ""
    if before is not None and not flagged:
        if before.late_payer:
            cleared_on, because = today, _why_cleared(judgement, window, before, today)
        elif before.cleared_on is not None and today - before.cleared_on <= SAID_FOR:
            cleared_on, because = before.cleared_on, before.cleared_because
    return Flag(
        account=account,
        late_payer=flagged,
        window=window,
        renewal=judgement.renewal,
        word=word,
        own=own,
        own_reason=judgement.verdict.reason,
        since=today if changed or before is None else before.since,
        excuses=judgement.excuses,
        cleared_on=cleared_on,
        cleared_because=because,
    )


def reason_of(flag: Flag, judgement: Judgement) -> str:
    """What the record says: a person's word first, then whose fault it is, then the reasons, then the flag."""
    said = [_overridden(judgement.override)] if judgement.override else []
    _, worst = _shown(judgement)
    if worst is not None:
        said.append(said_of_worst(worst))
    said.append(judgement.verdict.reason)
    if flag.late_payer and flag.renewal is not None:
        said.append(f"Renews on {flag.renewal.on.isoformat()}, {flag.renewal.because}.")
    elif flag.word in BAD and flag.renewal is None:
        said.append("No renewal date is known, so it is not flagged as a late payer.")
    if flag.cleared_because:
        said.append(f"No longer flagged: {flag.cleared_because}.")
    if _tomorrow(flag, judgement):
        said.append("A dispute or bank debit of today counts for the flag from tomorrow.")
    return " ".join(part for part in said if part)


def said_of_worst(worst: Relative) -> str:
    """Whose word an account shows, where it is not its own."""
    return f"{worst.name} below it is {worst.word.value}" + (f": {worst.reason}" if worst.reason else ".")


def needs_work(flag: Flag, before: Flag | None) -> bool:
    """Whether its renewal deals and tasks must be looked at: it was set, cleared, or entered another window."""
    if before is None or before.late_payer != flag.late_payer:
        return flag.late_payer or before is not None
    return flag.late_payer and (before.window, before.renewal) != (flag.window, flag.renewal)


def says_else(flag: Flag, before: Flag | None) -> bool:
    """Whether accounts above it have something new to look at."""
    if before is None:
        return flag.own is not Health.UNKNOWN
    return (before.own, before.own_reason) != (flag.own, flag.own_reason)


def _bad(judgement: Judgement, late_chance_flag: float) -> bool:
    if judgement.override is not None:
        return judgement.override.word in BAD
    chance = judgement.steady.next_late_chance
    if chance is not None and late_chance_flag < 1 and chance >= late_chance_flag:
        return True
    return worst_of(judgement.steady.word, judgement.below)[0] in BAD


def _shown(judgement: Judgement) -> tuple[Health, Relative | None]:
    if judgement.override is not None:
        return judgement.override.word, None
    return worst_of(judgement.verdict.word, judgement.below)


def _tomorrow(flag: Flag, judgement: Judgement) -> bool:
    """Whether today's excuses would have it otherwise."""
    if judgement.override is not None or flag.window is None:
        return False
    return (flag.word in BAD) != (worst_of(judgement.steady.word, judgement.below)[0] in BAD)


def _overridden(override: Override) -> str:
    why = override.why.strip().rstrip(".")
    return f"Set to {override.word.value} by {override.set_by} until {override.until.isoformat()}: {why}."


def _why_cleared(judgement: Judgement, window: int | None, before: Flag, today: date) -> str:
    """Why an account that was flagged is flagged no more, as the end of a sentence."""
    if judgement.override is not None and judgement.override.word not in BAD:
        return f"{judgement.override.set_by} set it to {judgement.override.word.value}"
    if window is None:
        was = before.renewal.on if before.renewal is not None else None
        if was is not None and was < today:
            return f"the renewal of {was.isoformat()} has passed"
        if judgement.renewal is not None:
            return f"it renews on {judgement.renewal.on.isoformat()}, which is not near"
        return "no renewal is known any more"
    if judgement.paid_on is not None and judgement.paid_on >= before.since:
        return f"paid on {judgement.paid_on.isoformat()}"
    if judgement.excuses.at_opening:
        return "what is overdue is disputed, or its bank debit is on its way"
    return "its payment health is no longer late or severe"
