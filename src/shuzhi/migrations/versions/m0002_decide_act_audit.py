"""Make the tables of decide, act and audit."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_outbox",
        sa.Column("no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_audit_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cases_case",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=40), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("stage_before", sa.String(length=12), nullable=True),
        sa.Column("responsible", sa.String(length=120), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("opened_at", InstantColumn(), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.Column("closed_at", InstantColumn(), nullable=True),
        sa.Column("merge_key", sa.String(length=200), nullable=True),
        sa.Column("open_key", sa.String(length=300), nullable=True),
        sa.Column("due", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("touched", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("escalated_to", sa.String(length=120), nullable=True),
        sa.Column("handled_by", sa.JSON(), nullable=False),
        sa.Column("handling_parties", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases_case")),
        sa.UniqueConstraint("open_key", name=op.f("uq_cases_case_open_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_case_kind", "cases_case", ["kind", "stage"], unique=False)
    op.create_index(op.f("ix_cases_case_merge_key"), "cases_case", ["merge_key"], unique=False)
    op.create_index(op.f("ix_cases_case_responsible"), "cases_case", ["responsible"], unique=False)
    op.create_table(
        "catalogue_refusal",
        sa.Column("origin", sa.String(length=120), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("harvested_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "no", name=op.f("pk_catalogue_refusal")),
    )
    op.create_table(
        "models_build",
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("built_at", InstantColumn(), nullable=False),
        sa.Column("seen_until", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_models_build")),
    )
    op.create_table(
        "cases_clock",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("clock", sa.String(length=60), nullable=False),
        sa.Column("spells", sa.JSON(), nullable=False),
        sa.Column("due_at", InstantColumn(), nullable=True),
        sa.Column("next_at", InstantColumn(), nullable=True),
        sa.Column("broken_at", InstantColumn(), nullable=True),
        sa.Column("was_due_at", InstantColumn(), nullable=True),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("escalated_to", sa.String(length=120), nullable=True),
        sa.Column("above", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases_case.id"], name=op.f("fk_cases_clock_case_id_cases_case")
        ),
        sa.PrimaryKeyConstraint("case_id", "round", "clock", name=op.f("pk_cases_clock")),
    )
    op.create_index(op.f("ix_cases_clock_next_at"), "cases_clock", ["next_at"], unique=False)
    op.create_table(
        "cases_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=12), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases_case.id"], name=op.f("fk_cases_step_case_id_cases_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases_step")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_cases_step_case_id")),
        sa.UniqueConstraint("origin", name=op.f("uq_cases_step_origin")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cases_task",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("is_lead", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases_case.id"], name=op.f("fk_cases_task_case_id_cases_case")
        ),
        sa.PrimaryKeyConstraint("case_id", "place", name=op.f("pk_cases_task")),
    )
    op.create_index("ix_cases_task_party", "cases_task", ["party", "state"], unique=False)
