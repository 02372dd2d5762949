"""Questions about forms: lists, histories, what is asked twice, and what it all costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import RowMapping

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, day_of
from shuzhi.share.agreements.plain import unplain
from shuzhi.share.forms.burden import Axis, Burden, Demand, Record, Version, added_up, demands
from shuzhi.share.forms.errors import FormError
from shuzhi.share.forms.filling import fillers
from shuzhi.share.forms.judging import Repeat, repeats
from shuzhi.share.forms.model import Filling, FormId, Registered
from shuzhi.share.forms.office import FormsOffice
from shuzhi.share.forms.store import read_fillings, read_forms, read_steps
from shuzhi.share.forms.use_cases import registered
from shuzhi.share.parties import tree

_MOST_DAYS = 3_700


@dataclass(frozen=True)
class FormStep:
    """One line of a form's history, and how the form stood after it."""

    number: int
    verb: str
    at: Instant
    by: str
    party: PartyId | None
    after: Registered


@dataclass(frozen=True)
class FormFile:
    """A form with everything that was done about it, and who has to fill it in."""

    held: Registered
    steps: tuple[FormStep, ...]
    parties: tuple[PartyId, ...]


def forms(
    office: FormsOffice, *, owner: PartyId | None = None, is_open: bool | None = None
) -> tuple[Registered, ...]:
    """Return forms in order of id: those of an owner, those in force."""
    with office.control.transaction() as connection:
        return read_forms(connection, owner=owner, is_open=is_open)


def form_file(office: FormsOffice, form: FormId) -> FormFile:
    """Return the whole file of a form. Raises FormError `share.form_unknown`."""
    held = registered(office, form)
    with office.control.transaction() as connection:
        steps = tuple(_step(row) for row in read_steps(connection, form))
    return FormFile(held, steps, fillers(held.form.filled_by, tree(office.control)))


def fillings(
    office: FormsOffice, *, form: FormId | None = None, party: PartyId | None = None
) -> tuple[Filling, ...]:
    """Return fillings, the oldest first: of a form, by a party."""
    with office.control.transaction() as connection:
        return read_fillings(connection, form=form, party=party)


def asked_twice(office: FormsOffice) -> tuple[Repeat, ...]:
    """Return what more than one form in force asks, the most often asked first."""
    found = forms(office, is_open=True)
    return repeats((held.form, {j.field: j for j in held.judgements}) for held in found)


def burden(
    office: FormsOffice,
    start: date,
    end: date,
    *,
    by: Axis = Axis.FORM,
    form: FormId | None = None,
    owner: PartyId | None = None,
    party: PartyId | None = None,
) -> tuple[Burden, ...]:
    """Return what forms cost that are due from `start` to before `end`, the most costly first.

    Minutes, added up by form, owner, party or month; of one form, one owner, one party or of all.
    By owner it is the league of demanding departments, by party of those who bear it.

    Raises:
        FormError: `share.bad_period`.
    """
    found = (
        demand
        for demand in all_demands(office, start, end)
        if (form is None or demand.form == form)
        and (owner is None or demand.owner == owner)
        and (party is None or demand.party == party)
    )
    return added_up(found, by)


def all_demands(office: FormsOffice, start: date, end: date) -> Iterator[Demand]:
    """Yield every demand that is due from `start` to before `end`. Raises as `burden`."""
    if not 0 < (end - start).days <= _MOST_DAYS:
        raise FormError(
            "share.bad_period",
            f"A burden is counted over 1 to {_MOST_DAYS} days, not from {start} to {end}.",
            next_step="Name a first day and a later one before which it ends.",
        )
    for record in _records(office, start, end):
        yield from demands(record, start, end)


def _records(office: FormsOffice, start: date, end: date) -> Iterator[Record]:
    organisation = tree(office.control)
    with office.control.transaction() as connection:
        steps = read_steps(connection)
        filled = read_fillings(connection, start=start, end=end)
    by_form: dict[str, list[FormStep]] = {}
    for row in steps:
        by_form.setdefault(row["form"], []).append(_step(row))
    for form, done in by_form.items():
        held = done[-1].after
        gone = held.withdrawn_at
        yield Record(
            tuple(Version(day_of(step.at, office.zone), step.after) for step in done),
            fillers(held.form.filled_by, organisation),
            tuple(filling for filling in filled if filling.form == form),
            None if gone is None else day_of(gone, office.zone),
        )


def _step(row: RowMapping) -> FormStep:
    party = row["party"]
    return FormStep(
        row["number"],
        row["verb"],
        row["at"],
        row["by"],
        None if party is None else PartyId(party),
        unplain(Registered, row["content"]),
    )
