"""The rows of all data sets of a linkage as one table that can be compared: cleaned, with words.

The table lives in the connection that was opened for the run, and is gone with it.
"""

from __future__ import annotations

import duckdb

from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.share.linkage.cleaning import cleaned
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.levels import MACROS
from shuzhi.share.linkage.model import Linkage, Member, Record
from shuzhi.share.linkage.presets import Form, Presets
from shuzhi.share.linkage.store import MOST_OF_KEY

ROWS = "linkage_rows"
# A word in so few rows is rare in any case; each row is found by so many words of its own.
_RARE_LEAST, _RARE_WORDS = 30, 6


def prepare(connection: duckdb.DuckDBPyConnection, linkage: Linkage, known: Presets) -> None:
    """Make the table `linkage_rows` (number, data set, key, parts) from the views of data sets.

    Raises:
        LinkageError: `share.linkage_columns` for columns that are not there, `share.linkage_keys`
            for keys that are missing, used twice or too long.
    """
    for macro in MACROS:
        connection.execute(macro)
    selects = [_select(connection, member, linkage, known) for member in linkage.members]
    connection.execute(
        f"CREATE TEMP TABLE linkage_plain AS SELECT ROW_NUMBER() OVER (ORDER BY dataset, key) AS n,"
        f" * FROM ({' UNION ALL '.join(selects)})"
    )
    _require_keys(connection)
    worded = [p.name for p in linkage.parts if known.forms[p.form].tokens]
    for name in worded:
        form = known.forms[next(p.form for p in linkage.parts if p.name == name)]
        share = max((b.share for b in linkage.blocks if b.rare == name), default=0.0)
        _count_words(connection, name, form, share)
    joins = "".join(f" LEFT JOIN linkage_words_{n} USING (n)" for n in worded)
    codes = [p.name for p in linkage.parts if known.forms[p.form].tokens == "codes"]
    # A text without a model number says nothing about model numbers.
    replaced = ", ".join(
        f'CASE WHEN "{n}_words" IS NOT NULL THEN "{n}" END AS "{n}"' for n in codes
    )
    star = f"* REPLACE ({replaced})" if codes else "*"
    connection.execute(f"CREATE TEMP TABLE {ROWS} AS SELECT {star} FROM linkage_plain{joins}")


def record_of(connection: duckdb.DuckDBPyConnection) -> dict[int, Record]:
    """Return which record each number of the table stands for."""
    found = connection.execute(f"SELECT n, dataset, key FROM {ROWS}").fetchall()
    return {n: Record(dataset, key) for n, dataset, key in found}


def strong_of(
    connection: duckdb.DuckDBPyConnection, linkage: Linkage
) -> dict[int, tuple[str | None, ...]]:
    """Return the strong parts of each row that has any."""
    if not linkage.strong:
        return {}
    columns = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in linkage.strong)
    found = connection.execute(f"SELECT n, {columns} FROM {ROWS}").fetchall()
    return {n: tuple(values) for n, *values in found if any(v is not None for v in values)}


def _select(
    connection: duckdb.DuckDBPyConnection, member: Member, linkage: Linkage, known: Presets
) -> str:
    there = {
        row[0] for row in connection.execute(f"DESCRIBE {identifier(member.dataset)}").fetchall()
    }
    wanted = {member.key, *(member.parts[p.name] for p in linkage.parts)}
    if missing := sorted(wanted - there):
        raise LinkageError(
            "share.linkage_columns",
            f"Data set {member.dataset} has no column {', '.join(missing)}.",
            next_step=f"Name columns that it has in the linkage {linkage.id}.",
        )
    parts = ", ".join(
        f'{cleaned(identifier(member.parts[p.name]), known.forms[p.form], known)} AS "{p.name}"'
        for p in linkage.parts
    )
    key = f"CAST({identifier(member.key)} AS VARCHAR) AS key"
    said = f"SELECT {literal(member.dataset)} AS dataset, {key}, {parts}"
    return f"{said} FROM {identifier(member.dataset)}"


def _require_keys(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute(
        "SELECT dataset, COUNT(*) FROM (SELECT dataset, key FROM linkage_plain "
        "GROUP BY dataset, key HAVING COUNT(*) > 1 OR key IS NULL OR LEN(key) > ?) "
        "GROUP BY dataset ORDER BY 1",
        [MOST_OF_KEY],
    ).fetchall()
    if found:
        said = ", ".join(f"{dataset} ({count:,})" for dataset, count in found)
        raise LinkageError(
            "share.linkage_keys",
            f"Keys are missing, used twice or longer than {MOST_OF_KEY} characters in: {said}.",
            next_step="Name a key under which each row is known, or mend the data set.",
        )


def _words(name: str, tokens: str) -> str:
    """Return the SQL of a value's words: of Han text pairs of characters, else what spaces part."""
    text = f'"{name}"'
    bare = f"REPLACE({text}, ' ', '')"
    grams = (
        "LIST_TRANSFORM(RANGE(1, GREATEST(LEN({0}) - {1}, 1) + 1), LAMBDA i: SUBSTR({0}, i, {2}))"
    )
    words = f"STRING_SPLIT({text}, ' ')"
    if tokens == "triples":
        return grams.format(f"(' ' || {text} || ' ')", 2, 3)
    if tokens == "codes":
        # Four characters with a letter, or five: shorter ones are sizes and counts.
        least = "CASE WHEN REGEXP_MATCHES(x, '[a-z]') THEN 4 ELSE 5 END"
        wanted = f"REGEXP_MATCHES(x, '[0-9]') AND LEN(x) >= {least}"
        return f"LIST_FILTER({words}, LAMBDA x: {wanted})"
    return (
        f"CASE WHEN REGEXP_MATCHES({text}, '\\p{{Han}}') THEN {grams.format(bare, 1, 2)} "
        f"ELSE {words} END"
    )


def _count_words(
    connection: duckdb.DuckDBPyConnection, name: str, form: Form, share: float
) -> None:
    """Make the table of a part's words, each with its weight: the rarer, the more it counts."""
    words = _words(name, form.tokens or "")
    connection.execute(
        f"CREATE TEMP TABLE linkage_word AS SELECT DISTINCT n, UNNEST({words}) AS t "
        f'FROM linkage_plain WHERE "{name}" IS NOT NULL'
    )
    connection.execute(
        "CREATE TEMP TABLE linkage_frequency AS SELECT t, COUNT(*) AS df, "
        "LN(1 + (SELECT COUNT(*) FROM linkage_plain) / COUNT(*)) AS w FROM linkage_word GROUP BY t"
    )
    connection.execute(
        f"CREATE TEMP TABLE linkage_words_{name} AS SELECT n, "
        f"LIST({{'t': t, 'w': w}} ORDER BY t) AS {name}_words, SUM(w) AS {name}_total, "
        f"LIST(t ORDER BY df, t) FILTER (place <= {_RARE_WORDS} AND df BETWEEN 2 AND "
        f"GREATEST({_RARE_LEAST}, {share} * (SELECT COUNT(*) FROM linkage_plain))) "
        f"AS {name}_rare FROM (SELECT n, t, df, w, ROW_NUMBER() OVER (PARTITION BY n ORDER BY "
        "df = 1, df, t) AS place FROM linkage_word JOIN linkage_frequency USING (t)) GROUP BY n"
    )
    connection.execute("DROP TABLE linkage_word")
    connection.execute("DROP TABLE linkage_frequency")
