"""What happens in the quarter: deals are entered, previewed and won, some are mended, and thirteen weeks pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connector.cli.demo.book import Sale, Scene
from connector.cli.demo.payers import Payers
from connector.cli.demo.renewal_scene import RenewalSeen, look
from connector.cli.demo.scene_tables import print_preview
from connector.cli.demo.scene_verdict import judge_scenes
from connector.cli.demo.scenes import Seen, in_scene, look_ahead, mend, read_refusals
from connector.cli.demo.seed import Desk, Placed, desks, place_all
from connector.cli.demo.stage import Stage
from connector.cli.demo.verdict import Billing, DealReport, judge

_WEEKS = 13
_MONTH = 4
"""Weeks between two looks of the connector's own clockwork, which would look every hour if the clock did not leap."""

_UPSELL_WEEK = 6
_RENEWAL_WEEK = 9
_ASKING_WEEK = 12
_LATER = (Scene.UPSELL, Scene.RENEWAL)
"""What nobody has thought of yet when the quarter begins."""

_AT_ONCE = 12
"""Deals won in the same moment, as at the end of a quarter."""


def play(stage: Stage, book: tuple[Sale, ...], console: Console) -> list[DealReport]:
    """Play the quarter and judge it."""
    at, seen = desks(stage.control), Seen()
    with console.status("Sales enters its deals …"):
        placed = _enter(stage, book, at, seen)
    _show_previews(console, placed, seen)
    with (
        stage.webhooks_alone(),
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=2,
        ) as progress,
    ):
        _win(stage, [one for one in placed if one.sale.won], at, seen, progress)
        placed += _pass_the_quarter(stage, placed, book, at, seen, progress)
    with console.status("Reading every record back …"):
        reports = judge(placed, at, stage.control, stage.services)
        judge_scenes(reports, seen, Billing(stage.control))
    return reports


def _enter(stage: Stage, book: tuple[Sale, ...], at: dict[str, Desk], seen: Seen) -> list[Placed]:
    """The sales desks enter their deals, all of them open; two are looked at ahead."""
    placed = place_all(tuple(sale for sale in book if sale.scene not in _LATER), at)
    stage.settle()
    look_ahead(stage, in_scene(Scene.RAMP, placed), seen)
    return placed


def _show_previews(console: Console, placed: Sequence[Placed], seen: Seen) -> None:
    """One of them in full, in the words of ``connector plan``."""
    accounts = len({one.account for one in placed})
    console.print(f"{len(placed)} deals of {accounts} accounts are entered in two CRMs, all of them still open.")
    for one in in_scene(Scene.RAMP, placed)[:1]:
        print_preview(console, one.sale.name, seen.previews[one.deal])
        console.print()


def _win(stage: Stage, won: Sequence[Placed], at: dict[str, Desk], seen: Seen, progress: Progress) -> None:
    """Deals close, several at once; those that cannot be billed say so, and are mended in the CRM."""
    task = progress.add_task("Deals are won", total=len(won), now="")
    for first in range(0, len(won), _AT_ONCE):
        for one in won[first : first + _AT_ONCE]:
            at[one.sale.crm].win(one)
            seen.won_on[one.deal] = stage.control.now().date()
        stage.settle()
        progress.update(task, advance=len(won[first : first + _AT_ONCE]), now=won[first].sale.account)
    refused = in_scene(Scene.REFUSAL, won)
    read_refusals(stage, refused, at, seen)
    mend(stage, refused, at, seen)
    for one in refused:
        refusal = seen.refusals[one.deal]
        progress.console.print(
            f"[yellow]{one.sale.name}[/] is won, and its record says: {refusal.sentence}\n"
            f"  [dim]Somebody {refusal.mended_by}; the record says:[/] {refusal.healed_status}"
        )


def _pass_the_quarter(
    stage: Stage,
    placed: Sequence[Placed],
    book: tuple[Sale, ...],
    at: dict[str, Desk],
    seen: Seen,
    progress: Progress,
) -> list[Placed]:
    """Thirteen weeks: invoices fall due, customers pay or do not, some buy more; gives the deals that came."""
    upsells, renewals = (tuple(sale for sale in book if sale.scene is scene) for scene in _LATER)
    more: list[Placed] = []
    payers = Payers(stage.control, placed)
    task = progress.add_task("The quarter passes", total=_WEEKS, now="")
    for week in range(1, _WEEKS + 1):
        for _ in range(7):
            stage.control.advance(timedelta(days=1))
            payers.a_day_passes()
        if week == _UPSELL_WEEK:
            more += _sell_more(stage, placed, upsells, at, seen, progress)
        if week == _RENEWAL_WEEK:
            more += place_all(renewals, at, placed)
        stage.settle()
        if week % _MONTH == 0 or week == _WEEKS:
            stage.a_day_is_over()
            stage.settle()
        if week == _ASKING_WEEK:
            _warn(stage, more, at, seen, progress)
            payers.are_asked()
            stage.settle()
        now = stage.control.now().date()
        progress.update(task, advance=1, now=f"{now}, {payers.paid} payments")
    for one in in_scene(Scene.RENEWAL, more):
        seen.renewals[one.deal].after = look(stage, at[one.sale.crm], one)
    return more


def _warn(stage: Stage, deals: Sequence[Placed], at: dict[str, Desk], seen: Seen, progress: Progress) -> None:
    """The renewals are near, and the records of those who pay late say so."""
    for one in in_scene(Scene.RENEWAL, deals):
        found = look(stage, at[one.sale.crm], one)
        seen.renewals[one.deal] = RenewalSeen(before=found)
        if any(found.flagged.values()):
            progress.console.print(f"[yellow]{one.sale.account}[/] is flagged before its renewal: {found.reason}")


def _sell_more(
    stage: Stage,
    placed: Sequence[Placed],
    upsells: tuple[Sale, ...],
    at: dict[str, Desk],
    seen: Seen,
    progress: Progress,
) -> list[Placed]:
    """Amendments of contracts that run are entered and won."""
    bought = place_all(upsells, at, placed)
    stage.settle()
    for one in bought:
        at[one.sale.crm].win(one)
        seen.won_on[one.deal] = stage.control.now().date()
        line, day = one.sale.lines[0], seen.won_on[one.deal]
        progress.console.print(
            f"[yellow]{one.sale.account}[/] adds {line.quantity} {line.product} on {day}, in mid-term."
        )
    return bought
