"""Keep answers of verification for the visit that asked, over all processes."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "verification_shown",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("until", InstantColumn(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_verification_shown")),
    )
    op.create_index("ix_verification_shown_visit", "verification_shown", ["visit", "until"])
    op.create_index("ix_verification_shown_until", "verification_shown", ["until"])
