"""The tables of payment health: what people said about an account, what was flagged, and what was learnt."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from connector.store.columns import Moment, RefColumn
from connector.store.tables import metadata

# What a CRM account is, as its deals said it last: policies and roll-ups go by it.
crm_account = Table(
    "crm_account",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    Column("parent", RefColumn, index=True),
    Column("owner", RefColumn),
    Column("size", Text, nullable=False, server_default=""),
    Column("country", Text, nullable=False, server_default=""),
    Column("plan", Text, nullable=False, server_default=""),
    Column("seen_at", Moment, nullable=False),
)

# What all accounts together say; the newest version is in use, older ones stay for the record.
portfolio = Table(
    "portfolio",
    metadata,
    Column("version", Integer, Identity(), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("figures", JSONB, nullable=False),
    Column("fitted_at", Moment, nullable=False, server_default=func.now()),
)

# A person's word over ours, until a day. Never changed, only ended.
health_override = Table(
    "health_override",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account", RefColumn, nullable=False),
    Column("word", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("set_at", Moment, nullable=False),
    Column("until", Date, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", Text, nullable=False, server_default=""),
    Index("ix_health_override_account", "account", postgresql_where=text("ended_at is null")),
)

# A promise to pay: of one invoice, or of whatever the customer owes.
promise = Table(
    "promise",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("customer", RefColumn, nullable=False, index=True),
    Column("invoice", RefColumn),
    Column("amount", BigInteger),
    Column("currency", Text, nullable=False, server_default=""),
    Column("promised_for", Date, nullable=False),
    Column("noted_by", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("noted_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
)

# Each CRM account's flag after the last look at it: the next look says what has changed since.
account_flag = Table(
    "account_flag",
    metadata,
    Column("account", RefColumn, primary_key=True),
    Column("late_payer", Boolean, nullable=False),
    Column("window_days", Integer),
    Column("renewal_date", Date),
    Column("renewal_source", Text),
    Column("word", Text, nullable=False),
    Column("own_word", Text, nullable=False),
    Column("own_reason", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("excused_day", Date, nullable=False),
    Column("excused_at_opening", ARRAY(RefColumn), nullable=False),
    Column("excused_now", ARRAY(RefColumn), nullable=False),
    Column("cleared_on", Date),
    Column("cleared_because", Text, nullable=False),
    Column("deals_seen_on", Date),  # when its open renewal deals and tasks were last looked at
    Index("ix_account_flag_late", "renewal_date", postgresql_where=text("late_payer")),
)

# One task for the owner per account, renewal and window: noted before it is made, so that there are never two.
renewal_task = Table(
    "renewal_task",
    metadata,
    Column("account", RefColumn, nullable=False),
    Column("renewal_date", Date, nullable=False),
    Column("window_days", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("record", RefColumn, nullable=False),
    Column("task", RefColumn),
    Column("begun_at", Moment, nullable=False),
    Column("made_at", Moment),
    Column("closed_at", Moment),
    PrimaryKeyConstraint("account", "renewal_date", "window_days"),
)

# Open renewal deals that carry an account's flag, so that it can be taken off them again.
flagged_deal = Table(
    "flagged_deal",
    metadata,
    Column("deal", RefColumn, primary_key=True),
    Column("account", RefColumn, nullable=False, index=True),
    Column("since", Moment, nullable=False),
    Column("cleared_at", Moment),
)

# Terms that go against the payment record, allowed by somebody until a day. Never changed, only ended.
terms_exception = Table(
    "terms_exception",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account", RefColumn, nullable=False),
    Column("net_days", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Date, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index("ix_terms_exception_account", "account", postgresql_where=text("ended_at is null")),
)

# Monthly recurring revenue of a subscription from a moment on, in minor units with their decimals; 0 when it ended.
mrr_change = Table(
    "mrr_change",
    metadata,
    Column("subscription", RefColumn, nullable=False),
    Column("at", Moment, nullable=False),
    Column("customer", RefColumn, nullable=False, index=True),
    Column("currency", Text, nullable=False),
    Column("mrr", Numeric, nullable=False),
    PrimaryKeyConstraint("subscription", "at"),
)
