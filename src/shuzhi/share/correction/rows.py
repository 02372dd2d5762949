"""One value of one row of the lake, as text, at any version that is still there.

Values are compared as the texts that the engine makes of them, so that `0030` and `30` are the same
whole number, and a day is a day however it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb
from sqlglot import exp

from shuzhi.gather.lake import Lake
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.errors import optional_text
from shuzhi.share.correction.errors import CorrectionError, bad
from shuzhi.share.correction.model import Used

Key = tuple[tuple[str, str], ...]
_DIALECT = "duckdb"


@dataclass(frozen=True)
class Found:
    """What a version holds: the value as text (None: no value), or that the row is missing."""

    is_there: bool
    value: str | None = None


def canonical(lake: Lake, dataset: str, column: str, text: str | None) -> str | None:
    """Return `text` as the lake would write it in that column.

    Raises:
        CorrectionError: `share.doubt_bad` for a column that is not there, `share.value_unfit`.
        AgreementError: `share.bad_text`.
    """
    if text is None:
        return None
    optional_text(text, "The value")
    kind = _types(lake, dataset).get(column)
    if kind is None:
        raise bad(
            f"{dataset} has no column {column[:60]!r}.",
            f"Name one of its columns: shuzhi catalogue show {dataset}.",
        )
    query = exp.select(_text(exp.TryCast(this=_text(exp.Placeholder(this="v")), to=kind)))
    with lake.duck(only=(dataset,)) as connection:
        (found,) = connection.execute(query.sql(_DIALECT), {"v": text}).fetchone() or (None,)
    if found is None:
        raise CorrectionError(
            "share.value_unfit",
            f"What is said of {dataset}.{column} is no {kind.sql(_DIALECT)}.",
            next_step="Write it as the column holds it.",
        )
    return str(found)


def find_value(lake: Lake, dataset: str, key: Key, column: str, version: int | None) -> Found:
    """Return what a version (None: the newest) holds; key and value are canonical.

    Raises:
        RefusedError: `gather.version_gone`; BrokenError for files that cannot be read.
    """
    query = exp.select(_text(_column(column))).from_(_table(dataset))
    for place, (name, _) in enumerate(key):
        is_it = exp.EQ(this=_text(_column(name)), expression=exp.Placeholder(this=f"k{place}"))
        query = query.where(is_it)
    parameters = {f"k{place}": value for place, (_, value) in enumerate(key)}
    at = None if version is None else {dataset: version}
    with lake.duck(only=(dataset,), version=at) as connection:
        try:
            row = connection.execute(query.limit(1).sql(_DIALECT), parameters).fetchone()
        except duckdb.BinderException:
            # The column, or one of the key, was not there yet.
            return Found(is_there=False)
    return Found(is_there=False) if row is None else Found(is_there=True, value=row[0])


def find_used(
    lake: Lake,
    dataset: str,
    key: Key,
    column: str,
    right: str | None,
    *,
    doubted: int | None = None,
) -> Used | None:
    """Return which versions held another value before `right`; None while that is not held.

    Goes back from the newest version, one after the other, until the wrong value began: the one
    that the version `doubted` held, through all that stood there since.
    """
    history = lake.history(dataset)
    walk = _values(lake, dataset, key, column, [v.version for v in history])
    wanted = Found(is_there=True, value=right)
    new: int | None = None
    old: list[int] = []
    wrong: Found | None = None
    is_whole = True
    for version, found in walk:
        if found is None:
            is_whole = False
            break
        if wrong is None and found == wanted:
            new = version
        elif new is None:
            return None
        elif wrong is None or found == wrong or _is_since(doubted, version, old[-1], found, wanted):
            wrong = found
            old.append(version)
        else:
            break
    else:
        # What was before the oldest commit that the log still holds, nobody can tell.
        is_whole = not history or history[-1].version == 0
    if new is None:
        return None
    at = {v.version: v.committed_at for v in history}
    used = Used(dataset, key, column, new, at[new], is_whole=is_whole)
    return used if wrong is None else _holding(used, wrong, old, Instant(at[old[-1]]))


def _holding(used: Used, wrong: Found, versions: list[int], since: Instant) -> Used:
    """Return `used` with the wrong value and the versions, the newest first, that it stood in."""
    first, last = versions[-1], versions[0]
    was = replace(used, old=wrong.value, was_there=wrong.is_there)
    return replace(was, first_version=first, last_version=last, since=since)


def _is_since(doubted: int | None, version: int, later: int, found: Found, wanted: Found) -> bool:
    """Tell whether what a version held before `later` belongs to what was doubted.

    A value may be blanked, or mended to another wrong one, before the right one comes in.
    """
    if doubted is None or later <= doubted:
        return False
    return version > doubted or found != wanted


def _values(
    lake: Lake, dataset: str, key: Key, column: str, versions: list[int]
) -> Iterator[tuple[int, Found | None]]:
    """Yield what each version holds, the newest first; None and an end where it is gone."""
    for version in versions:
        try:
            yield version, find_value(lake, dataset, key, column, version)
        except RefusedError:
            yield version, None
            return


def _types(lake: Lake, dataset: str) -> dict[str, exp.DataType]:
    sql = exp.select("column_name", "column_type").from_(
        exp.Subquery(this=exp.Describe(this=_table(dataset)))
    )
    with lake.duck(only=(dataset,)) as connection:
        rows = connection.execute(sql.sql(_DIALECT)).fetchall()
    return {name: exp.DataType.build(kind, dialect=_DIALECT) for name, kind in rows}


def _text(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "TEXT")


def _column(name: str) -> exp.Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def _table(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))
