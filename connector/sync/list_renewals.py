"""The accounts before their renewal, the nearest first: how they pay, what is at stake, and who was asked to talk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from connector.domain.exposure import invoiced_until
from connector.domain.money import Money
from connector.domain.refs import RecordRef
from connector.domain.write_back import Values
from connector.ports import RenewalRow, Services, UnitOfWork


@dataclass(frozen=True, slots=True)
class UpcomingRenewal:
    """One account inside a renewal window. Money is in the account's main currency; None where it has none."""

    account: RecordRef
    name: str
    renewal: date
    days: int
    source: str
    window: int
    late_payer: bool
    shown: Values  #: what its CRM record shows
    open: Money | None
    until_renewal: Money | None  #: what will be invoiced before the renewal
    task: RecordRef | None

    @property
    def exposure(self) -> Money | None:
        """What is open and what will be invoiced until the renewal."""
        return None if self.open is None or self.until_renewal is None else self.open + self.until_renewal


def list_renewals(
    services: Services, *, within: int | None = None, limit: int = 1000, late_only: bool = False
) -> list[UpcomingRenewal]:
    """Accounts that renew within so many days, of those that have entered a window of their policy."""
    today = services.today()
    until = today + timedelta(days=within) if within is not None else date.max
    with services.store.begin() as work:
        rows = work.renewals.upcoming(until, limit, late_only=late_only)
        return [_whole(row, today, work) for row in rows]


def _whole(row: RenewalRow, today: date, work: UnitOfWork) -> UpcomingRenewal:
    currency = str(row.shown.get("currency") or "").lower()
    owed = coming = None
    if currency:
        owed, minor = Money(0, currency), 0
        for customer in work.accounts.customers_of(row.account):
            account = work.ledger.account(customer)
            if account is None:
                continue
            open_ = [i for i in account.invoices if i.status == "open" and i.currency == currency]
            owed += Money(sum(invoice.amount_remaining for invoice in open_), currency)
            minor += invoiced_until(account.subscriptions, currency, row.renewal)
        coming = Money(minor, currency)
    return UpcomingRenewal(
        account=row.account,
        name=row.name,
        renewal=row.renewal,
        days=(row.renewal - today).days,
        source=row.source,
        window=row.window,
        late_payer=row.late_payer,
        shown=row.shown,
        open=owed,
        until_renewal=coming,
        task=row.task,
    )
