"""A Flag <-> its row in ``account_flag``."""

from __future__ import annotations

from typing import Any

from connector.domain.excuses import Excuses
from connector.domain.health_word import Health
from connector.domain.renewal_flag import Flag
from connector.domain.renewals import Renewal, RenewalSource
from connector.store.columns import storable


def flag_of(row: Any) -> Flag:
    """The flag that a row of ``account_flag`` holds."""
    renewal = None
    if row.renewal_date is not None and row.renewal_source is not None:
        renewal = Renewal(row.renewal_date, RenewalSource(row.renewal_source))
    return Flag(
        account=row.account,
        late_payer=row.late_payer,
        window=row.window_days,
        renewal=renewal,
        word=Health(row.word),
        own=Health(row.own_word),
        own_reason=row.own_reason,
        since=row.since,
        excuses=Excuses(row.excused_day, frozenset(row.excused_at_opening), frozenset(row.excused_now)),
        cleared_on=row.cleared_on,
        cleared_because=row.cleared_because,
    )


def row_of(flag: Flag) -> dict[str, Any]:
    """The row that holds a flag; ``flag_of`` reads it back."""
    return {
        "account": flag.account,
        "late_payer": flag.late_payer,
        "window_days": flag.window,
        "renewal_date": flag.renewal.on if flag.renewal else None,
        "renewal_source": flag.renewal.source.value if flag.renewal else None,
        "word": flag.word.value,
        "own_word": flag.own.value,
        "own_reason": storable(flag.own_reason),
        "since": flag.since,
        "excused_day": flag.excuses.day,
        "excused_at_opening": sorted(flag.excuses.at_opening),
        "excused_now": sorted(flag.excuses.now),
        "cleared_on": flag.cleared_on,
        "cleared_because": storable(flag.cleared_because),
    }
