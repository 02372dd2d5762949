"""What an application is held against: the catalogue, other applications, and what is granted.

A party does not ask twice for what it was given or is waiting for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from shuzhi.gather.contracts import table_named
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Form
from shuzhi.share.agreements.agreeing import Bound
from shuzhi.share.agreements.errors import AgreementError, optional_text
from shuzhi.share.agreements.grants import Types, condition, types_of
from shuzhi.share.agreements.model import (
    IN_FORCE,
    Agreement,
    Application,
    Asked,
)
from shuzhi.share.agreements.store import (
    agreement_of,
    agreement_table,
    application_of,
    application_table,
)
from shuzhi.share.catalogue import Entry, entry
from shuzhi.share.parties.store import party_table

_MOST_ITEMS = 500
_LEAST_GROUP = 2
# Beyond these a calendar has no day before or after, of which every clock needs one.
_YEARS = (1900, 9000)


@dataclass(frozen=True)
class Catalogued:
    """What the catalogue says of a data set that is asked for, and its contract of columns."""

    entry: Entry
    provider: PartyId
    types: Types | None = None

    def bound(self) -> Bound:
        """Return the version of the contract that an agreement is bound to now.

        Raises:
            AgreementError: `share.no_contract`.
        """
        name, version = self.entry.contract_name, self.entry.contract_version
        if name is None or version is None:
            raise AgreementError(
                "share.no_contract",
                f"No data contract stands behind {self.entry.id[:80]}; an agreement needs one.",
                next_step="Put its contract into contracts/ and register it.",
            )
        return Bound(self.entry.id, name, version)


def catalogued(control: Control, dataset: str) -> Catalogued:
    """Return a data set that one of our parties provides.

    Raises:
        CatalogueError: `share.entry_unknown`; AgreementError: `share.not_the_provider` for one
            that is withdrawn, or that nobody of this city provides; `share.bad_text`.
    """
    record = entry(control, optional_text(dataset, "The name of the data set"))
    provider = record.entry.provider.id
    if record.is_withdrawn or provider is None:
        raise AgreementError(
            "share.not_the_provider",
            f"No party of this city provides {dataset[:80]} now.",
            next_step="Ask for it as data that are wanted, so that the authority finds a provider.",
        )
    return Catalogued(record.entry, provider, _types(control, dataset))


def require_sound(asked: Asked, found: Catalogued | None, applicant: PartyId) -> None:
    """Refuse (`share.application_bad`) what contradicts itself or the catalogue.

    Nobody applies for data of their own. What is merely missing is no contradiction: the
    application is incomplete then.
    """
    own = found is not None and found.provider == applicant
    problems = [*_problems(asked, found), *(["the data are the applicant's own"] if own else [])]
    for problem in problems:
        raise AgreementError(
            "share.application_bad",
            f"The application cannot stand so: {problem}.",
            next_step="Correct it and submit it again.",
        )
    if found is not None and found.types is not None:
        condition(asked.rows or (), found.types)


def require_new(connection: Connection, asked: Asked, applicant: PartyId, *, but: int = 0) -> None:
    """Refuse what the applicant asks for already, or was granted; application `but` is its own.

    Raises:
        AgreementError: `share.application_duplicate`, `share.already_granted`.
    """
    # Where the store lets several write at once, two applications of a party wait for each other.
    connection.execute(select(party_table.c.id).where(party_table.c.id == applicant)
                       .with_for_update())  # fmt: skip
    for other in _open_applications(connection, applicant):
        if other.id != but and _is_same(asked, other.asked):
            raise AgreementError(
                "share.application_duplicate",
                f"Application {other.id} of {applicant} asks for the same and is "
                f"{other.state.value}.",
                next_step=f"Follow application {other.id}, or withdraw it first.",
            )
    for agreement in _agreements(connection, applicant, asked.dataset):
        if _is_granted(asked, agreement):
            raise AgreementError(
                "share.already_granted",
                f"Agreement {agreement.id} grants {applicant} all of this until "
                f"{agreement.terms.until.isoformat()}.",
                next_step="Use it, or renew it for a longer period.",
            )


def _problems(asked: Asked, found: Catalogued | None) -> Iterable[str]:
    if asked.dataset is not None and asked.wanted:
        yield "it names a data set and also asks for one that is not catalogued"
    if asked.starts_on and asked.ends_on and asked.ends_on < asked.starts_on:
        yield f"its period ends on {asked.ends_on}, before it starts"
    if any(day and not _YEARS[0] <= day.year <= _YEARS[1] for day in _days(asked)):
        yield f"its period lies outside of the years {_YEARS[0]} to {_YEARS[1]}"
    if max(map(len, (asked.fields, asked.purposes, asked.roles, asked.rows or ()))) > _MOST_ITEMS:
        yield f"it lists more than {_MOST_ITEMS} things of a kind"
    yield from _form_problems(asked)
    for text in _texts(asked):
        optional_text(text, "A text of the application")
    if found is not None:
        yield from _strange_items(asked, found)


def _days(asked: Asked) -> tuple[date | None, date | None]:
    return asked.starts_on, asked.ends_on


def _texts(asked: Asked) -> Iterable[str]:
    yield from (asked.wanted, asked.basis, asked.scenario, asked.agreed_by, asked.subject or "")
    yield from (*asked.purposes, *asked.roles, *asked.fields)
    for term in asked.rows or ():
        yield from (term.column, *(v for v in term.values if isinstance(v, str)))


def _form_problems(asked: Asked) -> Iterable[str]:
    group = asked.minimum_group
    if (asked.form is Form.AGGREGATE) != (group is not None):
        yield "a minimum group belongs to the form aggregate, and only there"
    if group is not None and group < _LEAST_GROUP:
        yield f"a minimum group is at least {_LEAST_GROUP}"
    if (asked.form is Form.ROWS) != (asked.budget is None) or (asked.budget or 1) < 1:
        yield "a budget of questions belongs to the forms aggregate and yes_no, and only there"
    if asked.form is Form.YES_NO and asked.subject not in asked.fields:
        yield "yes or no needs a subject among its fields, whom questions are about"


def _strange_items(asked: Asked, found: Catalogued) -> Iterable[str]:
    known = {item.name for item in found.entry.items}
    named = (*asked.fields, *(term.column for term in asked.rows or ()))
    strange = [name for name in named if known and name not in known]
    if strange:
        yield f"{found.entry.id} has no data item {', '.join(strange[:5])}"


def _types(control: Control, dataset: str) -> Types | None:
    """Return the types of the columns; None where no contract was registered."""
    try:
        return types_of(table_named(control, dataset)[1])
    except RefusedError as error:
        if error.code != "gather.no_contract":
            raise
        return None


def _open_applications(connection: Connection, applicant: PartyId) -> list[Application]:
    c = application_table.c
    query = select(application_table).where(c.applicant == applicant, c.is_open.is_(True))
    return [application_of(row) for row in connection.execute(query).mappings()]


def _agreements(
    connection: Connection, assignee: PartyId, dataset: str | None
) -> list[Agreement]:  # fmt: skip
    c = agreement_table.c
    states = [state.value for state in IN_FORCE]
    query = select(agreement_table).where(
        c.assignee == assignee, c.dataset == dataset, c.state.in_(states)
    )
    return [agreement_of(row) for row in connection.execute(query).mappings()]


def _is_same(asked: Asked, other: Asked) -> bool:
    """Whether an application that waits asks for all that `asked` does."""
    if (asked.dataset, _words(asked.wanted)) != (other.dataset, _words(other.wanted)):
        return False
    if asked.dataset is None:
        return True
    return _covers(other, asked) and _overlaps(asked, other)


def _is_granted(asked: Asked, agreement: Agreement) -> bool:
    granted = agreement.terms.asked
    starts, ends = asked.starts_on, asked.ends_on
    if starts is None or ends is None or granted.starts_on is None or granted.ends_on is None:
        return False
    is_within = granted.starts_on <= starts and ends <= granted.ends_on
    return is_within and _covers(granted, asked)


def _covers(wide: Asked, narrow: Asked) -> bool:
    """Whether `wide` has every field, purpose, role and row of `narrow`, in the same form."""
    wide_rows = None if wide.rows is None else set(wide.rows)
    rows = wide_rows is not None and narrow.rows is not None and wide_rows <= set(narrow.rows)
    return (
        rows
        and wide.form is narrow.form
        and wide.minimum_group == narrow.minimum_group
        and set(narrow.fields) <= set(wide.fields)
        and set(narrow.purposes) <= set(wide.purposes)
        and set(narrow.roles) <= set(wide.roles)
    )


def _overlaps(one: Asked, other: Asked) -> bool:
    (starts, ends), (other_starts, other_ends) = _period(one), _period(other)
    return starts <= other_ends and other_starts <= ends


def _period(asked: Asked) -> tuple[date, date]:
    return asked.starts_on or date.min, asked.ends_on or date.max


def _words(text: str) -> str:
    """Return words without case, width and gaps, in which the same is written differently."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
