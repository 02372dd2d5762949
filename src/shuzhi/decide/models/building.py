"""Asks a model's SQL for everything, or for the grains that changed, and stores the answer.

The grains of an incremental model go through a temporary table, so that a key that is none is
refused before anything is written.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb
from sqlglot import exp

from shuzhi.decide.models.model import Incremental, Model
from shuzhi.gather.lake import Commit, Difference, Lake
from shuzhi.gather.lake.query import Snapshot, literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.lineage import parse_query
from shuzhi.kernel.errors import RefusedError

_ADDED, _REMOVED, _TOUCHED, _ANSWER = "__added", "__removed", "__touched", "__answer"
_BATCH_ROWS = 122_880


def build_whole(model: Model, connection: duckdb.DuckDBPyConnection, lake: Lake) -> Commit:
    """Put all that the model's SQL answers with in the place of its data set.

    Raises:
        RefusedError: `decide.model_key`; as `Lake.overwrite`.
        duckdb.Error, pa.ArrowException: for SQL that fails.
    """
    query, given = model.sql, model.incremental
    if given is not None:
        _answer(model, given, connection, f"{identifier(given.by)} IS NOT NULL")
        query = f"FROM {_ANSWER}"
    rows = connection.sql(query).to_arrow_reader(_BATCH_ROWS)
    return lake.overwrite(model.name, rows, may_reshape=True)


def changed_rows(change: Difference) -> tuple[Snapshot, Snapshot]:
    """Return the two snapshots that `build_changes` finds as views on its connection."""
    return replace(change.added, name=_ADDED), replace(change.removed, name=_REMOVED)


def build_changes(
    model: Model,
    given: Incremental,
    change: Difference,
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
) -> Commit:
    """Compute the grains that `change` touched anew, and replace them in the model's data set.

    Where nothing comes out different, there is no new version. The connection reads what the model
    reads, `changed_rows` and the model's own data set. Raises as `build_whole` and `Lake.upsert`.
    """
    _touch(model, given, change, connection)
    span = f"SELECT min(grain)::VARCHAR, (max(grain) + INTERVAL 1 {given.grain})::VARCHAR"
    first, end = connection.execute(f"{span} FROM {_TOUCHED}").fetchall()[0]
    if first is None:
        return Commit(model.name, lake.version(model.name))
    by, touched = identifier(given.by), f"IN (FROM {_TOUCHED})"
    # The bounds let whole files and row groups be left out.
    within = f"{by} >= {literal(first)}::TIMESTAMPTZ AND {by} < {literal(end)}::TIMESTAMPTZ"
    _answer(model, given, connection, f"{within} AND {_grain(given, given.by)} {touched}")
    keys = ", ".join(map(identifier, given.key))
    gone = connection.sql(
        f"SELECT {keys} FROM {identifier(model.name)} ANTI JOIN {_ANSWER} USING ({keys}) "  # noqa: S608
        f"WHERE {_grain(given, given.at)} {touched}"
    ).to_arrow_table()
    rows = connection.sql(f"FROM {_ANSWER}").to_arrow_reader(_BATCH_ROWS)
    return lake.upsert(model.name, rows, key=given.key, gone=gone)


def _touch(
    model: Model, given: Incremental, change: Difference, connection: duckdb.DuckDBPyConnection
) -> None:
    """Make the table of the grains in which rows came or went, by the columns that are used.

    A grain whose rows were only moved to other files has as many rows with the same sum of their
    64-bit hashes before and after; that is many times faster than comparing row by row.
    """
    columns = ", ".join(map(identifier, _used(model, given, change)))
    summed = f"{_grain(given, given.by)} AS grain, count(*), sum(hash({columns}))"
    timed = f"WHERE {identifier(given.by)} IS NOT NULL GROUP BY grain"
    added, removed = (f"SELECT {summed} FROM {name} {timed}" for name in (_ADDED, _REMOVED))  # noqa: S608
    both = f"({added} EXCEPT {removed}) UNION ALL ({removed} EXCEPT {added})"
    connection.execute(
        f"CREATE TEMP TABLE {_TOUCHED} AS SELECT DISTINCT grain FROM ({both})"  # noqa: S608
    )


def _used(model: Model, given: Incremental, change: Difference) -> list[str]:
    query, names = parse_query(model.sql), change.whole.schema.names
    if any(
        isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)
        for node in query.walk()
    ):
        return list(names)
    used = {given.by.lower(), *(column.name.lower() for column in query.find_all(exp.Column))}
    return [name for name in names if name.lower() in used]


def _answer(
    model: Model, given: Incremental, connection: duckdb.DuckDBPyConnection, condition: str
) -> None:
    """Make the table of what the SQL answers with over the rows that meet the condition."""
    rows = parse_query(f"SELECT * FROM {identifier(given.dataset)} WHERE {condition}")  # noqa: S608

    def narrowed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.name.lower() == given.dataset:
            return rows.subquery(node.alias_or_name)
        return node

    query = parse_query(model.sql).transform(narrowed).sql("duckdb")
    connection.execute(f"CREATE TEMP TABLE {_ANSWER} AS {query}")
    _require_key(model, given, connection)


def _require_key(model: Model, given: Incremental, connection: duckdb.DuckDBPyConnection) -> None:
    keys = ", ".join(map(identifier, given.key))
    is_null = " OR ".join(f"{identifier(key)} IS NULL" for key in given.key)
    doubled = f"SELECT 1 FROM {_ANSWER} GROUP BY {keys} HAVING count(*) > 1"  # noqa: S608
    counts = f"SELECT (SELECT count(*) FROM ({doubled})), count_if({is_null}) FROM {_ANSWER}"  # noqa: S608
    twice, empty = connection.execute(counts).fetchall()[0]
    if twice or empty:
        raise RefusedError(
            "decide.model_key",
            f"The model {model.name} could not be built: of its key ({', '.join(given.key)}) "
            f"{twice} values stand more than once and {empty} are empty.",
            next_step="Name columns that tell every row of the answer apart.",
        )


def _grain(given: Incremental, column: str) -> str:
    # In UTC as everywhere here; on times with a zone date_trunc takes seven times as long.
    return f"date_trunc('{given.grain}', make_timestamp(epoch_us({identifier(column)})))"
