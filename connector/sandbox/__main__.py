"""`python -m connector.sandbox`: run the sandbox until it is told to stop."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from connector.sandbox.server import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; prints one JSON line of addresses once every port answers."""
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox", description=__doc__)
    parser.add_argument("--port-base", type=int, default=0, help="first of four ports; 0 takes free ones")
    parser.add_argument("--clock-file", type=Path, default=None, help="where to keep the clock's offset in seconds")
    parser.add_argument("--seed", type=int, default=1, help="seed of the chances that faults take")
    options = parser.parse_args(arguments)

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(port_base=options.port_base, clock_file=options.clock_file, seed=options.seed) as sandbox:
        sys.stdout.write(json.dumps(sandbox.addresses()) + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
