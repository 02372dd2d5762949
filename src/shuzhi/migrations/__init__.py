"""Brings a control store to the present schema, whatever version it stands at.

The schema is what the rooms declare on `metadata`; a test compares the two after every migration.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from shuzhi.kernel.control import Control

# The rooms that declare tables; their `store.py` is imported for what it puts on `metadata`.
STORES = (
    "shuzhi.act.cases.store",
    "shuzhi.act.evaluation.store",
    "shuzhi.app.store",
    "shuzhi.audit.outbox",
    "shuzhi.decide.indicators.store",
    "shuzhi.decide.models.store",
    "shuzhi.decide.rules.store",
    "shuzhi.decide.warnings.store",
    "shuzhi.gather.contracts.store",
    "shuzhi.gather.lineage.store",
    "shuzhi.gather.quality.store",
    "shuzhi.gather.sensors.commands.store",
    "shuzhi.gather.sensors.stations.store",
    "shuzhi.gather.sources.store",
    "shuzhi.share.catalogue.store",
    "shuzhi.share.catalogue.text_index",
    "shuzhi.share.parties.store",
)


def declare_tables() -> None:
    """Import every room's tables, so that `metadata` is whole."""
    for store in STORES:
        import_module(store)


def migrate(control: Control) -> None:
    """Apply every migration that the store lacks, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with control.transaction() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
