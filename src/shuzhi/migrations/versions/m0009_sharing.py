"""Make the tables of sharing: applications, agreements and their steps."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sharing_application",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("applicant", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=120), nullable=True),
        sa.Column("dataset", sa.String(length=300), nullable=True),
        sa.Column("submitted_at", InstantColumn(), nullable=False),
        sa.Column("next_at", InstantColumn(), nullable=True),
        sa.Column("has_no_deadline", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_application")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_sharing_application_applicant",
        "sharing_application",
        ["applicant", "is_open"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sharing_application_next_at"), "sharing_application", ["next_at"], unique=False
    )
    op.create_index(
        "ix_sharing_application_provider",
        "sharing_application",
        ["provider", "state"],
        unique=False,
    )
    op.create_table(
        "sharing_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("matter", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_step")),
        sa.UniqueConstraint("kind", "matter", "number", name=op.f("uq_sharing_step_kind")),
        sa.UniqueConstraint("origin", name=op.f("uq_sharing_step_origin")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sharing_agreement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "application", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("assigner", sa.String(length=120), nullable=False),
        sa.Column("assignee", sa.String(length=120), nullable=False),
        sa.Column("dataset", sa.String(length=300), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.Column("until", InstantColumn(), nullable=False),
        sa.Column("next_at", InstantColumn(), nullable=True),
        sa.Column("has_no_deadline", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["sharing_application.id"],
            name=op.f("fk_sharing_agreement_application_sharing_application"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_agreement")),
        sa.UniqueConstraint("application", name=op.f("uq_sharing_agreement_application")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_sharing_agreement_assignee",
        "sharing_agreement",
        ["assignee", "dataset", "state"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sharing_agreement_assigner"), "sharing_agreement", ["assigner"], unique=False
    )
    op.create_index(
        op.f("ix_sharing_agreement_next_at"), "sharing_agreement", ["next_at"], unique=False
    )
