"""``connector serve``: receiver and worker in one process, for one machine."""

from __future__ import annotations

import os
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from connector.bootstrap import Connector, build, migrate_database
from connector.jobs.worker import Pace, WorkerThread, start_worker_thread
from connector.sync import USE_CASES


class _OneProcess(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with one worker process, in which a thread of ours works beside the requests."""

    def __init__(self, bind: str) -> None:
        self._bind = bind
        self._connector: Connector | None = None
        self._worker: WorkerThread | None = None
        super().__init__()

    def load_config(self) -> None:
        """The receiver's own configuration, in one process."""
        from webhooks import gunicorn_conf

        known = {name: value for name, value in vars(gunicorn_conf).items() if name in self.cfg.settings}
        chosen = {
            "bind": self._bind,
            "workers": 1,
            "threads": 8,
            "post_worker_init": self._begin,
            "worker_exit": self._end,
        }
        for name, value in {**known, **chosen}.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The receiver; called in the worker process, never before the fork."""
        from webhooks.app import app_for

        self._connector = build()
        return app_for(self._connector)

    def _begin(self, _gunicorn_worker: object) -> None:
        if self._connector is not None:
            pace = Pace(concurrency=self._connector.environment.settings.worker_concurrency)
            self._worker = start_worker_thread(self._connector.database_url, self._connector.services, USE_CASES, pace)

    def _end(self, _server: object, _gunicorn_worker: object) -> None:
        if self._worker is not None:
            self._worker.stop()


@click.command(short_help="Receiver and worker in one process; brings its own Postgres.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
def serve(host: str, port: int) -> None:
    """Run receiver and worker in one process. Without DATABASE_URL, a Postgres of our own is started and migrated."""
    connector = build()  # what is wrong with the settings is told here in a sentence, not by the forked process
    connector.close()
    url = connector.database_url
    migrate_database(url)
    os.environ["DATABASE_URL"] = url  # for the process that gunicorn forks
    click.echo(f"Listening on http://{host}:{port}")
    _OneProcess(f"{host}:{port}").run()
