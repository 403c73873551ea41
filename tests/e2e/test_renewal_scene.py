"""The demo's renewal scene has eyes: a flag or a task that is missing, doubled or left over makes the demo fail."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from connector.cli.demo.book import Line, Pays, Sale, Scene, the_book
from connector.cli.demo.renewal_scene import Look, RenewalSeen, judge_renewal
from connector.cli.demo.scene_tables import print_scenes
from connector.cli.demo.seed import Placed
from connector.cli.demo.verdict import DealReport
from connector.domain.refs import RecordRef

FLAGGED = {"account": True, "deal": True}
CLEAR = {"account": False, "deal": False}
TASK = {"subject": "Acme pays late and renews on 2027-03-20", "owner": "7", "done": False}
DONE = {**TASK, "done": True}


def a_look(flagged: dict[str, bool], *tasks: dict[str, Any], reason: str = "1 invoice, 70 days late.") -> Look:
    return Look(flagged, reason, "severe", "2027-03-20", tasks)


WARNED = a_look(FLAGGED, TASK)
CLEARED = a_look(CLEAR, DONE, reason="No longer flagged: paid on 2027-02-13.")


def judged(pays: Pays, seen: RenewalSeen | None) -> DealReport:
    line = Line("Team seat", 25, Decimal("29.00"), "monthly")
    sale = Sale("hubspot", "Acme", "Bonn", "DE", "EUR", pays, (line,), 14, second=True, won=False, scene=Scene.RENEWAL)
    refs = (RecordRef("hubspot", kind, "1") for kind in ("deal", "account", "contact"))
    report = DealReport(Placed(sale, *refs), won=False)
    report.scene = judge_renewal(report, seen)
    return report


def printed(report: DealReport) -> str:
    screen = StringIO()
    print_scenes(Console(file=screen, width=300), [report])
    return screen.getvalue()


def test_each_crm_has_a_late_payer_who_pays_when_asked_and_one_who_does_not() -> None:
    renewals = [sale for sale in the_book() if sale.scene is Scene.RENEWAL]

    assert {(sale.crm, sale.pays) for sale in renewals} == {
        (crm, pays) for crm in ("salesforce", "hubspot") for pays in (Pays.FORGETS, Pays.NEVER)
    }
    assert not any(sale.won for sale in renewals)


def test_who_pays_when_asked_is_clear_again() -> None:
    report = judged(Pays.FORGETS, RenewalSeen(WARNED, CLEARED))

    assert report.problems == []
    assert "the flag is gone, the task is done: No longer flagged: paid on 2027-02-13." in printed(report)


def test_who_never_pays_stays_flagged_with_a_task_to_do() -> None:
    second = {**TASK, "subject": "Acme pays late and renews on 2027-03-20 (60-day reminder)"}
    report = judged(Pays.NEVER, RenewalSeen(WARNED, a_look(FLAGGED, TASK, second)))

    assert report.problems == []
    assert "2 tasks, one for each window, for the owner" in printed(report)


@pytest.mark.parametrize(
    ("pays", "seen", "problem"),
    [
        (Pays.FORGETS, None, "its renewal was never looked at"),
        (Pays.FORGETS, RenewalSeen(WARNED), "its renewal was never looked at"),
        (Pays.FORGETS, RenewalSeen(replace(WARNED, flagged=CLEAR), CLEARED), "the account was not flagged"),
        (Pays.FORGETS, RenewalSeen(replace(WARNED, flagged={**FLAGGED, "deal": False}), CLEARED), "the deal was not"),
        (Pays.FORGETS, RenewalSeen(WARNED, replace(CLEARED, flagged=FLAGGED)), "the deal is still flagged"),
        (Pays.NEVER, RenewalSeen(WARNED, replace(WARNED, flagged=CLEAR)), "the account is no longer flagged"),
        (Pays.NEVER, RenewalSeen(replace(WARNED, tasks=()), WARNED), "nobody was given a task"),
        (Pays.NEVER, RenewalSeen(WARNED, a_look(FLAGGED, TASK, TASK)), "the same task was made twice"),
        (Pays.NEVER, RenewalSeen(WARNED, a_look(FLAGGED, {**TASK, "owner": ""})), "a task has no owner"),
        (Pays.NEVER, RenewalSeen(WARNED, a_look(FLAGGED, DONE)), "no task is left although nothing was paid"),
        (Pays.FORGETS, RenewalSeen(WARNED, a_look(CLEAR, TASK)), "is still to be done although the customer has paid"),
    ],
)
def test_whatever_went_another_way_is_found(pays: Pays, seen: RenewalSeen | None, problem: str) -> None:
    report = judged(pays, seen)

    assert any(one.startswith(problem) for one in report.problems)
