"""What an application asks for, as a form has it: read from what was typed, and the other way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from shuzhi.share.access import Form, Operator
from shuzhi.share.agreements import Asked, RowTerm
from shuzhi.share.agreements.model import Scalar
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.web.pages.frame.sending import FieldError, Typed

Word = TypeVar("Word", bound=StrEnum)
# How many conditions on rows a form has room for.
CONDITIONS = (1, 2, 3, 4, 5)
_ALL, _SOME = "all", "some"


def asked_of(typed: Typed, types: Mapping[str, str]) -> Asked:
    """Return what was typed; `types` are the types of the columns that can be named.

    Raises:
        FieldError: `web.bad_number`, `web.bad_day`, `web.bad_choice`.
    """
    return Asked(
        dataset=typed.one("dataset").strip() or None,
        wanted=typed.one("wanted").strip(),
        basis=typed.one("basis").strip(),
        scenario=typed.one("scenario").strip(),
        purposes=typed.lines("purposes"),
        roles=typed.lines("roles"),
        fields=tuple(dict.fromkeys((*typed.all("fields"), *typed.lines("more_fields")))),
        rows=_rows(typed, types),
        method=chosen(SharingMethod, typed, "method"),
        starts_on=typed.day("starts_on"),
        ends_on=typed.day("ends_on"),
        agreed_by=typed.one("agreed_by").strip(),
        form=chosen(Form, typed, "answers") or Form.ROWS,
        minimum_group=typed.number("minimum_group"),
        subject=typed.one("subject").strip() or None,
        budget=typed.number("budget"),
    )


def typed_of(asked: Asked) -> Typed:
    """Return a form that holds what is asked for already."""
    held: dict[str, object] = {
        "dataset": asked.dataset,
        "wanted": asked.wanted,
        "basis": asked.basis,
        "scenario": asked.scenario,
        "purposes": "\n".join(asked.purposes),
        "roles": "\n".join(asked.roles),
        "more_fields": "" if asked.dataset else "\n".join(asked.fields),
        "rows": "" if asked.rows is None else _SOME if asked.rows else _ALL,
        "method": asked.method,
        "starts_on": asked.starts_on,
        "ends_on": asked.ends_on,
        "agreed_by": asked.agreed_by,
        "answers": asked.form,
        "minimum_group": asked.minimum_group,
        "subject": asked.subject,
        "budget": asked.budget,
        **dict(_written(asked.rows or ())),
    }
    single = {name: (str(value),) for name, value in held.items() if value is not None}
    return Typed({**single, "fields": asked.fields})


def chosen(words: Callable[[str], Word], typed: Typed, name: str) -> Word | None:
    """Return the word that was chosen, None for none; FieldError `web.bad_choice` for others."""
    text = typed.one(name)
    try:
        return words(text) if text else None
    except ValueError:
        raise FieldError("web.bad_choice", name, f"{text[:40]!r} cannot be chosen.") from None


def _rows(typed: Typed, types: Mapping[str, str]) -> tuple[RowTerm, ...] | None:
    kind = typed.one("rows")
    if kind == _SOME:
        return tuple(_terms(typed, types)) or None
    return () if kind == _ALL else None


def _terms(typed: Typed, types: Mapping[str, str]) -> Iterator[RowTerm]:
    for number in CONDITIONS:
        column = typed.one(f"column_{number}").strip()
        operator = chosen(Operator, typed, f"operator_{number}")
        if column and operator:
            said = typed.one(f"values_{number}")
            values = [part.strip() for part in said.replace("，", ",").split(",") if part.strip()]
            kind = types.get(column, "string")
            read = tuple(_value(each, kind, f"values_{number}") for each in values)
            yield RowTerm(column, operator, read)


def _value(text: str, kind: str, name: str) -> Scalar:
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind != "integer":
        return text
    try:
        return int(text)
    except ValueError:
        raise FieldError("web.bad_number", name, "This column holds whole numbers.") from None


def _written(rows: tuple[RowTerm, ...]) -> Iterator[tuple[str, str]]:
    for number, row in zip(CONDITIONS, rows, strict=False):
        values = (str(v).lower() if isinstance(v, bool) else str(v) for v in row.values)
        yield f"column_{number}", row.column
        yield f"operator_{number}", row.operator.value
        yield f"values_{number}", ", ".join(values)
