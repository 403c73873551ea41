"""As somebody would work it out in a notebook: tables into pandas, definitions of docs/receivables.md, no code of ours.

Whole minor units throughout; a ratio is divided at the very end.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd
import psycopg
from psycopg import sql

_TABLES = ("customer", "invoice", "payment", "credit_note", "refund", "dispute", "mrr_change")
_EDGES = [-10_000, 0, 30, 60, 90, 100_000]
_LABELS = ["current", "1-30", "31-60", "61-90", "90+"]


def load(url: str) -> dict[str, pd.DataFrame]:
    """Every table of the ledger; moments in UTC."""
    frames = {}
    with psycopg.connect(url) as connection:
        connection.execute("set time zone 'utc'")
        for table in _TABLES:
            cursor = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(table)))
            names = [column.name for column in cursor.description or ()]
            frames[table] = pd.DataFrame(cursor.fetchall(), columns=names)
    return frames


@dataclass
class Ledger:
    """The invoices that are receivables at all, and what moved on each."""

    invoices: pd.DataFrame
    moves: pd.DataFrame


def ledger(tables: dict[str, pd.DataFrame]) -> Ledger:
    """Invoices with their days and first amounts; payments, credits and returns one below the other."""
    inv = tables["invoice"].set_index("ref")
    inv = inv[(inv.status != "draft") & inv.finalized_at.notna()].copy()
    for column in ("finalized_at", "paid_at", "voided_at", "uncollectible_at"):
        inv[column] = _day(inv[column])
    inv["due"] = pd.to_datetime(inv.due_date)
    notes = tables["credit_note"]
    notes = notes[notes.status == "issued"]
    inv["amount"] = inv.amount_due + notes.groupby("invoice").before_payment.sum().reindex(inv.index).fillna(0).astype(
        int
    )

    told = tables["payment"]
    told = told[(told.status == "paid") & told.paid_at.notna()]
    paid = told.groupby("invoice").amount.sum().reindex(inv.index).fillna(0).astype(int)
    silent = inv[inv.amount_paid > paid]
    elsewhere = pd.DataFrame(
        {
            "invoice": silent.index,
            "day": silent.paid_at.fillna(silent.finalized_at).to_numpy(),
            "amount": (silent.amount_paid - paid[silent.index]).to_numpy(),
        }
    )
    refunds, disputes = tables["refund"], tables["dispute"]
    returned = pd.concat([refunds[~refunds.status.isin(["failed", "canceled"])], disputes[disputes.status == "lost"]])
    moves = pd.concat(
        [
            told.assign(day=_day(told.paid_at))[["invoice", "day", "amount"]].assign(kind="paid"),
            elsewhere.assign(kind="paid"),
            notes.assign(day=_day(notes.created_at), amount=notes.before_payment)[["invoice", "day", "amount"]].assign(
                kind="credited"
            ),
            returned.assign(day=_day(returned.created_at))[["invoice", "day", "amount"]].assign(kind="returned"),
        ]
    ).dropna(subset=["invoice"])

    voided = inv.voided_at.where(inv.status == "void")
    later = inv.replaced_by.map(inv.finalized_at).fillna(inv.finalized_at).where(inv.replaced_by.notna())
    inv["gone"] = pd.concat([voided, later], axis=1).min(axis=1)
    unknown = (inv.status == "uncollectible") & inv.uncollectible_at.isna()
    inv["lost"] = inv.uncollectible_at.mask(unknown, inv.due.fillna(inv.finalized_at))
    return Ledger(inv[inv.amount > 0], moves)


def receivables(book: Ledger, as_of: date, days: int = 90) -> dict[str, dict[str, Any]]:
    """Every figure by currency."""
    now, before = pd.Timestamp(as_of), pd.Timestamp(as_of - timedelta(days=days))
    inv = book.invoices[book.invoices.finalized_at <= now].copy()
    moves = book.moves[book.moves.invoice.isin(inv.index) & (book.moves.day <= now)]
    for kind in ("paid", "credited", "returned"):
        mine = moves[moves.kind == kind]
        inv[kind] = mine.groupby("invoice").amount.sum().reindex(inv.index).fillna(0).astype(int)
        early = mine[mine.day <= before]
        inv[f"{kind}_before"] = early.groupby("invoice").amount.sum().reindex(inv.index).fillna(0).astype(int)
    inv["is_gone"], inv["is_lost"] = inv.gone <= now, inv.lost <= now
    inv["left"] = (inv.amount - inv.paid - inv.credited).clip(lower=0)
    inv["open"] = inv.left.mask(inv.is_gone | inv.is_lost, 0)
    there = (inv.finalized_at <= before) & ~(inv.gone <= before) & ~(inv.lost <= before)
    inv["opening"] = (inv.amount - inv.paid_before - inv.credited_before).clip(lower=0).where(there, 0)
    inv["late"] = (now - inv.due).dt.days.fillna(0).clip(lower=0).astype(int)
    inv["bucket"] = pd.cut(inv.late, _EDGES, labels=_LABELS)
    within = moves[moves.day > before].join(inv[["currency", "finalized_at", "due"]], on="invoice")
    return {
        str(currency): _figures(mine, within[within.currency == currency], before, now, days)
        for currency, mine in inv.groupby("currency")
    }


def _figures(inv: pd.DataFrame, within: pd.DataFrame, before: Any, now: Any, days: int) -> dict[str, Any]:
    buckets = inv.groupby("bucket", observed=False).open.sum()
    total, current = int(inv.open.sum()), int(buckets["current"])
    valid = inv[~inv.is_gone]
    sales = int(valid.amount[valid.finalized_at > before].sum())
    opening = int(inv.opening.sum())
    came, went = within[within.kind == "paid"], within[within.kind == "returned"]
    dated = came[came.due.notna()]
    overdue = total - current
    late_days = int((dated.amount * (dated.day - dated.due).dt.days).sum()) + int((inv.open * inv.late).sum())
    weight = int(dated.amount.sum()) + overdue
    owed = (valid.amount - valid.credited).clip(lower=0)[(valid.due > before) & (valid.due <= now)]
    kept = owed.combine(valid.paid[owed.index], min) - valid.returned[owed.index]
    was = inv[(inv.opening > 0) & (inv.due < before)]
    back = (was.paid - was.paid_before).combine(was.opening, min) - (was.returned - was.returned_before)
    return {
        **{label: int(buckets[label]) for label in _LABELS},
        "open": total,
        "overdue": overdue,
        "invoices": int((inv.open > 0).sum()),
        "opening": opening,
        "sales": sales,
        "collected": int(came.amount.sum()),
        "returned": int(went.amount.sum()),
        "written_off": int(valid.left[valid.is_lost & (valid.lost > before)].sum()),
        "dso": _ratio(total * days, sales),
        "best_possible_dso": _ratio(current * days, sales),
        "average_days_delinquent": _ratio(overdue * days, sales),
        "true_dso": _true_dso(inv, valid, now),
        "cei": _ratio((opening + sales - total) * 100, opening + sales - current),
        "average_days_late": _ratio(late_days, weight),
        "provisional_share": _ratio(overdue * 100, weight),
        "average_days_to_pay": _ratio(
            int((came.amount * (came.day - came.finalized_at).dt.days).sum()), int(came.amount.sum())
        ),
        "collection_rate": _ratio(int(kept.sum()) * 100, int(owed.sum())),
        "recovery_rate": _ratio(int(back.sum()) * 100, int(was.opening.sum())),
    }


def _true_dso(inv: pd.DataFrame, valid: pd.DataFrame, now: Any) -> Fraction | None:
    sold = valid.groupby(valid.finalized_at.dt.to_period("M")).amount.sum()
    aged = (inv.open * (now - inv.finalized_at).dt.days).groupby(inv.finalized_at.dt.to_period("M")).sum()
    some = inv.open.groupby(inv.finalized_at.dt.to_period("M")).sum()
    parts = [Fraction(int(aged[month]), int(sold[month])) for month in some.index[some > 0]]
    return sum(parts, start=Fraction(0)) if parts else None


def cash(book: Ledger, as_of: date, weeks: int = 13) -> dict[str, dict[str, Any]]:
    """When what is open should come, by currency: per week the sum, and by its end the sum, the least and the most."""
    now = pd.Timestamp(as_of)
    inv = book.invoices[book.invoices.finalized_at <= now].copy()
    moves = book.moves[book.moves.invoice.isin(inv.index) & (book.moves.day <= now)]
    came = moves[moves.kind == "paid"]
    off = moves[moves.kind.isin(["paid", "credited"])].groupby("invoice").amount.sum()
    inv["left"] = (inv.amount - off.reindex(inv.index).fillna(0).astype(int)).clip(lower=0)
    inv["paid_on"] = came.groupby("invoice").day.max().reindex(inv.index)
    over = (inv.gone <= now) | (inv.lost <= now)
    done = inv[~over & (inv.left == 0) & inv.paid_on.notna() & (inv.due >= now - timedelta(days=365))]
    delay = (done.paid_on - done.due).dt.days
    whose = delay.groupby(done.customer)
    everybody = sum((Fraction(int(own.sum()), len(own)) for _, own in whose), start=Fraction(0)) / len(whose)
    habit = {customer: _half_up((int(own.sum()) + 2 * everybody) / (len(own) + 2)) for customer, own in whose}
    off_by = sorted(int(days) - habit[customer] for customer, days in zip(done.customer, delay, strict=True))
    band = min(_nearest(off_by, 10), 0), max(_nearest(off_by, 90), 0)
    delays = sorted(int(each) for each in delay)
    still = inv[~over & (inv.left > 0)]
    slow = still[(still.due < now) & (still.due >= now - timedelta(days=365)) & (still.amount > 0)]
    stopped = (now - slow.due).dt.days.groupby(slow.customer)
    told = dict.fromkeys(inv.customer, _half_up(everybody)) | habit
    told |= {
        customer: _with_unpaid(whose, customer, sorted(days, reverse=True), everybody) for customer, days in stopped
    }
    rows = []
    for invoice in still.itertuples():
        due = invoice.finalized_at if pd.isna(invoice.due) else invoice.due
        usual = due + timedelta(days=told[invoice.customer])
        if usual > now:
            days = [usual + timedelta(days=shift) for shift in (0, *band)]
        else:
            longer = delays[bisect_right(delays, (now - due).days) :]
            days = [due + timedelta(days=_nearest(longer, percent)) for percent in (50, 10, 90)] if longer else []
        first = now + timedelta(days=1)
        rows.append((invoice.currency, invoice.left, *([max(day, first) for day in days] or [None] * 3)))
    table = pd.DataFrame(rows, columns=["currency", "left", "expected", "early", "late"])
    table[["expected", "early", "late"]] = table[["expected", "early", "late"]].apply(pd.to_datetime)
    return {str(currency): _weeks(mine, now, weeks) for currency, mine in table.groupby("currency")}


def _with_unpaid(whose: Any, customer: str, unpaid: list[int], everybody: Fraction) -> int:
    """The latest mean that the customer's paid invoices make with any number of its unpaid ones, worst first."""
    paid = [int(days) for days in whose.get_group(customer)] if customer in whose.groups else []
    return _half_up(
        max(
            (sum(paid) + sum(int(days) for days in unpaid[:taken]) + 2 * everybody) / (len(paid) + taken + 2)
            for taken in range(len(unpaid) + 1)
        )
    )


def _weeks(table: pd.DataFrame, now: Any, weeks: int) -> dict[str, Any]:
    ends = [now + timedelta(days=7 * number) for number in range(weeks + 1)]

    def until(column: str, end: Any) -> int:
        return int(table.left[table[column] <= end].sum())

    told = [
        (
            until("expected", end) - until("expected", begin),
            until("expected", end),
            until("late", end),
            until("early", end),
        )
        for begin, end in pairwise(ends)
    ]
    return {
        "weeks": told,
        "later": int(table.left[table.expected > ends[-1]].sum()),
        "unforeseen": int(table.left[table.expected.isna()].sum()),
    }


def _nearest(ordered: list[int], percent: int) -> int:
    """The percentile by nearest rank."""
    return ordered[max(math.ceil(Fraction(len(ordered) * percent, 100)), 1) - 1]


def _half_up(days: Fraction) -> int:
    return math.floor(days + Fraction(1, 2))


def revenue(tables: dict[str, pd.DataFrame], as_of: date, months: int = 12) -> dict[str, dict[str, Any]]:
    """MRR and what moved it, by currency: a table of customers by month ends."""
    changes = tables["mrr_change"].sort_values(["at", "subscription"])
    month = pd.Timestamp(as_of).to_period("M")
    ends = [(month - back).to_timestamp().date() - timedelta(days=1) for back in range(months - 1, -1, -1)] + [as_of]
    found = {}
    for currency, mine in changes.groupby("currency"):
        table = pd.DataFrame({end: _mrr(mine, end) for end in ends}).map(
            lambda cell: Decimal(0) if pd.isna(cell) else cell
        )
        first = _day(mine[mine.mrr > 0].groupby("customer")["at"].min())
        found[str(currency)] = _revenue(table, first, ends)
    return found


def _mrr(changes: pd.DataFrame, day: date) -> pd.Series[Any]:
    """Each customer's MRR at a day's end: the last row of each of its subscriptions."""
    seen = changes[_day(changes["at"]) <= pd.Timestamp(day)]
    return seen.groupby("subscription").last().groupby("customer").mrr.sum()


def _revenue(table: pd.DataFrame, first: pd.Series[Any], ends: list[date]) -> dict[str, Any]:
    months = []
    for before, after in pairwise(ends):
        was, now = table[before], table[after]
        diff = now - was
        begun = first.reindex(table.index) > pd.Timestamp(before)
        months.append(
            {
                "new": diff[(was == 0) & (now > 0) & begun].sum(),
                "reactivation": diff[(was == 0) & (now > 0) & ~begun].sum(),
                "expansion": diff[(was > 0) & (now > was)].sum(),
                "contraction": diff[(now > 0) & (now < was)].sum(),
                "churn": diff[(was > 0) & (now == 0)].sum(),
                "mrr": now.sum(),
                "customers": int((now > 0).sum()),
                **_retained(was, now),
            }
        )
    start, end = table[ends[0]], table[ends[-1]]
    began = [month["began"] for month in months]
    lost = [month["lost"] for month in months]
    return {
        "mrr": end.sum(),
        "arr": end.sum() * 12,
        "customers": int((end > 0).sum()),
        **_retained(start, end),
        "monthly_churn": Fraction(sum(lost) * 100, sum(began)) if sum(began) else None,
        "months": months,
        "cohorts": _cohorts(table, first, ends[1:]),
    }


def _retained(was: pd.Series[Any], now: pd.Series[Any]) -> dict[str, Any]:
    there = was > 0
    before, after = was[there], now[there]
    lost, began = int((after == 0).sum()), int(there.sum())
    start = before.sum()
    return {
        "began": began,
        "lost": lost,
        "nrr": after.sum() * 100 / start if start else None,
        "grr": before.combine(after, min).sum() * 100 / start if start else None,
        "logo_churn": Fraction(lost * 100, began) if began else None,
    }


def _cohorts(table: pd.DataFrame, first: pd.Series[Any], ends: list[date]) -> dict[str, Any]:
    found = {}
    for number, end in enumerate(ends):
        month = pd.Timestamp(end).to_period("M")
        members = first.index[(first.dt.to_period("M") == month) & (first <= pd.Timestamp(end))]
        if len(members):
            left = table.loc[members, ends[number:]]
            found[str(month)] = (len(members), list(left.sum()), list((left > 0).sum()))
    return found


def _day(moments: pd.Series[Any]) -> pd.Series[Any]:
    """The UTC day of each moment."""
    return pd.to_datetime(moments, utc=True).dt.tz_localize(None).dt.normalize()


def _ratio(numerator: int, denominator: int) -> Fraction | None:
    return Fraction(numerator, denominator) if denominator > 0 else None
