"""Sources that are files: CSV, Excel, JSON lines and Parquet, each file one part.

CSV, JSON lines and Parquet are read by DuckDB itself; what it cannot cut into rows comes back with
its line.
"""

from __future__ import annotations

import csv
import glob
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook

from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.encoded import Survey, require_no_page, survey, text_file
from shuzhi.gather.sources.model import Cursor, DuckScan, FileSource, Part, Unreadable
from shuzhi.kernel.errors import RefusedError

_MOST_REJECTS = 1_000_000
_NO_ROWS = DuckScan("(SELECT 1 WHERE false)", (), (), ())
_BATCH = 50_000
_DELIMITERS = ("\t", ";", "|", ",")


class FileReader:
    """Reads the files of one source. `folder` is where relative paths start, `spool` is scratch.

    `connection` is the DuckDB in which the scans that it yields are run; `is_stored` says of an
    origin and its fingerprint that there is no need to read it again.
    """

    def __init__(
        self,
        source: FileSource,
        folder: Path,
        spool: Path,
        connection: duckdb.DuckDBPyConnection,
        is_stored: Callable[[str, str], bool] = lambda _origin, _fingerprint: False,
    ) -> None:
        self._source = source
        self._folder = folder
        self._spool = spool
        self._connection = connection
        self._is_stored = is_stored

    def paths(self) -> list[Path]:
        """Return the files in the order of their names.

        Raises:
            RefusedError: `gather.source_gone` when the path matches nothing.
        """
        found = sorted(Path(p) for p in glob.glob(self._pattern) if Path(p).is_file())  # noqa: PTH207
        if not found:
            raise RefusedError(
                "gather.source_gone",
                f"Source {self._source.name!r} finds no file at {self._source.path}.",
                next_step="Bring the file back or correct `path`; what was loaded before stays.",
            )
        return found

    def total_bytes(self) -> int:
        """Return the size of all files together. Raises as `paths`."""
        return sum(path.stat().st_size for path in self.paths())

    def parts(self, since: Cursor | None) -> Iterator[Part]:
        """Yield a part for each file; what was loaded before is told by its fingerprint."""
        del since
        for path in self.paths():
            with ExitStack() as stack:
                yield self._part(path, stack)

    @property
    def _pattern(self) -> str:
        return str((self._folder / self._source.path).absolute())

    def _origin(self, path: Path) -> str:
        """Return the file's name, with the folders that the pattern left open."""
        steps = Path(self._pattern).parts
        fixed = next((i for i, step in enumerate(steps) if glob.has_magic(step)), -1)
        return str(Path(*path.parts[fixed:]))

    def _part(self, path: Path, stack: ExitStack) -> Part:
        origin = self._origin(path)
        with _there(origin):
            stamp = _stamp(path)
            seen = survey(path)
            part = Part(origin, seen.fingerprint, _NO_ROWS, size_bytes=stamp.size_bytes)
            if not self._is_stored(origin, seen.fingerprint):
                part = self._opened(part, path, seen, stack)
        return replace(part, require_same=lambda: _require_same(path, origin, stamp))

    def _opened(self, part: Part, path: Path, seen: Survey, stack: ExitStack) -> Part:
        source = self._source
        if source.format in ("parquet", "excel"):
            require_no_page(path)
        if source.format == "parquet":
            return replace(part, rows=_parquet_scan(path))
        if source.format == "excel":
            return replace(part, rows=_sheet(path, source), first_row=2)
        opened = text_file(path, source.encoding, self._spool, is_plain=seen.is_plain)
        text = stack.enter_context(opened)
        if source.format == "jsonl":
            rows, unreadable = _json_lines(text, part.origin)
            return replace(part, rows=rows, unreadable=lambda: unreadable)
        return replace(
            part,
            rows=self._csv_scan(text, part.origin),
            unreadable=lambda: self._rejects(part.origin),
            first_row=source.csv.skip_rows + (2 if source.csv.header else 1),
        )

    def _csv_scan(self, text: Path, name: str) -> DuckScan:
        options = self._source.csv
        names = list(options.names) or _header(text, self._source, name)
        self._connection.execute("DROP TABLE IF EXISTS reject_errors")
        self._connection.execute("DROP TABLE IF EXISTS reject_scans")
        types = ", ".join(f"{literal(n)}: 'VARCHAR'" for n in names)
        sql = (
            f"read_csv({literal(str(text))}, columns = {{{types}}}, auto_detect = false, "
            f"header = {str(options.header).lower()}, skip = {options.skip_rows}, "
            f"delim = {literal(options.delimiter)}, quote = {literal(options.quote)}, "
            f"escape = {literal(options.escape)}, new_line = '\\n', "
            f"strict_mode = true, store_rejects = true, rejects_limit = {_MOST_REJECTS})"
        )
        kinds = ("VARCHAR",) * len(names)
        return DuckScan(sql, (), tuple(names), kinds, stores_rejects=True)

    def _rejects(self, name: str) -> Sequence[Unreadable]:
        rows = self._connection.execute(
            "SELECT line, any_value(csv_line), min(error_type), min(error_message) "
            "FROM reject_errors GROUP BY line ORDER BY line"
        ).fetchall()
        return [_unreadable(name, *row) for row in rows]


@dataclass(frozen=True)
class _Stamp:
    """What changes when somebody writes to a file or puts another in its place."""

    size_bytes: int
    modified_ns: int
    inode: int


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    return _Stamp(found.st_size, found.st_mtime_ns, found.st_ino)


@contextmanager
def _there(origin: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise RefusedError(
            "gather.source_gone",
            f"{origin} went away while it was read.",
            next_step="Bring it back and run the source again; nothing of it was stored.",
        ) from None


def _require_same(path: Path, origin: str, stamp: _Stamp) -> None:
    with _there(origin):
        if _stamp(path) != stamp:
            raise RefusedError(
                "gather.source_changed",
                f"{origin} was changed while it was read.",
                next_step="Run the source again when it is complete; nothing of it was stored.",
            )


def _unreadable(name: str, line: int, text: str | None, kind: Any, message: str) -> Unreadable:
    reason = message.splitlines()[0]
    words = _REASONS.get(str(kind), (f"cannot be cut into cells: {reason}", "无法切分为单元格"))
    return Unreadable(name, int(line), text or "", "ragged_row", *words)


_REASONS = {
    "TOO MANY COLUMNS": ("has more cells than there are columns", "单元格多于列数"),
    "MISSING COLUMNS": ("has fewer cells than there are columns", "单元格少于列数"),
    "UNQUOTED VALUE": ("has a quote that is not closed", "引号未闭合"),
    "INVALID ENCODING": ("has bytes that are no text", "含有无法解码的字节"),
}


def _header(text: Path, source: FileSource, name: str) -> list[str]:
    options = source.csv
    with text.open(encoding="utf-8", newline="") as file:
        for _ in range(options.skip_rows):
            file.readline()
        reader = csv.reader(file, delimiter=options.delimiter, quotechar=options.quote or None)
        names = [cell.strip() for cell in next(reader, [])]
    _require_cut(names, options.delimiter, name)
    return require_names(names, name)


def _require_cut(names: list[str], delimiter: str, origin: str) -> None:
    """Refuse a header that is one cell and holds what other files are cut by."""
    other = next((d for d in _DELIMITERS if d != delimiter and d in "".join(names)), None)
    if len(names) == 1 and other:
        raise RefusedError(
            "gather.wrong_delimiter",
            f"The header of {origin} is not cut by {json.dumps(delimiter)}: {names[0][:60]!r}.",
            next_step=f"Set `csv: {{delimiter: {json.dumps(other)}}}` in the source if that is it.",
        )


def require_names(names: list[str], origin: str) -> list[str]:
    """Return column names when each is there and stands once (`gather.bad_header`)."""
    faults = [f"column {i} has no name" for i, n in enumerate(names, 1) if not n]
    faults += [f"{n!r} stands twice" for n in sorted({n for n in names if names.count(n) > 1})]
    if faults or not names:
        raise RefusedError(
            "gather.bad_header",
            f"The header of {origin} cannot be used: {'; '.join(faults) or 'it is empty'}.",
            next_step="Correct the header, or give `header: false` and `names` in the source.",
        )
    return names


def _parquet_scan(path: Path) -> DuckScan:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise RefusedError(
            "gather.not_parquet",
            f"{path.name} is no Parquet file: {str(error).splitlines()[0][:120]}",
            next_step="Fetch the file again, or correct `format` in the source.",
        ) from None
    sql = f"(SELECT {', '.join(map(identifier, schema.names))} FROM "
    sql += f"read_parquet({literal(str(path))}))"
    return DuckScan(sql, (), tuple(schema.names), tuple(str(t) for t in schema.types))


def _sheet(path: Path, source: FileSource) -> pa.RecordBatchReader:
    try:
        book = CalamineWorkbook.from_path(path)
        name = source.excel.sheet or book.sheet_names[0]
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except Exception as error:  # noqa: BLE001  the library raises its own kinds and Rust panics
        raise RefusedError(
            "gather.not_excel",
            f"{path.name} cannot be read as a workbook: {str(error)[:120]}",
            next_step="Check the file and the name of the sheet.",
        ) from None
    head = source.excel.header_row
    names = require_names(
        [str(c).strip() for c in rows[head - 1]] if rows[head - 1 :] else [], path.name
    )
    schema = pa.schema([pa.field(n, pa.string()) for n in names])
    cells = ([_cell(c) for c in row] for row in rows[head:])
    return pa.RecordBatchReader.from_batches(schema, _batches(cells, schema))


def _cell(value: Any) -> str | None:
    if value == "" or value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _batches(rows: Iterator[list[str | None]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[list[str | None]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _BATCH:
            yield _batch(waiting, schema)
            waiting = []
    if waiting:
        yield _batch(waiting, schema)


def _batch(rows: list[list[str | None]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _json_lines(text: Path, name: str) -> tuple[pa.RecordBatchReader, list[Unreadable]]:
    """Return the objects of a file as rows of texts, and the lines that are none.

    Columns are all keys of the file; a first pass finds them.
    """
    unreadable: list[Unreadable] = []
    names: dict[str, None] = {}
    for number, line in _lines(text):
        record = _object(line)
        if record is None:
            words = ("is no JSON object", "不是 JSON 对象")
            unreadable.append(Unreadable(name, number, line[:2000], "not_an_object", *words))
        else:
            names.update(dict.fromkeys(record))
    schema = pa.schema([pa.field(n, pa.string()) for n in names])
    records = (record for _, line in _lines(text) if (record := _object(line)) is not None)
    rows = ([_json_cell(record.get(n)) for n in names] for record in records)
    return pa.RecordBatchReader.from_batches(schema, _batches(rows, schema)), unreadable


def _lines(text: Path) -> Iterator[tuple[int, str]]:
    with text.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.rstrip("\n")


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _json_cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)
