"""What changes rarely in a HubSpot account and is asked for once: property definitions and pipeline stages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from connector.crm.hubspot.api import HubSpotApi, mapping
from connector.crm.hubspot.translate import OBJECT_OF_KIND, PATH_OF_OBJECT, field_catalog
from connector.errors import Unsupported
from connector.ports import Clock, FieldCatalog
from connector.sentences.hubspot import NOT_A_KIND

PROPERTIES_LAST = timedelta(hours=1)
PIPELINES_LAST = timedelta(days=1)
NOT_AGAIN_WITHIN = timedelta(minutes=1)
"""However often something seems out of date, it is not asked for anew more often than this."""

T = TypeVar("T")


@dataclass
class Kept(Generic[T]):
    """A value that is loaded when first asked for, and anew when it is old or, now and then, when someone doubts it."""

    load: Callable[[], T]
    clock: Clock
    lasts: timedelta
    _value: T | None = field(default=None, init=False)
    _loaded_at: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def get(self) -> T:
        """The value, at most ``lasts`` old."""
        return self._get(self.lasts)

    def fresh(self) -> T:
        """The value, at most a minute old: for someone who misses something in it."""
        return self._get(NOT_AGAIN_WITHIN)

    def _get(self, oldest: timedelta) -> T:
        with self._lock:
            now = self.clock()
            if self._value is None or self._loaded_at is None or abs(now - self._loaded_at) >= oldest:
                self._value, self._loaded_at = self.load(), now
            return self._value


@dataclass(frozen=True, slots=True)
class Stage:
    """What a pipeline stage means, by its own metadata; its label is the customer's and means nothing."""

    won: bool
    closed: bool
    place: int = 0  #: in the order of its pipeline


Stages = Mapping[tuple[str, str], Stage]
"""(pipeline id, stage id) -> its meaning."""


class Catalog:
    """Property definitions and stages of one account, kept in memory."""

    def __init__(self, api: HubSpotApi, clock: Clock) -> None:
        self._properties = {
            name: Kept(_definitions(api, name, path), clock, PROPERTIES_LAST) for name, path in PATH_OF_OBJECT.items()
        }
        self._stages = Kept(lambda: stages(api.pipelines()), clock, PIPELINES_LAST)

    def of(self, name: str) -> FieldCatalog:
        """The properties of one object, by its name or by our kind.

        Raises:
            Unsupported: we know no such object of HubSpot's.
        """
        return self._kept(name).get()

    def fresh(self, name: str) -> FieldCatalog:
        """The same, at most a minute old."""
        return self._kept(name).fresh()

    def outcome(self, properties: Mapping[str, Any]) -> Stage:
        """Whether a deal is won and closed.

        The stage's own metadata decides, as it does at HubSpot. The deal's computed flags lag behind a change of stage,
        and our copy of the pipelines behind a change of theirs: where the two differ, the pipelines are asked for anew.
        """
        key = (str(properties.get("pipeline")), str(properties.get("dealstage")))
        flag = properties.get("hs_is_closed_won")
        flags = Stage(won=_true(flag), closed=_true(properties.get("hs_is_closed")))
        if not properties.get("dealstage"):
            return flags
        stage = self._stages.get().get(key)
        if stage is None or (flag and stage.won != flags.won):
            stage = self._stages.fresh().get(key)
        return stage or flags

    def won_stages(self) -> tuple[str, ...]:
        """Ids of all stages that mean won, in any pipeline."""
        return tuple(sorted({stage_id for (_, stage_id), stage in self._stages.get().items() if stage.won}))

    def stages_from(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Ids of the open stages at or after the first of these within its pipeline, in order."""
        first: dict[str, int] = {}
        known = self._stages.get()
        for (pipeline, stage_id), stage in known.items():
            if stage_id in wanted:
                first[pipeline] = min(stage.place, first.get(pipeline, stage.place))
        return tuple(
            stage_id
            for (pipeline, stage_id), stage in known.items()
            if pipeline in first and stage.place >= first[pipeline] and not stage.closed
        )

    def _kept(self, name: str) -> Kept[FieldCatalog]:
        kept = self._properties.get(OBJECT_OF_KIND.get(name, name))
        if kept is None:
            raise Unsupported.because(NOT_A_KIND, provider="hubspot", kind=name)
        return kept


def stages(pipelines: list[Mapping[str, Any]]) -> Stages:
    """Every stage of every pipeline.

    Won is ``isClosed`` "true" with a probability of 1, both of them text. Source: HubSpot, pipelines API.
    """
    return {
        (str(pipeline.get("id")), str(stage.get("id"))): _stage(mapping(stage.get("metadata")), place)
        for pipeline in pipelines
        for place, stage in enumerate(sorted(map(mapping, pipeline.get("stages") or ()), key=_display_order))
    }


def _display_order(stage: Mapping[str, Any]) -> int:
    order = stage.get("displayOrder")
    return order if isinstance(order, int) else 0


def _stage(metadata: Mapping[str, Any], place: int) -> Stage:
    closed = _true(metadata.get("isClosed"))
    try:
        certain = Decimal(str(metadata.get("probability"))) == 1
    except InvalidOperation:
        certain = False
    return Stage(won=closed and certain, closed=closed, place=place)


def _true(value: object) -> bool:
    return str(value).casefold() == "true"


def _definitions(api: HubSpotApi, name: str, path: str) -> Callable[[], FieldCatalog]:
    return lambda: field_catalog(name, api.properties(path))
