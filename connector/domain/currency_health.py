"""CurrencyHealth: an account's figures in one of its currencies; nothing here is ever added to another currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.aging import BUCKETS, AgingBucket, bucket_index, bucket_of
from connector.domain.billing import InvoiceStatus
from connector.domain.invoice_standing import InvoiceStanding
from connector.domain.money import Money

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class CurrencyHealth:
    """What the invoices of one currency come to, in its minor units, and as Money through the properties."""

    currency: str
    open_minor: int = 0  #: still to be paid, due or not, contested or not; without what was written off
    overdue_minor: int = 0  #: past due, neither disputed nor on its way
    overdue_count: int = 0
    days_past_due: int = 0  #: of the oldest overdue invoice
    aging_minor: tuple[int, ...] = (
        0,
        0,
        0,
        0,
        0,
    )  #: by bucket: the open balance that is neither disputed nor on its way
    disputed_minor: int = 0  #: of disputed invoices: what is owed on them, or was paid and is contested
    charged_back_minor: int = 0  #: what customers' banks took back for good
    processing_minor: int = 0  #: a bank debit is on its way
    written_off_minor: int = 0
    credited_minor: int = 0  #: taken off by credit notes, before or after payment
    resolved: int = 0  #: invoices that tell how the account pays
    on_time: int = 0  #: of those
    unpaid: int = 0  #: of those: while there are any, the average days late are provisional
    resolved_minor: int = 0  #: what the resolved ones were made out for
    late_minor_days: int = 0  #: the same, each amount times its days late

    @property
    def average_days_late(self) -> Decimal | None:
        """Of resolved invoices, weighted by amount, early below 0, unpaid up to today; None of none."""
        return average(self.late_minor_days, self.resolved_minor)

    @property
    def on_time_rate(self) -> Decimal | None:
        """Percent of resolved invoices; None of none."""
        return share(self.on_time, self.resolved)

    @property
    def open_balance(self) -> Money:
        """All that is still to be paid."""
        return Money(self.open_minor, self.currency)

    @property
    def overdue_balance(self) -> Money:
        """What is owed past its due date."""
        return Money(self.overdue_minor, self.currency)

    @property
    def disputed(self) -> Money:
        """Shown apart: a dispute is a reason to look, not lateness."""
        return Money(self.disputed_minor, self.currency)

    @property
    def charged_back(self) -> Money:
        """Shown apart: paid, and lost again in a dispute."""
        return Money(self.charged_back_minor, self.currency)

    @property
    def processing(self) -> Money:
        """Shown apart: a bank debit is on its way."""
        return Money(self.processing_minor, self.currency)

    @property
    def written_off(self) -> Money:
        """Shown apart: given up, so no longer owed."""
        return Money(self.written_off_minor, self.currency)

    @property
    def credited(self) -> Money:
        """What credit notes took off."""
        return Money(self.credited_minor, self.currency)

    @property
    def bucket(self) -> AgingBucket:
        """Of the oldest overdue invoice."""
        return bucket_of(self.days_past_due)

    @property
    def aging(self) -> Mapping[AgingBucket, Money]:
        """The amount in each bucket, the youngest first."""
        return {bucket: Money(minor, self.currency) for bucket, minor in zip(BUCKETS, self.aging_minor, strict=True)}


def currency_health(currency: str, standings: Sequence[InvoiceStanding]) -> CurrencyHealth:
    """The figures of those invoices, all of that currency."""
    owed = overdue = count = oldest = disputed = processing = written_off = credited = charged_back = 0
    resolved = unpaid = on_time = days_amount = amount = 0
    aging = [0, 0, 0, 0, 0]
    for invoice, still_owed, past_due, outcome, contested, back in standings:
        charged_back += back
        credited += invoice.credited
        if still_owed:
            owed += still_owed
            if not contested and not invoice.processing:
                aging[bucket_index(past_due)] += still_owed
            if past_due:
                overdue += still_owed
                count += 1
                if past_due > oldest:
                    oldest = past_due
        if contested:
            disputed += still_owed or invoice.amount_paid
        elif invoice.processing:
            processing += still_owed
        if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
            written_off += invoice.amount_remaining
        if outcome is not None:
            _, days_late, is_unpaid = outcome
            resolved += 1
            unpaid += is_unpaid
            on_time += days_late <= 0
            amount += invoice.total
            days_amount += days_late * invoice.total
    return CurrencyHealth(
        currency,
        owed,
        overdue,
        count,
        oldest,
        tuple(aging),
        disputed,
        charged_back,
        processing,
        written_off,
        credited,
        resolved,
        on_time,
        unpaid,
        amount,
        days_amount,
    )


def average(total: int, weight: int) -> Decimal | None:
    """To one decimal; None where there is nothing to average."""
    return (Decimal(total) / weight).quantize(_TENTH) if weight else None


def share(part: int, whole: int) -> Decimal | None:
    """In percent, to one decimal; None of nothing."""
    return (Decimal(100 * part) / whole).quantize(_TENTH) if whole else None
