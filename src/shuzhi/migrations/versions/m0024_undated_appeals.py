"""Let an appeal wait for its deadline until the calendar reaches it."""

from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    # SQLite makes the table anew, and does not tell by itself that numbers are used once.
    kept = {"sqlite_autoincrement": True}
    with op.batch_alter_table("evaluation_appeal", table_kwargs=kept) as table:
        table.alter_column("due_at", existing_type=InstantColumn(), nullable=True)
