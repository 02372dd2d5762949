"""OpenLineage events handed to others and taken from them, as lines of JSON.

What others send is kept as it was said; of a run's events together we read what it joined.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shuzhi.gather.lineage import store
from shuzhi.gather.lineage.model import (
    ColumnRef,
    Input,
    Kind,
    Node,
    Output,
    Run,
    SchemaField,
    Subtype,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.ids import RunId
from shuzhi.kernel.instant import Instant

_MOST_CHARACTERS = 4_000_000


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Named(_Loose):
    namespace: str = Field(min_length=1)
    name: str = Field(min_length=1)


class _SchemaField(_Loose):
    name: str
    type: str | None = None


class _Schema(_Loose):
    fields_: tuple[_SchemaField, ...] = Field((), alias="fields")


class _How(_Loose):
    type: Kind = Kind.DIRECT
    subtype: str | None = None


class _InputField(_Named):
    column: str = Field(alias="field")
    transformations: tuple[_How, ...] = ()


class _Inputs(_Loose):
    fields_: tuple[_InputField, ...] = Field(alias="inputFields")


class _ColumnLineage(_Loose):
    fields_: dict[str, _Inputs] = Field({}, alias="fields")
    dataset: tuple[_InputField, ...] = ()


class _Facets(_Loose):
    table: _Schema = Field(_Schema(), alias="schema")
    lineage: _ColumnLineage = Field(_ColumnLineage(), alias="columnLineage")


class _Dataset(_Named):
    facets: _Facets = _Facets()


class _RunRef(_Loose):
    run_id: UUID = Field(alias="runId")


class _Event(_Loose):
    event_time: AwareDatetime = Field(alias="eventTime")
    event_type: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] = Field(
        "OTHER", alias="eventType"
    )
    producer: str
    schema_url: str = Field(alias="schemaURL")
    run: _RunRef
    job: _Named
    inputs: tuple[_Dataset, ...] = ()
    outputs: tuple[_Dataset, ...] = ()


@dataclass(frozen=True)
class RefusedLine:
    """A line that is no run event: its number from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ImportReport:
    """What became of the lines: events kept, events that were here already, lines refused."""

    kept: int
    known: int
    refused: tuple[RefusedLine, ...]


def export_events(control: Control) -> Iterator[str]:
    """Yield every event as one line of JSON (OpenLineage 2-0-2), in the order of arrival."""
    with control.transaction() as connection:
        yield from store.all_events(connection)


def import_events(control: Control, lines: Iterable[str]) -> ImportReport:
    """Keep run events of other systems; the same line again changes nothing.

    What cannot be used is told line by line and holds up nothing else.
    """
    kept, known, refused = 0, 0, list[RefusedLine]()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            is_new = _take(control, line.strip())
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            ShuzhiError,
            RecursionError,
        ) as error:
            refused.append(RefusedLine(number, _why(error)))
            continue
        kept, known = kept + is_new, known + (not is_new)
    return ImportReport(kept, known, tuple(refused))


def _take(control: Control, line: str) -> bool:
    if len(line) > _MOST_CHARACTERS:
        raise ValueError(f"is longer than {_MOST_CHARACTERS:,} characters")
    event = _Event.model_validate(json.loads(line))
    run_id = str(event.run.run_id)
    at = Instant(event.event_time)
    with control.transaction() as connection:
        kind = event.event_type
        if not store.add_event(connection, line, run_id=run_id, event_type=kind, at=at):
            return False
        told = [_Event.model_validate_json(text) for text in store.events_of(connection, run_id)]
        owner = store.job_of(connection, run_id)
        if owner not in (None, (event.job.namespace, event.job.name)):
            raise ValueError(f"its run is known as one of another job, {owner[1] if owner else ''}")
        store.put_run(connection, _run(sorted(told, key=lambda e: e.event_time)))
    return True


def _run(events: list[_Event]) -> Run:
    last = events[-1]
    ended = [e for e in events if e.event_type in ("COMPLETE", "FAIL", "ABORT")]
    inputs = {Node(d.namespace, d.name): d for e in events for d in e.inputs}
    outputs = {Node(d.namespace, d.name): d for e in events for d in e.outputs}
    return Run(
        run_id=RunId(last.run.run_id),
        job=last.job.name,
        job_namespace=last.job.namespace,
        kind="foreign",
        inputs=tuple(Input(n, _fields(d.facets)) for n, d in inputs.items()),
        outputs=tuple(Output(n, _fields(d.facets), _columns(d.facets)) for n, d in outputs.items()),
        started_at=Instant(events[0].event_time),
        ended_at=Instant(ended[-1].event_time) if ended else None,
        is_complete=bool(ended) and ended[-1].event_type == "COMPLETE",
    )


def _fields(facets: _Facets) -> tuple[SchemaField, ...]:
    return tuple(SchemaField(f.name, f.type or "") for f in facets.table.fields_)


def _columns(facets: _Facets) -> dict[str, tuple[ColumnRef, ...]]:
    everywhere = tuple(ref for given in facets.lineage.dataset for ref in _refs(given))
    return {
        column: (*(ref for given in inputs.fields_ for ref in _refs(given)), *everywhere)
        for column, inputs in facets.lineage.fields_.items()
    }


def _refs(given: _InputField) -> Iterator[ColumnRef]:
    for how in given.transformations or (_How(),):
        plain = Subtype.IDENTITY if how.type is Kind.DIRECT else Subtype.CONDITIONAL
        subtype = Subtype(how.subtype) if how.subtype in set(Subtype) else plain
        yield ColumnRef(Node(given.namespace, given.name), given.column, how.type, subtype)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
    return str(error)[:300]
