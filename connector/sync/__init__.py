"""The use-cases: one file, one verb, one public function. USE_CASES says which kind of Target each serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from connector.ports import Services
from connector.sync.assess_account import assess_account
from connector.sync.assess_accounts import assess_accounts
from connector.sync.bill_deal import bill_deal
from connector.sync.flag_late_payers import flag_late_payers
from connector.sync.reconcile import reconcile
from connector.sync.refit_portfolio import refit_portfolio
from connector.sync.refresh_account import refresh_account
from connector.sync.trace_record import trace_record
from connector.sync.write_back import write_back
from connector.targets import TargetKind

USE_CASES: Mapping[TargetKind, Callable[[str, Services], None]] = MappingProxyType(
    {
        TargetKind.DEAL: bill_deal,
        TargetKind.ACCOUNT: refresh_account,
        TargetKind.HEALTH: assess_account,
        TargetKind.NIGHTLY: assess_accounts,
        TargetKind.RENEWAL: flag_late_payers,
        TargetKind.TRACE: trace_record,
        TargetKind.CRM: write_back,
        TargetKind.POLL: reconcile,
        TargetKind.PORTFOLIO: refit_portfolio,
    }
)
