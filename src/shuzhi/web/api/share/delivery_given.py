"""What is sent to be given data: by which agreement, for what, and which part of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from shuzhi.gather.contracts import LogicalType
from shuzhi.share.access import User
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import AgreementId
from shuzhi.share.delivery import MOST_PAGE_ROWS, Asker, MediaType, Parameter, Wanted
from shuzhi.web.api.frame.acting import Acting, party_of, person_of
from shuzhi.web.api.frame.answers import Given, Line, Name, Number, Words, YesNo
from shuzhi.web.api.frame.asking import refusal
from shuzhi.web.api.share.sharing_given import RowGiven
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor

Said = Annotated[Line, Field(min_length=1)]
Sql = Annotated[Words, Field(min_length=1)]


class ForPurpose(Acting):
    """Who wants data, and what for."""

    role: Said
    """In which role of the agreement; one that the account has for the party."""
    purpose: Said
    """For which purpose of the agreement."""

    def user(self, visitor: Visitor) -> User:
        """Return who asks: the roles are those of the account, whatever the request says.

        Raises:
            WebError: `web.unauthorized`, `web.not_allowed`; as `person_of` and `party_of`.
        """
        party = party_of(visitor, self)
        if visitor.standing is None or not visitor.may(Right.QUERY, party):
            raise refusal(visitor, party)
        held = frozenset(role.value for role in visitor.standing.roles(party))
        return User(person_of(visitor, self), party, held)


class PartGiven(ForPurpose):
    """A part of what an agreement gives, and who wants it."""

    agreement: Number
    """By which agreement."""
    columns: Annotated[tuple[Name, ...], Field(min_length=1, max_length=500)] | None = None
    """Which columns; all that may be seen where none are named."""
    rows: Annotated[tuple[RowGiven, ...], Field(max_length=50)] = ()
    """Which rows; all that may be seen where nothing is said."""

    def wanted(self, media: MediaType = MediaType.JSON) -> Wanted:
        """Return it as the room of delivery takes it."""
        rows = tuple(row.term() for row in self.rows)
        return Wanted(AgreementId(self.agreement), self.columns, rows, media)

    def asker(self, visitor: Visitor) -> Asker:
        """Return who asks. Raises as `user`."""
        return Asker(self.user(visitor), self.role, self.purpose)


class NamedQuery(Given):
    """A query that the provider approved, with values for its parameters."""

    name: Name
    """Its name."""
    values: Annotated[dict[Name, Words], Field(max_length=50)] = Field(default_factory=dict)
    """Its parameters, each written as a text."""


class Question(PartGiven):
    """What is asked for: rows, or the answer to one SELECT or to an approved query."""

    sql: Sql | None = None
    """One SELECT over the data set of the agreement, in the place of rows."""
    query: NamedQuery | None = None
    """An approved query, in the place of rows."""
    whole: YesNo = False
    """All rows in one answer of any length, and no pages."""
    limit: Annotated[StrictInt, Field(ge=1, le=MOST_PAGE_ROWS)] = 1_000
    """How many rows a page has at most."""

    def require_one(self, cursor: str | None) -> None:
        """Refuse (`web.bad_words`) a request that asks in two ways at once."""
        ways = (self.sql is not None, self.query is not None, self.whole, cursor is not None)
        if sum(ways) > 1:
            raise WebError(
                "web.bad_words",
                "Rows in pages, all rows, SQL and an approved query exclude each other.",
                next_step="Send one of sql, query, whole and cursor.",
            )


class NewSubscription(PartGiven):
    """Where changes of rows are pushed to."""

    url: Annotated[Line, Field(min_length=1)]
    """Where to; its origin is on the list of the city."""
    from_start: YesNo = False
    """Whether all that is there now is sent first."""


class ParameterGiven(Given):
    """A value that whoever asks gives: `$name` in the SQL."""

    name: Name
    """Its name."""
    logical_type: LogicalType
    """Its type."""
    least: Line | None = None
    """The least that it may be."""
    most: Line | None = None
    """The most that it may be; of a text, how long."""
    choices: Annotated[tuple[Line, ...], Field(max_length=200)] = ()
    """The only values that it may have; all where none are named."""

    def parameter(self) -> Parameter:
        """Return it as the room of delivery takes it."""
        return Parameter(self.name, self.logical_type, self.least, self.most, self.choices)


class NewQuery(Acting):
    """A query that its provider lets be asked by name."""

    agreement: Number
    """By which agreement."""
    name: Name
    """What it is called from now on."""
    sql: Sql
    """One SELECT, with `$name` for each parameter."""
    parameters: Annotated[tuple[ParameterGiven, ...], Field(max_length=50)] = ()
    """Its parameters, in their bounds."""
