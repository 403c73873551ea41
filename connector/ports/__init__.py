"""What we ask of a CRM, of billing, of a webhook and of the store, and the Services they form."""

from __future__ import annotations

from connector.domain.customer_match import Candidate
from connector.ports.accounts import Accounts
from connector.ports.billing import Billing
from connector.ports.book import Book
from connector.ports.checks import Check, CheckStatus, SetupAction
from connector.ports.crm import (
    Crm,
    CrmTask,
    CrmWrite,
    DealRecords,
    FieldCatalog,
    FieldInfo,
    LineRecords,
    RowResult,
    Touched,
    task_subject,
)
from connector.ports.plans import AgreedChange, DealPlan, Plans, PlanState
from connector.ports.portfolios import Portfolios
from connector.ports.receivables import ReceivableRows
from connector.ports.renewals import RenewalRow, Renewals, RenewalTask
from connector.ports.said import NewOverride, NewPromise, Said
from connector.ports.services import BillingProvider, CrmProvider, Feature, Services
from connector.ports.store import (
    AccountDeal,
    AdminSettings,
    Attempt,
    Audit,
    AuditProof,
    DealBilling,
    Inbox,
    Ledger,
    Link,
    Links,
    Mappings,
    MappingVersion,
    ParkedTarget,
    Records,
    Store,
    TargetCounts,
    Targets,
    UnitOfWork,
)
from connector.ports.terms import Terms
from connector.ports.throttle import Clock, Throttle, Unlimited
from connector.ports.webhook import Webhook

__all__ = [
    "AccountDeal",
    "Accounts",
    "AdminSettings",
    "AgreedChange",
    "Attempt",
    "Audit",
    "AuditProof",
    "Billing",
    "BillingProvider",
    "Book",
    "Candidate",
    "Check",
    "CheckStatus",
    "Clock",
    "Crm",
    "CrmProvider",
    "CrmTask",
    "CrmWrite",
    "DealBilling",
    "DealPlan",
    "DealRecords",
    "Feature",
    "FieldCatalog",
    "FieldInfo",
    "Inbox",
    "Ledger",
    "LineRecords",
    "Link",
    "Links",
    "MappingVersion",
    "Mappings",
    "NewOverride",
    "NewPromise",
    "ParkedTarget",
    "PlanState",
    "Plans",
    "Portfolios",
    "ReceivableRows",
    "Records",
    "RenewalRow",
    "RenewalTask",
    "Renewals",
    "RowResult",
    "Said",
    "Services",
    "SetupAction",
    "Store",
    "TargetCounts",
    "Targets",
    "Terms",
    "Throttle",
    "Touched",
    "UnitOfWork",
    "Unlimited",
    "Webhook",
    "task_subject",
]
