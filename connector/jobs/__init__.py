"""The durable engine: wake-ups, workers, the janitor, the clock and the rate limits, on procrastinate and Postgres."""

from connector.jobs.app import WAKE
from connector.jobs.engine_state import EngineState, engine_state
from connector.jobs.rate_limit import LIMITS, Limit, PostgresThrottle
from connector.jobs.run_target import run_target
from connector.jobs.schema import apply_schema
from connector.jobs.worker import Pace, WorkerThread, run_worker, start_worker_thread

__all__ = [
    "LIMITS",
    "WAKE",
    "EngineState",
    "Limit",
    "Pace",
    "PostgresThrottle",
    "WorkerThread",
    "apply_schema",
    "engine_state",
    "run_target",
    "run_worker",
    "start_worker_thread",
]
