"""Which of the rows that came are new, which were stored before, and which are revisions.

A row whose key has the same value already is stored once. A row with another value than the last
of its key is a revision and gets the next number; both stay. A frame that is sent again under its
old QN after a revision came is still the old frame, and no revision back.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from shuzhi.gather.lake import Lake
from shuzhi.gather.sensors.landing.tables import Revised


def resolve(lake: Lake, table: Revised, rows: pa.Table) -> pa.Table:
    """Return those of `rows` that are to be stored, with `revision` and the text `before`.

    `rows` have the table's columns but `revision`, in the order in which they came.
    """
    only = [table.name] if lake.exists(table.name) else []
    with lake.duck(only=only, memory_limit="1GB") as connection:
        connection.register("came", _numbered(rows))
        known = _known(table, rows) if only else _nothing(table)
        return _ask(connection, table, known)


def _numbered(rows: pa.Table) -> pa.Table:
    return rows.append_column("place", pa.array(range(rows.num_rows), pa.int64()))


def _known(table: Revised, rows: pa.Table) -> str:
    """SQL for the stored rows with a key that came again.

    The span of times is written out so that files of other times need not be read.
    """
    keys = ", ".join(table.key)
    times = pc.min_max(rows["data_time"]).as_py()
    span = " AND ".join(
        f"data_time {sign} TIMESTAMPTZ '{times[end].isoformat()}'"
        for sign, end in ((">=", "min"), ("<=", "max"))
    )
    return (
        f"SELECT {keys}, qn, revision, text, {_said(table)} AS said FROM {table.name} "  # noqa: S608
        f"SEMI JOIN came USING ({keys}) WHERE {span}"
    )


def _nothing(table: Revised) -> str:
    keys = ", ".join(table.key)
    return (
        f"SELECT {keys}, qn, 0::INTEGER AS revision, text, {_said(table)} AS said "  # noqa: S608
        "FROM came WHERE false"
    )


def _said(table: Revised) -> str:
    number = "number" if "number" in table.said else "NULL::DOUBLE"
    others = [c for c in table.said if c not in ("number", "text")]
    parts = [f"n := {number}", f"t := CASE WHEN {number} IS NULL THEN text END"]
    return f"struct_pack({', '.join([*parts, *(f'{c} := {c}' for c in others)])})"


def _ask(connection: duckdb.DuckDBPyConnection, table: Revised, known: str) -> pa.Table:
    keys = ", ".join(table.key)
    same = " AND ".join(f"c.{c} = k.{c}" for c in (*table.key, "qn", "said"))
    # A frame of 2005 may have no QN to be known by.
    same += " AND c.qn != ''"
    columns = ", ".join(f"c.{f.name}" for f in table.schema if f.name != "revision")
    return connection.sql(
        f"""
        WITH known AS MATERIALIZED ({known}),
        fresh AS (
            SELECT * FROM (SELECT *, {_said(table)} AS said FROM came) c
            ANTI JOIN known k ON {same}
            QUALIFY qn = '' OR 1 = row_number() OVER (PARTITION BY {keys}, qn, said ORDER BY place)
        ),
        line AS (
            SELECT {keys}, said, text, revision AS old, -1::BIGINT AS place FROM known
            UNION ALL
            SELECT {keys}, said, text, NULL, place FROM fresh
        ),
        seen AS (
            SELECT *, lag(said) OVER w AS said_before, lag(text) OVER w AS before,
                row_number() OVER w AS nth, max(old) OVER (PARTITION BY {keys}) AS newest
            FROM line WINDOW w AS (PARTITION BY {keys} ORDER BY old NULLS LAST, place)
        ),
        kept AS (
            SELECT place, before,
                coalesce(newest, -1) + row_number() OVER (PARTITION BY {keys} ORDER BY place)
                    AS revision
            FROM seen
            WHERE old IS NULL AND (nth = 1 OR said IS DISTINCT FROM said_before)
        )
        SELECT {columns}, kept.revision::INTEGER AS revision, kept.before
        FROM came c JOIN kept USING (place) ORDER BY place
        """  # noqa: S608
    ).to_arrow_table()
