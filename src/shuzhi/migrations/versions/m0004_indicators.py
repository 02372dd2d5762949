"""Make the tables of indicators; builds of models tell what changed by versions alone."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "indicators_definition",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("indicator", sa.String(length=121), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_indicators_definition")),
    )
    op.create_table(
        "indicators_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("indicator", sa.String(length=121), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("computed_at", InstantColumn(), nullable=False),
        sa.Column("confirmed_at", InstantColumn(), nullable=False),
        sa.Column("as_of", InstantColumn(), nullable=True),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("bounds", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicators_run")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_indicators_run_indicator", "indicators_run", ["indicator", "id"])
    op.create_table(
        "indicators_value",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_key", sa.String(length=120), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("group", sa.JSON(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("numerator", sa.Text(), nullable=True),
        sa.Column("denominator", sa.Text(), nullable=True),
        sa.Column("colour", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["indicators_run.id"],
            name=op.f("fk_indicators_value_run_id_indicators_run"),
        ),
        sa.PrimaryKeyConstraint("run_id", "group_key", name=op.f("pk_indicators_value")),
    )
    op.create_table(
        "indicators_lent",
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("until", InstantColumn(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_indicators_lent")),
    )
    op.drop_column("models_build", "seen_until")
