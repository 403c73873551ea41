"""What the receiver counts. With PROMETHEUS_MULTIPROC_DIR set, the counts of all processes are one."""

from __future__ import annotations

import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from connector.errors import RetryLater
from connector.jobs.engine_state import EngineState
from connector.ports import Store, TargetCounts

_OURS = CollectorRegistry()

DELIVERIES = Counter(
    "webhook_deliveries", "Webhook requests, by how they ended.", ["source", "outcome"], registry=_OURS
)
EVENTS = Counter(
    "webhook_events", "Verified events, by our word for what happened.", ["source", "kind"], registry=_OURS
)
NEW_EVENTS = Counter("webhook_events_new", "Verified events that we did not have yet.", ["source"], registry=_OURS)
SECONDS = Histogram(
    "webhook_seconds",
    "From the request's last header to its answer.",
    ["source"],
    registry=_OURS,
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class Gauges(Collector):
    """What waits in the store and how the engine is, asked at the moment somebody looks."""

    def __init__(self, store: Store, engine: Callable[[], EngineState] | None) -> None:
        self._store = store
        self._engine = engine

    def collect(self) -> list[GaugeMetricFamily]:
        """No figure at all while the database cannot be asked: a zero would read as all is well."""
        try:
            with self._store.begin() as work:
                figures = _of_targets(work.targets.counts())
            if self._engine is not None:
                figures |= _of_engine(self._engine())
        except RetryLater:
            figures = {}
        up = {"store_up": ("Whether the database answers.", 1 if figures else 0)}
        return [GaugeMetricFamily(name, says, value=value) for name, (says, value) in (up | figures).items()]


def exposition(store: Store, engine: Callable[[], EngineState] | None) -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(Gauges(store, engine))
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(_OURS)


def _of_targets(counts: TargetCounts) -> dict[str, tuple[str, float]]:
    return {
        "targets_dirty": ("Work that waits or runs.", counts.dirty),
        "targets_parked": ("Work that waits for a person.", counts.parked),
        "targets_oldest_dirty_seconds": ("How long the oldest waiting work has waited.", counts.oldest_dirty_seconds),
    }


def _of_engine(state: EngineState) -> dict[str, tuple[str, float]]:
    """A worker's heartbeat comes from the process whose janitor mends what others left behind."""
    return {
        "workers": ("Workers that have not said goodbye.", state.workers),
        "workers_heartbeat_seconds": ("Since the liveliest worker's last heartbeat.", state.seconds_since_heartbeat),
        "jobs_doing_long": ("Jobs that have run for more than 15 minutes.", state.doing_long),
    }
