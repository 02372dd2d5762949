"""Make the tables of verification."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "verification_tally",
        sa.Column("agreement", number, autoincrement=False, nullable=False),
        sa.Column("asked", number, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked_that_day", number, nullable=False),
        sa.Column("usual", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", name=op.f("pk_verification_tally")),
    )
    op.create_table(
        "verification_finding",
        sa.Column("id", number, nullable=False),
        sa.Column("agreement", number, nullable=False),
        sa.Column("asker", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("until", InstantColumn(), nullable=False),
        sa.Column("measured", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=True),
        sa.Column("lifted_at", InstantColumn(), nullable=True),
        sa.Column("lifted_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_finding")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_verification_finding_agreement",
        "verification_finding",
        ["agreement", "until"],
        unique=False,
    )
