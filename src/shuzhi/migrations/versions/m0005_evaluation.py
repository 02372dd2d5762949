"""Make the tables of evaluation."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "evaluation_basis",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("starts_at", InstantColumn(), nullable=False),
        sa.Column("ends_at", InstantColumn(), nullable=False),
        sa.Column("taken_at", InstantColumn(), nullable=False),
        sa.Column("scheme_text", sa.Text(), nullable=False),
        sa.Column("bodies", sa.JSON(), nullable=False),
        sa.Column("facts_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_basis")),
        sa.UniqueConstraint("scheme", "period", name=op.f("uq_evaluation_basis_scheme")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "evaluation_appeal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("basis_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(length=60), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("raised_by", sa.String(length=120), nullable=False),
        sa.Column("raised_at", InstantColumn(), nullable=False),
        sa.Column("due_at", InstantColumn(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("decided_at", InstantColumn(), nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("decided_party", sa.String(length=120), nullable=True),
        sa.Column("is_upheld", sa.Boolean(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("corrections", sa.JSON(), nullable=False),
        sa.Column("version_after", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["basis_id"],
            ["evaluation_basis.id"],
            name=op.f("fk_evaluation_appeal_basis_id_evaluation_basis"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_appeal")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_evaluation_appeal_basis_id"), "evaluation_appeal", ["basis_id"], unique=False
    )
    op.create_table(
        "evaluation_fact",
        sa.Column("basis_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["basis_id"],
            ["evaluation_basis.id"],
            name=op.f("fk_evaluation_fact_basis_id_evaluation_basis"),
        ),
        sa.PrimaryKeyConstraint("basis_id", "fact_id", name=op.f("pk_evaluation_fact")),
    )
    op.create_index(
        "ix_evaluation_fact_party", "evaluation_fact", ["basis_id", "party", "kind"], unique=False
    )
    op.create_table(
        "evaluation_scoring",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("basis_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", InstantColumn(), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("scores_sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", InstantColumn(), nullable=True),
        sa.Column("published_by", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["basis_id"],
            ["evaluation_basis.id"],
            name=op.f("fk_evaluation_scoring_basis_id_evaluation_basis"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_scoring")),
        sa.UniqueConstraint("basis_id", "version", name=op.f("uq_evaluation_scoring_basis_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "evaluation_number",
        sa.Column(
            "scoring_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("measure", sa.String(length=60), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("numerator", sa.String(length=40), nullable=False),
        sa.Column("denominator", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=True),
        sa.Column("points", sa.String(length=12), nullable=True),
        sa.Column("lack", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["scoring_id"],
            ["evaluation_scoring.id"],
            name=op.f("fk_evaluation_number_scoring_id_evaluation_scoring"),
        ),
        sa.PrimaryKeyConstraint(
            "scoring_id", "party", "measure", name=op.f("pk_evaluation_number")
        ),
    )
    op.create_table(
        "evaluation_score",
        sa.Column(
            "scoring_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("total", sa.String(length=12), nullable=True),
        sa.Column("weight", sa.String(length=12), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("lack", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["scoring_id"],
            ["evaluation_scoring.id"],
            name=op.f("fk_evaluation_score_scoring_id_evaluation_scoring"),
        ),
        sa.PrimaryKeyConstraint("scoring_id", "party", name=op.f("pk_evaluation_score")),
    )
