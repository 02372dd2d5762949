"""Keep the title of a case in English too, where its reporter knows it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    title = sa.Column("title_en", sa.Text(), nullable=False, server_default="")
    op.add_column("cases_case", title)
