"""What is sent about applications and agreements, and who may send it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from shuzhi.share.access import Form, Operator
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor, Agreement, Application, Asked, RowTerm, Verb
from shuzhi.share.catalogue.model import LegalBasis, Rank, SharingMethod
from shuzhi.web.api.frame.acting import Acting, party_of, person_of
from shuzhi.web.api.frame.answers import Day, Given, Line, Name, Words, YesNo
from shuzhi.web.sides import actor
from shuzhi.web.visitors import Visitor

_MOST_INT = 2**53
Whole = Annotated[StrictInt, Field(ge=-_MOST_INT, le=_MOST_INT)]
Positive = Annotated[StrictInt, Field(ge=1, lt=2**31)]
Scalar = YesNo | Whole | Words
SHARING_RIGHTS = (Right.APPLY, Right.ANSWER, Right.OVERSEE)


class RowGiven(Given):
    """One column against values; all of them hold together."""

    column: Name
    """Which column."""
    operator: Operator
    """How it is compared."""
    values: Annotated[tuple[Scalar, ...], Field(max_length=500)] = ()
    """With what: several for one_of and none_of, nothing for is_missing and is_present."""

    def term(self) -> RowTerm:
        """Return it as the room of agreements takes it."""
        return RowTerm(self.column, self.operator, self.values)


class AskedGiven(Given):
    """What is asked for; what is left out is no error, the application waits for it then."""

    dataset: Annotated[Line, Field(min_length=1)] | None = None
    """The data set of the catalogue."""
    wanted: Words = ""
    """In words, what is wanted and is not catalogued yet."""
    basis: Words = ""
    """The text of law that the use stands on."""
    scenario: Words = ""
    """For what work it is needed."""
    purposes: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    """What the data will be used for."""
    roles: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    """Who will use them."""
    fields: Annotated[tuple[Name, ...], Field(max_length=500)] = ()
    """Which columns."""
    rows: Annotated[tuple[RowGiven, ...], Field(max_length=50)] | None = None
    """Which rows; an empty list stands for all of them."""
    method: SharingMethod | None = None
    """How they are to be handed over."""
    starts_on: Day | None = None
    """The first day of the use."""
    ends_on: Day | None = None
    """The last day of the use."""
    agreed_by: Words = ""
    """Who consented in the applicant's own sharing office."""
    form: Form = Form.ROWS
    """In what form answers leave."""
    minimum_group: Positive | None = None
    """aggregate: how many subjects must stand behind each figure."""
    subject: Name | None = None
    """The column that says whom a row is about."""
    budget: Positive | None = None
    """aggregate and yes_no: how many questions may be asked."""

    def asked(self) -> Asked:
        """Return it as the room of agreements takes it."""
        rows = None if self.rows is None else tuple(row.term() for row in self.rows)
        told = {name: getattr(self, name) for name in type(self).model_fields}
        once = {name: _once(told[name]) for name in ("purposes", "roles", "fields")}
        return Asked(**{**told, **once, "rows": rows})


class NewApplication(Acting):
    """An application for data."""

    asked: AskedGiven
    """What is asked for."""


class BasisGiven(Given):
    """The text of law that forbids sharing."""

    title: Annotated[Words, Field(min_length=1, max_length=500)]
    """What it is called."""
    rank: Rank
    """Its rank."""
    article: Annotated[Words, Field(max_length=200)] = ""
    """Its article."""

    def basis(self) -> LegalBasis:
        """Return it as the catalogue has it."""
        return LegalBasis(self.title, self.rank, self.article)


def sharing_actor(
    visitor: Visitor, given: Acting, matter: Application | Agreement, verb: Verb
) -> Actor:
    """Return who does a verb for the party that a request names.

    Raises:
        WebError: as `sides.actor`, `person_of` and `party_of`.
    """
    person_of(visitor, given)
    return actor(visitor, matter, verb, party_of(visitor, given))


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
