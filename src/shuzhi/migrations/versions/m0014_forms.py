"""Make the tables of forms and their demands."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "forms_form",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forms_form")),
    )
    op.create_index(op.f("ix_forms_form_owner"), "forms_form", ["owner"], unique=False)
    op.create_table(
        "forms_source",
        sa.Column("datum", sa.String(length=250), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=False),
        sa.Column("standing", sa.String(length=12), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("datum", "party", name=op.f("pk_forms_source")),
    )
    op.create_table(
        "forms_filling",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("form", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("started_at", InstantColumn(), nullable=False),
        sa.Column("started_by", sa.String(length=120), nullable=False),
        sa.Column("handed_in_at", InstantColumn(), nullable=True),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("confirmed", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["form"], ["forms_form.id"], name=op.f("fk_forms_filling_form_forms_form")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forms_filling")),
        sa.UniqueConstraint("origin", name=op.f("uq_forms_filling_origin")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_forms_filling_due_on", "forms_filling", ["form", "due_on", "party"], unique=False
    )
    op.create_table(
        "forms_same",
        sa.Column("form", sa.String(length=60), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("column", sa.String(length=120), nullable=False),
        sa.Column("is_same", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.ForeignKeyConstraint(
            ["form"], ["forms_form.id"], name=op.f("fk_forms_same_form_forms_form")
        ),
        sa.PrimaryKeyConstraint("form", "field", "dataset", "column", name=op.f("pk_forms_same")),
    )
    op.create_table(
        "forms_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("form", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("at", InstantColumn(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["form"], ["forms_form.id"], name=op.f("fk_forms_step_form_forms_form")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forms_step")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_forms_step_form"), "forms_step", ["form"], unique=False)
