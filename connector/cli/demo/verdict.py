"""Was every won deal billed exactly once, and does every CRM record show the truth?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.cli.demo.control import Control
from connector.cli.demo.seed import Desk, Placed
from connector.domain.billing_plan import META_ACCOUNT, META_AMENDED_BY, META_DEAL
from connector.domain.money import Money
from connector.domain.refs import RecordRef
from connector.domain.write_back import QUIET, STAMP, Value
from connector.ports import Services


@dataclass
class DealReport:
    """One deal, from the CRM to the invoice and back."""

    placed: Placed
    won: bool
    customer: str = ""
    billed_by: str = ""
    invoices: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    account_shown: dict[str, Any] = field(default_factory=dict)
    scene: dict[str, Any] = field(default_factory=dict)  #: what was to be seen besides, if it plays in a scene
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the report file: ids, amounts and the fields that were written."""
        sale = self.placed.sale
        return {
            "crm": sale.crm,
            "deal": self.placed.deal.id,
            "account": self.placed.account.id,
            "name": sale.name,
            "pays": sale.pays.value,
            "won": self.won,
            "customer": self.customer,
            "billed_by": self.billed_by,
            "invoices": self.invoices,
            "deal_fields": self.shown,
            "account_fields": self.account_shown,
            **({"scene": self.scene} if self.scene else {}),
            "problems": self.problems,
        }


class Billing:
    """What the make-believe Stripe holds, read at its own side and not through the connector."""

    def __init__(self, control: Control) -> None:
        state = control.get("/stripe/state")
        self.customers: list[dict[str, Any]] = state["customers"]
        self.invoices: list[dict[str, Any]] = state["invoices"]
        self.subscriptions: list[dict[str, Any]] = state["subscriptions"]
        self.schedules: list[dict[str, Any]] = state["subscription_schedules"]
        self.today = datetime.fromtimestamp(state["now"], UTC).date()
        self._billing = [
            one for kind in ("subscriptions", "subscription_schedules", "invoices") for one in state.get(kind, [])
        ]

    def customers_of(self, account: RecordRef) -> list[str]:
        """Every customer that says it is this account."""
        return [one["id"] for one in self.customers if one["metadata"].get(META_ACCOUNT) == str(account)]

    def bills(self, deal: RecordRef) -> list[str]:
        """Every subscription, schedule or plain invoice that says it bills this deal."""
        named = [one for one in self._billing if one["metadata"].get(META_DEAL) == str(deal)]
        subscriptions = {one["id"] for one in named if one["object"] == "subscription"}
        scheduled = {str(one.get("subscription")) for one in named if one["object"] == "subscription_schedule"}
        return [
            one["id"]
            for one in named
            if one["id"] not in (scheduled & subscriptions)
            and not (one["object"] == "invoice" and _subscription_of(one))
        ]

    def amended_by(self, deal: RecordRef) -> list[str]:
        """Every contract that says this deal changed it."""
        named = ((one["id"], str(one["metadata"].get(META_AMENDED_BY) or "")) for one in self.subscriptions)
        return [ident for ident, deals in named if str(deal) in deals.split()]

    def invoices_by(self, bill: str) -> list[dict[str, Any]]:
        """The invoices of a subscription, of the one that a schedule runs, or the plain invoice itself."""
        run = {one["id"]: str(one.get("subscription") or "") for one in self.schedules}
        wanted = run.get(bill, bill)
        return [one for one in self.invoices if wanted in (one["id"], _subscription_of(one))]

    def invoices_of(self, customer: str) -> list[dict[str, Any]]:
        """The customer's invoices."""
        return [one for one in self.invoices if one["customer"] == customer]

    def open_balance(self, customer: str, currency: str) -> Decimal:
        """Everything owed on sent invoices in one currency, in major units."""
        owed = sum(
            one["amount_remaining"]
            for one in self.invoices_of(customer)
            if one["status"] == "open" and one["currency"] == currency
        )
        return Money(owed, currency).major


def judge(
    placed: Sequence[Placed], desks: Mapping[str, Desk], control: Control, services: Services
) -> list[DealReport]:
    """A report for each deal of the book; its problems are sentences, none if all is well."""
    billing = Billing(control)
    return [_judge_one(one, desks[one.sale.crm], billing, services) for one in placed]


def _judge_one(placed: Placed, desk: Desk, billing: Billing, services: Services) -> DealReport:
    report = DealReport(placed, won=placed.sale.won)
    bills = billing.bills(placed.deal)
    if not placed.sale.won:
        report.problems += [f"an open deal was billed by {bill}" for bill in bills]
        return report
    customers = billing.customers_of(placed.account)
    if len(bills) != 1:
        report.problems.append(f"billed {len(bills)} times: {', '.join(bills) or 'never'}")
    if len(customers) != 1:
        report.problems.append(f"{len(customers)} customers for one account")
    if report.problems:
        return report
    report.customer, report.billed_by = customers[0], bills[0]
    report.invoices = [_invoice(one) for one in billing.invoices_by(report.billed_by)]
    report.shown = _shows_the_truth(placed.deal, desk, services, report.problems)
    report.account_shown = _shows_the_truth(placed.account, desk, services, report.problems)
    _balance_agrees(report, billing, services)
    return report


def _shows_the_truth(ref: RecordRef, desk: Desk, services: Services, problems: list[str]) -> dict[str, Any]:
    """Every value that the ledger wants on a record is on it."""
    with services.store.begin() as work:
        state = work.records.get(ref)
    if state is None:
        problems.append(f"{ref.kind} was never written")
        return {}
    fields = services.mappings[ref.provider].write_back[ref.kind]
    record = desk.shown(ref)
    shown = {name: record.get(field) for name, field in fields.items()}
    for name, wanted in state.desired.items():
        if name in shown and name != STAMP and name not in QUIET and not same(wanted, shown[name]):
            problems.append(f"{ref.kind} shows {name} {shown[name]!r} instead of {wanted!s}")
    return shown


def _balance_agrees(report: DealReport, billing: Billing, services: Services) -> None:
    """The balance on the account is what the vendor itself would add up."""
    name = services.mappings[report.placed.account.provider].write_back["account"].get("open_balance")
    currency = str(report.account_shown.get("currency") or "").lower()
    if name is None or not currency:
        report.problems.append("account shows no currency")
        return
    owed, shown = billing.open_balance(report.customer, currency), report.account_shown["open_balance"]
    if not same(owed, shown):
        report.problems.append(f"account shows {shown!r} open, but {owed} is owed")


def same(wanted: Value, shown: Any) -> bool:
    """Whether a CRM's own way to show a value says the same: texts for numbers, empty for none, moments for days."""
    if wanted in (None, "") or shown in (None, ""):
        return wanted in (None, "") and shown in (None, "")
    if isinstance(wanted, bool):
        return str(shown).lower() == str(wanted).lower()
    if isinstance(wanted, Decimal | int):
        try:
            return Decimal(str(shown)) == wanted
        except InvalidOperation:
            return False
    if isinstance(wanted, datetime):
        return datetime.fromisoformat(str(shown)).astimezone(UTC) == wanted
    if isinstance(wanted, date):
        return str(shown)[:10] == wanted.isoformat()
    return str(shown) == wanted


def pays_summary(reports: Iterable[DealReport]) -> Counter[str]:
    """How many accounts carry each health word."""
    seen = {report.placed.account: str(report.account_shown.get("health") or "") for report in reports if report.won}
    return Counter(seen.values())


def _invoice(one: Mapping[str, Any]) -> dict[str, Any]:
    money = ("currency", "total", "amount_remaining")
    keys = ("id", "number", "status", "created", *money, "due_date", "hosted_invoice_url")
    return {key: one.get(key) for key in keys}


def _subscription_of(invoice: Mapping[str, Any]) -> str:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return str(details.get("subscription") or "")
