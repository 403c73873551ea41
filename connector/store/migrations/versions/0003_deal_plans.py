"""What was proposed for each deal, who decided, and what was billed."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        create table deal_plan (
            deal text not null,
            round integer not null,
            hash text not null,
            state text not null,
            document jsonb not null,
            forecast jsonb not null,
            as_of date not null,
            made_at timestamptz not null,
            reason text default '' not null,
            mapping_version integer default 0 not null,
            fingerprint text default '' not null,
            decided_by text default '' not null,
            decided_why text default '' not null,
            decided_at timestamptz,
            constraint pk_deal_plan primary key (deal, round)
        )
        """
    )
    op.execute("create index ix_deal_plan_waiting on deal_plan (made_at) where state = 'waiting'")


def downgrade() -> None:
    """Forget it."""
    op.execute("drop table deal_plan")
