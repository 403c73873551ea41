"""``connector demo``: a whole quarter of deals, invoices and late payers between three make-believe vendors."""

from __future__ import annotations

import atexit
import json
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from rich.console import Console

from connector.cli.demo.book import the_book
from connector.cli.demo.scene_tables import print_scenes
from connector.cli.demo.stage import ENVIRONMENT_FILE, Stage, set_up
from connector.cli.demo.story import play
from connector.cli.demo.tables import print_deals, print_late_payers, print_problems
from connector.cli.demo.verdict import DealReport, pays_summary


@click.command(short_help="Watch a quarter of deals and payments pass.")
@click.option("--once", is_flag=True, help="Exit when the quarter is over, instead of leaving everything running.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report there.")
def demo(once: bool, json_file: Path | None) -> None:
    """Watch a quarter pass: deals close, invoices go out and are paid, or not, and both CRMs show it.

    On the way a ramp is previewed, contracts are added to in mid-term, and deals that cannot be billed are mended.

    Exits with 0 only if every won deal is billed exactly once and every CRM record shows the ledger's truth.
    """
    console = Console()
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        directory = _directory()
        with console.status("Starting a database, three vendors, the receiver and a worker …"):
            stage = stack.enter_context(set_up(directory))
        reports = play(stage, the_book(), console)
        _tell(console, reports)
        if json_file is not None:
            json_file.write_text(json.dumps(_report(stage, reports), indent=2, default=str), encoding="utf-8")
        if not once:
            _stay(console, stage, directory / ENVIRONMENT_FILE)
    click.get_current_context().exit(1 if any(report.problems for report in reports) else 0)


def _directory() -> Path:
    """A folder that goes when we end, after the database in it: both go at exit, and what came last goes first."""
    path = tempfile.mkdtemp(prefix="connector-demo-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return Path(path)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A closed terminal or a ``kill`` stops everything in order, as Ctrl-C does: our processes would outlive us."""
    numbers = (signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: object) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)  # once is enough: stopping in order takes a few seconds
        raise SystemExit(128 + number)

    before = [signal.signal(each, end) for each in numbers]
    try:
        yield
    finally:
        for each, handler in zip(numbers, before, strict=True):
            signal.signal(each, handler)


def _tell(console: Console, reports: list[DealReport]) -> None:
    print_deals(console, reports)
    print_late_payers(console, reports)
    print_scenes(console, [report for report in reports if not report.problems])
    print_problems(console, reports)
    words = ", ".join(f"{count} {word}" for word, count in pays_summary(reports).most_common() if word)
    console.print(f"Payment health of the accounts: {words}.")
    won = [report for report in reports if report.won]
    wrong = sum(1 for report in won if report.problems)
    console.print(
        f"[bold]{len(won)} deals won, {len(won) - wrong} billed exactly once and shown as they are"
        + (f", [red]{wrong} not[/red]." if wrong else ".")
    )


def _report(stage: Stage, reports: list[DealReport]) -> dict[str, object]:
    log = stage.control.get("/log")
    return {
        "ok": not any(report.problems for report in reports),
        "deals": [report.as_json() for report in reports],
        "requests": log["counts"],
        "refused": log["refused"],
        "user_agents": log["user_agents"],
    }


def _stay(console: Console, stage: Stage, environment: Path) -> None:
    console.print(
        "\nEverything is still running:\n"
        f"  receiver    {stage.public_url} (/healthz, /readyz, /metrics)\n"
        + "".join(f"  {name:<11} {address}\n" for name, address in stage.addresses.items())
        + "To try the commands on it, in another terminal:\n"
        f"  . {environment}\n"
        "  .venv/bin/connector doctor\n"
        "Ctrl-C stops it.",
        soft_wrap=True,  # to be copied
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("Stopping …")
