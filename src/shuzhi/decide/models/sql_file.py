"""A model's file: a YAML header in the first comment, then one SELECT.

The file is named after the data set that it makes, `delays_by_airline.sql`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shuzhi.decide.models.by_grain import grain_column
from shuzhi.decide.models.model import Grain, Incremental, Model
from shuzhi.decide.sql import problem_of
from shuzhi.gather.lineage import check_functions, parse_query, read_datasets
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.kernel.documents import DocumentError, Finding, StrictModel, parse_document, shape
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, dataset_name

_CODE = "decide.bad_model"


class _Title(StrictModel):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _Incremental(StrictModel):
    dataset: str
    by: str
    grain: Grain
    key: tuple[str, ...] = Field(min_length=1)


class _Header(StrictModel):
    title: _Title
    incremental: _Incremental | None = None


def parse_model(raw: bytes, *, file: str) -> Model:
    """Return the model in `raw`; `file` is how findings name it, and its stem the data set.

    Raises:
        DocumentError: `decide.bad_model` with line and reason; `kernel.bad_document`.
    """
    name = _name(file)
    text = raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    header_text, sql, lines_before = _split(text, file)
    header = shape(parse_document(header_text.encode(), file=file), _Header, code=_CODE)
    reads = _reads(sql, lines_before, file)
    if name in reads:
        raise _bad(file, 1, f"reads {name!r}, which it makes itself")
    return Model(
        name,
        header.title.zh,
        header.title.en,
        sql,
        reads,
        _incremental(header, sql, lines_before, reads, file),
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


def _reads(sql: str, lines_before: int, file: str) -> tuple[DatasetName, ...]:
    try:
        check_functions(parse_query(sql), sql)
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


def _bad(file: str, line: int, problem: str) -> DocumentError:
    return DocumentError(_CODE, (Finding(file, line, "", problem),))
