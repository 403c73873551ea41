"""Every table of ours, as SQLAlchemy Core sees them; ``migrations`` makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from connector.store.columns import IntervalColumn, InvoiceStatusColumn, Moment, PaymentMethodColumn, RefColumn

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# --- What came in, and what must be done about it -------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", RefColumn),
    Column("occurred_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Column("problem", Text, nullable=False, server_default=""),
    UniqueConstraint("source", "event_id"),
    Index("ix_inbox_problems", "id", postgresql_where=text("problem <> ''")),
)

# Dirty is seq > done_seq. Rows are never deleted: a deleted row would forget which events its work has seen.
# fillfactor leaves room for updates in place, so that a busy target does not touch its index.
target = Table(
    "target",
    metadata,
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("done_seq", BigInteger, nullable=False, server_default="0"),
    Column("started_seq", BigInteger, nullable=False, server_default="0"),
    Column("dirty_since", Moment, nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failing_since", Moment),
    Column("not_before", Moment, nullable=False, server_default=func.now()),
    Column("parked_at", Moment),
    Column("last_error", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("kind", "ref"),
    Index("ix_target_due", "not_before", postgresql_where=text("seq > done_seq and parked_at is null")),
    Index("ix_target_parked", "parked_at", postgresql_where=text("parked_at is not null")),
    postgresql_with={"fillfactor": 70},
)

# --- What we made in billing, and for whom --------------------------------------------------------------------------

link = Table(
    "link",
    metadata,
    Column("owner", RefColumn, nullable=False),
    Column("role", Text, nullable=False),
    Column("target", RefColumn, nullable=False, index=True),
    Column("mapping_version", Integer, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("owner", "role"),
)

step_attempt = Table(
    "step_attempt",
    metadata,
    Column("owner", RefColumn, nullable=False),
    Column("role", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="1"),
    Column("last_at", Moment, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("owner", "role"),
)

# Written before billing is asked to make anything for a deal, so that a later attempt knows where to look for it.
payer_tried = Table(
    "payer_tried",
    metadata,
    Column("deal", RefColumn, nullable=False),
    Column("customer", RefColumn, nullable=False),
    Column("since", Moment, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("deal", "customer"),
)

billed_deal = Table(
    "billed_deal",
    metadata,
    Column("deal", RefColumn, primary_key=True),
    Column("customer", RefColumn, nullable=False, index=True),
    Column("account", RefColumn, nullable=False, index=True),
    Column("expected", BigInteger),
    Column("notes", ARRAY(Text), nullable=False),
    Column("since", Moment, nullable=False, server_default=func.now()),
    Column("renewal_date", Date),  # as the CRM's own field says it, where the mapping reads one
    Column("sold_to", RefColumn, index=True),  # the account that bought, where another one pays
)

# --- The ledger: what billing said, one row per record, columns named as the fields in domain/billing.py ------------

customer = Table(
    "customer",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("crm_account", RefColumn, index=True),
    Column("payment_method", PaymentMethodColumn, nullable=False),
    Column("card_expires", Date),
    Column("credit_balance", BigInteger, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("assessed_at", Moment),
    Index("ix_customer_assessed", text("assessed_at nulls first")),
)


def _belongs_to_customer() -> Column[object]:
    return Column("customer", RefColumn, ForeignKey("customer.ref"), nullable=False, index=True)


subscription = Table(
    "subscription",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    _belongs_to_customer(),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("started_at", Moment),
    Column("cancel_at", Moment),
    Column("ended_at", Moment),
    Column("deal", RefColumn, index=True),
    Column("latest_invoice", RefColumn),
    Column("contract_end", Date),
)

subscription_item = Table(
    "subscription_item",
    metadata,
    Column("subscription", RefColumn, ForeignKey("subscription.ref", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("unit_amount", Numeric),
    Column("quantity", BigInteger, nullable=False),
    Column("interval", IntervalColumn),
    Column("current_period_end", Moment),
    Column("metered", Boolean, nullable=False),
    Column("recurring_amount", Numeric),
    PrimaryKeyConstraint("subscription", "position"),
)

invoice = Table(
    "invoice",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    _belongs_to_customer(),
    Column("status", InvoiceStatusColumn, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("amount_due", BigInteger, nullable=False),
    Column("amount_paid", BigInteger, nullable=False),
    Column("amount_remaining", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("number", Text, nullable=False),
    Column("subscription", RefColumn, index=True),
    Column("deal", RefColumn, index=True),
    Column("due_date", Date),
    Column("finalized_at", Moment),
    Column("paid_at", Moment),
    Column("voided_at", Moment),
    Column("hosted_url", Text, nullable=False),
    Column("pdf_url", Text, nullable=False),
    Column("collection_method", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("next_payment_attempt", Moment),
    Column("replaced_by", RefColumn),
    Column("uncollectible_reason", Text, nullable=False),
    Column("credited", BigInteger, nullable=False),
    Column("disputed", Boolean, nullable=False),
    Column("processing", Boolean, nullable=False),
    Column("uncollectible_at", Moment),
)

invoice_line = Table(
    "invoice_line",
    metadata,
    Column("invoice", RefColumn, ForeignKey("invoice.ref", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("quantity", Numeric),
    Column("price_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("period_start", Moment),
    Column("period_end", Moment),
    Column("proration", Boolean, nullable=False),
    PrimaryKeyConstraint("invoice", "position"),
)

payment = Table(
    "payment",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    _belongs_to_customer(),
    Column("invoice", RefColumn, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("paid_at", Moment),
    Column("payment_intent", Text, nullable=False, index=True),
    Column("charge", Text, nullable=False, index=True),
)

credit_note = Table(
    "credit_note",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    _belongs_to_customer(),
    Column("invoice", RefColumn, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before_payment", BigInteger, nullable=False),
)

dispute = Table(
    "dispute",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    _belongs_to_customer(),
    Column("charge", Text, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payment_intent", Text, nullable=False, index=True),
    Column("invoice", RefColumn, index=True),
)

refund = Table(
    "refund",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    _belongs_to_customer(),
    Column("charge", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("invoice", RefColumn, index=True),
)

# --- What CRM records should show -----------------------------------------------------------------------------------

crm_record = Table(
    "crm_record",
    metadata,
    Column("ref", RefColumn, primary_key=True),
    Column("crm", Text, nullable=False),
    Column("desired", JSONB, nullable=False),
    Column("written", JSONB, nullable=False),
    Column("differs", Boolean, nullable=False, server_default=text("false")),
    Column("waiting_since", Moment),
    Column("not_before", Moment, nullable=False, server_default=func.now()),
    Column("parked", Boolean, nullable=False, server_default=text("false")),
    Column("error", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("written_at", Moment),
    Index("ix_crm_record_waiting", "crm", "waiting_since", postgresql_where=text("differs and not parked")),
    Index("ix_crm_record_parked", "waiting_since", postgresql_where=text("parked")),
)

# --- What admins decide, and the record of everything ---------------------------------------------------------------

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False, server_default=func.now()),
)

watermark = Table(
    "watermark",
    metadata,
    Column("name", Text, primary_key=True),
    Column("moment", Moment, nullable=False),
)

# What was proposed, decided and billed. What was billed is never rewritten: a later change is a round of its own.
deal_plan = Table(
    "deal_plan",
    metadata,
    Column("deal", RefColumn, nullable=False),
    Column("round", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("forecast", JSONB, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("mapping_version", Integer, nullable=False, server_default="0"),
    Column("fingerprint", Text, nullable=False, server_default=""),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_why", Text, nullable=False, server_default=""),
    Column("decided_at", Moment),
    Column("change", JSONB(none_as_null=True)),
    Column("terms", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("deal", "round"),
    Index("ix_deal_plan_waiting", "made_at", postgresql_where=text("state = 'waiting'")),
)

mapping_version = Table(
    "mapping_version",
    metadata,
    Column("crm", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("crm", "version"),
    Index("uq_mapping_version_active", "crm", unique=True, postgresql_where=text("active")),
)

# Rows are sealed into a hash chain after they are written (audit_seal.py); a trigger refuses every other change.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("detail", JSONB, nullable=False),
    Column("at", Moment, nullable=False),
    Column("seal_number", BigInteger, unique=True),
    Column("seal", Text),
    Index("ix_audit_unsealed", "id", postgresql_where=text("seal is null")),
)

# --- Shared by all processes ----------------------------------------------------------------------------------------

# One row per rate limit: tat is the theoretical arrival time of GCRA. connector.jobs.rate_limit reads and writes it.
rate_limit = Table(
    "rate_limit",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tat", Moment, nullable=False),
)

# How much of a vendor's daily allowance is used, as the vendor last said.
call_budget = Table(
    "call_budget",
    metadata,
    Column("name", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("allowed", BigInteger, nullable=False),
    Column("told_at", Moment, nullable=False, server_default=func.now()),
)
