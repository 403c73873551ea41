"""One clock for the whole make-believe world: real time plus an offset that can only grow."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Listener = Callable[[datetime, datetime], None]


class Clock:
    """Real time plus an offset; with a path, the offset lives in a file that other processes may read.

    The file is plain text, the offset in seconds; a missing file means 0. Only `advance` writes it,
    atomically.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._offset = timedelta()
        self._stamp: tuple[int, int] | None = None
        self._listeners: list[Listener] = []
        self._advancing = threading.RLock()

    def now(self) -> datetime:
        """The sandbox's present, aware UTC."""
        return datetime.now(UTC) + self._read_offset()

    def advance(self, by: timedelta) -> None:
        """Move time forward and tell every listener (before, after), in order of registration.

        Returns when the last listener has finished. Raises ValueError for a step backwards: the vendors' time
        never runs that way.
        """
        if by < timedelta():
            raise ValueError("The sandbox clock only moves forward")
        with self._advancing:
            before = self.now()
            self._write_offset(self._read_offset() + by)
            after = before + by
            for listener in list(self._listeners):
                listener(before, after)

    def on_advance(self, listener: Listener) -> None:
        """Call `listener(before, after)` at each later advance."""
        self._listeners.append(listener)

    def _read_offset(self) -> timedelta:
        if self._path is None:
            return self._offset
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._offset
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._offset = timedelta(seconds=float(self._path.read_text(encoding="ascii").strip() or "0"))
            self._stamp = stamp
        return self._offset

    def _write_offset(self, offset: timedelta) -> None:
        self._offset = offset
        if self._path is None:
            return
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(repr(offset.total_seconds()))
            Path(temporary).replace(self._path)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
