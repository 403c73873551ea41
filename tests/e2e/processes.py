"""The connector's real processes, each in a group of its own: started, killed as a power cut would, or asked to end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import requests

from connector.settings import Environment, Settings

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds for one thing to happen on a busy machine."""


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition; fail with a sentence when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)


def line_of_procfile(name: str) -> list[str]:
    """The command on one line of the Procfile, run by the interpreter and the scripts of this environment."""
    lines = dict(line.split(":", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    program, *arguments = shlex.split(lines[name])
    return [str(Path(sys.executable).with_name(program)), *arguments]


def clean_environment() -> dict[str, str]:
    """This process's environment without anything the connector would read from it."""
    ours = {name.upper() for name in Settings.model_fields} | {"HOST", "PORT", "WEB_CONCURRENCY", "WEB_THREADS"}
    prefixes = tuple(
        str(settings.model_config["env_prefix"]).upper()
        for settings in (type(one) for one in Environment.read().providers.values())
    )
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith((*prefixes, "PROMETHEUS_"))
    }


class Running:
    """One process of ours with all its children."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**clean_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The first process, whose number is also its group's."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the first process runs."""
        return self._process.poll() is None

    def children(self) -> list[int]:
        """Its own processes, without what they started as servers of their own."""
        return [other.pid for other in self._group() if other.pid != self.pid]

    def kill(self) -> None:
        """End all of it at once, with no chance to tidy up."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def ask_to_end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Tell the first process alone, as a supervisor does."""
        self._process.send_signal(number)

    def press_ctrl_c(self) -> None:
        """The terminal tells every process of the group."""
        os.killpg(self.pid, signal.SIGINT)

    def wait(self, seconds: float = 40.0) -> int:
        """Its exit status, once it has ended.

        Raises:
            AssertionError: it does not end in time, or leaves a process behind.
        """
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} did not end within {seconds:.0f} s:\n{self.last_words()}") from error
        until(lambda: not self._group(), f"the children of {self.name} to end", 10)
        return status

    def stop(self) -> int:
        """Ask it to end, and give its exit status once nothing of it is left."""
        if self.alive:
            self.ask_to_end()
        return self.finish()

    def finish(self) -> int:
        """Its exit status, once it and its children have ended; killed if they do not.

        Raises:
            AssertionError: it had to be killed.
        """
        try:
            return self.wait()
        finally:
            self.kill()

    def until_ready(self, url: str) -> None:
        """Wait until its /readyz answers."""

        def ready() -> bool:
            assert self.alive, f"{self.name} ended:\n{self.last_words()}"
            with suppress(requests.RequestException):
                return requests.get(f"{url}/readyz", timeout=5).ok
            return False

        until(ready, f"{self.name} to become ready")

    def last_words(self, lines: int = 40) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _group(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if os.getpgid(process.pid) == self.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found
