"""plan_billing: from a deal to the exact steps billing must take, or one sentence why it cannot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BillingPolicy:
    """What an operator chooses once for every deal that says nothing itself."""

    default_currency: str = ""  #: for CRMs that name none; empty means the deal must
    default_net_days: int = 30
