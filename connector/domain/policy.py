"""What an operator chooses once, for every deal that says nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Proration(StrEnum):
    """How a part of a billing period is counted, where a contract changes in mid-period."""

    DAY = "day"  #: days served over the period's days
    MONTH = "month"  #: whole months served, a month that has begun counting whole; days for shorter periods


class PastStart(StrEnum):
    """What happens to the periods that lie between a start in the past and today."""

    BILL = "bill"  #: each whole period is a line of the first invoice, the running one is billed whole
    FROM_TODAY = "from_today"  #: they are not billed: the first period begins today
    REFUSE = "refuse"  #: a person decides


@dataclass(frozen=True, slots=True)
class BillingPolicy:
    """The defaults of billing. ``default_currency`` serves CRMs that name none; empty means the deal must."""

    default_currency: str = ""
    default_net_days: int = 30
    auto_renew: bool = True  #: a contract whose deal does not say so runs on after its term
    past_start: PastStart = PastStart.BILL
    automatic_tax: bool = False  #: billing works out tax; every customer then needs a country and a postal code
    proration: Proration = Proration.DAY
    #: an upsell's share of the running period is invoiced at once, not with the next invoice
    amendments_now: bool = True
    downsell_credit: bool = False  #: what is paid and no longer served is credited when a deal does not say
