"""To which customers a deal may have been billed by attempts whose answer was lost."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        create table payer_tried (
            deal text not null,
            customer text not null,
            since timestamptz default now() not null,
            constraint pk_payer_tried primary key (deal, customer)
        )
        """
    )


def downgrade() -> None:
    """Forget it."""
    op.execute("drop table payer_tried")
