"""The words CRMs use for how often, when and how a customer pays, and what each of them means.

HubSpot's are the values of ``recurringbillingfrequency``; Salesforce CPQ's those of ``SBQQ__BillingFrequency__c``
and ``SBQQ__ChargeType__c``. The rest is what people type into fields of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

IntervalValue: TypeAlias = tuple[str, int]
"""(unit, count): a quarter is ("month", 3)."""

ONE_TIME: Final[IntervalValue] = ("one_time", 0)
"""What ``interval`` yields for a line that does not recur."""

INTERVALS: Mapping[str, IntervalValue] = MappingProxyType(
    {
        "daily": ("day", 1),
        "day": ("day", 1),
        "weekly": ("week", 1),
        "week": ("week", 1),
        "biweekly": ("week", 2),
        "fortnightly": ("week", 2),
        "monthly": ("month", 1),
        "month": ("month", 1),
        "quarterly": ("month", 3),
        "quarter": ("month", 3),
        "semiannual": ("month", 6),
        "semiannually": ("month", 6),
        "half_yearly": ("month", 6),
        "per_six_months": ("month", 6),
        "six_months": ("month", 6),
        "annual": ("year", 1),
        "annually": ("year", 1),
        "yearly": ("year", 1),
        "year": ("year", 1),
        "biennial": ("year", 2),
        "biennially": ("year", 2),
        "per_two_years": ("year", 2),
        "per_three_years": ("year", 3),
        "per_four_years": ("year", 4),
        "per_five_years": ("year", 5),
        "one_time": ONE_TIME,
        "onetime": ONE_TIME,
        "one_off": ONE_TIME,
        "once": ONE_TIME,
        "non_recurring": ONE_TIME,
        "none": ONE_TIME,
    }
)
"""``bimonthly`` is missing on purpose: to some it is twice a month, to others every second month."""

_EVERY = re.compile(r"(?:every_)?(\d{1,3})_?(day|week|month|quarter|year)s?")
_ISO_PERIOD = re.compile(r"p(?:(\d{1,3})y)?(?:(\d{1,3})m)?(?:(\d{1,3})w)?(?:(\d{1,4})d)?")
_MONTHS_TEXT = re.compile(r"(\d{1,3})_?(month|mo|year|yr)s?")

NET_DAYS_NOW = frozenset(
    {
        "due_on_receipt",
        "due_upon_receipt",
        "on_receipt",
        "upon_receipt",
        "immediate",
        "immediately",
        "due_immediately",
        "due_now",
        "payable_on_receipt",
        "prepaid",
        "prepay",
        "prepayment",
    }
)
"""Due the day the invoice is made. Prepaid belongs here: billing in advance is what a subscription does anyway."""

NET_DAYS = re.compile(r"(?:net_?)?(\d{1,3})(?:_?(?:net|days?|days_net))?")
LONGEST_NET_DAYS = 730

COLLECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "send_invoice": "send_invoice",
        "invoice": "send_invoice",
        "by_invoice": "send_invoice",
        "manual": "send_invoice",
        "manual_payments": "send_invoice",
        "bank_transfer": "send_invoice",
        "wire": "send_invoice",
        "wire_transfer": "send_invoice",
        "check": "send_invoice",
        "cheque": "send_invoice",
        "charge_automatically": "charge_automatically",
        "automatic": "charge_automatically",
        "automatic_payments": "charge_automatically",
        "auto_pay": "charge_automatically",
        "autopay": "charge_automatically",
        "card": "charge_automatically",
        "credit_card": "charge_automatically",
        "direct_debit": "charge_automatically",
    }
)

DEAL_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "new": "new",
        "new_business": "new",
        "newbusiness": "new",
        "new_customer": "new",
        "quote": "new",
        "amendment": "amendment",
        "amend": "amendment",
        "existing_business": "amendment",
        "existingbusiness": "amendment",
        "existing_customer_upgrade": "amendment",
        "existing_customer_downgrade": "amendment",
        "existing_customer_replacement": "amendment",
        "upsell": "amendment",
        "upgrade": "amendment",
        "downsell": "amendment",
        "downgrade": "amendment",
        "expansion": "amendment",
        "add_on": "amendment",
        "renewal": "renewal",
        "renew": "renewal",
        "renewals": "renewal",
        "cancellation": "cancellation",
        "cancel": "cancellation",
        "cancelled": "cancellation",
        "canceled": "cancellation",
        "churn": "cancellation",
        "termination": "cancellation",
    }
)
"""Salesforce's ``Opportunity.Type``, HubSpot's ``dealtype`` and Salesforce CPQ's ``SBQQ__Type__c``, and kin."""

TAX_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "none": "none",
        "taxable": "none",
        "standard": "none",
        "exempt": "exempt",
        "tax_exempt": "exempt",
        "reverse": "reverse",
        "reverse_charge": "reverse",
    }
)
"""Values of Stripe's customer ``tax_exempt``, and what people say for them."""

TRUE = frozenset({"true", "yes", "y", "1", "on", "checked"})
FALSE = frozenset({"false", "no", "n", "0", "off", "unchecked"})


def plain(text: str) -> str:
    """A word as the tables hold it: ``Per Six-Months`` -> ``per_six_months``. A sign before a number stays one."""
    signed = re.sub(r"(?<![^\s])[-−](?=\d)", "minus", text.casefold())
    return re.sub(r"[^a-z0-9]+", "_", signed).strip("_")


def interval_of(text: str) -> IntervalValue | None:
    """What a word says about how often a line recurs; None when it says nothing we know."""
    word = plain(text)
    known = INTERVALS.get(word)
    if known:
        return known
    every = _EVERY.fullmatch(word)
    if every:
        count, unit = int(every[1]), every[2]
        return _interval("month", count * 3) if unit == "quarter" else _interval(unit, count)
    years, months, weeks, days = _period(word)
    given = [pair for pair in (("month", years * 12 + months), ("week", weeks), ("day", days)) if pair[1]]
    return _interval(*given[0]) if len(given) == 1 else None


def months_of(text: str) -> int | None:
    """How many whole months a period is: ``P1Y6M``, ``18 months``, ``2 years``, ``24``. None when it is no term."""
    word = plain(text)
    if word.isascii() and word.isdigit() and len(word) <= 3:
        return int(word) or None
    spelled = _MONTHS_TEXT.fullmatch(word)
    if spelled:
        return int(spelled[1]) * (12 if spelled[2] in {"year", "yr"} else 1) or None
    years, months, weeks, days = _period(word)
    return None if weeks or days else years * 12 + months or None


def net_days_of(text: str) -> int | None:
    """How many days after its date an invoice falls due: ``Net 45``, ``NET30``, ``Due on receipt``; None if unclear."""
    word = plain(text)
    if word in NET_DAYS_NOW:
        return 0
    net = NET_DAYS.fullmatch(word)
    return int(net[1]) if net and int(net[1]) <= LONGEST_NET_DAYS else None


def _interval(unit: str, count: int) -> IntervalValue | None:
    """One form for equal intervals: twelve months are a year."""
    if count < 1:
        return None
    return ("year", count // 12) if unit == "month" and count % 12 == 0 else (unit, count)


def _period(word: str) -> tuple[int, int, int, int]:
    match = _ISO_PERIOD.fullmatch(word)
    parts = match.groups() if match else (None,) * 4
    years, months, weeks, days = (int(part or 0) for part in parts)
    return years, months, weeks, days
