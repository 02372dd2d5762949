"""The verbs of lineage: record a run, export and import events, trace where data comes from."""

from __future__ import annotations

from shuzhi.gather.lineage import store
from shuzhi.gather.lineage.model import Run
from shuzhi.gather.lineage.openlineage import end_event, start_event
from shuzhi.kernel.control import Control


def record_run(control: Control, run: Run) -> None:
    """Keep `run` as OpenLineage events and as edges; telling the same run twice changes nothing.

    A run without `ended_at` is told as started only; tell it again when it has ended. A run is
    current, and so seen by `trace`, when it is its job's latest complete one.
    """
    run_id = str(run.run_id)
    with control.transaction() as connection:
        if not store.has_started(connection, run_id):
            store.add_event(
                connection,
                start_event(run),
                run_id=run_id,
                event_type="START",
                at=run.started_at,
            )
        if run.ended_at is not None:
            store.add_event(
                connection,
                end_event(run),
                run_id=run_id,
                event_type="COMPLETE" if run.is_complete else "FAIL",
                at=run.ended_at,
            )
        store.put_run(connection, run)
