"""Make the tables of standing duties."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "duties_breach",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("duty", sa.String(length=60), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.Column("found_at", InstantColumn(), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties_breach")),
        sa.UniqueConstraint(
            "duty", "party", "subject", "since", name=op.f("uq_duties_breach_duty")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_duties_breach_party", "duties_breach", ["party", "ended_at"], unique=False)
