"""The scenes of the quarter, as a person reads them: a plan before anything is billed, and what came of each scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from connector.cli.demo.book import Scene
from connector.cli.demo.verdict import DealReport
from connector.cli.plan import Preview
from connector.cli.plan_tables import print_plan
from connector.domain.money import Money
from connector.sync.provenance import Provenance


def print_preview(console: Console, name: str, looked: Preview) -> None:
    """What ``connector plan`` prints; of the lines, the sources of the first one only."""
    console.print(f"\n[bold]{name}[/] is not won yet. [bold]connector plan {looked.found.deal.ref}[/] shows:\n")
    few = _of_the_first_line(looked.origins)
    print_plan(looked.found.plan, looked.foreseen, few)
    if len(few) < len(looked.origins):
        console.print("[dim]And so on for each line. Nothing was written anywhere.")


def print_scenes(console: Console, reports: Sequence[DealReport]) -> None:
    """One row for each scene that was played."""
    title = "\nPreviewed, bought in mid-term, refused and mended, flagged before a renewal"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for column in ("account", "what happened", "and in billing"):
        table.add_column(column)
    for report in sorted((one for one in reports if one.scene), key=lambda one: list(Scene).index(_scene(one))):
        table.add_row(report.placed.sale.account, *_ROWS[_scene(report)](report.scene))
    console.print(table)


def _of_the_first_line(origins: Sequence[Provenance]) -> list[Provenance]:
    deal = list(takewhile(lambda each: each.record.kind != "line_item", origins))
    lines = origins[len(deal) :]
    return deal + [each for each in lines if each.record == lines[0].record]


def _scene(report: DealReport) -> Scene:
    return Scene(report.scene["scene"])


def _ramp(told: Mapping[str, Any]) -> tuple[str, str]:
    phases = ", ".join(f"{quantity} from {day}" for day, quantity in told["phases"])
    due, all_in = len(told["billed"]), len(told["foreseen"])
    paid, total = sum(one["total"] for one in told["billed"]), told["foreseen_total"]
    billed = f"{due} of {all_in} invoices so far, each as foreseen: {_money(paid, told)} of {_money(total, told)}"
    return (
        f"a ramp, previewed while it was open: {phases}",
        f"one schedule, {len(told['phases'])} phases; {billed}",
    )


def _upsell(told: Mapping[str, Any]) -> tuple[str, str]:
    days, of = told["days"]
    return (
        f"{told['added']} added on {told['on']}",
        f"the same subscription, and one invoice for {days} of {of} days: {_money(sum(told['prorated']), told)}",
    )


def _refusal(told: Mapping[str, Any]) -> tuple[str, str]:
    return (
        f"refused, and its record said why; somebody {told['somebody']} in the CRM",
        f"the webhook {told['webhook']} rang; its record says {told['then']}, the message is gone",
    )


def _renewal(told: Mapping[str, Any]) -> tuple[str, str]:
    tasks = "one task" if len(told["tasks"]) == 1 else f"{len(told['tasks'])} tasks, one for each window,"
    warned = f"renews on {told['renewal']}: flagged on the account and on the open renewal deal, {tasks} for the owner"
    if told["open_tasks_then"]:
        return warned, f"nothing was paid: {told['because_then']}"
    return warned, f"somebody asked, and it paid; the flag is gone, the task is done: {told['because_then']}"


def _money(minor: int, told: Mapping[str, Any]) -> str:
    return str(Money(minor, told["currency"]))


_ROWS: Mapping[Scene, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    Scene.RAMP: _ramp,
    Scene.UPSELL: _upsell,
    Scene.REFUSAL: _refusal,
    Scene.RENEWAL: _renewal,
}
