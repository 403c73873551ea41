"""``python -m tests.shapes --deals 50000 --seed 1``: the same as the test, as long as one likes."""

from __future__ import annotations

import argparse
import sys
import time

from tests.shapes.drawing import draw_and_check


def main() -> int:
    """Draw, bill and compare; prints what was found and ends with 0 when every figure agrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.shapes", description=__doc__)
    parser.add_argument("--deals", type=int, default=2_000, help="how many deals to bill (refused ones do not count)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same deals")
    asked = parser.parse_args()
    began = time.monotonic()
    for number, tally in enumerate(draw_and_check(asked.deals, asked.seed)):
        if number % 10 == 0:
            print(f"{time.monotonic() - began:.0f} s: {tally.planned} deals", file=sys.stderr)  # noqa: T201  # a command
    print(f"seed {asked.seed}: {tally}; all agree ({time.monotonic() - began:.0f} s)")  # noqa: T201  # a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
