"""What the receiver counts. With PROMETHEUS_MULTIPROC_DIR set, the counts of all processes are one."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from connector.errors import RetryLater
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


class StoreGauges(Collector):
    """What waits in the store, asked at the moment somebody looks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> list[GaugeMetricFamily]:
        """No figure at all while the store cannot be asked: a zero would read as all is well."""
        try:
            with self._store.begin() as work:
                counts = work.targets.counts()
        except RetryLater:
            return [GaugeMetricFamily("store_up", "Whether the database answers.", value=0)]
        return [GaugeMetricFamily("store_up", "Whether the database answers.", value=1), *_gauges(counts)]


def exposition(store: Store) -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(StoreGauges(store))
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(_OURS)


def _gauges(counts: TargetCounts) -> list[GaugeMetricFamily]:
    return [
        GaugeMetricFamily("targets_dirty", "Work that waits or runs.", value=counts.dirty),
        GaugeMetricFamily("targets_parked", "Work that waits for a person.", value=counts.parked),
        GaugeMetricFamily(
            "targets_oldest_dirty_seconds",
            "How long the oldest waiting work has waited.",
            value=counts.oldest_dirty_seconds,
        ),
    ]
