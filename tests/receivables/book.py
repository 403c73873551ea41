"""A random ledger of 10,000 invoices, the same for every run, written straight into the tables: no code of ours.

Whatever the ledger may hold is in it: several currencies, some without and some with three decimals; payments in one
go, in parts, too much, elsewhere, or never; credit notes before and after payment; credit balance used up; what is
void, replaced, written off, paid after it was written off; zero invoices and drafts; refunds, also failed ones;
disputes won and lost; moments next to midnight; customers with two currencies and without an account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import psycopg

INVOICES = 10_000
CUSTOMERS = 400
CURRENCIES = ("eur", "eur", "eur", "usd", "jpy", "kwd")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FIRST = datetime(2024, 11, 1, tzinfo=UTC)

_CUSTOMER = (
    "ref",
    "name",
    "email",
    "currency",
    "deleted",
    "crm_account",
    "payment_method",
    "credit_balance",
    "seen_at",
)
_INVOICE = (
    *("ref", "customer", "status", "currency", "total", "amount_due", "amount_paid", "amount_remaining", "created_at"),
    *("number", "due_date", "finalized_at", "paid_at", "voided_at", "hosted_url", "pdf_url", "collection_method"),
    *("attempt_count", "replaced_by", "uncollectible_reason", "credited", "disputed", "processing", "uncollectible_at"),
)
_PAYMENT = ("ref", "customer", "invoice", "amount", "currency", "status", "paid_at", "payment_intent", "charge")
_NOTE = ("ref", "customer", "invoice", "amount", "currency", "status", "created_at", "reason", "before_payment")
_REFUND = ("ref", "customer", "charge", "amount", "currency", "status", "created_at", "reason", "invoice")
_DISPUTE = (*_REFUND[:-1], "payment_intent", "invoice")
_ACCOUNT = ("ref", "size", "country", "plan", "seen_at")
_SUBSCRIPTION = ("ref", "customer", "status", "currency", "started_at", "cancel_at", "contract_end")
_ITEM = (
    *("subscription", "position", "id", "unit_amount", "quantity", "interval", "current_period_end", "metered"),
    "recurring_amount",
)
_MRR = ("subscription", "at", "customer", "currency", "mrr")


@dataclass
class Book:
    """Rows by table, each in the order of its columns above."""

    random: Random = field(default_factory=lambda: Random(4))
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> dict[str, Any]:
        self.rows.setdefault(table, []).append(row)
        return row

    def often(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def moment(self, day: datetime) -> datetime:
        """Some second of that day; now and then its first or its last."""
        second = self.random.choice((0, 86_399, self.random.randrange(86_400)))
        return day.replace(hour=0, minute=0, second=0) + timedelta(seconds=second)

    def amount(self, currency: str) -> int:
        minor = int(self.random.lognormvariate(9, 1.3)) + 1
        return minor * 10 if currency == "kwd" else minor


def a_book() -> Book:
    """The ledger."""
    book = Book()
    for number in range(CUSTOMERS):
        _customer(book, number)
    habits = [(book.random.randrange(-5, 40), book.random.randrange(1, 30)) for _ in range(CUSTOMERS)]
    for number in range(INVOICES):
        owner = min(int(book.random.expovariate(1 / 90)), CUSTOMERS - 1)
        _invoice(book, number, book.rows["customer"][owner], *habits[owner])
    for number in range(CUSTOMERS * 2):
        _subscription(book, number, book.random.choice(book.rows["customer"]))
    for number in range(CUSTOMERS):
        _contract(book, number, book.random.choice(book.rows["customer"]))
    book.rows["mrr_change"] = _one_a_moment(book.rows["mrr_change"])
    return book


def write(book: Book, url: str) -> None:
    """Copy every row into the tables."""
    columns = {
        "crm_account": _ACCOUNT,
        "customer": _CUSTOMER,
        "invoice": _INVOICE,
        "payment": _PAYMENT,
        "credit_note": _NOTE,
        "refund": _REFUND,
        "dispute": _DISPUTE,
        "mrr_change": _MRR,
        "subscription": _SUBSCRIPTION,
        "subscription_item": _ITEM,
    }
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, names in columns.items():
            with cursor.copy(f"copy {table} ({', '.join(names)}) from stdin".encode()) as copy:
                for row in book.rows[table]:
                    copy.write_row([row.get(name) for name in names])


def _customer(book: Book, number: int) -> None:
    account = f"hubspot:account:{number}" if book.often(85) else None
    book.add(
        "customer",
        ref=f"stripe:customer:cus_{number:04}",
        name=f"Company {number}",
        email="",
        currency=book.random.choice(CURRENCIES),
        deleted=False,
        crm_account=account,
        payment_method="",
        credit_balance=book.random.choice((0, 0, 0, 4200, 17, -300)),
        seen_at=NOW,
    )
    if account and book.often(90):
        book.add(
            "crm_account",
            ref=account,
            size=book.random.choice(("small", "mid", "large", "")),
            country=book.random.choice(("DE", "US", "JP")),
            plan=book.random.choice(("basic", "pro")),
            seen_at=NOW,
        )


def _invoice(book: Book, number: int, customer: dict[str, Any], mean: int, spread: int) -> None:
    issued = book.moment(FIRST + timedelta(days=book.random.randrange((NOW - FIRST).days)))
    currency = book.random.choice(CURRENCIES) if book.often(8) else customer["currency"]
    net = book.random.choice((0, 14, 30, 30, 30, 60))
    total = 0 if book.often(2) else book.amount(currency)
    row = book.add(
        "invoice",
        ref=f"stripe:invoice:in_{number:05}",
        customer=customer["ref"],
        status="open",
        currency=currency,
        total=total,
        amount_due=total - (total // 3 if book.often(4) else 0),
        amount_paid=0,
        amount_remaining=0,
        created_at=issued,
        number=f"A-{number:05}",
        due_date=None if book.often(2) else issued.date() + timedelta(days=net),
        finalized_at=issued,
        paid_at=None,
        voided_at=None,
        hosted_url="",
        pdf_url="",
        collection_method="send_invoice",
        attempt_count=0,
        uncollectible_reason="",
        credited=0,
        disputed=False,
        processing=False,
    )
    delay = net + int(book.random.gauss(mean, spread))
    fate = book.random.randrange(100)
    if fate < 2:
        row.update(status="draft", finalized_at=None)
    elif fate < 5:
        _void(book, row)
    elif fate < 8 and number % 2:
        _replaced(book, row, number, delay)
    elif fate < 12:
        _written_off(book, row, delay)
    else:
        _pays(book, row, max(delay, 0))
    row["amount_remaining"] = 0 if row["status"] == "void" else row["amount_due"] - row["amount_paid"]


def _void(book: Book, row: dict[str, Any]) -> None:
    day = row["finalized_at"] + timedelta(days=book.random.randrange(120))
    if day <= NOW:
        row.update(status="void", voided_at=day)


def _replaced(book: Book, row: dict[str, Any], number: int, delay: int) -> None:
    """By a later revision, which lives its own life; sometimes the original was voided that day, sometimes not."""
    day = row["finalized_at"] + timedelta(days=book.random.randrange(1, 40))
    if day > NOW:
        return
    newer = book.add("invoice", **row)
    newer.update(ref=f"stripe:invoice:in_{number:05}r", number=f"A-{number:05}R", finalized_at=day, created_at=day)
    row["replaced_by"] = newer["ref"] if book.often(95) else "stripe:invoice:in_unknown"
    if book.often(70):
        row.update(status="void", voided_at=day)
    _pays(book, newer, max(delay, 0))
    newer["amount_remaining"] = newer["amount_due"] - newer["amount_paid"]


def _written_off(book: Book, row: dict[str, Any], delay: int) -> None:
    if book.often(40):
        _payment(book, row, row["amount_due"] // 3, row["finalized_at"] + timedelta(days=max(delay, 0)))
    day = row["finalized_at"] + timedelta(days=book.random.randrange(60, 200))
    if day > NOW or not row["amount_due"]:
        return
    row.update(status="uncollectible", uncollectible_at=None if book.often(5) else day)
    if book.often(20):
        _pay_rest(book, row, day + timedelta(days=book.random.randrange(1, 90)))


def _pays(book: Book, row: dict[str, Any], delay: int) -> None:
    how = book.random.randrange(100)
    begins = row["finalized_at"] + timedelta(days=delay)
    if how < 6:
        return  # never
    if how < 20:
        parts = book.random.randrange(1, 4)
        for part in range(parts):
            _payment(book, row, row["amount_due"] // 5, begins + timedelta(days=11 * part))
        if how < 12:
            return
    elif how < 28:
        _credit_note(book, row, begins - timedelta(days=book.random.randrange(delay + 1)))
    elif how < 31:
        _elsewhere(row, begins)
        return
    _pay_rest(book, row, begins + timedelta(days=40 if how < 20 else 0), much=how == 99)
    if how > 92:
        _goes_back(book, row)


def _pay_rest(book: Book, row: dict[str, Any], day: datetime, *, much: bool = False) -> None:
    left = row["amount_due"] - row["amount_paid"]
    if day > NOW:
        return
    if left:
        _payment(book, row, left + (500 if much else 0), day)
    row.update(status="paid", paid_at=day, amount_paid=row["amount_due"])


def _elsewhere(row: dict[str, Any], day: datetime) -> None:
    """Paid out of band: billing tells that it is paid, and no payment."""
    if day <= NOW:
        row.update(status="paid", paid_at=day, amount_paid=row["amount_due"])


def _payment(book: Book, row: dict[str, Any], amount: int, day: datetime) -> None:
    if day > NOW or not amount:
        return
    number = len(book.rows.get("payment", ()))
    book.add(
        "payment",
        ref=f"stripe:invoice_payment:p_{number}",
        customer=row["customer"],
        invoice=row["ref"],
        amount=amount,
        currency=row["currency"],
        status="canceled" if book.often(2) else "paid",
        paid_at=day,
        payment_intent="",
        charge="",
    )
    row["amount_paid"] = min(row["amount_paid"] + amount, row["amount_due"])


def _credit_note(book: Book, row: dict[str, Any], day: datetime) -> None:
    """Takes off what is open, all of it or a part; or goes back after the payment; or was voided itself."""
    amount = book.random.choice((row["amount_due"], row["amount_due"] // 4, row["amount_due"] // 2))
    if day > NOW or not amount:
        return
    before = amount if book.often(75) else amount // 2
    void = book.often(10)
    book.add(
        "credit_note",
        ref=f"stripe:credit_note:cn_{row['ref'][-6:]}",
        customer=row["customer"],
        invoice=row["ref"],
        amount=amount,
        currency=row["currency"],
        status="void" if void else "issued",
        created_at=day,
        reason="",
        before_payment=before,
    )
    if not void:
        row["amount_due"] -= before


def _goes_back(book: Book, row: dict[str, Any]) -> None:
    """Refunded in parts, or taken back by a bank; the invoice stays paid."""
    if row["paid_at"] is None or not row["amount_due"]:
        return
    for part in range(book.random.randrange(1, 3)):
        day = row["paid_at"] + timedelta(days=book.random.randrange(60))
        if day > NOW:
            continue
        kind = book.random.choice(("refund", "dispute"))
        statuses = ("succeeded", "pending", "failed") if kind == "refund" else ("lost", "won", "needs_response")
        book.add(
            kind,
            ref=f"stripe:{kind}:{row['ref'][-6:]}_{part}",
            customer=row["customer"],
            charge="",
            payment_intent="",
            amount=max(row["amount_due"] // book.random.randrange(2, 5), 1),
            currency=row["currency"],
            status=book.random.choice(statuses),
            created_at=day,
            reason="",
            invoice=None if book.often(5) else row["ref"],
        )


def _subscription(book: Book, number: int, customer: dict[str, Any]) -> None:
    """Begins, grows, shrinks, ends, and sometimes comes back."""
    at = book.moment(FIRST + timedelta(days=book.random.randrange(700)))
    mrr = Decimal(book.random.randrange(1000, 90_000))
    if book.often(10):
        mrr = Decimal(0)  # a trial
    ended = False
    while at <= NOW and not (ended and book.often(60)):
        ref = f"stripe:subscription:sub_{number}"
        if ended and book.often(50):
            ref += "b"
        row = {"subscription": ref, "at": at, "customer": customer["ref"], "currency": customer["currency"]}
        book.add("mrr_change", **row, mrr=mrr)
        at = book.moment(at + timedelta(days=book.random.randrange(1, 200)))
        ended = not ended and book.often(30)
        mrr = Decimal(0) if ended else Decimal(book.random.randrange(100, 90_000)) / book.random.choice((1, 3, 12))


def _contract(book: Book, number: int, customer: dict[str, Any]) -> None:
    """What stands in billing now: running or not, bound until a day or evergreen, to be cancelled or not."""
    began = book.moment(FIRST + timedelta(days=book.random.randrange(700)))
    ref = f"stripe:subscription:now_{number}"
    book.add(
        "subscription",
        ref=ref,
        customer=customer["ref"],
        status=book.random.choice(("active", "active", "active", "past_due", "trialing", "unpaid", "canceled")),
        currency=customer["currency"],
        started_at=began,
        cancel_at=NOW + timedelta(days=book.random.randrange(400)) if book.often(20) else None,
        contract_end=NOW.date() + timedelta(days=book.random.randrange(-60, 700)) if book.often(70) else None,
    )
    for position in range(book.random.randrange(1, 4)):
        book.add(
            "subscription_item",
            subscription=ref,
            position=position,
            id=f"si_{number}_{position}",
            unit_amount=None if book.often(5) else Decimal(book.random.randrange(1, 99_999)) / 4,
            quantity=book.random.randrange(1, 20),
            interval=book.random.choice(("1 month", "1 month", "3 month", "1 year", "2 week", "30 day", None)),
            current_period_end=book.moment(NOW + timedelta(days=book.random.randrange(-3, 365))),
            metered=book.often(10),
            recurring_amount=Decimal(book.random.randrange(10**6)) / 8 if book.often(60) else None,
        )


def _one_a_moment(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(row["subscription"], row["at"]): row for row in rows}.values())


AS_OF = (date(2025, 3, 31), date(2025, 12, 31), date(2026, 8, 15), date(2026, 11, 21))
"""Days to look back to; the last is the ledger's own."""
