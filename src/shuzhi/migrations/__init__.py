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
from shuzhi.kernel.errors import RefusedError

# The rooms that declare tables; their `store.py` is imported for what it puts on `metadata`.
STORES = (
    "shuzhi.act.cases.store",
    "shuzhi.act.evaluation.store",
    "shuzhi.act.services.store",
    "shuzhi.app.act.calendar_store",
    "shuzhi.app.decide.cause_store",
    "shuzhi.app.repeats",
    "shuzhi.app.store",
    "shuzhi.app.tries",
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
    "shuzhi.share.accounts.store",
    "shuzhi.share.agreements.store",
    "shuzhi.share.catalogue.store",
    "shuzhi.share.catalogue.text_index",
    "shuzhi.share.correction.store",
    "shuzhi.share.duties.store",
    "shuzhi.share.forms.sources",
    "shuzhi.share.forms.store",
    "shuzhi.share.delivery.store",
    "shuzhi.share.linkage.store",
    "shuzhi.share.linkage.work_store",
    "shuzhi.share.parties.store",
    "shuzhi.share.receipts.store",
    "shuzhi.share.verification.store",
)


def declare_tables() -> None:
    """Import every room's tables, so that `metadata` is whole."""
    for store in STORES:
        import_module(store)


def migrate(control: Control) -> None:
    """Apply every migration that the store lacks, in one transaction.

    Raises:
        RefusedError: `migrations.store_is_newer` when a later version of the software wrote it.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    with control.transaction() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        if present == scripts.get_current_head():
            return
        if present is not None and present not in known:
            raise _newer(present)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _newer(revision: str) -> RefusedError:
    return RefusedError(
        "migrations.store_is_newer",
        f"The control store stands at version {revision}, which this version of Shuzhi does not "
        "know.",
        next_step="Use the version of Shuzhi that wrote it, or a later one; nothing was changed.",
    )
