"""Make the tables of receipts, deliveries and subscriptions."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "receipt_subject_set",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=True),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("is_in_lake", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_subject_set")),
    )
    op.create_index(
        op.f("ix_receipt_subject_set_origin"), "receipt_subject_set", ["origin"], unique=False
    )
    op.create_table(
        "receipt_subject",
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject_set", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_set"],
            ["receipt_subject_set.id"],
            name=op.f("fk_receipt_subject_subject_set_receipt_subject_set"),
        ),
        sa.PrimaryKeyConstraint("subject", "subject_set", name=op.f("pk_receipt_subject")),
    )
    op.create_table(
        "delivery_approved_query",
        sa.Column(
            "agreement", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["sharing_agreement.id"],
            name=op.f("fk_delivery_approved_query_agreement_sharing_agreement"),
        ),
        sa.PrimaryKeyConstraint("agreement", "name", name=op.f("pk_delivery_approved_query")),
    )
    op.create_table(
        "delivery_count",
        sa.Column(
            "agreement", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["sharing_agreement.id"],
            name=op.f("fk_delivery_count_agreement_sharing_agreement"),
        ),
        sa.PrimaryKeyConstraint("agreement", name=op.f("pk_delivery_count")),
    )
    op.create_table(
        "delivery_subscription",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "agreement", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["sharing_agreement.id"],
            name=op.f("fk_delivery_subscription_agreement_sharing_agreement"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_subscription")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_delivery_subscription_agreement"),
        "delivery_subscription",
        ["agreement"],
        unique=False,
    )
    op.create_index(
        op.f("ix_delivery_subscription_state"), "delivery_subscription", ["state"], unique=False
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", InstantColumn(timezone=True), nullable=False),
        sa.Column(
            "agreement", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("assigner", sa.String(length=120), nullable=False),
        sa.Column("assignee", sa.String(length=120), nullable=False),
        sa.Column("dataset", sa.String(length=300), nullable=False),
        sa.Column("subject_set", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["sharing_agreement.id"],
            name=op.f("fk_receipt_agreement_sharing_agreement"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_set"],
            ["receipt_subject_set.id"],
            name=op.f("fk_receipt_subject_set_receipt_subject_set"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_receipt_agreement_at", "receipt", ["agreement", "at"], unique=False)
    op.create_index("ix_receipt_assignee_id", "receipt", ["assignee", "id"], unique=False)
    op.create_index("ix_receipt_assigner_id", "receipt", ["assigner", "id"], unique=False)
    op.create_index("ix_receipt_dataset_id", "receipt", ["dataset", "id"], unique=False)
    op.create_index(op.f("ix_receipt_subject_set"), "receipt", ["subject_set"], unique=False)
    op.create_table(
        "objection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receipt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "agreement", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("provider", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=120), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_overdue", sa.Boolean(), nullable=False),
        sa.Column("next_at", InstantColumn(timezone=True), nullable=True),
        sa.Column("has_no_deadline", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["sharing_agreement.id"],
            name=op.f("fk_objection_agreement_sharing_agreement"),
        ),
        sa.ForeignKeyConstraint(
            ["receipt"], ["receipt.id"], name=op.f("fk_objection_receipt_receipt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_objection_agreement_state", "objection", ["agreement", "state"], unique=False
    )
    op.create_index(op.f("ix_objection_next_at"), "objection", ["next_at"], unique=False)
    op.create_index("ix_objection_provider_state", "objection", ["provider", "state"], unique=False)
