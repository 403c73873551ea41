"""The connector's own command line with a worker that takes the dead for dead after seconds, not after half a minute.

``python -m tests.e2e.hasty worker`` is ``connector worker`` in everything else, so that a test can kill it often.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module

from connector.cli import main
from connector.jobs import Pace

HASTY = partial(Pace, poll_every=0.1, heartbeat=0.5, stalled_after=5.0, janitor_every=0.5, graceful=4.0)
COMMAND = [sys.executable, "-m", "tests.e2e.hasty"]

if __name__ == "__main__":
    for name in ("worker", "serve"):
        # The package holds the commands under the modules' own names; only this reaches the modules.
        vars(import_module(f"connector.cli.{name}"))["Pace"] = HASTY
    main()
