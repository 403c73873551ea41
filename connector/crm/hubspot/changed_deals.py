"""Which deals changed lately: those that are won, those that are open at a stage that matters, those we dealt with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.crm.hubspot.api import FilterGroups, HubSpotApi, mapping, next_page, results
from connector.crm.hubspot.catalog import Catalog
from connector.domain.refs import RecordRef
from connector.errors import Rejected, Unreachable
from connector.ports import Touched
from connector.sentences.hubspot import HALF_ANSWER, TOO_MANY_AT_ONCE

_MODIFIED = "hs_lastmodifieddate"
_MOST_STAGES = 100
"""Values that an IN filter takes."""

_SEARCH_DEPTH = 10_000
"""Results that one query gives, page by page. Source: HubSpot, search API."""


class ChangedDeals:
    """Searches the deals of one HubSpot account."""

    def __init__(self, api: HubSpotApi, catalog: Catalog) -> None:
        self._api = api
        self._catalog = catalog

    def won_since(self, moment: datetime) -> Iterator[RecordRef]:
        """Won deals that changed at or after ``moment``, oldest change first, each once.

        Raises:
            Rejected: more deals changed in the same millisecond than HubSpot will list.
        """
        return _refs(self._changed_since(moment, self._won_after))

    def open_since(self, moment: datetime, stages: Sequence[str]) -> Iterator[RecordRef]:
        """As ``won_since``, for deals in one of the open stages at or after any of these."""
        wanted = list(self._catalog.stages_from(stages))[:_MOST_STAGES]
        if not wanted:
            return iter(())
        return _refs(self._changed_since(moment, lambda cursor: [[("dealstage", "IN", wanted), _since(cursor)]]))

    def touched_since(self, moment: datetime, marker: str) -> Iterator[Touched]:
        """As ``won_since``, for deals in any stage whose property ``marker`` holds a value, and when they changed.

        No deals where there is no such property: HubSpot refuses a search by one that it does not know.
        """
        if marker not in self._catalog.of("deal").fields:
            return iter(())
        return self._changed_since(moment, lambda cursor: [[(marker, "HAS_PROPERTY", ""), _since(cursor)]])

    def _changed_since(self, moment: datetime, groups_at: Callable[[datetime], FilterGroups]) -> Iterator[Touched]:
        """Pages by offset would skip a deal whenever one before it changes meanwhile and moves to the end, and end at
        10,000. So each page begins at the change time of the last deal seen, and deals seen already are left out.
        """
        cursor, after, depth = moment.astimezone(UTC), "", 0
        seen: set[str] = set()
        while True:
            body = self._api.search("deals", groups_at(cursor), sort=_MODIFIED, properties=(_MODIFIED,), after=after)
            page = results(body)
            for each in page:
                if str(each.get("id")) not in seen:
                    seen.add(str(each.get("id")))
                    yield Touched(RecordRef("hubspot", "deal", str(each.get("id"))), _changed_at(each))
            after, depth = next_page(body), depth + len(page)
            if not after or not page:
                return
            last = _changed_at(page[-1])
            if last > cursor:
                cursor, after, depth = last, "", 0
            elif depth >= _SEARCH_DEPTH:
                raise Rejected.because(TOO_MANY_AT_ONCE, provider="hubspot")

    def _won_after(self, moment: datetime) -> FilterGroups:
        """Won by the deal's own flag, or by its stage: the index may know the one before the other."""
        flagged = [("hs_is_closed_won", "EQ", "true"), _since(moment)]
        won = self._catalog.won_stages()[:_MOST_STAGES]
        return [flagged, [("dealstage", "IN", won), _since(moment)]] if won else [flagged]


def _refs(touched: Iterator[Touched]) -> Iterator[RecordRef]:
    return (each.ref for each in touched)


def _since(moment: datetime) -> tuple[str, str, str]:
    return (_MODIFIED, "GTE", str(milliseconds(moment)))


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down: exact, unlike a float of seconds."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _changed_at(found: Mapping[str, Any]) -> datetime:
    text = str(mapping(found.get("properties")).get(_MODIFIED) or "")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise Unreachable.because(HALF_ANSWER, provider="hubspot", what="the time of a deal's change") from error
