"""Make the tables of linked subjects."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, nullable=False)


def _ends() -> tuple[sa.Column[str], ...]:
    names = ("left_dataset", "left_key", "right_dataset", "right_key")
    return tuple(sa.Column(name, sa.String(length=300), nullable=False) for name in names)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "linkage_model",
        _id(),
        sa.Column("linkage", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("trained_at", InstantColumn(), nullable=False),
        sa.Column("trained_by", sa.String(length=120), nullable=False),
        sa.Column("accepted_at", InstantColumn(), nullable=True),
        sa.Column("accepted_by", sa.String(length=120), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_model")),
        sa.UniqueConstraint("linkage", "number", name=op.f("uq_linkage_model_linkage")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "linkage_run",
        _id(),
        sa.Column("linkage", sa.String(length=60), nullable=False),
        sa.Column("model", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model"], ["linkage_model.id"], name=op.f("fk_linkage_run_model_linkage_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_run")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_linkage_run_linkage"), "linkage_run", ["linkage"], unique=False)
    op.create_table(
        "linkage_pair",
        _id(),
        sa.Column("linkage", sa.String(length=60), nullable=False),
        *_ends(),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("place", sa.String(length=12), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_pair")),
        sa.UniqueConstraint(
            "linkage",
            "left_dataset",
            "left_key",
            "right_dataset",
            "right_key",
            name=op.f("uq_linkage_pair_linkage"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_linkage_pair_place", "linkage_pair", ["linkage", "place"], unique=False)
    op.create_table(
        "linkage_member",
        sa.Column("linkage", sa.String(length=60), nullable=False),
        sa.Column("dataset", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("linkage", "dataset", "key", name=op.f("pk_linkage_member")),
    )
    op.create_index(
        "ix_linkage_member_subject", "linkage_member", ["linkage", "subject"], unique=False
    )
    op.create_table(
        "linkage_decision",
        _id(),
        sa.Column("linkage", sa.String(length=60), nullable=False),
        *_ends(),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("reason", sa.String(length=4000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_decision")),
        sa.UniqueConstraint(
            "linkage",
            "left_dataset",
            "left_key",
            "right_dataset",
            "right_key",
            "by",
            name=op.f("uq_linkage_decision_linkage"),
        ),
        sqlite_autoincrement=True,
    )
