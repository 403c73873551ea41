"""gunicorn as we ship it, started on a free port with an app of the caller's and stopped again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Served:
    """A gunicorn that runs, with its workers in a process group of its own."""

    port: int
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End master and workers at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def gunicorn(
    app: str, *, environment: Mapping[str, str], workers: int = 2, threads: int = 4, log: Path | None = None
) -> Iterator[Served]:
    """A gunicorn that serves ``app`` with our own settings and answers already."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:webhooks.gunicorn_conf", app]
    own = {"HOST": HOST, "PORT": str(port), "WEB_CONCURRENCY": str(workers), "WEB_THREADS": str(threads)}
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **own, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        served = Served(port, process)
        try:
            _until_it_answers(served)
            yield served
        finally:
            served.stop()


def _until_it_answers(served: Served, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and served.process.poll() is None:
        with suppress(OSError):
            connection = http.client.HTTPConnection(HOST, served.port, timeout=5)
            connection.request("GET", "/healthz")
            answered = connection.getresponse().status
            connection.close()
            if answered == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"gunicorn did not answer (exit status {served.process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
