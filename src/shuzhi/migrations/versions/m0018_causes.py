"""Make the table of what may have caused a case."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "app_cause",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("tracing", sa.String(length=60), nullable=False),
        sa.Column("sought_at", InstantColumn(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "tracing", name=op.f("pk_app_cause")),
    )
