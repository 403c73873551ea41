"""What the job engine is doing right now, for metrics, the doctor and the admin page."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from connector.errors import NotMigrated, Unreachable
from connector.jobs.app import libpq_url
from connector.sentences.running import NO_DATABASE

# A job that has been doing this long is either enormous or stuck; either way a person should look.
LONG = "15 minutes"

_JOBS = """
select queue_name, status::text, count(*) from procrastinate_jobs group by queue_name, status order by 1, 2
"""

_LONG = """
select count(*) from procrastinate_jobs job
 where job.status = 'doing'
   and (select max(at) from procrastinate_events where job_id = job.id and type = 'started')
       < now() - cast(%(long)s as interval)
"""

_WORKERS = """
select count(*), coalesce(extract(epoch from now() - max(last_heartbeat)), 0)::float8 from procrastinate_workers
"""


@dataclass(frozen=True, slots=True)
class EngineState:
    """``jobs`` counts by queue and status (todo, doing, failed)."""

    jobs: dict[tuple[str, str], int]
    doing_long: int  #: jobs running for more than 15 minutes
    workers: int
    seconds_since_heartbeat: float  #: of the liveliest worker; 0 when there is none


def engine_state(url: str) -> EngineState:
    """Ask the engine's tables.

    Raises:
        Unreachable: the database cannot be reached. NotMigrated: it has no such tables.
    """
    try:
        with psycopg.connect(libpq_url(url), connect_timeout=5, autocommit=True) as connection:
            jobs = {(queue, status): count for queue, status, count in connection.execute(_JOBS)}
            (doing_long,) = connection.execute(_LONG, {"long": LONG}).fetchone() or (0,)
            workers, silence = connection.execute(_WORKERS).fetchone() or (0, 0.0)
    except psycopg.OperationalError as error:
        raise Unreachable.because(NO_DATABASE) from error
    except psycopg.errors.UndefinedTable as error:
        raise NotMigrated from error
    return EngineState(jobs, doing_long, workers, silence)
