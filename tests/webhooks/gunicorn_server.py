"""gunicorn as we ship it, started on a free port with an app of the caller's and stopped again."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"


@contextmanager
def gunicorn(
    app: str, *, workers: int = 2, threads: int = 4, environment: Mapping[str, str], log: Path | None = None
) -> Iterator[int]:
    """The port of a gunicorn that serves ``app`` with our own settings and answers already."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:webhooks.gunicorn_conf", app]
    own = {"PORT": str(port), "WEB_CONCURRENCY": str(workers), "WEB_THREADS": str(threads)}
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **own, **environment}, stdout=output, stderr=output
        )
        try:
            _until_it_answers(process, port)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_it_answers(process: subprocess.Popen[bytes], port: int, patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            connection = http.client.HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", "/healthz")
            answered = connection.getresponse().status
            connection.close()
            if answered == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"gunicorn did not answer (exit status {process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
