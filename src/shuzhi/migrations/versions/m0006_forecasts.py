"""Make the tables of forecasts and outcomes."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "warnings_forecast",
        sa.Column("forecaster", sa.String(length=60), nullable=False),
        sa.Column("series", sa.String(length=64), nullable=False),
        sa.Column("made_before", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", InstantColumn(), nullable=False),
        sa.Column("key", sa.JSON(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=True),
        sa.Column("numbers", sa.JSON(), nullable=True),
        sa.Column("known", sa.Integer(), nullable=True),
        sa.Column("filled", sa.Integer(), nullable=True),
        sa.Column("why_none", sa.String(length=12), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "forecaster", "series", "made_before", name=op.f("pk_warnings_forecast")
        ),
    )
