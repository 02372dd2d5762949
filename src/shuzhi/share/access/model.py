"""What access is decided on and what a decision says, as frozen values.

A `Grant` is the part of an agreement that a machine must keep (ODRL: a Permission with its
Constraints); agreements translate themselves into grants, and nothing else opens a door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shuzhi.gather.contracts import LogicalType, Table
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access.conditions import Condition
from shuzhi.share.access.errors import bad_grant
from shuzhi.share.access.masks import Mask

_KIND = "valueKind"


class Form(StrEnum):
    """In what form answers leave: as rows, as figures over groups, or as yes or no."""

    ROWS = "rows"
    AGGREGATE = "aggregate"
    YES_NO = "yes_no"


@dataclass(frozen=True)
class Grant:
    """What `assigner` lets `assignee` do with one data set, as long as its agreement is in force.

    `contract_version` is the version of the data contract that was agreed on; later versions with
    the same first number are covered. `columns` are all that answers may show, and filters may
    test; `rows` (any column of the data set) says which rows exist for the assignee, all by
    default. `purposes` and `roles` are words of the agreement: the asker must name one of each.
    It holds from `since` until before `until`.

    Of the forms but rows: `subject` is the column that says whom a row is about (None: each row is
    about somebody else), `budget` how many questions may be asked in all, and of the form
    aggregate `minimum_group` how many subjects must stand behind each figure, at least 2.

    Raises:
        AccessError: `share.grant_bad` when the terms contradict themselves.
    """

    id: str
    assigner: PartyId
    assignee: PartyId
    dataset: DatasetName
    contract_version: str
    columns: tuple[str, ...]
    purposes: frozenset[str]
    roles: frozenset[str]
    since: Instant
    until: Instant
    form: Form = Form.ROWS
    rows: Condition | None = None
    minimum_group: int | None = None
    subject: str | None = None
    budget: int | None = None

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise bad_grant(self.id, problem)

    def _problem(self) -> str | None:
        if not (self.columns and self.purposes and self.roles):
            return "it must name at least one column, one purpose and one role"
        if self.since >= self.until:
            return "it ends before it begins"
        return self._problem_of_form()

    def _problem_of_form(self) -> str | None:
        if (self.form is Form.ROWS) != (self.budget is None):
            return "a budget of questions belongs to the forms aggregate and yes_no, and only there"
        if self.budget is not None and self.budget < 1:
            return "a budget must let at least one question be asked"
        if (self.form is Form.AGGREGATE) != (self.minimum_group is not None):
            return "a minimum group belongs to the form aggregate, and only there"
        if self.minimum_group is not None and self.minimum_group < 2:
            return "a minimum group must be at least 2"
        if self.form is Form.YES_NO and self.subject not in self.columns:
            return "yes or no needs a subject among its columns, whom questions are about"
        return None


@dataclass(frozen=True)
class ColumnFacts:
    """What masks need to know of a column: its type, its grade, and what kind of value it holds.

    `grade` and `kind` are words that the masks' rules name; both come from the contract.
    """

    name: str
    logical_type: LogicalType
    grade: str
    kind: str | None = None


@dataclass(frozen=True)
class DatasetFacts:
    """A data set as its contract stands now."""

    name: DatasetName
    contract_version: str
    columns: Mapping[str, ColumnFacts]

    @classmethod
    def of(cls, table: Table, *, contract_version: str, grade: str) -> DatasetFacts:
        """Return the facts of a contract's table.

        A column's grade is its ODCS `classification`, else `grade`, that of the whole data set; its
        kind is the custom property `valueKind`.
        """
        columns = {
            f.name: ColumnFacts(
                f.name, f.logical_type, f.classification or grade, f.properties.get(_KIND)
            )
            for f in table.fields
        }
        return cls(table.name, contract_version, columns)


@dataclass(frozen=True)
class User:
    """Somebody who asks, in the name of a party, with the roles that they hold there."""

    id: str
    party: PartyId
    roles: frozenset[str]


@dataclass(frozen=True)
class Request:
    """What `user` wants to see, acting in `role` for `purpose`, at `at`.

    `columns` None stands for all that may be seen. `rows` narrows what is seen further, on columns
    that are shown unmasked. `asked` is how many questions were answered under the grant so far.
    """

    user: User
    role: str
    purpose: str
    dataset: DatasetName
    at: Instant
    columns: tuple[str, ...] | None = None
    rows: Condition | None = None
    asked: int = 0


@dataclass(frozen=True)
class AllowedColumn:
    """A column that may be seen, through its mask."""

    name: str
    logical_type: LogicalType
    mask: Mask


@dataclass(frozen=True)
class Allowed:
    """What may be seen. `withheld` are granted columns for which no mask was found.

    `rows` is the condition under which a row may be seen, over columns of the data set unmasked.
    """

    grant: Grant
    columns: tuple[AllowedColumn, ...]
    rows: Condition | None
    withheld: tuple[str, ...] = ()

    @property
    def dataset(self) -> DatasetName:
        """The data set that may be seen."""
        return self.grant.dataset


@dataclass(frozen=True)
class Refusal:
    """An expected no: `reason` is stable, the words are for people; of SQL, where it stands.

    The words name what the asker wrote and what the grant says, never a value of the data.
    """

    reason: str
    zh: str
    en: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f"Line {self.line}, column {self.column}: "
        return f"share.{self.reason}: {place}{self.en}"
