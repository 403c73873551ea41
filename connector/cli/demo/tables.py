"""The end of the demo, as a person enjoys reading it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from connector.cli.demo.verdict import DealReport
from connector.domain.money import Money

_WORD_STYLE = {"good": "green", "watch": "yellow", "late": "red", "severe": "bold red", "unknown": "dim"}
_STATUS_STYLE = {"paid": "green", "open": "yellow", "void": "dim", "uncollectible": "red", "draft": "dim"}


def print_deals(console: Console, reports: Sequence[DealReport]) -> None:
    """Deal -> customer -> subscription -> invoice -> what the CRM record says now."""
    table = Table(title="\nFrom the deal to the record", title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for column in ("deal", "in Stripe", "invoices", "the record says"):
        table.add_column(column, no_wrap=column != "deal")  # an amount cut short says nothing
    for report in reports:
        deal = "\n".join(report.placed.sale.name.split(": ", 1))
        if not report.won:
            table.add_row(deal, "", "", f"[dim]not won, not billed\nin {report.placed.sale.crm}")
            continue
        paid = sum(1 for invoice in report.invoices if invoice["status"] == "paid")
        table.add_row(
            deal,
            f"{_short(report.customer)}\n{_short(report.billed_by)}",
            f"{_total(report)}\n[dim]{paid} of {len(report.invoices)} paid",
            f"[red]{report.problems[0]}" if report.problems else _says(report),
        )
    console.print(table)


def print_late_payers(console: Console, reports: Sequence[DealReport]) -> None:
    """Who is flagged before the renewal, and why."""
    title = "\nLate payers before their renewal"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for column in ("account", "health", "overdue", "renewal", "because"):
        table.add_column(column, justify="right" if column == "overdue" else "left", no_wrap=column != "because")
    seen = set()
    for report in sorted(reports, key=lambda report: Decimal(str(report.account_shown.get("health_score") or 100))):
        shown = report.account_shown
        if report.placed.account in seen or str(shown.get("late_payer")).lower() != "true":
            continue
        seen.add(report.placed.account)
        word = str(shown.get("health"))
        table.add_row(
            report.placed.sale.account,
            f"[{_WORD_STYLE.get(word, '')}]{word} {_number(shown.get('health_score'))}",
            _money(shown.get("overdue_balance"), shown.get("currency")),
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
    open_balance = shown.get("open_balance")
    owed = f"{_money(open_balance, shown.get('currency'))} owed" if _is_some(open_balance) else "nothing owed"
    health = f"health [{_WORD_STYLE.get(word, '')}]{word}[/] [dim]in {report.placed.sale.crm}"
    return f"[{_STATUS_STYLE.get(status, '')}]{status}[/], {owed}\n{health}"


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


def _is_some(amount: Any) -> bool:
    return amount not in (None, "") and Decimal(str(amount)) != 0


def _short(identifier: str) -> str:
    return identifier if len(identifier) <= 14 else f"{identifier[:6]}…{identifier[-6:]}"


def _number(value: Any) -> str:
    return "" if value in (None, "") else f"{Decimal(str(value)):.0f}"
