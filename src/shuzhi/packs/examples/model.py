"""What an example says: given these rows at this time, when that happens, then this is so.

The shapes are those of `examples/*.yaml`. A time without an offset is one of the example's zone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, model_validator

from shuzhi.act.cases import CaseRole, EvidenceKind, Stage, Verb
from shuzhi.decide.rules import Severity
from shuzhi.kernel.documents import StrictModel
from shuzhi.kernel.instant import Instant, to_instant
from shuzhi.packs.examples.tables import TextTable, parse_table

ZONE = "Asia/Shanghai"


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        raise ValueError("has a day but no time; write it as 2026-03-02 08:30")
    return value


def _table(value: Any) -> Any:
    return parse_table(value) if isinstance(value, str) else value


def _scalar(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        raise ValueError("is to be one value: a text, a number, true, false or null")
    return value


Cell = Annotated[Any, BeforeValidator(_scalar)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Rows = Annotated[TextTable, BeforeValidator(_table)]


class Title(StrictModel):
    """What people read, in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Given(StrictModel):
    """What there was before: the time, and rows of data sets by the name of the data set."""

    now: Moment | None = None
    zone: str | None = None
    rows: dict[str, Rows] = Field({})


class Person(StrictModel):
    """Who acts: somebody of a party, in one role."""

    person: str = Field(min_length=1)
    party: str
    role: CaseRole


class File(StrictModel):
    """A file as it arrives for a file source of the pack."""

    source: str
    name: str = Field(pattern=r"^[\w.-]+$", max_length=120)
    text: str


class ReportGiven(StrictModel):
    """A report that opens a case or joins one."""

    kind: str
    severity: str
    by: Person
    responsible: str | None = None
    title: str = ""
    text: str = ""
    merge_key: str | None = None
    due: dict[str, Moment] = Field({})


class Deed(StrictModel):
    """What somebody does to the `case`-th case, counted from 1 in the order of their opening.

    `to` are the parties that it is sent to, the lead first; `evidence` kinds of file; `refused`
    is the code with which it must be refused.
    """

    verb: Verb
    case: StrictInt = Field(1, ge=1)
    by: Person
    to: tuple[str, ...] = ()
    text: str = ""
    evidence: tuple[EvidenceKind, ...] = ()
    asked_by: str | None = None
    is_good: StrictBool = True
    outcome: str = "resolved"
    stars: StrictInt | None = None
    refused: str | None = None


class Step(StrictModel):
    """One thing that happens at a time: rows or a file come, a report, a deed; or time passes."""

    at: Moment | None = None
    rows: dict[str, Rows] = Field({})
    file: File | None = None
    report: ReportGiven | None = None
    do: Deed | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Step:
        things = [bool(self.rows), self.file, self.report, self.do]
        if sum(map(bool, things)) > 1:
            raise ValueError("holds one of `rows`, `file`, `report`, `do`; write a step for each")
        if not any(things) and self.at is None:
            raise ValueError("says nothing; give `rows`, `file`, `report`, `do` or the time `at`")
        return self


class ExpectedWarning(StrictModel):
    """A warning that must be there; what is not stated is not compared."""

    rule: str
    severity: Severity | None = None
    party: str | None = None
    at: Moment | None = None
    count: StrictInt | None = None
    facts: dict[str, Cell] = Field({})
    message: Title | None = None


class ExpectedClock(StrictModel):
    """What a clock of a case must show."""

    due: Moment | None = None
    is_late: StrictBool | None = Field(None, alias="late")


class ExpectedCase(StrictModel):
    """A case that must be there; what is not stated is not compared.

    `told` is part of a text in its history: what a warning said, or somebody who acted.
    `candidates` are what tracings found that may have caused it, the likeliest first.
    """

    kind: str
    stage: Stage | None = None
    severity: str | None = None
    responsible: str | None = None
    escalated_to: str | None = None
    reports: StrictInt | None = None
    title: str | None = None
    outcome: str | None = None
    told: str | None = None
    candidates: tuple[str, ...] | None = None
    clocks: dict[str, ExpectedClock] = Field({})


class Then(StrictModel):
    """What must be so in the end. Each list that is stated is the whole list: nothing more.

    Indicators (`goal.indicator`) are stated by group, and as a `whole`.
    """

    warnings: tuple[ExpectedWarning, ...] | None = None
    cases: tuple[ExpectedCase, ...] | None = None
    rows: dict[str, Rows] = Field({})
    quarantined: dict[str, StrictInt] = Field({})
    indicators: dict[str, dict[str, Cell]] = Field({})

    @model_validator(mode="after")
    def _says_something(self) -> Then:
        if not self.model_fields_set:
            raise ValueError("states nothing, so the example could not fail")
        return self


class Example(StrictModel):
    """One example; what its file gives to all of them is in `given` as well."""

    title: Title
    given: Given = Given()
    when: tuple[Step, ...] = ()
    then: Then

    @property
    def zone(self) -> str:
        """The IANA zone of the example's city."""
        return self.given.zone or ZONE

    @property
    def begins(self) -> Instant:
        """The time at which the example begins; its reader refuses one without."""
        if self.given.now is None:
            raise ValueError("given.now is missing")
        return self.instant(self.given.now)

    def instant(self, moment: datetime) -> Instant:
        """Return a time of the example as an instant. Raises `kernel.zone_unknown`."""
        return to_instant(moment, zone=self.zone)
