"""Make the first tables."""

import sqlalchemy as sa
from alembic import op

from shuzhi.kernel.control import InstantColumn
from shuzhi.share.catalogue.text_index import INDEX_DDL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _tables()
    for statement in INDEX_DDL.get(op.get_bind().dialect.name, ()):
        op.get_bind().exec_driver_sql(statement)


def _tables() -> None:
    op.create_table(
        "catalogue_column",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("provider", sa.Integer(), nullable=False),
        sa.Column("sharing", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Integer(), nullable=False),
        sa.Column("title_words", sa.SmallInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_catalogue_column")),
    )
    with op.batch_alter_table("catalogue_column", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_catalogue_column_revision"), ["revision"], unique=False
        )

    op.create_table(
        "catalogue_entry",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=1000), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("provider_key", sa.String(length=500), nullable=False),
        sa.Column("title_key", sa.String(length=1000), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("quality_score", sa.Float(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("data_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_catalogue_entry")),
        sa.UniqueConstraint("id", name=op.f("uq_catalogue_entry_id")),
    )
    with op.batch_alter_table("catalogue_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalogue_entry_origin"), ["origin"], unique=False)
        batch_op.create_index(
            "ix_catalogue_entry_same_title", ["provider_key", "title_key"], unique=False
        )

    op.create_table(
        "catalogue_history",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("no", "version", name=op.f("pk_catalogue_history")),
    )
    op.create_table(
        "catalogue_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_revision")),
    )
    op.create_table(
        "catalogue_text",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_catalogue_text")),
    )
    op.create_table(
        "catalogue_theme",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("theme", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("no", "theme", name=op.f("pk_catalogue_theme")),
    )
    op.create_table(
        "catalogue_value",
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("facet", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.Column("label_zh", sa.String(length=500), nullable=False),
        sa.Column("label_en", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_catalogue_value")),
        sa.UniqueConstraint("facet", "value", name=op.f("uq_catalogue_value_facet")),
    )
    op.create_table(
        "contract_dataset",
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("contract", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_contract_dataset")),
    )
    with op.batch_alter_table("contract_dataset", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contract_dataset_contract"), ["contract"], unique=False
        )

    op.create_table(
        "contract_version",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("registered_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_contract_version")),
    )
    with op.batch_alter_table("contract_version", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contract_version_registered_at"), ["registered_at"], unique=False
        )

    op.create_table(
        "gather_cursor",
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("next_cursor", sa.Text(), nullable=True),
        sa.Column("next_origin", sa.String(length=1000), nullable=True),
        sa.Column("next_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_gather_cursor")),
    )
    op.create_table(
        "gather_part",
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("origin", sa.String(length=1000), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("source", "origin", name=op.f("pk_gather_part")),
    )
    op.create_table(
        "gather_run",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", InstantColumn(), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("parts_known", sa.BigInteger(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("inserted", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("repeated", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("unknown_columns", sa.Text(), nullable=False),
        sa.Column("missing_columns", sa.Text(), nullable=False),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_gather_run")),
    )
    with op.batch_alter_table("gather_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gather_run_dataset"), ["dataset"], unique=False)
        batch_op.create_index(batch_op.f("ix_gather_run_source"), ["source"], unique=False)

    op.create_table(
        "lineage_column_edge",
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("source_namespace", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_column", sa.Text(), nullable=False),
        sa.Column("target_namespace", sa.Text(), nullable=False),
        sa.Column("target_name", sa.Text(), nullable=False),
        sa.Column("target_column", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("subtype", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint(
            "shape",
            "source_namespace",
            "source_name",
            "source_column",
            "target_namespace",
            "target_name",
            "target_column",
            "kind",
            "subtype",
            name=op.f("pk_lineage_column_edge"),
        ),
    )
    with op.batch_alter_table("lineage_column_edge", schema=None) as batch_op:
        batch_op.create_index(
            "ix_lineage_column_edge_source",
            ["source_namespace", "source_name", "source_column"],
            unique=False,
        )
        batch_op.create_index(
            "ix_lineage_column_edge_target",
            ["target_namespace", "target_name", "target_column"],
            unique=False,
        )

    op.create_table(
        "lineage_dataset",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_lineage_dataset")),
    )
    op.create_table(
        "lineage_edge",
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("source_namespace", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("target_namespace", sa.Text(), nullable=False),
        sa.Column("target_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shape",
            "source_namespace",
            "source_name",
            "target_namespace",
            "target_name",
            name=op.f("pk_lineage_edge"),
        ),
    )
    with op.batch_alter_table("lineage_edge", schema=None) as batch_op:
        batch_op.create_index(
            "ix_lineage_edge_source", ["source_namespace", "source_name"], unique=False
        )
        batch_op.create_index(
            "ix_lineage_edge_target", ["target_namespace", "target_name"], unique=False
        )

    op.create_table(
        "lineage_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("event_type", sa.String(length=16), nullable=True),
        sa.Column("occurred_at", InstantColumn(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lineage_event")),
        sa.UniqueConstraint("digest", name=op.f("uq_lineage_event_digest")),
    )
    with op.batch_alter_table("lineage_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lineage_event_run_id"), ["run_id"], unique=False)

    op.create_table(
        "lineage_job",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_lineage_job")),
    )
    with op.batch_alter_table("lineage_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lineage_job_shape"), ["shape"], unique=False)

    op.create_table(
        "lineage_run",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("job_namespace", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("started_at", InstantColumn(), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_lineage_run")),
    )
    with op.batch_alter_table("lineage_run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_lineage_run_job", ["job_namespace", "job", "started_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_lineage_run_shape"), ["shape"], unique=False)

    op.create_table(
        "party",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=True),
        sa.Column("superior_id", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_party_superior_id"), ["superior_id"], unique=False)

    op.create_table(
        "quality_report",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("dataset", sa.String(length=120), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("contract_version", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", InstantColumn(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("access_satisfied", sa.BigInteger(), nullable=True),
        sa.Column("access_checked", sa.BigInteger(), nullable=True),
        sa.Column("use_satisfied", sa.BigInteger(), nullable=True),
        sa.Column("use_checked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_quality_report")),
    )
    with op.batch_alter_table("quality_report", schema=None) as batch_op:
        batch_op.create_index("ix_quality_report_dataset", ["dataset", "measured_at"], unique=False)

    op.create_table(
        "quality_measurement",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("dimension", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("satisfied", sa.BigInteger(), nullable=True),
        sa.Column("checked", sa.BigInteger(), nullable=True),
        sa.Column("is_met", sa.Boolean(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["quality_report.run_id"],
            name=op.f("fk_quality_measurement_run_id_quality_report"),
        ),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_quality_measurement")),
    )
    with op.batch_alter_table("quality_measurement", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quality_measurement_check_id"), ["check_id"], unique=False
        )
