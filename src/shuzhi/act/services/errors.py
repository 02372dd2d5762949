"""What the services room refuses.

Codes: `act.bad_matter` (YAML), `act.no_such_matter`, `act.no_such_request`,
`act.service_not_for_you`, `act.matter_without_form`, `act.fields_unfit` with every field that
cannot be taken, `act.bad_page`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shuzhi.kernel.errors import RefusedError


class Unfit(StrEnum):
    """What is wrong with what was written in a field."""

    MISSING = "missing"
    NOT_CONFIRMED = "not_confirmed"
    NO_NUMBER = "no_number"
    NO_INTEGER = "no_integer"
    NO_DATE = "no_date"
    NO_MOMENT = "no_moment"
    NO_TIME = "no_time"
    NO_YES_NO = "no_yes_no"
    TOO_LONG = "too_long"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class FieldProblem:
    """Why a field cannot be taken."""

    field: str
    code: Unfit


class ServiceError(RefusedError):
    """A request for a service cannot be taken; `problems` says so for each field."""

    problems: tuple[FieldProblem, ...] = ()


def fields_unfit(problems: tuple[FieldProblem, ...]) -> ServiceError:
    """Return the refusal of a form whose fields cannot be taken; what was typed stays."""
    named = ", ".join(f"{p.field}: {p.code}" for p in problems)
    error = ServiceError(
        "act.fields_unfit",
        f"Some fields cannot be taken ({named}).",
        next_step="Correct what is named beside each field and send it again.",
    )
    error.problems = problems
    return error
