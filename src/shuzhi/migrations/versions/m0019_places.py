"""Give stations a place."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("sensors_station", sa.Column("longitude", sa.Float(), nullable=True))
    op.add_column("sensors_station", sa.Column("latitude", sa.Float(), nullable=True))
    op.add_column("sensors_station", sa.Column("located_at", InstantColumn(), nullable=True))
