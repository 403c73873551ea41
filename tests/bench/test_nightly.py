"""The nightly bench runs, on a book small enough for a test."""

from __future__ import annotations

from tests.bench.nightly import measure_nightly, told


def test_the_nightly_bench_measures_what_it_says(empty_database_url: str) -> None:
    """Everything is new the first night, little the next; and one paid invoice is one account's work."""
    figures = measure_nightly(empty_database_url, 300, [("all new", 2), ("the next", 1)])
    first, next_one = figures.nights
    assert 2_500 < figures.invoices < 3_500
    assert first.records == first.records_changed == 600
    assert 0 < next_one.records_changed < 300
    assert (first.workers, next_one.workers) == (2, 1)
    assert all(night.worker_mb < 500 for night in figures.nights)
    assert 0 < figures.change_ms_p50 <= figures.change_ms_p95
    assert 0 < figures.assess_us < 5_000
    assert len(list(told(figures))) == 5
