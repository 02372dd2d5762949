"""Filling in: who started when, who handed in when, and which fields were typed by hand.

What was written is not kept here: the form registry counts the work, the data go to the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from shuzhi.audit import Entry, queue
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Party
from shuzhi.share.agreements import Actor
from shuzhi.share.agreements.origins import scoped
from shuzhi.share.forms.errors import FormError, unknown_field
from shuzhi.share.forms.events import FormFilled
from shuzhi.share.forms.model import (
    FilledBy,
    Filler,
    Filling,
    FillingId,
    FormId,
    Registered,
    Verdict,
)
from shuzhi.share.forms.office import FormsOffice
from shuzhi.share.forms.store import (
    filling_of,
    find_filling,
    insert_filling,
    read_fillings,
    write_filling,
)
from shuzhi.share.forms.use_cases import registered
from shuzhi.share.parties import Organisation, tree


def fillers(by: FilledBy, organisation: Organisation) -> tuple[PartyId, ...]:
    """Return the parties that have to fill in a form; none of a form for people."""
    if by.kind is not Filler.PARTIES:
        return ()
    if by.parties:
        return by.parties
    found = [p.id for p in organisation if _is_meant(by, p, organisation)]
    return tuple(sorted(found))


def start(
    office: FormsOffice, form: FormId, due_on: date, *, by: Actor, origin: str | None = None
) -> Filling:
    """Start to fill in a form that is due on `due_on`, for the actor's party.

    One that the party has started is given back as it is. A form for citizens or companies is
    started by whoever serves them, each time anew but for an `origin` that was taken before.

    Raises:
        FormError: `share.form_unknown`, `share.form_withdrawn`, `share.filler_unknown`,
            `share.not_due`.
    """
    held = registered(office, form)
    is_for_parties = held.form.filled_by.kind is Filler.PARTIES
    filler = by.party if is_for_parties else None
    _require_open(held, due_on)
    if is_for_parties and by.party not in fillers(held.form.filled_by, tree(office.control)):
        raise FormError(
            "share.filler_unknown",
            f"{by.party} does not have to fill in the form {form}.",
            next_step="Let a party do it that the form is for: shuzhi form show FORM.",
        )
    origin = None if origin is None else scoped(by.party or "", origin)
    now = office.now()
    made = Filling(FillingId(0), form, held.version, filler, due_on, now, by.person, origin=origin)
    with office.control.transaction() as connection:
        known = None if origin is None else filling_of(connection, origin)
        if known is None and filler is not None:
            mine = read_fillings(connection, form=form, party=filler, start=due_on)
            known = next((each for each in mine if each.due_on == due_on), None)
        return known or replace(made, id=insert_filling(connection, made))


def hand_in(
    office: FormsOffice,
    filling: FillingId,
    *,
    by: Actor,
    typed: Sequence[str] = (),
    confirmed: Sequence[str] = (),
) -> Filling:
    """Hand in what was filled in: the fields that were typed, and those that stood there already.

    The same again changes nothing.

    Raises:
        FormError: `share.filling_unknown`, `share.filling_not_yours`, `share.filling_done`,
            `share.field_unknown`, `share.field_not_asked` for a field that the platform holds.
    """
    with office.control.transaction() as connection:
        held = find_filling(connection, filling)
    if held is None:
        raise _unknown(filling)
    form = registered(office, held.form)
    fields = (_once(form, typed), _once(form, confirmed))
    _require_asked(form, *fields)
    with office.control.transaction() as connection:
        found = find_filling(connection, filling, lock=True) or held
        if found.party is not None and found.party != by.party:
            raise _not_yours(found, by)
        if found.handed_in_at is not None:
            return _done(found, fields)
        done = replace(found, handed_in_at=office.now(), typed=fields[0], confirmed=fields[1])
        write_filling(connection, done)
        queue(connection, _entry(done, by))
    office.sharing.publish(FormFilled(office.now(), done.id, done.form, done.party))
    return done


def _is_meant(by: FilledBy, party: Party, organisation: Organisation) -> bool:
    if party.level is not by.level:
        return False
    return by.below is None or by.below in {p.id for p in organisation.superiors(party.id)}


def _require_open(held: Registered, due_on: date) -> None:
    if held.withdrawn_at is not None:
        raise FormError(
            "share.form_withdrawn",
            f"The form {held.form.id} was withdrawn on {held.withdrawn_at.date()}.",
            next_step="Nothing has to be filled in.",
        )
    if not held.form.schedule.is_due_on(due_on):
        raise FormError(
            "share.not_due",
            f"The form {held.form.id} is not due on {due_on}.",
            next_step="Name a day on which it is due: shuzhi form show FORM.",
        )


def _once(held: Registered, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if held.form.field(name) is None:
            raise unknown_field(held.form.id, name)
    return tuple(dict.fromkeys(names))


def _require_asked(held: Registered, typed: Sequence[str], confirmed: Sequence[str]) -> None:
    for name in (*typed, *confirmed):
        met = held.judgement(name)
        is_there = met.verdict is Verdict.CONFIRM or name not in confirmed
        if not (met.verdict.is_asked and is_there):
            raise FormError(
                "share.field_not_asked",
                f"The field {name} of the form {held.form.id} is not asked so: "
                f"{met.provider or 'nobody'} holds it, the verdict is {met.verdict.value}.",
                next_step="Leave it out; the form's owner takes it from there.",
            )


def _done(found: Filling, fields: tuple[tuple[str, ...], tuple[str, ...]]) -> Filling:
    if (found.typed, found.confirmed) == fields:
        return found
    raise FormError(
        "share.filling_done",
        f"Filling {found.id} was handed in already, with other fields.",
        next_step="Nothing has to be done; a correction goes to the owner of the form.",
    )


def _unknown(filling: int) -> FormError:
    return FormError(
        "share.filling_unknown",
        f"There is no filling {filling}.",
        next_step="Start one first: shuzhi form start FORM.",
    )


def _not_yours(found: Filling, by: Actor) -> FormError:
    return FormError(
        "share.filling_not_yours",
        f"Filling {found.id} is one of {found.party}, not of {by.party}.",
        next_step="Let the party do it that started it.",
    )


def _entry(done: Filling, by: Actor) -> Entry:
    facts = {
        "form": done.form,
        "version": done.version,
        "party": done.party,
        "due_on": done.due_on.isoformat(),
        "typed": len(done.typed),
        "confirmed": len(done.confirmed),
    }
    at = done.handed_in_at or done.started_at
    return Entry("form.filled", at, by.person, f"filling:{done.id}", facts)
