"""What every file of a rule begins with, and how a reader gathers all that is wrong with one.

Keys: `id`, `title: {zh, en}`, `dataset`, `event_time`, `legal_basis`, `severity`, `urgency`,
`responsible`, `case_kind`, `merge_within`, `owner`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from shuzhi.decide.rules.cap import Severity, Urgency, severity_of
from shuzhi.decide.rules.model import OfColumn, RuleId
from shuzhi.decide.sql import parse_span
from shuzhi.kernel.documents import Document, Finding, StrictModel, Where
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, PartyId, dataset_name, party_id

_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
NameText = Annotated[str, Field(pattern=_NAME, max_length=60)]
ColumnText = Annotated[str, Field(min_length=1, max_length=120)]


class _Title(StrictModel):
    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class ColumnShape(StrictModel):
    """What a column of the answer says."""

    column: ColumnText


class PartyShape(StrictModel):
    """One party for everything that is found."""

    party: str


class Head(StrictModel):
    """The keys that every rule has."""

    id: NameText
    title: _Title
    dataset: str
    event_time: ColumnText
    legal_basis: NameText | None = None
    severity: str | ColumnShape
    urgency: Urgency = Urgency.EXPECTED
    responsible: PartyShape | ColumnShape | None = None
    case_kind: NameText | None = None
    merge_within: str
    owner: str


class HeadReader:
    """Reads the keys of a head and gathers all that is wrong with a file in `findings`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    def head(self, read: Head, text: str) -> dict[str, Any]:
        """Return what every rule has, by the names of the fields of `Rule`."""
        return {
            "id": RuleId(read.id),
            "title_zh": read.title.zh,
            "title_en": read.title.en,
            "dataset": self.dataset(read.dataset, ("dataset",)),
            "event_time": read.event_time,
            "severity": self._severity(read.severity),
            "urgency": read.urgency,
            "legal_basis": read.legal_basis,
            "party": self._responsible(read.responsible),
            "case_kind": read.case_kind,
            "merge_within": self.span(read.merge_within, ("merge_within",)),
            "owner": self._party(read.owner, "owner"),
            "text": text,
        }

    def columns(self, read: Head, merge_by: tuple[str, ...], answer: tuple[str, ...]) -> None:
        """Find what the head and `merge_by` name and `answer` does not have."""
        wanted: list[tuple[Where, str]] = [(("merge_by", i), n) for i, n in enumerate(merge_by)]
        for key, given in (("severity", read.severity), ("responsible", read.responsible)):
            wanted += [((key,), given.column)] if isinstance(given, ColumnShape) else []
        for where, name in wanted:
            if name.lower() not in answer:
                self.find(where, f"{name!r} is no column of the answer: {', '.join(answer)}")

    def span(self, text: str, where: Where) -> timedelta:
        """Return the span that `text` names; a second, with a finding, when it names none."""
        try:
            return parse_span(text)
        except RefusedError as error:
            self.find(where, f"{error.message} {error.next_step}")
            return timedelta(seconds=1)

    def dataset(self, name: str, where: Where) -> DatasetName:
        """Return `name` as that of a data set, with a finding when it cannot be one."""
        try:
            return dataset_name(name)
        except RefusedError as error:
            self.find(where, error.message)
            return DatasetName(name)

    def find(self, where: Where, problem: str) -> None:
        """Note something that is wrong at `where`."""
        self.findings.append(self.document.finding(where, problem))

    def _severity(self, given: str | ColumnShape) -> Severity | OfColumn:
        if isinstance(given, ColumnShape):
            return OfColumn(given.column.lower())
        severity = severity_of(given)
        if severity is None:
            colours = "blue, yellow, orange, red or Minor, Moderate, Severe, Extreme"
            self.find(("severity",), f"{given[:40]!r} is no severity; write {colours}")
        return severity or Severity.BLUE

    def _responsible(self, given: PartyShape | ColumnShape | None) -> PartyId | OfColumn | None:
        if isinstance(given, ColumnShape):
            return OfColumn(given.column.lower())
        return None if given is None else self._party(given.party, "responsible")

    def _party(self, name: str, key: str) -> PartyId:
        try:
            return party_id(name)
        except RefusedError as error:
            self.find((key,), error.message)
            return PartyId(name)
