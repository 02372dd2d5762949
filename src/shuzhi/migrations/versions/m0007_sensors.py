"""Make the tables of sensors."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sensors_station",
        sa.Column("mn", sa.String(length=64), nullable=False),
        sa.Column("st", sa.String(length=3), nullable=False),
        sa.Column("password_hash", sa.String(length=64), nullable=False),
        sa.Column("password_secret", sa.String(length=120), nullable=True),
        sa.Column("key_secret", sa.String(length=120), nullable=True),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("answer_st", sa.String(length=3), nullable=False),
        sa.Column("answer_flag", sa.Integer(), nullable=True),
        sa.Column("stamps_end", sa.Boolean(), nullable=False),
        sa.Column("minute_interval", sa.Integer(), nullable=False),
        sa.Column("units", sa.JSON(), nullable=False),
        sa.Column("party", sa.String(length=120), nullable=True),
        sa.Column("outfall", sa.String(length=200), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("mn", name=op.f("pk_sensors_station")),
    )
    op.create_index(op.f("ix_sensors_station_party"), "sensors_station", ["party"], unique=False)
    op.create_table(
        "sensors_command",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mn", sa.String(length=64), nullable=False),
        sa.Column("cn", sa.String(length=4), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("over_time", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("asked_at", InstantColumn(), nullable=False),
        sa.Column("expires_at", InstantColumn(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("sent_at", InstantColumn(), nullable=True),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("qn", sa.String(length=17), nullable=False),
        sa.Column("qn_return", sa.Integer(), nullable=True),
        sa.Column("exe_return", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("first_record", sa.BigInteger(), nullable=True),
        sa.Column("last_record", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensors_command")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sensors_command_mn"), "sensors_command", ["mn"], unique=False)
    op.create_index(op.f("ix_sensors_command_state"), "sensors_command", ["state"], unique=False)
