"""Settings, watermarks, mapping versions: what admins decide, and polling remembers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connector.store import PostgresStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_a_setting_holds_any_json_value(store: PostgresStore) -> None:
    """What was put last is what is got; None stands for never put."""
    with store.begin() as work:
        assert work.settings.get("late.limit") is None
        for value in ({"days": [1, 2]}, 5, "text", False):
            work.settings.put("late.limit", value, by="ada")
            assert work.settings.get("late.limit") == value


def test_changing_a_setting_leaves_a_line_in_the_audit(store: PostgresStore) -> None:
    """Who, why, before and after."""
    with store.begin() as work:
        work.settings.put("late.limit", 30, by="ada")
        work.settings.put("late.limit", 45, by="bob", why="too many flags")
        newest, oldest = work.audit.recent()
    assert (newest["what"], newest["subject"]) == ("setting changed", "late.limit")
    assert newest["detail"] == {"by": "bob", "why": "too many flags", "before": 30, "after": 45}
    assert oldest["detail"]["before"] is None


def test_a_watermark_may_go_forward_and_back(store: PostgresStore) -> None:
    """Back is how somebody asks to look again."""
    with store.begin() as work:
        assert work.settings.watermark("salesforce") is None
        for moment in (NOW, NOW + timedelta(hours=1), NOW - timedelta(days=1)):
            work.settings.set_watermark("salesforce", moment)
            assert work.settings.watermark("salesforce") == moment


def test_a_moment_without_a_time_zone_is_refused(store: PostgresStore) -> None:
    """A naive datetime would be stored as whatever zone the session has."""
    with store.begin() as work, pytest.raises(Exception, match="time zone"):
        work.settings.set_watermark("salesforce", NOW.replace(tzinfo=None))


def test_mapping_versions_count_up_and_one_is_active(store: PostgresStore) -> None:
    """Saving does not activate; activating another takes the first out of use; each CRM counts by itself."""
    with store.begin() as work:
        assert work.mappings.active("hubspot") is None
        assert work.mappings.save("hubspot", {"deal": []}, author="ada", why="first") == 1
        assert work.mappings.save("hubspot", {"deal": [1]}, author="bob", why="second") == 2
        assert work.mappings.save("salesforce", {}, author="ada", why="") == 1
        assert work.mappings.active("hubspot") is None
        work.mappings.activate("hubspot", 2)
        work.mappings.activate("hubspot", 1)
        active = work.mappings.active("hubspot")
        assert [(one.version, one.active) for one in work.mappings.versions("hubspot")] == [(2, False), (1, True)]
        assert [one.version for one in work.mappings.versions("hubspot", 1)] == [2]
        assert work.mappings.active("salesforce") is None
    assert active is not None
    assert (active.crm, active.author, active.why, active.body) == ("hubspot", "ada", "first", {"deal": []})


def test_a_version_that_does_not_exist_cannot_be_used(store: PostgresStore) -> None:
    """The sentence names it."""
    with store.begin() as work, pytest.raises(LookupError, match="version 7 of the hubspot"):
        work.mappings.activate("hubspot", 7)


def test_two_admins_saving_at_once_get_two_numbers(store: PostgresStore) -> None:
    """Neither save is lost, and neither fails."""
    start_line = threading.Barrier(4)

    def save(author: str) -> int:
        start_line.wait(10)
        with store.begin() as work:
            return work.mappings.save("hubspot", {}, author=author, why="")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(save, "abcd")) == [1, 2, 3, 4]
