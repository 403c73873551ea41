"""The processes of a demo: a sandbox and the connector itself, started together and stopped together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from connector.errors import Unreachable

_PATIENCE = 40.0


@contextmanager
def sandbox(directory: Path, clock_file: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """The three vendors in a process of their own; gives what waits until they are up, and tells their addresses.

    Raises:
        Unreachable: from that call, if they do not come up.
    """
    with (directory / "sandbox.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, no input of anybody's
            [sys.executable, "-m", "connector.sandbox", "--clock-file", str(clock_file)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we stop the others in order
        )
        try:
            yield lambda: _addresses(process, directory / "sandbox.log")
        finally:
            _stop(process)


@contextmanager
def connector(directory: Path, environment: Mapping[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """``connector serve``: receiver and worker; given once it says that it is ready."""
    with (directory / "connector.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, no input of anybody's
            [sys.executable, "-m", "connector", "serve", "--port", str(port)],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}/readyz", directory / "connector.log")
            yield process
        finally:
            _stop(process)


def free_port() -> int:
    """A port nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _addresses(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise Unreachable("The sandbox did not start.", hint=f"See {log}.")
    found: dict[str, str] = json.loads(line)
    return found


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise Unreachable("The connector did not become ready.", hint=f"See {log}.")


def _stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Ask it to end; insist after a while."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
    if process.stdout is not None:
        process.stdout.close()
