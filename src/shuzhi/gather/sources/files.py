"""Sources that are files: CSV, Excel, JSON lines and Parquet, each file one part.

CSV, JSON lines and Parquet are read by DuckDB itself; what it cannot cut into rows comes back with
its line.
"""

from __future__ import annotations

import csv
import glob
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook

from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.encoded import fingerprint, text_file
from shuzhi.gather.sources.model import Cursor, DuckScan, FileSource, Part, Unreadable
from shuzhi.kernel.errors import RefusedError

_MOST_REJECTS = 1_000_000
_BATCH = 50_000


class FileReader:
    """Reads the files of one source. `folder` is where relative paths start, `spool` is scratch.

    `connection` is the DuckDB in which the scans that it yields are run.
    """

    def __init__(
        self, source: FileSource, folder: Path, spool: Path, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self._source = source
        self._folder = folder
        self._spool = spool
        self._connection = connection

    def paths(self) -> list[Path]:
        """Return the files in the order of their names.

        Raises:
            RefusedError: `gather.source_gone` when the path matches nothing.
        """
        pattern = str((self._folder / self._source.path).absolute())
        found = sorted(Path(p) for p in glob.glob(pattern) if Path(p).is_file())  # noqa: PTH207
        if not found:
            raise RefusedError(
                "gather.source_gone",
                f"Source {self._source.name!r} finds no file at {self._source.path}.",
                next_step="Bring the file back or correct `path`; what was loaded before stays.",
            )
        return found

    def parts(self, since: Cursor | None) -> Iterator[Part]:
        """Yield a part for each file; what was loaded before is told by its fingerprint."""
        del since
        for path in self.paths():
            with ExitStack() as stack:
                yield self._part(path, stack)

    def _part(self, path: Path, stack: ExitStack) -> Part:
        source = self._source
        print_of_file = fingerprint(path)
        if source.format == "parquet":
            return Part(path.name, print_of_file, _parquet_scan(path))
        if source.format == "excel":
            return Part(path.name, print_of_file, _sheet(path, source), first_row=2)
        text = stack.enter_context(text_file(path, source.encoding, self._spool))
        if source.format == "jsonl":
            rows, unreadable = _json_lines(text, path.name)
            return Part(path.name, print_of_file, rows, unreadable=lambda: unreadable)
        scan = self._csv_scan(text, path.name)
        first = source.csv.skip_rows + (2 if source.csv.header else 1)
        return Part(
            path.name,
            print_of_file,
            scan,
            unreadable=lambda: self._rejects(path.name),
            first_row=first,
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
    return require_names(names, name)


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
