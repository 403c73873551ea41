"""What happens in the quarter: deals are entered and won, one is mended, and thirteen weeks pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connector.cli.demo.book import Sale
from connector.cli.demo.payers import Payers
from connector.cli.demo.seed import Desk, Placed, desks, place_all
from connector.cli.demo.stage import Stage
from connector.cli.demo.verdict import DealReport, judge

_WEEKS = 13
_MONTH = 4
"""Weeks between two looks of the connector's own clockwork, which would look every hour if the clock did not leap."""

_AT_ONCE = 6
"""Deals won in the same moment, as at the end of a quarter."""


def play(stage: Stage, book: tuple[Sale, ...], console: Console) -> list[DealReport]:
    """Play the quarter and judge it."""
    at = desks(stage.control)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[now]}"),
        TimeElapsedColumn(),
        console=console,
        refresh_per_second=4,
    ) as progress:
        placed = _enter(stage, book, at, progress)
        _win(stage, [one for one in placed if one.sale.won], at, progress)
        _pass_the_quarter(stage, placed, progress)
    with console.status("Reading every record back …"):
        return judge(placed, at, stage.control, stage.services)


def _enter(stage: Stage, book: tuple[Sale, ...], at: dict[str, Desk], progress: Progress) -> list[Placed]:
    """The sales desks enter their deals, all of them open."""
    task = progress.add_task("Deals are entered", total=len(book), now="")
    placed = place_all(book, at)
    progress.update(task, completed=len(book), now=f"{len({one.account for one in placed})} accounts")
    return placed


def _win(stage: Stage, won: Sequence[Placed], at: dict[str, Desk], progress: Progress) -> None:
    """Deals close, several at once; the ones that lack an address say so and are mended."""
    task = progress.add_task("Deals are won", total=len(won), now="")
    for first in range(0, len(won), _AT_ONCE):
        for one in won[first : first + _AT_ONCE]:
            at[one.sale.crm].win(one)
        stage.settle()
        progress.update(task, advance=len(won[first : first + _AT_ONCE]), now=won[first].sale.account)
    for one in won:
        if one.sale.email_missing and not one.sale.second:
            message = str(_message(stage, at, one))
            progress.console.print(
                f"[yellow]{one.sale.name}[/] is won, and its record says: {message} [dim]Somebody does."
            )
            at[one.sale.crm].add_email(one)
    stage.settle()


def _message(stage: Stage, at: dict[str, Desk], one: Placed) -> object:
    field = stage.services.mappings[one.sale.crm].write_back["deal"]["sync_message"]
    return at[one.sale.crm].shown(one.deal).get(field)


def _pass_the_quarter(stage: Stage, placed: Sequence[Placed], progress: Progress) -> None:
    """Thirteen weeks: invoices fall due, customers pay or do not, subscriptions renew."""
    payers = Payers(stage.control, placed)
    task = progress.add_task("The quarter passes", total=_WEEKS, now="")
    for week in range(1, _WEEKS + 1):
        for _ in range(7):
            stage.control.advance(timedelta(days=1))
            payers.a_day_passes()
        stage.settle()
        if week % _MONTH == 0 or week == _WEEKS:
            stage.a_day_is_over()
            stage.settle()
        now = stage.control.now().date()
        progress.update(task, advance=1, now=f"{now}, {payers.paid} payments")
