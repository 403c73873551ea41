"""The billing systems we know, one folder each. A second one is its folder and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connector.billing import stripe
from connector.ports import BillingProvider

BILLINGS: Mapping[str, BillingProvider] = MappingProxyType({p.name: p for p in (stripe.provider,)})
