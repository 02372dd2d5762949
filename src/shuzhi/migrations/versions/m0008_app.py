"""Make the tables of a running platform."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "app_job",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("started_at", InstantColumn(), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_app_job")),
    )
    op.create_table(
        "app_position",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_app_position")),
    )
