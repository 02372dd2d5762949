"""Whom an answer is about: the subjects of its rows, or of all rows that a question could read."""

from __future__ import annotations

import hashlib

import pyarrow as pa
from sqlglot import exp

from shuzhi.share.access import Form
from shuzhi.share.access.governed import governed
from shuzhi.share.access.reading import conjuncts, read
from shuzhi.share.agreements.plain import canonical
from shuzhi.share.delivery.admitting import Admitted
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.rows import DIALECT, number_of, parameters_of, reading
from shuzhi.share.receipts import (
    Reach,
    SubjectColumn,
    SubjectSet,
    known_set,
    set_of,
    subject_number,
)


def of_page(numbers: pa.Table | None) -> SubjectSet | None:
    """Return the subjects of a page's rows."""
    if numbers is None:
        return None
    held = [chunk for column in numbers.columns for chunk in column.drop_null().chunks]
    return set_of(pa.chunked_array(held, pa.int64()))


def of_all_rows(desk: DeliveryDesk, admitted: Admitted) -> SubjectSet | None:
    """Return the subjects of every row that may be seen at this version.

    They are looked for once for a version and condition, whoever asks.
    """
    if not admitted.subjects:
        return None
    columns = [[subject.name, subject.kind] for subject in admitted.subjects]
    made_of = [str(admitted.dataset), admitted.version, repr(admitted.allowed.rows), columns]
    origin = hashlib.sha256(canonical(made_of)).hexdigest()
    known = known_set(desk.receipts, origin)
    if known is not None:
        return known
    sql = " UNION ".join(_numbers(admitted, subject) for subject in admitted.subjects)
    parameters = parameters_of(desk, admitted, sql)
    with reading(desk, admitted) as connection:
        found = connection.sql(sql, params=parameters or None).to_arrow_table()
    return set_of(found.column(0).drop_null(), origin)


def of_question(
    desk: DeliveryDesk, admitted: Admitted, sql: str
) -> tuple[SubjectSet | None, Reach]:
    """Return whom an answered question is about, and how near that is told."""
    if admitted.allowed.grant.form is not Form.YES_NO:
        return of_all_rows(desk, admitted), Reach.READ
    named = admitted.allowed.grant.subject
    (kind,) = (s.kind for s in admitted.subjects if s.name == named)
    where = read(sql).args["where"].this
    asked = [
        subject_number(desk.receipts, kind, term.expression.name)
        for term in conjuncts(where)
        if term.this.name.lower() == named
    ]
    return set_of(asked), Reach.LISTED


def _numbers(admitted: Admitted, subject: SubjectColumn) -> str:
    rows = governed(admitted.allowed, str(admitted.dataset), only=())
    # Each once before it gets its number, which costs more than to find it among all rows.
    named = exp.column(exp.to_identifier(subject.name, quoted=True))
    each = exp.Subquery(this=rows.select(named, append=False).distinct(), alias=_alias("subjects"))
    found = exp.select(exp.alias_(number_of(subject), "n")).from_(each)
    return found.sql(DIALECT, identify=True)


def _alias(word: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(word))
