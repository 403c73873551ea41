"""The late payers' scene: sales is about to renew with them, their records warn of it, and some pay when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.cli.demo.book import Pays, Scene
from connector.cli.demo.seed import Desk, Placed
from connector.cli.demo.stage import Stage
from connector.cli.demo.verdict import DealReport


@dataclass(frozen=True)
class Look:
    """What one look at an account and its open renewal deal has shown."""

    flagged: Mapping[str, bool]  #: "account" and "deal": whether the record carries the flag
    reason: str
    health: str
    renewal_date: str
    tasks: Sequence[Mapping[str, Any]]  #: about either record


@dataclass
class RenewalSeen:
    """What was to be seen before anybody asked the customer to pay, and at the end of the quarter."""

    before: Look | None = None
    after: Look | None = None


def look(stage: Stage, desk: Desk, renewal: Placed) -> Look:
    """Read both records and their tasks in the CRM, as the account's owner would."""
    shown = {kind: _shown(stage, desk, renewal, kind) for kind in ("account", "deal")}
    return Look(
        flagged={kind: str(values.get("late_payer")).lower() == "true" for kind, values in shown.items()},
        reason=str(shown["account"].get("health_reason") or ""),
        health=str(shown["account"].get("health") or ""),
        renewal_date=str(shown["account"].get("renewal_date") or "")[:10],
        tasks=[*desk.tasks(renewal.account), *desk.tasks(renewal.deal)],
    )


def judge_renewal(report: DealReport, seen: RenewalSeen | None) -> dict[str, Any]:
    """Flagged on both records with a task for the owner, and clear again where the customer has paid."""
    if seen is None or seen.before is None or seen.after is None:
        report.problems.append("its renewal was never looked at")
        return {}
    before, after = seen.before, seen.after
    pays = report.placed.sale.pays is Pays.FORGETS
    report.problems += [f"the {kind} was not flagged" for kind, flagged in before.flagged.items() if not flagged]
    report.problems += [
        f"the {kind} is {'still' if pays else 'no longer'} flagged"
        for kind, flagged in after.flagged.items()
        if flagged is pays
    ]
    report.problems += _wrong_tasks(before, after, pays=pays)
    return {
        "scene": Scene.RENEWAL.value,
        "pays": report.placed.sale.pays.value,
        "renewal": before.renewal_date,
        "health": before.health,
        "because": before.reason,
        "tasks": [str(task["subject"]) for task in after.tasks],
        "owners": sorted({str(task["owner"]) for task in after.tasks}),
        "health_then": after.health,
        "because_then": after.reason,
        "open_tasks_then": sum(1 for task in after.tasks if not task["done"]),
    }


def _wrong_tasks(before: Look, after: Look, *, pays: bool) -> list[str]:
    """One task for each window that was entered while flagged, never two; done when the customer has paid."""
    subjects = [str(task["subject"]) for task in after.tasks]
    wrong = []
    if not before.tasks:
        wrong.append("nobody was given a task")
    if len(set(subjects)) != len(subjects):
        wrong.append(f"the same task was made twice: {'; '.join(sorted(subjects))}")
    if any(not task["owner"] for task in after.tasks):
        wrong.append("a task has no owner")
    if pays and (left := [str(task["subject"]) for task in after.tasks if not task["done"]]):
        wrong.append(f"is still to be done although the customer has paid: {'; '.join(left)}")
    if not pays and all(task["done"] for task in after.tasks):
        wrong.append("no task is left although nothing was paid")
    return wrong


def _shown(stage: Stage, desk: Desk, renewal: Placed, kind: str) -> dict[str, Any]:
    fields = stage.services.mappings[renewal.sale.crm].write_back[kind]
    record = desk.shown(renewal.account if kind == "account" else renewal.deal)
    return {name: record.get(field_name) for name, field_name in fields.items()}
