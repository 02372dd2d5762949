"""Make the tables of rules and warnings."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "rules_rule",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("off_code", sa.String(length=20), nullable=True),
        sa.Column("off_reason", sa.Text(), nullable=True),
        sa.Column("off_is_told", sa.Boolean(), nullable=False),
        sa.Column("judged_version", sa.Integer(), nullable=True),
        sa.Column("has_judged", sa.Boolean(), nullable=False),
        sa.Column("looked_at", InstantColumn(), nullable=True),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules_rule")),
    )
    op.create_table(
        "rules_version",
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "version", name=op.f("pk_rules_version")),
    )
    identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "rules_warning",
        sa.Column("id", identity, nullable=False),
        sa.Column("rule_id", sa.String(length=60), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("case_kind", sa.String(length=60), nullable=True),
        sa.Column("merge_key", sa.String(length=120), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("last_at", InstantColumn(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("raised_at", InstantColumn(), nullable=False),
        sa.Column("told", sa.String(length=10), nullable=True),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.Column("absorbed_by", identity, nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("outcome_at", InstantColumn(), nullable=True),
        sa.Column("outcome_by", sa.String(length=120), nullable=True),
        sa.Column("happened_at", InstantColumn(), nullable=True),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules_warning")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rules_warning_rule", "rules_warning", ["rule_id", "last_at"], unique=False)
    op.create_index(
        op.f("ix_rules_warning_changed_at"), "rules_warning", ["changed_at"], unique=False
    )
    op.create_index(op.f("ix_rules_warning_is_told"), "rules_warning", ["is_told"], unique=False)
