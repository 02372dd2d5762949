"""Asks the engine for a page of entities, and for what is expanded in them: one query a level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from shuzhi.share.sensorthings.compiling import (
    BOOLEAN,
    DURATION,
    Parameters,
    Scope,
    Sql,
    condition,
    value,
)
from shuzhi.share.sensorthings.entities import COLUMNS, SETS, EntitySet, Form, Link
from shuzhi.share.sensorthings.errors import bad_query
from shuzhi.share.sensorthings.options import Expand, Options, Order

Row = Mapping[str, Any]
_BASE = "e"
_KEY_TYPES: Mapping[str, str] = {
    Form.NUMBER: "DOUBLE",
    Form.RESULT: "DOUBLE",
    Form.TIME: "TIMESTAMPTZ",
    Form.INTERVAL: "TIMESTAMPTZ",
}


@dataclass(frozen=True)
class Step:
    """One step of the way to what is asked for: the set, the key if one is named, how it came."""

    entity: EntitySet
    key: str | None = None
    link: Link | None = None


@dataclass
class Found:
    """An entity that was found: its row, the keys of its order, what is expanded in it."""

    entity: EntitySet
    row: Row
    keys: tuple[Any, ...] = ()
    inside: dict[str, Page] | None = None


@dataclass
class Page:
    """Entities in order; `has_more` of them are there; `count` is of all, if asked for."""

    entities: list[Found]
    has_more: bool = False
    count: int | None = None


@dataclass(frozen=True)
class Engine:
    """A connection on which every relation of `COLUMNS` is a table or view, and the time now."""

    connection: duckdb.DuckDBPyConnection
    now: datetime

    def page(self, steps: Sequence[Step], options: Options) -> Page:
        """Return a page of the entities at the end of a way.

        Raises:
            QueryError: as `condition` and `value`.
        """
        entity = steps[-1].entity
        parameters = Parameters(self.now)
        scope = Scope(entity, _BASE, parameters)
        where = [_way(steps, _BASE, parameters)]
        if options.where is not None:
            where.append(condition(options.where, scope))
        count = self._count(entity, where, parameters) if options.has_count else None
        orders = list(_orders(options.orders, scope))
        if options.after is not None:
            where.append(_after(orders, options.after, parameters))
        rows = self._rows(
            f"SELECT {_columns(entity)}{_keys(orders)} FROM {entity.relation} {_BASE} "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY {_ordering(orders)} "
            f"LIMIT {options.size + 1} OFFSET {options.skip}",
            parameters,
        )
        found = [_found(entity, row, len(orders)) for row in rows[: options.size]]
        self._expand(found, options.expand)
        return Page(found, len(rows) > options.size, count)

    def _expand(self, found: list[Found], expands: Sequence[Expand]) -> None:
        for each in expands if found else ():
            link = found[0].entity.link(each.link)
            assert link is not None  # noqa: S101  (parsed against the same entity set)
            near = sorted({f.row[link.mine] for f in found if f.row[link.mine] is not None})
            by_key = self._linked(link, near, each.options)
            for one in found:
                one.inside = one.inside or {}
                one.inside[each.link] = by_key.get(one.row[link.mine], Page([]))

    def _linked(self, link: Link, near: list[Any], options: Options) -> dict[Any, Page]:
        """Return for each key the entities that a link leads to, all in one query."""
        entity, parameters = SETS[link.target], Parameters(self.now)
        scope = Scope(entity, _BASE, parameters)
        where = f"{_BASE}.{link.theirs} IN (SELECT unnest({parameters.bind(near)}))"
        if options.where is not None:
            where += f" AND {condition(options.where, scope)}"
        orders = list(_orders(options.orders, scope))
        place = (
            f"row_number() OVER (PARTITION BY {_BASE}.{link.theirs} ORDER BY {_ordering(orders)})"
        )
        total = f"count(*) OVER (PARTITION BY {_BASE}.{link.theirs})"
        rows = self._rows(
            f"SELECT {_columns(entity)}{_keys(orders)}, {place} AS __place, {total} AS __total "  # noqa: S608
            f"FROM {entity.relation} {_BASE} WHERE {where} "
            f"QUALIFY __place > {options.skip} AND __place <= {options.skip + options.size} "
            "ORDER BY __place",
            parameters,
        )
        found = [_found(entity, row, len(orders)) for row in rows]
        self._expand(found, options.expand)
        pages: dict[Any, Page] = {}
        for one in found:
            page = pages.setdefault(one.row[link.theirs], Page([]))
            page.entities.append(one)
            page.has_more = one.row["__total"] > options.skip + options.size
            page.count = one.row["__total"] if options.has_count else None
        return pages

    def _count(self, entity: EntitySet, where: Sequence[str], parameters: Parameters) -> int:
        sql = f"SELECT count(*) AS n FROM {entity.relation} {_BASE} WHERE {' AND '.join(where)}"  # noqa: S608
        return int(self._rows(sql, parameters)[0]["n"])

    def _rows(self, sql: str, parameters: Parameters) -> list[Row]:
        try:
            rows = self.connection.sql(sql, params=parameters.values).to_arrow_table()
            return list(rows.to_pylist())
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            raise bad_query(f"It cannot be computed: {str(error).splitlines()[0]}") from None


def _way(steps: Sequence[Step], alias: str, parameters: Parameters) -> str:
    """Return SQL that is true for the entities at the end of a way."""
    last = steps[-1]
    said = "true" if last.key is None else f"{alias}.id = {parameters.bind(last.key)}"
    if last.link is None or len(steps) == 1:
        return said
    near = parameters.alias()
    before = steps[-2].entity.relation
    inner = _way(steps[:-1], near, parameters)
    linked = f"SELECT {near}.{last.link.mine} FROM {before} {near} WHERE {inner}"  # noqa: S608
    return f"{said} AND {alias}.{last.link.theirs} IN ({linked})"


def _orders(orders: Sequence[Order], scope: Scope) -> Iterator[tuple[Sql, bool]]:
    for order in orders:
        made = value(order.by, scope)
        if made.form in (BOOLEAN, DURATION, Form.UNIT):
            raise bad_query(f"Nothing can be ordered by {order.text[:60]}.")
        yield made, order.is_descending
    yield Sql(f"{_BASE}.id", Form.TEXT), False


def _ordering(orders: Sequence[tuple[Sql, bool]]) -> str:
    directions = ((sql.text, "DESC" if is_down else "ASC") for sql, is_down in orders)
    return ", ".join(f"{text} {direction} NULLS LAST" for text, direction in directions)


def _keys(orders: Sequence[tuple[Sql, bool]]) -> str:
    return "".join(f", {sql.text} AS __key{place}" for place, (sql, _) in enumerate(orders))


def _after(orders: Sequence[tuple[Sql, bool]], after: Sequence[Any], parameters: Parameters) -> str:
    """Return SQL that is true for what comes after the keys of a page's last entity."""
    if len(after) != len(orders):
        raise bad_query("$skiptoken does not belong to this $orderby.")
    said = "false"
    for (sql, is_down), key in zip(reversed(orders), reversed(after), strict=True):
        said = _follows(sql, key, said, parameters, is_down=is_down)
    return said


def _follows(sql: Sql, key: Any, then: str, parameters: Parameters, *, is_down: bool) -> str:
    if key is None:
        return f"({sql.text} IS NULL AND {then})"
    bound = f"{parameters.bind(key)}::{_KEY_TYPES.get(sql.form, 'VARCHAR')}"
    sign = "<" if is_down else ">"
    beyond = f"{sql.text} {sign} {bound} OR {sql.text} IS NULL"
    return f"({beyond} OR ({sql.text} = {bound} AND {then}))"


def _columns(entity: EntitySet) -> str:
    return ", ".join(f"{_BASE}.{column}" for column in COLUMNS[entity.relation])


def _found(entity: EntitySet, row: Row, keys: int) -> Found:
    told = (row[f"__key{place}"] for place in range(keys))
    return Found(entity, row, tuple(k.isoformat() if isinstance(k, datetime) else k for k in told))
