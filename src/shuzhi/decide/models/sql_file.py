"""A model's file: a YAML header in the first comment, then one SELECT.

The file is named after the data set that it makes, `delays_by_airline.sql`. The header's keys:
`title: {zh, en}`, `incremental`, `parameters`, `tables`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from sqlglot import exp

from shuzhi.decide.models.by_grain import grain_column
from shuzhi.decide.models.model import Grain, Incremental, Model, Parameter, Place, Table
from shuzhi.decide.sql import parsed, problem_of
from shuzhi.gather.lineage import read_datasets
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    parse_document,
    shape,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, dataset_name

_CODE = "decide.bad_model"
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)]
_Column = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$")]


class _Title(StrictModel):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _Incremental(StrictModel):
    dataset: str
    by: str
    grain: Grain
    key: tuple[str, ...] = Field(min_length=1)


class _Parameter(StrictModel):
    law: str
    unit: str
    on: _Column | None = None
    at: _Column | None = None

    @model_validator(mode="after")
    def _has_one_time(self) -> _Parameter:
        if (self.on is None) == (self.at is None):
            raise ValueError("names the row's date under `on` or its instant under `at`")
        return self


class _Header(StrictModel):
    title: _Title
    incremental: _Incremental | None = None
    parameters: dict[_Name, _Parameter] = Field({})
    tables: tuple[_Name, ...] = ()


def parse_model(raw: bytes, *, file: str) -> Model:
    """Return the model in `raw`; `file` is how findings name it, and its stem the data set.

    Raises:
        DocumentError: `decide.bad_model` with line and reason; `kernel.bad_document`.
    """
    name = _name(file)
    text = raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    header_text, sql, lines_before = _split(text, file)
    document = parse_document(header_text.encode(), file=file)
    header = shape(document, _Header, code=_CODE)
    named = _reads(sql, lines_before, file, header.parameters)
    reads = tuple(each for each in named if each not in header.tables)
    if name in reads:
        raise _bad(file, 1, f"reads {name!r}, which it makes itself")
    return Model(
        name,
        header.title.zh,
        header.title.en,
        sql,
        reads,
        _incremental(header, sql, lines_before, reads, file),
        _parameters(document, header, sql),
        _tables(document, header, named),
    )


def read_model(path: Path) -> Model:
    """Return the model in the file at `path`. Raises as `parse_model`."""
    return parse_model(path.read_bytes(), file=str(path))


def _name(file: str) -> DatasetName:
    try:
        return dataset_name(Path(file).stem)
    except RefusedError as error:
        raise _bad(file, 1, f"is no name of a data set: {error.message}") from None


def _split(text: str, file: str) -> tuple[str, str, int]:
    start = text.lstrip()
    comment, closed, sql = start.removeprefix("/*").partition("*/")
    if not start.startswith("/*") or not closed:
        raise _bad(file, 1, "does not begin with a header: /* title: {zh: …, en: …} */")
    sql = sql.lstrip()
    before = text[: len(text) - len(sql)].count("\n")
    skipped = text[: len(text) - len(start)].count("\n")
    return "\n" * skipped + comment, sql, before


def _reads(
    sql: str, lines_before: int, file: str, values: Collection[str]
) -> tuple[DatasetName, ...]:
    try:
        parsed(sql, names=values)
        return tuple(dataset_name(name) for name in read_datasets(sql))
    except SqlError as error:
        raise _bad(file, lines_before + error.line, problem_of(error)) from None
    except RefusedError as error:
        raise _bad(file, lines_before + 1, error.message) from None


def _incremental(
    header: _Header, sql: str, lines_before: int, reads: tuple[DatasetName, ...], file: str
) -> Incremental | None:
    given = header.incremental
    if given is None:
        return None
    if given.dataset not in reads:
        raise _bad(file, 1, f"incremental.dataset {given.dataset!r} is not read by the SQL")
    dataset = DatasetName(given.dataset)
    try:
        at = grain_column(sql, dataset, given.by, given.grain)
    except SqlError as error:
        raise _bad(file, lines_before + error.line, problem_of(error)) from None
    return Incremental(dataset, given.by, given.grain, given.key, at)


def _parameters(document: Document, header: _Header, sql: str) -> tuple[Parameter, ...]:
    query = parsed(sql, names=header.parameters)
    used = {node.name for node in query.find_all(exp.Placeholder, exp.Parameter)}
    for name in sorted(header.parameters.keys() - used):
        problem = f"is not named in the SQL; write :{name} where it counts, or take it out"
        raise DocumentError(_CODE, (document.finding(("parameters", name), problem),))
    return tuple(
        Parameter(
            name,
            given.law,
            given.unit,
            given.on or given.at or "",
            given.at is not None,
            Place(document.file, document.line_of(("parameters", name))),
        )
        for name, given in header.parameters.items()
    )


def _tables(document: Document, header: _Header, named: Collection[str]) -> tuple[Table, ...]:
    for i, law in enumerate(header.tables):
        if law not in named:
            finding = document.finding(("tables", i), f"names {law!r}, which the SQL does not read")
            raise DocumentError(_CODE, (finding,))
    lines = (document.line_of(("tables", i)) for i in range(len(header.tables)))
    return tuple(
        Table(law, Place(document.file, line))
        for law, line in zip(header.tables, lines, strict=True)
    )


def _bad(file: str, line: int, problem: str) -> DocumentError:
    return DocumentError(_CODE, (Finding(file, line, "", problem),))
