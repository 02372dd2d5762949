"""Keep what was asked of linkages, and count tries to come in over all processes."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "linkage_work",
        sa.Column("id", number, nullable=False),
        sa.Column("linkage", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_at", InstantColumn(), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("begun_at", InstantColumn(), nullable=True),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("made", number, nullable=True),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("holds", sa.String(length=60), nullable=True),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_work")),
        sa.UniqueConstraint("holds", name=op.f("uq_linkage_work_holds")),
        sa.UniqueConstraint("origin", name=op.f("uq_linkage_work_origin")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_linkage_work_linkage"), "linkage_work", ["linkage"])
    op.create_table(
        "app_try",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.Column("until", InstantColumn(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_app_try")),
    )
    op.create_index(op.f("ix_app_try_until"), "app_try", ["until"])
