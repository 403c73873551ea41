"""Long answers in handfuls, so that no transaction is long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_BATCH = 100

_T = TypeVar("_T")


def batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    """The items in order, a hundred at a time; each is asked for only when its turn comes."""
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
