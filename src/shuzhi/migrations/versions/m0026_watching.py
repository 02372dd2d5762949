"""Count rates and newest questions of verification, and tries by name, over all processes."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    kind = sa.Column("what", sa.String(length=60), nullable=False, server_default="")
    op.add_column("app_try", kind)
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(
        "verification_tally", sa.Column("rates", sa.Text(), nullable=False, server_default="{}")
    )
    op.add_column(
        "verification_tally", sa.Column("watched_from", number, nullable=False, server_default="0")
    )
    op.create_table(
        "verification_seen",
        sa.Column("agreement", number, nullable=False),
        sa.Column("upto", number, nullable=False),
        sa.Column("noted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "upto", name=op.f("pk_verification_seen")),
    )
    op.create_table(
        "verification_guess",
        sa.Column("agreement", number, nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.Column("until", InstantColumn(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "subject", name=op.f("pk_verification_guess")),
    )
    op.create_index("ix_verification_guess_agreement", "verification_guess", ["agreement", "until"])
