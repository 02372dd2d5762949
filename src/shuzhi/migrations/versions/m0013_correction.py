"""Make the tables of doubts, corrections and recalls."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "correction_doubt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("responsible", sa.String(length=120), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("next_at", InstantColumn(), nullable=True),
        sa.Column("has_no_deadline", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_doubt")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_correction_doubt_dataset"), "correction_doubt", ["dataset"], unique=False
    )
    op.create_index(
        op.f("ix_correction_doubt_next_at"), "correction_doubt", ["next_at"], unique=False
    )
    op.create_index(op.f("ix_correction_doubt_party"), "correction_doubt", ["party"], unique=False)
    op.create_index(
        op.f("ix_correction_doubt_responsible"), "correction_doubt", ["responsible"], unique=False
    )
    op.create_table(
        "correction_decision",
        sa.Column("doubt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("nearness", sa.String(length=8), nullable=False),
        sa.Column("review", sa.String(length=8), nullable=False),
        sa.Column("reviewed_at", InstantColumn(), nullable=True),
        sa.Column("by", sa.String(length=120), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["doubt"],
            ["correction_doubt.id"],
            name=op.f("fk_correction_decision_doubt_correction_doubt"),
        ),
        sa.PrimaryKeyConstraint("doubt", "kind", "id", name=op.f("pk_correction_decision")),
    )
    op.create_index(
        "ix_correction_decision_party", "correction_decision", ["party", "review"], unique=False
    )
    op.create_table(
        "correction_notice",
        sa.Column("doubt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("receipts", sa.JSON(), nullable=False),
        sa.Column("told_at", InstantColumn(), nullable=False),
        sa.Column("acknowledged_at", InstantColumn(), nullable=True),
        sa.Column("by", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["doubt"],
            ["correction_doubt.id"],
            name=op.f("fk_correction_notice_doubt_correction_doubt"),
        ),
        sa.PrimaryKeyConstraint("doubt", "party", name=op.f("pk_correction_notice")),
    )
    op.create_index(
        "ix_correction_notice_party",
        "correction_notice",
        ["party", "acknowledged_at"],
        unique=False,
    )
    op.create_table(
        "correction_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("doubt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=12), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["doubt"],
            ["correction_doubt.id"],
            name=op.f("fk_correction_step_doubt_correction_doubt"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_step")),
        sa.UniqueConstraint("doubt", "number", name=op.f("uq_correction_step_doubt")),
        sa.UniqueConstraint("origin", name=op.f("uq_correction_step_origin")),
        sqlite_autoincrement=True,
    )
