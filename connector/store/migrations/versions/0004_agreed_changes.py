"""The steps of an agreed change, so that one that was begun is gone on with and never planned anew."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a change agreed to before it is planned anew."""
    op.execute("alter table deal_plan add column change jsonb")


def downgrade() -> None:
    """Forget it."""
    op.execute("alter table deal_plan drop column change")
