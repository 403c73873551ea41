"""Customers who pay as the book says they do: early, on time, late, in parts, under protest, or never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.cli.demo.book import Pays
from connector.cli.demo.control import Control
from connector.cli.demo.seed import Placed
from connector.domain.billing_plan import META_ACCOUNT

_DAYS_AFTER_DUE: Mapping[Pays, int] = {
    Pays.EARLY: -6,
    Pays.ON_TIME: 0,
    Pays.A_FEW_DAYS_LATE: 4,
    Pays.WEEKS_LATE: 26,
    Pays.IN_PARTS: 2,
    Pays.DISPUTES: 0,
    Pays.FORGETS: 0,
}


class Payers:
    """Everybody who gets an invoice."""

    def __init__(self, control: Control, placed: Sequence[Placed]) -> None:
        self._control = control
        self._behaviour = {str(one.account): one.sale.pays for one in placed}
        self._half_paid: set[str] = set()
        self._disputed: set[str] = set()
        self._forgotten: dict[str, str] = {}
        self.paid = 0

    def a_day_passes(self) -> None:
        """Look at the open invoices and do what each customer would do today."""
        now = self._control.now()
        for invoice in self._control.get("/stripe/open_invoices")["invoices"]:
            account = str(invoice["customer_metadata"].get(META_ACCOUNT))
            behaviour = self._behaviour.get(account)
            if behaviour is None or behaviour not in _DAYS_AFTER_DUE or invoice["due_date"] is None:
                continue
            wait = timedelta(days=_DAYS_AFTER_DUE[behaviour] + (20 if invoice["id"] in self._half_paid else 0))
            if behaviour is Pays.FORGETS and self._forgotten.setdefault(account, invoice["id"]) == invoice["id"]:
                continue
            if now.timestamp() >= invoice["due_date"] + wait.total_seconds():
                self._pay(invoice, behaviour, account)

    def are_asked(self) -> None:
        """Somebody calls those who have forgotten an invoice, and they pay it."""
        for invoice in self._control.get("/stripe/open_invoices")["invoices"]:
            if invoice["id"] in self._forgotten.values():
                account = str(invoice["customer_metadata"].get(META_ACCOUNT))
                self._pay(invoice, Pays.FORGETS, account)

    def _pay(self, invoice: Mapping[str, Any], behaviour: Pays, account: str) -> None:
        owed, body = int(invoice["amount_remaining"]), {}
        if behaviour is Pays.IN_PARTS and invoice["id"] not in self._half_paid:
            self._half_paid.add(invoice["id"])
            body = {"amount": owed // 2}
        self._control.post(f"/stripe/invoices/{invoice['id']}/pay", body)
        self.paid += 1
        if behaviour is Pays.DISPUTES and account not in self._disputed:
            self._disputed.add(account)
            self._control.post(f"/stripe/invoices/{invoice['id']}/dispute", {"reason": "product_not_received"})
