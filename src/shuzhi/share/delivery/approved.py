"""Approved queries: SQL that a provider let be asked by name, with parameters in given bounds.

It is asked like any other question in SQL and stays inside of the agreement; approval adds a name,
and says that these are the questions that the data were agreed on for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlglot
from sqlalchemy import insert, select
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shuzhi.audit import Entry, queue
from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import column_name
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal
from shuzhi.share.agreements import Actor, AgreementId
from shuzhi.share.agreements import agreement as read_agreement
from shuzhi.share.agreements.plain import plain, unplain
from shuzhi.share.delivery.delivering import answer
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import DeliveryError
from shuzhi.share.delivery.model import Answer, Asker, Wanted
from shuzhi.share.delivery.rows import DIALECT
from shuzhi.share.delivery.store import approved_table

_MOST_TEXT = 200


@dataclass(frozen=True)
class Parameter:
    """A value that the asker gives: `$name` in the SQL.

    `least` and `most` bound it (of texts, their length at most `most`); `choices` are the only
    values that it may have, all where there are none. Written as in a contract: dates ISO 8601.
    """

    name: str
    logical_type: LogicalType
    least: str | None = None
    most: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApprovedQuery:
    """One query that may be asked by name."""

    agreement: AgreementId
    name: str
    sql: str
    parameters: tuple[Parameter, ...]
    by: str
    at: Instant


def approve(
    desk: DeliveryDesk,
    agreement: AgreementId,
    name: str,
    sql: str,
    parameters: tuple[Parameter, ...] = (),
    *,
    by: Actor,
) -> ApprovedQuery:
    """Let `sql` be asked as `name` by an agreement; only its provider does, and once for a name.

    Raises:
        DeliveryError: `share.query_bad`, `share.query_taken`; RefusedError: `share.not_your_side`,
            `kernel.bad_name`; AgreementError: `share.agreement_unknown`.
    """
    held = read_agreement(desk.sharing, agreement).agreement
    if by.party != held.terms.assigner:
        raise RefusedError(
            "share.not_your_side",
            f"Queries of agreement {agreement} are approved by {held.terms.assigner}.",
            next_step="Let the provider approve it.",
        )
    _require_sound(sql, parameters)
    at = desk.clock()
    made = ApprovedQuery(agreement, column_name(name), sql, parameters, by.person, at)
    with desk.control.transaction() as connection:
        if _found(connection, agreement, name) is not None:
            raise DeliveryError(
                "share.query_taken",
                f"Agreement {agreement} has a query {name} already.",
                next_step="Approve it under another name.",
            )
        row = {"agreement": agreement, "name": name, "content": plain(made)}
        connection.execute(insert(approved_table).values(row))
        facts = {"name": name, "sql": sql, "parameters": plain(made)["parameters"]}
        subject = f"agreement:{agreement}"
        queue(connection, Entry("delivery.query_approved", at, by.person, subject, facts))
    return made


def approved_queries(desk: DeliveryDesk, agreement: AgreementId) -> tuple[ApprovedQuery, ...]:
    """Return what may be asked by name, by name."""
    c = approved_table.c
    query = select(c.content).where(c.agreement == agreement).order_by(c.name)
    with desk.control.transaction() as connection:
        return tuple(unplain(ApprovedQuery, each) for each in connection.scalars(query))


def ask_approved(
    desk: DeliveryDesk, wanted: Wanted, asker: Asker, name: str, values: Mapping[str, str]
) -> Answer | Refusal:
    """Answer an approved query with the asker's values, written as texts.

    Raises:
        DeliveryError: `share.query_unknown`, `share.parameter_bad`; else as `answer`.
    """
    with desk.control.transaction() as connection:
        found = _found(connection, wanted.agreement, name)
    if found is None:
        raise DeliveryError(
            "share.query_unknown",
            f"Agreement {wanted.agreement} has no query {name[:60]!r}.",
            next_step="Choose one of: shuzhi delivery queries.",
        )
    return answer(desk, wanted, asker, bound(found, values))


def bound(query: ApprovedQuery, values: Mapping[str, str]) -> str:
    """Return the SQL of a query with values in it, as literals of their types.

    Raises:
        DeliveryError: `share.parameter_bad`.
    """
    if odd := set(values) ^ {p.name for p in query.parameters}:
        raise _bad(", ".join(sorted(odd))[:80], "is missing, or is none of this query")
    literals = {p.name: _literal(p, values[p.name]) for p in query.parameters}
    tree = sqlglot.parse_one(query.sql, dialect=DIALECT)
    for node in list(tree.find_all(exp.Parameter, exp.Placeholder)):
        node.replace(literals[node.name].copy())
    return tree.sql(DIALECT)


def _require_sound(sql: str, parameters: tuple[Parameter, ...]) -> None:
    try:
        tree = sqlglot.parse_one(sql, dialect=DIALECT)
    except SqlglotError:
        raise _query_bad("it cannot be read as one SELECT") from None
    if not isinstance(tree, exp.Query) or not tree.selects:
        raise _query_bad("it is no SELECT")
    used = {node.name for node in tree.find_all(exp.Parameter, exp.Placeholder)}
    known = [p.name for p in parameters]
    if used != set(known) or len(known) != len(set(known)):
        raise _query_bad("its parameters are not those that are declared, each once")
    for each in parameters:
        if each.logical_type not in _READERS:
            raise _query_bad(f"{each.name} cannot be of type {each.logical_type.value}")
        for limit in (each.least, each.most, *each.choices):
            if limit is not None and each.logical_type is not LogicalType.STRING:
                _read(each, limit)


def _found(connection: Any, agreement: AgreementId, name: str) -> ApprovedQuery | None:
    c = approved_table.c
    query = select(c.content).where(c.agreement == agreement, c.name == name)
    content = connection.execute(query).scalar_one_or_none()
    return None if content is None else unplain(ApprovedQuery, content)


def _literal(parameter: Parameter, text: str) -> exp.Expr:
    value = _read(parameter, text)
    if parameter.choices and text not in parameter.choices:
        raise _bad(parameter.name, f"is none of {', '.join(parameter.choices)}")
    if parameter.logical_type is LogicalType.STRING:
        if len(text) > int(parameter.most or _MOST_TEXT):
            raise _bad(parameter.name, f"has more than {parameter.most or _MOST_TEXT} characters")
        return exp.Literal.string(text)
    if parameter.least is not None and value < _read(parameter, parameter.least):
        raise _bad(parameter.name, f"is below {parameter.least}")
    if parameter.most is not None and value > _read(parameter, parameter.most):
        raise _bad(parameter.name, f"is above {parameter.most}")
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    return exp.convert(value)


def _read(parameter: Parameter, text: str) -> Any:
    try:
        return _READERS[parameter.logical_type](text)
    except (ValueError, InvalidOperation):
        raise _bad(parameter.name, f"is no {parameter.logical_type.value}") from None


def _finite(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


_READERS: Mapping[LogicalType, Any] = {
    LogicalType.STRING: str,
    LogicalType.INTEGER: int,
    LogicalType.NUMBER: _finite,
    LogicalType.DATE: date.fromisoformat,
}


def _bad(name: str, problem: str) -> DeliveryError:
    return DeliveryError(
        "share.parameter_bad",
        f"The parameter {name} {problem}.",
        next_step="Give every parameter of the query a value within its bounds.",
    )


def _query_bad(problem: str) -> DeliveryError:
    return DeliveryError(
        "share.query_bad",
        f"This cannot be approved: {problem}.",
        next_step="Write one SELECT with $name for each declared parameter.",
    )
