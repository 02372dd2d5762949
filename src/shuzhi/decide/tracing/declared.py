"""A tracing as a pack declares it: which queries give the network, the outfalls, the wind.

Each query answers with columns of fixed names, so that any data set can serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from shuzhi.decide.sql import parse_span, parsed, problem_of, require_reads
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.kernel.documents import (
    DocumentError,
    StrictModel,
    Where,
    parse_document,
    shape,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName

_CODE = "decide.bad_tracing"
# The columns that each query must answer with, and those that it may.
_RIVER = {
    "reaches": (
        {"id", "from_node", "to_node", "length_km"},
        {"speed_m_s", "flow_m3_s", "is_minor", "inflow_km", "line", "is_simulated"},
    ),
    "outfalls": (
        {"id", "title", "reach_id"},
        {"above_km", "party", "longitude", "latitude", "is_simulated"},
    ),
    "loads": ({"outfall_id", "factor", "load_kg_d"}, set()),
    "alarms": ({"outfall_id", "factor", "observed_at"}, set()),
}
_AIR = {
    "stations": ({"id", "longitude", "latitude"}, set()),
    "hours": (
        {"station", "observed_at", "value", "speed_m_s", "from_degrees"},
        {"factor", "is_simulated"},
    ),
    "sources": (
        {"id", "title", "longitude", "latitude"},
        {"party", "load_kg_h", "is_simulated"},
    ),
}
_COLUMNS: Mapping[str, Mapping[str, tuple[set[str], set[str]]]] = MappingProxyType(
    {"river": _RIVER, "air": _AIR}
)


class _Title(StrictModel):
    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class _River(StrictModel):
    reaches: str
    outfalls: str
    loads: str | None = None
    alarms: str | None = None


class _Air(StrictModel):
    stations: str
    hours: str
    sources: str


class _Assumed(StrictModel):
    speed_m_s: float = Field(0.5, gt=0, le=20)
    most_hours: float = Field(72, gt=0, le=2_000)
    decay_per_hour: dict[str, float] = Field(default_factory=dict)
    most_km: float = Field(50, gt=0, le=1_000)
    calm_m_s: float = Field(0.5, ge=0, le=10)


class _Begins(StrictModel):
    rules: tuple[str, ...] = Field(min_length=1)
    look_back: str = "30 days"


class _Shape(StrictModel):
    id: str = Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)
    title: _Title
    reads: tuple[str, ...]
    river: _River | None = None
    air: _Air | None = None
    assumptions: _Assumed = _Assumed()
    begins: _Begins | None = None


@dataclass(frozen=True)
class Tracing:
    """One tracing of a pack; `kind` is river or air, `queries` are by what they give.

    It begins by itself with the cases that warnings of the rules `begins_with` open; in the air
    it then looks at the hours of `look_back`.
    """

    id: str
    title_zh: str
    title_en: str
    kind: str
    reads: tuple[DatasetName, ...]
    queries: Mapping[str, str]
    speed_m_s: float
    most_hours: float
    decay_per_hour: Mapping[str, float]
    most_km: float
    calm_m_s: float
    begins_with: tuple[str, ...] = ()
    look_back: timedelta = timedelta(days=30)


def read_tracing(path: Path) -> Tracing:
    """Return the tracing in the file at `path`. Raises as `parse_tracing`."""
    return parse_tracing(path.read_bytes(), file=str(path))


def parse_tracing(raw: bytes, *, file: str) -> Tracing:
    """Parse the YAML of a tracing; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document`, or `decide.bad_tracing` with file and line of
            everything that is wrong: an unknown key, none or both of `river` and `air`, SQL that
            reads what is not declared or lacks a column.
    """
    document = parse_document(raw, file=file)
    read = shape(document, _Shape, code=_CODE)
    findings = tuple(document.finding(w, problem) for w, problem in _problems(read))
    given = read.river or read.air
    if findings or given is None:
        raise DocumentError(_CODE, findings)
    queries = given.model_dump(exclude_none=True)
    assumed, begins = read.assumptions, read.begins
    return Tracing(
        read.id,
        read.title.zh,
        read.title.en,
        "river" if read.river else "air",
        tuple(DatasetName(name) for name in read.reads),
        queries,
        assumed.speed_m_s,
        assumed.most_hours,
        assumed.decay_per_hour,
        assumed.most_km,
        assumed.calm_m_s,
        *(() if begins is None else (begins.rules, parse_span(begins.look_back))),
    )


def _problems(read: _Shape) -> Iterator[tuple[Where, str]]:
    if (read.river is None) == (read.air is None):
        yield ("id",), "needs one of `river` and `air`, and not both"
        return
    kind, given = ("river", read.river) if read.river else ("air", read.air)
    assert given is not None  # noqa: S101  (one of the two is there)
    for name, sql in given.model_dump(exclude_none=True).items():
        yield from (((kind, name), problem) for problem in _faults(sql, read.reads, kind, name))
    if read.begins is not None:
        try:
            parse_span(read.begins.look_back)
        except RefusedError as error:
            yield ("begins", "look_back"), f"{error.message} {error.next_step}"


def _faults(sql: str, reads: tuple[str, ...], kind: str, name: str) -> Iterator[str]:
    required, optional = _COLUMNS[kind][name]
    try:
        query = parsed(sql)
        require_reads(sql, reads)
    except SqlError as error:
        yield problem_of(error)
        return
    columns = [node.alias_or_name.lower() for node in query.selects]
    if missing := sorted(required - set(columns)):
        yield f"lacks the columns {', '.join(missing)}; name them with AS"
    if strange := sorted(set(columns) - required - optional):
        known = ", ".join(sorted(required | optional))
        yield f"has columns that nobody reads ({', '.join(strange)}); it may have {known}"
