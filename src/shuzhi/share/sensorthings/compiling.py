"""Expressions over entities as SQL of the engine; every constant is a parameter, every name known.

A path over a link to many holds when it holds for any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from shuzhi.share.sensorthings.entities import SETS, EntitySet, Form, Link, Property
from shuzhi.share.sensorthings.errors import QueryError, bad_query, not_served
from shuzhi.share.sensorthings.expressions import Both, Call, Expression, Literal, Not, PathTo

BOOLEAN, DURATION, NOTHING = "boolean", "duration", "nothing"
_COMPARED = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_COUNTED = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}


@dataclass(frozen=True)
class Sql:
    """A piece of SQL and what it is; `start`, `end` of an interval; `other` is a result's text."""

    text: str
    form: str
    end: str = ""
    other: str = ""


@dataclass
class Parameters:
    """The constants of a statement, by the names under which it binds them; `now` is one."""

    now: datetime
    values: dict[str, Any] = field(default_factory=dict)
    aliases: int = 0

    def bind(self, value: Any) -> str:
        """Keep a constant and return what stands for it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def alias(self) -> str:
        """Return a name for a table that no other has."""
        self.aliases += 1
        return f"t{self.aliases}"


@dataclass(frozen=True)
class Scope:
    """The entities that an expression is about: their set, and the alias of its relation."""

    entity: EntitySet
    alias: str
    parameters: Parameters
    inner: Mapping[str, Scope] = field(default_factory=dict)


def condition(expression: Expression, scope: Scope) -> str:
    """Return SQL that is true for the entities for which `expression` holds.

    Raises:
        QueryError: `share.bad_sensorthings_query` for names that are not there and kinds that do
            not go together; `share.sensorthings_not_served` for functions that are not served.
    """
    match expression:
        case Not(inner):
            return f"NOT coalesce({condition(inner, scope)}, false)"
        case Both("and" | "or" as word, left, right):
            return f"({condition(left, scope)} {word.upper()} {condition(right, scope)})"
    link, path = _link_to_many(expression, scope)
    if link is not None:
        return _any_of(expression, scope, link, path)
    made = value(expression, scope)
    if made.form != BOOLEAN:
        raise bad_query("$filter needs something that is true or false.")
    return made.text


def value(expression: Expression, scope: Scope) -> Sql:
    """Return SQL for the value of an expression. Raises as `condition`."""
    match expression:
        case Literal(constant):
            return _constant(constant, scope.parameters)
        case PathTo(steps):
            return _path(steps, scope)
        case Call("now", ()):
            return _constant(scope.parameters.now, scope.parameters)
        case Call(name, arguments):
            return _call(name, [value(a, scope) for a in arguments])
        case Both(operator, left, right) if operator in _COMPARED:
            return _compared(operator, value(left, scope), value(right, scope))
        case Both(operator, left, right) if operator in _COUNTED:
            return _counted(operator, value(left, scope), value(right, scope))
    return Sql(condition(expression, scope), BOOLEAN)


def keys_of(property_: Property, alias: str) -> Sql:
    """Return SQL for a property of the entities under `alias`."""
    columns = [f"{alias}.{column}" for column in property_.columns]
    if property_.form is Form.INTERVAL:
        return Sql(columns[0], Form.INTERVAL, end=f"coalesce({columns[1]}, {columns[0]})")
    if property_.form is Form.RESULT:
        return Sql(columns[0], Form.RESULT, other=columns[1])
    if property_.form in (Form.POINT, Form.FIXED):
        raise not_served(f"Conditions on {property_.name} are not served.")
    return Sql(columns[0], property_.form)


def joined(link: Link, near: str, far: str) -> str:
    """Return SQL that is true for the entities under `far` to which those of `near` link."""
    return f"{far}.{link.theirs} = {near}.{link.mine}"


def _link_to_many(expression: Expression, scope: Scope) -> tuple[Link | None, tuple[str, ...]]:
    """Return the first link to many in an expression, and the path up to and with it."""
    match expression:
        case PathTo(steps):
            start, here = _start(steps, scope)
            for place, step in enumerate(steps[start:], start):
                link = here.entity.link(step)
                if link is None:
                    break
                if link.is_many:
                    return link, steps[: place + 1]
                here = replace(here, entity=SETS[link.target])
        case Call(_, arguments):
            return _first(arguments, scope)
        case Both(_, left, right):
            return _first((left, right), scope)
    return None, ()


def _start(path: tuple[str, ...], scope: Scope) -> tuple[int, Scope]:
    """Return at which step a path begins to lead away, and from which entities."""
    inside = scope.inner.get(path[0])
    return (0, scope) if inside is None else (1, inside)


def _first(parts: tuple[Expression, ...], scope: Scope) -> tuple[Link | None, tuple[str, ...]]:
    for part in parts:
        link, path = _link_to_many(part, scope)
        if link is not None:
            return link, path
    return None, ()


def _any_of(expression: Expression, scope: Scope, link: Link, path: tuple[str, ...]) -> str:
    alias = scope.parameters.alias()
    mark = f"${alias}"
    start, begins = _start(path, scope)
    near, entity, joins = begins.alias, begins.entity, []
    for step in path[start:-1]:
        to_one = entity.link(step)
        assert to_one is not None  # noqa: S101  (the path was found by its links)
        middle = scope.parameters.alias()
        joins.append((SETS[to_one.target].relation, middle, joined(to_one, near, middle)))
        near, entity = middle, SETS[to_one.target]
    joins.append((SETS[link.target].relation, alias, joined(link, near, alias)))
    inside = Scope(SETS[link.target], alias, scope.parameters)
    renamed = _renamed(expression, path, mark)
    said = condition(renamed, replace(scope, inner={**scope.inner, mark: inside}))
    tables = ", ".join(f"{relation} {name}" for relation, name, _ in joins)
    conditions = " AND ".join(on for _, _, on in joins)
    return f"EXISTS (SELECT 1 FROM {tables} WHERE {conditions} AND {said})"  # noqa: S608


def _renamed(expression: Expression, path: tuple[str, ...], mark: str) -> Expression:
    match expression:
        case PathTo(steps) if steps[: len(path)] == path:
            return PathTo((mark, *steps[len(path) :]))
        case Call(name, arguments):
            return Call(name, tuple(_renamed(a, path, mark) for a in arguments))
        case Both(operator, left, right):
            return Both(operator, _renamed(left, path, mark), _renamed(right, path, mark))
    return expression


def _path(steps: tuple[str, ...], scope: Scope) -> Sql:
    if steps[0] in scope.inner:
        inside = scope.inner[steps[0]]
        return _path(steps[1:] or ("id",), inside)
    head, rest = steps[0], steps[1:]
    if head in ("id", "@iot.id") and not rest:
        return Sql(f"{scope.alias}.id", Form.TEXT)
    link = scope.entity.link(head)
    if link is not None:
        alias = scope.parameters.alias()
        target = SETS[link.target]
        inner = _path(rest or ("id",), replace(scope, entity=target, alias=alias, inner={}))
        return _of_linked(inner, target, alias, joined(link, scope.alias, alias))
    found = scope.entity.property(head)
    if found is None:
        raise bad_query(f"{scope.entity.name} have no property {head[:40]!r}.")
    return _within(found, rest, scope) if rest else keys_of(found, scope.alias)


def _of_linked(inner: Sql, target: EntitySet, alias: str, on: str) -> Sql:
    def of(text: str) -> str:
        return f"(SELECT {text} FROM {target.relation} {alias} WHERE {on} LIMIT 1)"  # noqa: S608

    return Sql(
        of(inner.text),
        inner.form,
        end=of(inner.end) if inner.end else "",
        other=of(inner.other) if inner.other else "",
    )


def _within(found: Property, rest: tuple[str, ...], scope: Scope) -> Sql:
    if found.form is Form.UNIT and rest[0] in ("name", "symbol", "definition"):
        column = found.columns[("name", "symbol", "definition").index(rest[0])]
        return Sql(f"{scope.alias}.{column}", Form.TEXT)
    if found.form is not Form.JSON:
        raise bad_query(f"{found.name} has nothing inside it.")
    way = scope.parameters.bind("/" + "/".join(rest))
    return Sql(f"json_extract_string({scope.alias}.{found.columns[0]}, {way})", Form.JSON)


def _constant(constant: Any, parameters: Parameters) -> Sql:
    if constant is None:
        return Sql("NULL", NOTHING)
    if isinstance(constant, bool):
        return Sql(str(constant).lower(), BOOLEAN)
    if isinstance(constant, datetime):
        return Sql(f"{parameters.bind(constant)}::TIMESTAMPTZ", Form.TIME)
    if isinstance(constant, timedelta):
        return Sql(parameters.bind(constant), DURATION)
    form = Form.TEXT if isinstance(constant, str) else Form.NUMBER
    kind = "VARCHAR" if form is Form.TEXT else "DOUBLE"
    return Sql(f"{parameters.bind(constant)}::{kind}", form)


def _compared(operator: str, left: Sql, right: Sql) -> Sql:
    sign = _COMPARED[operator]
    if NOTHING in (left.form, right.form):
        return _with_nothing(operator, left, right)
    if left.form == Form.INTERVAL or right.form == Form.INTERVAL:
        return _with_interval(operator, left, right)
    a, b = _alike(left, right), _alike(right, left)
    if a.form != b.form:
        raise bad_query(f"A {a.form} cannot be compared with a {b.form}.")
    return Sql(f"({a.text} {sign} {b.text})", BOOLEAN)


def _with_nothing(operator: str, left: Sql, right: Sql) -> Sql:
    if operator not in ("eq", "ne"):
        raise bad_query("null is neither more nor less than anything.")
    given = right if left.form == NOTHING else left
    texts = [given.text, given.other] if given.other else [given.text]
    missing = " AND ".join(f"{text} IS NULL" for text in texts)
    return Sql(f"({missing})" if operator == "eq" else f"(NOT ({missing}))", BOOLEAN)


def _with_interval(operator: str, left: Sql, right: Sql) -> Sql:
    """Compare times of which one or both have a length; before means: ends when it begins."""
    for side in (left, right):
        if side.form not in (Form.INTERVAL, Form.TIME):
            raise bad_query(f"A time cannot be compared with a {side.form}.")
    a0, a1, b0, b1 = left.text, left.end or left.text, right.text, right.end or right.text
    said = {
        "eq": f"({a0} = {b0} AND {a1} = {b1})",
        "ne": f"({a0} <> {b0} OR {a1} <> {b1})",
        "lt": f"({a0} < {b0} AND {a1} <= {b0})",
        "gt": f"({a1} > {b1} AND {a0} >= {b1})",
        "le": f"({a1} <= {b1})",
        "ge": f"({a0} >= {b0})",
    }
    return Sql(said[operator], BOOLEAN)


def _alike(side: Sql, other: Sql) -> Sql:
    """Return a side whose kind depends on the other's as that kind."""
    if side.form == Form.RESULT:
        is_text = other.form in (Form.TEXT, Form.JSON)
        return Sql(side.other if is_text else side.text, Form.TEXT if is_text else Form.NUMBER)
    if side.form == Form.UNIT:
        return Sql(side.text, Form.TEXT)
    if side.form != Form.JSON:
        return side
    kinds = {Form.NUMBER: "DOUBLE", Form.RESULT: "DOUBLE", BOOLEAN: "BOOLEAN"}
    if other.form in kinds:
        kind = kinds[other.form]
        form = BOOLEAN if other.form == BOOLEAN else Form.NUMBER
        return Sql(f"TRY_CAST({side.text} AS {kind})", form)
    return Sql(side.text, Form.TEXT)


def _counted(operator: str, left: Sql, right: Sql) -> Sql:
    sign = _COUNTED[operator]
    if left.form in (Form.TIME, Form.INTERVAL) and right.form == DURATION and sign in "+-":
        return Sql(f"({left.text} {sign} {right.text})", Form.TIME)
    a, b = (as_form(side, Form.NUMBER) for side in (left, right))
    divisor = f"nullif({b}, 0)" if sign in "/%" else b
    return Sql(f"({a} {sign} {divisor})", Form.NUMBER)


def as_form(side: Sql, form: str) -> str:
    """Return the text of a value as `form`. Raises `share.bad_sensorthings_query`."""
    made = _alike(side, Sql("", form))
    if form == Form.TIME and side.form == Form.INTERVAL:
        return side.text
    if made.form != form:
        raise bad_query(f"A {form} is needed, and this is a {made.form}.")
    return made.text


_N, _T, _D = Form.NUMBER, Form.TEXT, Form.TIME
# Each function: what its arguments are, what it answers with, and its SQL.
_FUNCTIONS: Mapping[str, tuple[tuple[str, ...], str, Callable[..., str]]] = MappingProxyType(
    {
        "substringof": ((_T, _T), BOOLEAN, lambda a, b: f"contains({b}, {a})"),
        "contains": ((_T, _T), BOOLEAN, lambda a, b: f"contains({a}, {b})"),
        "startswith": ((_T, _T), BOOLEAN, lambda a, b: f"starts_with({a}, {b})"),
        "endswith": ((_T, _T), BOOLEAN, lambda a, b: f"suffix({a}, {b})"),
        "length": ((_T,), _N, lambda a: f"length({a})::DOUBLE"),
        "indexof": ((_T, _T), _N, lambda a, b: f"(strpos({a}, {b}) - 1)::DOUBLE"),
        "tolower": ((_T,), _T, lambda a: f"lower({a})"),
        "toupper": ((_T,), _T, lambda a: f"upper({a})"),
        "trim": ((_T,), _T, lambda a: f"trim({a})"),
        "concat": ((_T, _T), _T, lambda a, b: f"({a} || {b})"),
        "round": ((_N,), _N, lambda a: f"round({a})"),
        "floor": ((_N,), _N, lambda a: f"floor({a})"),
        "ceiling": ((_N,), _N, lambda a: f"ceil({a})"),
        "year": ((_D,), _N, lambda a: f"year({a})::DOUBLE"),
        "month": ((_D,), _N, lambda a: f"month({a})::DOUBLE"),
        "day": ((_D,), _N, lambda a: f"day({a})::DOUBLE"),
        "hour": ((_D,), _N, lambda a: f"hour({a})::DOUBLE"),
        "minute": ((_D,), _N, lambda a: f"minute({a})::DOUBLE"),
        "second": ((_D,), _N, lambda a: f"second({a})::DOUBLE"),
        "mindatetime": ((), _D, lambda: "'0001-01-01 00:00:00+00'::TIMESTAMPTZ"),
        "maxdatetime": ((), _D, lambda: "'9999-12-31 23:59:59+00'::TIMESTAMPTZ"),
    }
)


def _call(name: str, arguments: list[Sql]) -> Sql:
    if name == "substring":
        return _substring(arguments)
    if name not in _FUNCTIONS:
        known = ", ".join(sorted((*_FUNCTIONS, "now", "substring")))
        raise _no_function(name, known)
    takes, gives, sql = _FUNCTIONS[name]
    if len(takes) != len(arguments):
        raise bad_query(f"{name} takes {len(takes)} arguments, not {len(arguments)}.")
    texts = [as_form(side, form) for side, form in zip(arguments, takes, strict=True)]
    return Sql(f"({sql(*texts)})", gives)


def _no_function(name: str, known: str) -> QueryError:
    error = not_served(f"The function {name[:40]} is not served; these are: {known}.")
    return error if name.startswith(("geo.", "st_")) else bad_query(error.message)


def _substring(arguments: list[Sql]) -> Sql:
    if len(arguments) not in (2, 3):
        raise bad_query(f"substring takes 2 or 3 arguments, not {len(arguments)}.")
    text, *numbers = arguments
    places = [f"{as_form(n, Form.NUMBER)}::BIGINT" for n in numbers]
    length = f", {places[1]}" if len(places) > 1 else ""
    return Sql(f"substring({as_form(text, Form.TEXT)}, {places[0]} + 1{length})", Form.TEXT)
