"""Make the table of requests for services."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "services_request",
        sa.Column("id", number, nullable=False),
        sa.Column("matter", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("asked_at", InstantColumn(), nullable=False),
        sa.Column("case_id", number, nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services_request")),
        sa.UniqueConstraint("origin", name=op.f("uq_services_request_origin")),
        sqlite_autoincrement=True,
    )
    for column in ("account", "owner"):
        name = f"ix_services_request_{column}"
        op.create_index(name, "services_request", [column, "id"], unique=False)
