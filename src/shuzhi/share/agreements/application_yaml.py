"""An application as its applicant writes it: a strict YAML file.

What is left out is no error here: the application is incomplete then, and says what it lacks.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.share.access import Form, Operator
from shuzhi.share.agreements.model import Asked, RowTerm, Scalar
from shuzhi.share.catalogue.model import SharingMethod

_CODE = "share.bad_application"


class _Row(StrictModel):
    column: str = Field(min_length=1)
    operator: Operator
    values: tuple[Scalar | float | datetime | date, ...] = ()

    def term(self) -> RowTerm:
        return RowTerm(self.column, self.operator, tuple(map(_scalar, self.values)))


class _Period(StrictModel):
    starts_on: date | None = Field(default=None, alias="from")
    ends_on: date | None = Field(default=None, alias="until")


class _Application(StrictModel):
    dataset: str | None = None
    wanted: str = ""
    basis: str = ""
    scenario: str = ""
    purposes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    fields_: tuple[str, ...] = Field(default=(), alias="fields")
    rows: Literal["all"] | tuple[_Row, ...] | None = None
    method: SharingMethod | None = None
    period: _Period = _Period()
    agreed_by: str = ""
    form: Form = Form.ROWS
    minimum_group: int | None = None
    subject: str | None = None
    budget: int | None = None


def read_application(path: Path) -> Asked:
    """Return what the application in the file at `path` asks for.

    Keys: `dataset` or `wanted`, `basis`, `scenario`, `purposes`, `roles`, `fields`, `rows` (`all`,
    or a list of column, operator, values), `method`, `period: {from, until}`, `agreed_by`, and for
    other forms than rows `form`, `minimum_group`, `subject`, `budget`.

    Raises:
        DocumentError: `share.bad_application` with every finding; `kernel.bad_document`.
    """
    read = shape(read_document(path), _Application, code=_CODE)
    return Asked(
        dataset=read.dataset,
        wanted=read.wanted,
        basis=read.basis,
        scenario=read.scenario,
        purposes=_once(read.purposes),
        roles=_once(read.roles),
        fields=_once(read.fields_),
        rows=_rows(read),
        method=read.method,
        starts_on=read.period.starts_on,
        ends_on=read.period.ends_on,
        agreed_by=read.agreed_by,
        form=read.form,
        minimum_group=read.minimum_group,
        subject=read.subject,
        budget=read.budget,
    )


def _rows(read: _Application) -> tuple[RowTerm, ...] | None:
    if read.rows is None:
        return None
    return () if read.rows == "all" else tuple(row.term() for row in read.rows)


def _scalar(value: Scalar | float | date) -> Scalar:
    if isinstance(value, date):
        return value.isoformat()
    # A decimal stays as it was written, which no float promises.
    return repr(value) if isinstance(value, float) else value


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
