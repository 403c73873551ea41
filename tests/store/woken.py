"""A stand-in for the job engine: wake-ups are written down, by the statement that asks for them."""

from __future__ import annotations

import psycopg

from connector.targets import Target, TargetKind

WRITE_DOWN = "write_down(lane, kind, ref)"

_SETUP = """
create table woken (number bigint generated always as identity, lane text, kind text, ref text);
create function write_down(lane text, kind text, ref text) returns void language sql as
    $$ insert into woken (lane, kind, ref) values (lane, kind, ref) $$;
"""


class Woken:
    """Every wake-up that was committed, in order."""

    def __init__(self, url: str) -> None:
        self._url = url
        with psycopg.connect(url) as connection:
            connection.execute(_SETUP)

    def __call__(self) -> list[Target]:
        """The Targets woken so far; each in its own lane, or the look at them fails."""
        with psycopg.connect(self._url) as connection:
            rows = connection.execute("select lane, kind, ref from woken order by number").fetchall()
        targets = [Target(TargetKind(kind), ref) for _, kind, ref in rows]
        assert [target.lane for target in targets] == [lane for lane, _, _ in rows]
        return targets

    def forget(self) -> None:
        """Begin afresh."""
        with psycopg.connect(self._url) as connection:
            connection.execute("truncate woken")
