"""gunicorn's settings for the receiver: one process per core, a few threads each, nothing that waits for ever."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

wsgi_app = "webhooks.wsgi:app"

# A platform that names a port expects us on every address; without one this is somebody's own machine.
_host = os.environ.get("HOST", "0.0.0.0" if "PORT" in os.environ else "127.0.0.1")  # noqa: S104 - said above
bind = f"{_host}:{os.environ.get('PORT', '8000')}"

# A process is bound by the interpreter lock, and a thread mostly waits for a commit.
workers = int(os.environ.get("WEB_CONCURRENCY", str(os.cpu_count() or 1)))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "webhooks.gunicorn_worker.ImpatientWorker"

timeout = 60  # a worker whose main loop is stuck this long is replaced
graceful_timeout = 25  # less than the 30 s most platforms grant between TERM and KILL
keepalive = 15
worker_connections = 500
backlog = 1024
limit_request_line = 2048
limit_request_fields = 64
limit_request_field_size = 8190
max_requests = 0  # nothing leaks that would need it
accesslog = None  # /metrics counts; request lines may carry Salesforce's secret path token
control_socket_disable = True

_made_here = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
if _made_here:
    # Before prometheus-client is imported: it chooses at import between counts of one process and of all.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="connector-metrics-")
_counts = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])


def on_exit(server: Any) -> None:
    """The master ends: its counts end with it."""
    if _made_here:
        shutil.rmtree(_counts, ignore_errors=True)


def child_exit(server: Any, worker: Any) -> None:
    """A worker ended: what it gauged is gone, what it counted stays."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped
