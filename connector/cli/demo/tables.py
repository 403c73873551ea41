"""The end of the demo, as a person enjoys reading it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from connector.cli.demo.verdict import DealReport
from connector.domain.money import Money

_WORD_STYLE = {"good": "green", "watch": "yellow", "late": "red", "severe": "bold red", "unknown": "dim"}
_STATUS_STYLE = {"paid": "green", "open": "yellow", "void": "dim", "uncollectible": "red", "draft": "dim"}


def print_deals(console: Console, reports: Sequence[DealReport]) -> None:
    """Deal -> customer -> subscription -> invoice -> what the CRM record says now."""
    table = Table(title="From the deal to the record", title_justify="left", header_style="bold", show_lines=False)
    for column in ("CRM", "deal", "customer", "billed by", "invoices", "paid", "the record says"):
        table.add_column(column, no_wrap=column in ("CRM", "customer"), overflow="ellipsis")
    for report in reports:
        if not report.won:
            table.add_row(report.placed.sale.crm, report.placed.sale.name, "", "", "", "", "[dim]open: not billed")
            continue
        paid = sum(1 for invoice in report.invoices if invoice["status"] == "paid")
        table.add_row(
            report.placed.sale.crm,
            report.placed.sale.name,
            _short(report.customer),
            _short(report.billed_by),
            _total(report),
            f"{paid} of {len(report.invoices)}",
            f"[red]{report.problems[0]}" if report.problems else _says(report),
        )
    console.print(table)


def print_late_payers(console: Console, reports: Sequence[DealReport]) -> None:
    """Who is flagged before the renewal, and why."""
    table = Table(title="Late payers before their renewal", title_justify="left", header_style="bold")
    for column in ("account", "health", "score", "overdue", "days", "renewal", "because"):
        table.add_column(column, justify="right" if column in ("score", "overdue", "days") else "left")
    seen = set()
    for report in sorted(reports, key=lambda report: Decimal(str(report.account_shown.get("health_score") or 100))):
        shown = report.account_shown
        if report.placed.account in seen or str(shown.get("late_payer")).lower() != "true":
            continue
        seen.add(report.placed.account)
        word = str(shown.get("health"))
        table.add_row(
            report.placed.sale.account,
            f"[{_WORD_STYLE.get(word, '')}]{word}",
            _number(shown.get("health_score")),
            _money(shown.get("overdue_balance"), shown.get("currency")),
            _number(shown.get("days_past_due")),
            str(shown.get("renewal_date") or ""),
            str(shown.get("health_reason") or ""),
        )
    console.print(table)


def print_problems(console: Console, reports: Sequence[DealReport]) -> None:
    """Every problem in full; nothing when there is none."""
    for report in reports:
        for problem in report.problems:
            console.print(f"[red]{report.placed.deal} ({report.placed.sale.name}): {problem}")


def _says(report: DealReport) -> str:
    shown = report.shown
    status = str(shown.get("last_invoice_status") or "no invoice yet")
    word = str(report.account_shown.get("health") or "unknown")
    owed = f"{_money(shown.get('open_balance'), shown.get('currency'))} open"
    return f"[{_STATUS_STYLE.get(status, '')}]{status}[/], {owed}, health [{_WORD_STYLE.get(word, '')}]{word}[/]"


def _total(report: DealReport) -> str:
    if not report.invoices:
        return "none yet"
    currency = report.invoices[0]["currency"]
    return str(Money(sum(invoice["total"] for invoice in report.invoices), currency))


def _money(amount: Any, currency: Any) -> str:
    """An amount as the CRM holds it, with its currency's own decimals."""
    if amount in (None, "") or not currency:
        return ""
    return str(Money.exactly(Decimal(str(amount)), str(currency)))


def _short(identifier: str) -> str:
    return identifier if len(identifier) <= 14 else f"{identifier[:6]}…{identifier[-6:]}"


def _number(value: Any) -> str:
    return "" if value in (None, "") else f"{Decimal(str(value)):.0f}"
