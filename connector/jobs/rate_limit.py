"""Rate limits shared by all processes: GCRA in one Postgres row each, and a memory of daily allowances.

Limits are per vendor call, not per job. They stand at about 80 % of what the vendors allow; the vendor's own 429 stays
the authority.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType, TracebackType
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from connector.errors import NotMigrated, RateLimited, Unreachable
from connector.jobs.app import libpq_url
from connector.sentences.running import CALLS_KEPT_BACK, CALLS_QUEUE, NO_DATABASE

OPTIONAL = ":optional"
"""Work named so stands back once a daily allowance is nearly used."""

_LONGEST_WAIT = 2.0  # seconds; a longer queue is better waited for without holding a worker
_KEEP_BACK = 0.8
_TELL_EVERY = 30.0  # seconds
_TELL_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls a second in the long run, and so many at once after a pause."""

    per_second: float
    burst: int = 1


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        # Stripe: 100/s live, 25/s in a sandbox and per endpoint.
        "stripe": Limit(20, 20),
        # HubSpot: 100 per 10 s on the smallest plan; search 5/s for the whole account.
        "hubspot": Limit(8, 10),
        "hubspot:search": Limit(3),
        # Salesforce has no limit by the second, only by the day; this one keeps a storm from its other users.
        "salesforce": Limit(20, 20),
    }
)

# A refused turn must not be counted, or every refusal would push the queue further out: hence the condition.
_TAKE = """
insert into rate_limit as mine (name, tat)
values (%(name)s, clock_timestamp() - %(burst)s * %(gap)s + %(gap)s)
on conflict (name) do update
    set tat = greatest(mine.tat, clock_timestamp() - %(burst)s * %(gap)s) + %(gap)s
    where mine.tat + %(gap)s <= clock_timestamp() + %(longest)s
returning extract(epoch from tat - clock_timestamp())::float8
"""

_QUEUE = "select extract(epoch from tat - clock_timestamp())::float8 from rate_limit where name = %(name)s"

_TELL = """
insert into call_budget (name, used, allowed) values (%(name)s, %(used)s, %(allowed)s)
on conflict (name) do update set used = excluded.used, allowed = excluded.allowed, told_at = now()
"""

# Allowances are by the day: what a vendor said a day ago says nothing about today.
_BUDGET = "select used, allowed from call_budget where name = %(name)s and told_at > now() - interval '24 hours'"


class PostgresThrottle:
    """Implements ``ports.Throttle``. A name without a limit waits for nothing."""

    def __init__(
        self,
        url: str,
        limits: Mapping[str, Limit] = LIMITS,
        *,
        sleep: Callable[[float], None] = time.sleep,
        pool_size: int = 4,
    ) -> None:
        self._limits = limits
        self._sleep = sleep
        self._told: dict[str, tuple[float, int]] = {}
        self._pool = ConnectionPool(
            libpq_url(url),
            min_size=0,
            max_size=pool_size,
            timeout=10,
            open=True,
            check=ConnectionPool.check_connection,
            kwargs={"autocommit": True, "connect_timeout": 5, "application_name": "connector limits"},
        )

    def wait(self, name: str) -> None:
        """Wait for a turn under this limit, at most two seconds.

        Raises:
            RateLimited: the queue is longer than that, or the work is optional and the day's allowance nearly used.
            Unreachable: the database, which keeps the queue, is away. NotMigrated: it has no such table.
        """
        base = name.removesuffix(OPTIONAL)
        if base != name:
            self._keep_back(base)
        limit = self._limits.get(base)
        if limit is not None:
            self._take(base, limit)

    def budget(self, name: str, used: int, allowed: int) -> None:
        """Remember how much of a daily allowance the vendor says is used.

        Every answer of a vendor says so; only steps of one percent, or news after half a minute, are written down.
        """
        now = time.monotonic()
        when, before = self._told.get(name, (now - _TELL_EVERY, used))
        if now - when < _TELL_EVERY and abs(used - before) < max(1, allowed * _TELL_STEP):
            return
        self._run(_TELL, {"name": name, "used": used, "allowed": allowed})
        self._told[name] = (now, used)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()

    def __enter__(self) -> PostgresThrottle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, name: str, limit: Limit) -> None:
        gap = 1 / limit.per_second
        row = self._run(
            _TAKE,
            {
                "name": name,
                "burst": limit.burst,
                "gap": timedelta(seconds=gap),
                "longest": timedelta(seconds=_LONGEST_WAIT),
            },
        )
        if row is None:
            queue = self._run(_QUEUE, {"name": name})
            length = float(queue[0]) if queue else _LONGEST_WAIT
            raise RateLimited.because(CALLS_QUEUE, provider=name, name=name, evidence={"retry_after": max(1.0, length)})
        if row[0] > 0:
            self._sleep(row[0])

    def _keep_back(self, name: str) -> None:
        row = self._run(_BUDGET, {"name": name.partition(":")[0]})
        if row is not None and row[1] > 0 and row[0] > row[1] * _KEEP_BACK:
            raise RateLimited.because(
                CALLS_KEPT_BACK, provider=name, name=name, used=row[0], most=row[1], evidence={"retry_after": 3600}
            )

    def _run(self, query: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        try:
            with self._pool.connection() as connection:
                cursor = connection.execute(query.encode(), values)
                return cursor.fetchone() if cursor.description else None
        except psycopg.OperationalError as error:
            raise Unreachable.because(NO_DATABASE) from error
        except psycopg.errors.UndefinedTable as error:
            raise NotMigrated from error
