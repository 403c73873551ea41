"""The same world as the use-cases' own tests have, for those who try to break them."""

from __future__ import annotations

from tests.sync.conftest import clock, world

__all__ = ["clock", "world"]
