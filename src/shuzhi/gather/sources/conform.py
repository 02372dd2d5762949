"""Sorts the rows of one part by the contract: good ones typed, bad ones with every reason.

All of it is SQL in one DuckDB, which spills to disk, so that memory stays bounded whatever the size
of the part; the row rules are the contract's own (Ibis), the same that quality counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import ibis
import pyarrow as pa
import sqlglot
from sqlglot import exp

from shuzhi.gather.contracts.model import Field, Table
from shuzhi.gather.contracts.rows import RowRule, arrow_schema, cast_sql, row_rules, text_sql
from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.model import DuckScan, Part, SourceBase
from shuzhi.kernel.errors import RefusedError

ROW = "#row"
FINDINGS = "#findings"
RAW = "#raw"
# What no table can hold, whatever a source tolerates: a cell that was not read or must be there.
_STRUCTURAL = frozenset({"type", "required"})
_FINDING = (
    'STRUCT("column" VARCHAR, code VARCHAR, reason_en VARCHAR, reason_zh VARCHAR, value VARCHAR)'
)

FINDING_TYPE = pa.struct(
    [
        ("column", pa.string()),
        ("code", pa.string()),
        ("reason_en", pa.string()),
        ("reason_zh", pa.string()),
        ("value", pa.string()),
    ]
)


@dataclass(frozen=True)
class Drift:
    """How the columns of a part differ from the contract's: what came, what did not."""

    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unknown or self.missing)


@dataclass(frozen=True)
class Sorted:
    """How many rows of a part are good, bad, or the same as an earlier row of the part."""

    read: int
    good: int
    bad: int
    repeated: int


def stage(
    connection: duckdb.DuckDBPyConnection, part: Part, source: SourceBase, table: Table
) -> tuple[Sorted, Drift]:
    """Sort the rows of `part` into the table `staged` of `connection`.

    `staged` has the contract's columns, typed, with `#row` (from 1, as in the origin), `#raw` (the
    row as JSON text, only of bad rows) and `#findings` (empty for good rows).

    Raises:
        RefusedError: `gather.column_missing` when a required column did not come,
            `gather.column_unknown` when others came and the source refuses them.
    """
    columns = _scan(connection, part, source)
    given, drift = _matched(columns, source, table, part.origin)
    parsed = _parsed_sql(given, source, table, part.first_row)
    for name in ("parsed", "staged"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    _read(connection, f"CREATE TEMP TABLE parsed AS {parsed}", part.origin)
    rules = row_rules(table)
    connection.execute(f"CREATE TEMP TABLE staged AS {_judged_sql(rules, source, table)}")
    connection.execute("DROP TABLE parsed")
    repeated = _mark_keys(connection, table) if table.key else 0
    bad = _count(connection, f'SELECT count(*) FROM staged WHERE len("{FINDINGS}") > 0')
    rows = _count(connection, "SELECT count(*) FROM staged")
    return Sorted(rows + repeated, rows - bad, bad, repeated), drift


def good_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.RecordBatchReader:
    """Return the good rows in the columns of the contract."""
    columns = ", ".join(identifier(f.name) for f in table.fields)
    sql = f'SELECT {columns} FROM staged WHERE len("{FINDINGS}") = 0'
    reader: pa.RecordBatchReader = connection.sql(sql).to_arrow_reader()
    schema = arrow_schema(table)
    typed = (_typed(batch, schema) for batch in reader)
    return pa.RecordBatchReader.from_batches(schema, typed)


def bad_rows(connection: duckdb.DuckDBPyConnection) -> pa.RecordBatchReader:
    """Return `row_number`, `findings` and `row` (JSON text) of the bad rows."""
    return connection.sql(
        f'SELECT "{ROW}" AS row_number, "{FINDINGS}" AS findings, "{RAW}" AS "row" '
        f'FROM staged WHERE len("{FINDINGS}") > 0'
    ).to_arrow_reader()


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [batch.column(i).cast(field.type) for i, field in enumerate(schema)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _scan(connection: duckdb.DuckDBPyConnection, part: Part, source: SourceBase) -> dict[str, str]:
    """Make the view `raw` of the part; return its columns with their DuckDB types."""
    connection.execute("DROP VIEW IF EXISTS raw")
    connection.execute("DROP VIEW IF EXISTS came")
    if isinstance(part.rows, DuckScan):
        connection.execute(f"CREATE TEMP VIEW came AS SELECT * FROM {part.rows.sql}")
    else:
        connection.register("came", part.rows)
    melt = source.melt
    body = "SELECT * FROM came"
    if melt:
        kept = ", ".join(map(identifier, melt.keep))
        nulls = "" if melt.skip_missing else "INCLUDE NULLS"
        body = (
            f"SELECT * FROM (FROM came UNPIVOT {nulls} ({identifier(melt.value)} "
            f"FOR {identifier(melt.name)} IN (COLUMNS(* EXCLUDE ({kept})))))"
        )
    connection.execute(f"CREATE TEMP VIEW raw AS {body}")
    described = connection.execute("DESCRIBE raw").fetchall()
    return {str(row[0]): str(row[1]) for row in described}


def _read(connection: duckdb.DuckDBPyConnection, sql: str, origin: str) -> None:
    try:
        connection.execute(sql)
    except duckdb.InvalidInputException as error:
        raise RefusedError(
            "gather.unreadable_part",
            f"{origin} cannot be cut into rows: {str(error).splitlines()[0][:200]}",
            next_step="Compare its delimiter and quotes with those of the source.",
        ) from None


def _matched(
    columns: dict[str, str], source: SourceBase, table: Table, origin: str
) -> tuple[dict[str, str], Drift]:
    """Return the SQL of the text of each field that came, and how the columns differ."""
    wanted = {f.name: f for f in table.fields}
    alias = {other: f.name for f in table.fields for other in f.source_columns}
    given = {n: f"CAST({literal(v)} AS VARCHAR)" for n, v in source.constants.items()}
    unknown = []
    for column, kind in columns.items():
        name = source.columns.get(column) or (column if column in wanted else alias.get(column))
        if name in wanted:
            given[str(name)] = _text_of(identifier(column), kind)
        else:
            unknown.append(column)
    missing = tuple(n for n in wanted if n not in given)
    required = [n for n in missing if wanted[n].is_required or n in table.key]
    if required:
        raise _column_error("missing", origin, table, required)
    if unknown and source.extra_columns == "refuse":
        raise _column_error("unknown", origin, table, unknown)
    return given, Drift(tuple(unknown), missing)


def _column_error(what: str, origin: str, table: Table, names: Sequence[str]) -> RefusedError:
    listed = ", ".join(map(repr, names))
    if what == "missing":
        return RefusedError(
            "gather.column_missing",
            f"{origin} has no column {listed}, which contract {table.name!r} requires.",
            next_step="Map the column under `columns` in the source, or ask the provider.",
        )
    return RefusedError(
        "gather.column_unknown",
        f"{origin} has columns that contract {table.name!r} does not know: {listed}.",
        next_step="Add them to the contract, or set `extra_columns: ignore` in the source.",
    )


def _text_of(column: str, kind: str) -> str:
    if kind in ("DOUBLE", "FLOAT"):
        # 12.0 in a column of floats is the whole number 12; as a text it would be no integer.
        whole = f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
        is_whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN {is_whole} THEN {whole} ELSE CAST({column} AS VARCHAR) END"
    return column if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"


def _parsed_sql(given: dict[str, str], source: SourceBase, table: Table, first_row: int) -> str:
    missing = ", ".join(literal(text) for text in ("", *source.missing))
    cells, casts, unread = [], [], []
    for field in table.fields:
        name = identifier(field.name)
        text = given.get(field.name, "CAST(NULL AS VARCHAR)")
        cells.append(f"CASE WHEN trim({text}) IN ({missing}) THEN NULL ELSE {text} END AS {name}")
        casts.append(f"{cast_sql(field, name)} AS {name}")
        unread.append(_unread_sql(field))
    return (
        f'SELECT "{ROW}", {", ".join(casts)}, '
        f'list_filter([{", ".join(unread)}], lambda f: f IS NOT NULL) AS "#unread", '
        f'to_json(cell)::VARCHAR AS "{RAW}" FROM (SELECT *, cell.* FROM ('
        f'SELECT row_number() OVER () + {first_row - 1} AS "{ROW}", '
        f"struct_pack({', '.join(_packed(c) for c in cells)}) AS cell FROM raw))"
    )


def _packed(cell: str) -> str:
    expression, _, name = cell.rpartition(" AS ")
    return f"{name} := {expression}"


def _unread_sql(field: Field) -> str:
    name = identifier(field.name)
    reason_en = f"{field.name} cannot be read as {field.logical_type.value}"
    reason_zh = f"{field.name} 无法读作 {field.logical_type.value}"
    finding = _finding_sql(field.name, "type", reason_en, reason_zh, f"left({name}, 200)")
    is_text = f"{text_sql(field, name)} IS NOT NULL"
    return f"CASE WHEN {is_text} AND {cast_sql(field, name)} IS NULL THEN {finding} END"


def _finding_sql(column: str, code: str, reason_en: str, reason_zh: str, value: str) -> str:
    pairs = (
        f'"column": {literal(column)}, code: {literal(code)}, '
        f"reason_en: {literal(reason_en)}, reason_zh: {literal(reason_zh)}, "
        f"value: CAST({value} AS VARCHAR)"
    )
    return f"CAST({{{pairs}}} AS {_FINDING})"


def _judged_sql(rules: Sequence[RowRule], source: SourceBase, table: Table) -> str:
    """Return SQL over `parsed` that adds the broken rules to the findings of each row."""
    stopping = [r for r in rules if _stops(r, source)]
    typed = ibis.table(arrow_schema(table), name="parsed")
    columns = ", ".join(identifier(f.name) for f in table.fields)
    tests = [_broken_sql(rule, typed) for rule in stopping]
    listed = ", ".join(tests) or f"CAST(NULL AS {_FINDING})"
    # A cell that could not be read is empty now: that it is required was not what went wrong.
    is_unread = 'list_contains(list_transform("#unread", lambda u: u."column"), f."column")'
    is_new = f"f IS NOT NULL AND NOT (f.code = 'required' AND {is_unread})"
    found = f'list_concat("#unread", list_filter([{listed}], lambda f: {is_new}))'
    return (
        f'SELECT "{ROW}", {columns}, "{FINDINGS}", '
        f'CASE WHEN len("{FINDINGS}") > 0 THEN "{RAW}" END AS "{RAW}" '
        f'FROM (SELECT *, {found} AS "{FINDINGS}" FROM parsed)'
    )


def _stops(rule: RowRule, source: SourceBase) -> bool:
    return rule.code in _STRUCTURAL or source.on_broken_rule == "quarantine"


def _broken_sql(rule: RowRule, typed: ibis.Table) -> str:
    condition = _condition_sql(rule, typed)
    finding = _finding_sql(
        rule.column,
        rule.code,
        f"broken: {rule.title_en}",
        f"不满足：{rule.title_zh}",
        f"left(CAST({identifier(rule.column)} AS VARCHAR), 200)",
    )
    return f"CASE WHEN {condition} THEN {finding} END"


def _condition_sql(rule: RowRule, typed: ibis.Table) -> str:
    compiled = ibis.to_sql(typed.select(broken=rule.broken(typed)), dialect="duckdb")
    tree = sqlglot.parse_one(str(compiled), dialect="duckdb")
    condition = tree.find(exp.Select).expressions[0].unalias()  # type: ignore[union-attr]
    for column in condition.find_all(exp.Column):
        column.set("table", None)
    return str(condition.sql(dialect="duckdb"))


def _mark_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Take out good rows that repeat another to the letter; mark those that contradict another.

    Return how many were taken out.
    """
    keys = ", ".join(map(identifier, table.key))
    cells = ", ".join(identifier(f.name) for f in table.fields)
    connection.execute("DROP TABLE IF EXISTS twice")
    connection.execute(
        f'CREATE TEMP TABLE twice AS SELECT {keys}, min("{ROW}") AS first_row, '
        f"count(DISTINCT hash({cells})) AS states FROM staged "
        f'WHERE len("{FINDINGS}") = 0 GROUP BY {keys} HAVING count(*) > 1'
    )
    same = " AND ".join(f"staged.{identifier(k)} = twice.{identifier(k)}" for k in table.key)
    good = f'len(staged."{FINDINGS}") = 0'
    before = _count(connection, "SELECT count(*) FROM staged")
    connection.execute(
        f"DELETE FROM staged USING twice WHERE {same} AND {good} AND twice.states = 1 "
        f'AND staged."{ROW}" <> twice.first_row'
    )
    finding = _finding_sql(
        ", ".join(table.key),
        "conflicting_key",
        "the key stands in other rows with other values",
        "同一主键在其他行中取值不同",
        "NULL",
    )
    connection.execute(
        f'UPDATE staged SET "{FINDINGS}" = [{finding}], "{RAW}" = to_json(struct_pack('
        f"{', '.join(f'{identifier(f.name)} := staged.{identifier(f.name)}' for f in table.fields)}"
        f"))::VARCHAR FROM twice WHERE {same} "
        f"AND {good} AND twice.states > 1"
    )
    return before - _count(connection, "SELECT count(*) FROM staged")


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    # All of it: a result left half read would hold the connection.
    return int(connection.execute(sql).fetchall()[0][0])
