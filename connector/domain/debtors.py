"""Who owes most, and how much is at stake with each: what is open and what is contracted until the renewal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from connector.domain.cash_forecast import RunningItem, contracted
from connector.domain.receivable_rows import CustomerFacts, InvoiceHistory, days_past_due

TOP = 10


@dataclass(frozen=True, slots=True)
class Debtor:
    """One account in one currency as of a day; minor units."""

    account: str  #: the CRM account, or the billing customer where no account is known
    name: str
    currency: str
    open: int = 0
    overdue: int = 0
    invoices: int = 0  #: how many are open
    oldest: int = 0  #: days past due of its oldest
    contracted: int | None = None  #: still to be invoiced until its contracts end; None: not known for that day

    @property
    def exposure(self) -> int | None:
        """What is open and what is contracted until the renewal."""
        return None if self.contracted is None else self.open + self.contracted


class Debtors:
    """Adds up what each account owes, invoice by invoice."""

    def __init__(self, customers: Mapping[str, CustomerFacts], as_of: date) -> None:
        self._customers = customers
        self._as_of = as_of
        self._sums: dict[tuple[str, str], list[int]] = {}

    def add(self, invoice: InvoiceHistory, left: int) -> None:
        """Count in an invoice of which so much is open."""
        late = days_past_due(invoice, self._as_of)
        sums = self._sums.setdefault((invoice.currency, self._account(invoice.customer)), [0, 0, 0, 0])
        sums[0] += left
        sums[1] += left if late else 0
        sums[2] += 1
        sums[3] = max(sums[3], late)

    def found(self, items: Iterable[RunningItem] | None) -> list[Debtor]:
        """Every account that owes or is bound to, the one that owes most first; ``items`` None: not known then."""
        bound: dict[tuple[str, str], int] = {}
        for item, amount in contracted(items or (), self._as_of):
            key = item.currency, self._account(item.customer)
            bound[key] = bound.get(key, 0) + amount
        names = {customer.debtor: customer.name for customer in self._customers.values()}
        debtors = []
        for key in self._sums.keys() | bound.keys():
            currency, account = key
            left, overdue, count, oldest = self._sums.get(key, (0, 0, 0, 0))
            more = None if items is None else bound.get(key, 0)
            debtors.append(Debtor(account, names.get(account, ""), currency, left, overdue, count, oldest, more))
        return sorted(debtors, key=lambda each: (each.currency, -each.open, -(each.contracted or 0), each.account))

    def _account(self, customer: str) -> str:
        known = self._customers.get(customer)
        return known.debtor if known is not None else customer
