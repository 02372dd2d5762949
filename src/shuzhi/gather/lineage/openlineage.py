"""Our runs in the words of OpenLineage 2-0-2, as JSON texts.

Only the published classes and their serialiser are used; nothing is sent anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    RunEvent,
    RunState,
)
from openlineage.client.event_v2 import Run as LineageRun
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    datasource_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    schema_dataset,
    sql_job,
)
from openlineage.client.facet_v2 import dataset_version_dataset as version_dataset
from openlineage.client.serde import Serde

from shuzhi.gather.lineage.model import LAKE, ColumnRef, Input, Kind, Output, Run

PRODUCER = "urn:shuzhi:gather"


def start_event(run: Run) -> str:
    """Return the START RunEvent of `run` as one line of JSON."""
    return _event(run, RunState.START, run.started_at, outputs=[])


def end_event(run: Run) -> str:
    """Return the COMPLETE or FAIL RunEvent of a `run` that has ended, as one line of JSON."""
    state = RunState.COMPLETE if run.is_complete else RunState.FAIL
    return _event(run, state, run.ended_at or run.started_at, outputs=map(_output, run.outputs))


def _event(run: Run, state: RunState, at: datetime, *, outputs: Iterable[OutputDataset]) -> str:
    event = RunEvent(
        eventType=state,
        eventTime=at.isoformat(),
        run=LineageRun(runId=str(run.run_id), facets=_run_facets(run, state)),
        job=Job(namespace=run.job_namespace, name=run.job, facets=_job_facets(run)),
        inputs=[_input(i) for i in run.inputs],
        outputs=list(outputs),
        producer=PRODUCER,
    )
    # The library's own text form escapes Chinese; only its plain values are taken.
    return json.dumps(Serde.to_dict(event), ensure_ascii=False, sort_keys=True)


def _run_facets(run: Run, state: RunState) -> dict[str, RunFacet]:
    if state is not RunState.FAIL:
        return {}
    facet = error_message_run.ErrorMessageRunFacet(
        message=run.error or "The run did not complete.",
        programmingLanguage="PYTHON",
        producer=PRODUCER,
    )
    return {"errorMessage": facet}


def _job_facets(run: Run) -> dict[str, JobFacet]:
    facets: dict[str, JobFacet] = {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH",
            integration="SHUZHI",
            jobType=run.kind.upper(),
            producer=PRODUCER,
        )
    }
    if run.sql is not None:
        facets["sql"] = sql_job.SQLJobFacet(query=run.sql, dialect="duckdb", producer=PRODUCER)
    return facets


def _input(source: Input) -> InputDataset:
    facets: dict[str, InputDatasetFacet] = {}
    if source.assertions:
        facets["dataQualityAssertions"] = (
            data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                assertions=[
                    data_quality_assertions_dataset.Assertion(
                        assertion=a.assertion, success=a.is_success, column=a.column
                    )
                    for a in source.assertions
                ],
                producer=PRODUCER,
            )
        )
    return InputDataset(
        namespace=source.node.namespace,
        name=source.node.name,
        facets=_dataset_facets(source),
        inputFacets=facets,
    )


def _output(target: Output) -> OutputDataset:
    facets = _dataset_facets(target)
    if target.columns:
        facets["columnLineage"] = _column_lineage(target)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=target.row_count,
        size=target.byte_count,
        fileCount=target.file_count,
        producer=PRODUCER,
    )
    output_facets: dict[str, OutputDatasetFacet] = {}
    if (target.row_count, target.byte_count, target.file_count) != (None, None, None):
        output_facets["outputStatistics"] = statistics
    return OutputDataset(
        namespace=target.node.namespace,
        name=target.node.name,
        facets=facets,
        outputFacets=output_facets,
    )


def _dataset_facets(dataset: Input | Output) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {}
    if dataset.fields:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(
                name=f.name,
                type=f.type or None,
                description=f.description or None,
                ordinal_position=position,
                fields=None,
            )
            for position, f in enumerate(dataset.fields, start=1)
        ]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)
    if dataset.version is not None:
        facets["version"] = version_dataset.DatasetVersionDatasetFacet(
            datasetVersion=str(dataset.version), producer=PRODUCER
        )
    if dataset.node.namespace != LAKE:
        facets["dataSource"] = datasource_dataset.DatasourceDatasetFacet(
            name=str(dataset.node), producer=PRODUCER
        )
    return facets


def _column_lineage(target: Output) -> DatasetFacet:
    """State what decides every column alike once, for the whole data set."""
    everywhere = set.intersection(*(set(refs) for refs in target.columns.values()))
    shared = {ref for ref in everywhere if ref.kind is Kind.INDIRECT}
    fields = {
        column: column_lineage_dataset.Fields(
            inputFields=[_input_field(ref) for ref in refs if ref not in shared]
        )
        for column, refs in target.columns.items()
    }
    first = next(iter(target.columns.values()))
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields=fields,
        dataset=[_input_field(ref) for ref in first if ref in shared],
        producer=PRODUCER,
    )


def _input_field(ref: ColumnRef) -> column_lineage_dataset.InputField:
    how = column_lineage_dataset.Transformation(type=ref.kind.value, subtype=ref.subtype.value)
    return column_lineage_dataset.InputField(
        namespace=ref.dataset.namespace,
        name=ref.dataset.name,
        field=ref.column,
        transformations=[how],
    )
