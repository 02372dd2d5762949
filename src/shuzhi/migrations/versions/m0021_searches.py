"""Keep every search with what it stood on; what cases were told so far goes along."""

import json

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    searches = op.create_table(
        "app_search",
        sa.Column("id", number, nullable=False),
        sa.Column("tracing", sa.String(length=60), nullable=False),
        sa.Column("case_id", number, nullable=True),
        sa.Column("sought_at", InstantColumn(), nullable=False),
        sa.Column("sought_by", sa.String(length=120), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("best", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_search")),
        sa.UniqueConstraint("case_id", "tracing", name=op.f("uq_app_search_case_id")),
        sa.UniqueConstraint("origin", name=op.f("uq_app_search_origin")),
        sqlite_autoincrement=True,
    )
    causes = sa.table(
        "app_cause",
        sa.column("case_id"),
        sa.column("tracing"),
        sa.column("sought_at", InstantColumn()),
        sa.column("failure"),
        sa.column("candidates"),
    )
    for row in op.get_bind().execute(sa.select(causes)).mappings().all():
        found = json.loads(row["candidates"])
        best = json.dumps(found[0], ensure_ascii=False) if found else ""
        rest = {"sought_by": "", "question": "", "trace": "", "count": len(found), "best": best}
        op.get_bind().execute(sa.insert(searches).values({**row, **rest}))
    op.drop_table("app_cause")
