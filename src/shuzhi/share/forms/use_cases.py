"""The verbs of forms: register, judge again, say what a candidate is, withdraw.

Each is one transaction: the form, its history, its sources and the audit entry are written
together or not at all; what was published of it is told after the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Actor
from shuzhi.share.agreements.errors import optional_text, require_text
from shuzhi.share.agreements.plain import canonical, plain
from shuzhi.share.forms.errors import FormError, unknown_field, unknown_form
from shuzhi.share.forms.events import FormJudged
from shuzhi.share.forms.evidence import evidence
from shuzhi.share.forms.holdings import holdings
from shuzhi.share.forms.judging import Same, carried, judged
from shuzhi.share.forms.model import Form, FormField, FormId, Judgement, Registered, Verdict
from shuzhi.share.forms.office import FormsOffice
from shuzhi.share.forms.sources import (
    Source,
    Standing,
    column_datum,
    meaning_datum,
    note_collector,
)
from shuzhi.share.forms.store import (
    append_step,
    find_form,
    form_digest,
    read_forms,
    read_same,
    write_form,
    write_same,
)
from shuzhi.share.parties import party

_REGISTER, _RECHECK, _MATCH, _WITHDRAW = "registered", "judged", "matched", "withdrawn"
SYSTEM = Actor("system", None)


@dataclass(frozen=True)
class _Change:
    """One step of a form: what was done, by whom, and how the form stands after it."""

    verb: str
    by: Actor
    at: Instant
    after: Registered
    same: Same | None = None


def register(office: FormsOffice, form: Form, *, by: Actor) -> Registered:
    """Register a form of the actor's party, or its new wording; hold each field against the rest.

    A field that may be had from the platform is not asked: see the judgements. The same wording
    again is judged again. A form that was withdrawn is in force again. An id stays with the party
    that took it first; who may act for that party may hand the form over to another.

    Raises:
        FormError: `share.form_not_yours`.
        RefusedError: `share.party_unknown`; as `evidence`.
    """
    party(office.control, form.owner)
    _require_owner(office, form, by)
    digest = _digest(form)
    with office.control.transaction() as connection:
        before = find_form(connection, form.id)
        is_same = before is not None and form_digest(connection, form.id) == digest
    if before is not None and is_same and before.withdrawn_at is None:
        return recheck(office, form.id, by=by)
    return _judge(office, form, _REGISTER, by)


def recheck(office: FormsOffice, form: FormId, *, by: Actor = SYSTEM) -> Registered:
    """Judge the fields of a form again: agreements, catalogue and exceptions may have changed.

    What is as it was makes no step.

    Raises:
        FormError: `share.form_unknown`; as `evidence`.
    """
    held = registered(office, form)
    return held if held.withdrawn_at is not None else _judge(office, held.form, _RECHECK, by)


def recheck_all(office: FormsOffice) -> int:
    """Judge all forms in force again; return how many are judged otherwise than before."""
    with office.control.transaction() as connection:
        forms = read_forms(connection, is_open=True)
    return sum(recheck(office, held.form.id).step != held.step for held in forms)


def say(office: FormsOffice, form: FormId, same: Same, *, by: Actor) -> Registered:
    """Say of a candidate that it is the same as a field of the form, or that it is not.

    The owner of the form or the authority says so; the form is judged by it at once. One that was
    withdrawn stays so.

    Raises:
        FormError: `share.form_unknown`, `share.form_not_yours`, `share.field_unknown`,
            `share.no_candidate` for a column that is not held.
    """
    held = registered(office, form)
    _require_owner(office, held.form, by)
    if held.form.field(same.field) is None:
        raise unknown_field(form, same.field)
    if not holdings(office.control).named(f"{same.dataset}.{same.column}"):
        raise FormError(
            "share.no_candidate",
            f"No contract has a column {same.dataset[:60]}.{same.column[:60]}.",
            next_step="Name a column as DATASET.COLUMN: shuzhi catalogue show DATASET.",
        )
    return _judge(office, held.form, _MATCH, by, same)


def withdraw(office: FormsOffice, form: FormId, *, by: Actor, why: str) -> Registered:
    """Withdraw a form: it is not due any more. Twice is the same as once.

    Raises:
        FormError: `share.form_unknown`, `share.form_not_yours`.
        RefusedError: `share.reason_missing`, `share.bad_text`.
    """
    require_text(why, "The reason")
    with office.control.transaction() as connection:
        held = find_form(connection, form, lock=True)
        if held is None:
            raise unknown_form(form)
        _require_owner(office, held.form, by)
        if held.withdrawn_at is not None:
            return held
        now = office.now()
        after = replace(held, withdrawn_at=now, step=held.step + 1)
        _write(connection, _Change(_WITHDRAW, by, now, after))
    return after


def registered(office: FormsOffice, form: FormId) -> Registered:
    """Return a form as it stands. Raises FormError `share.form_unknown`, `share.bad_text`."""
    known = FormId(optional_text(form, "The name of the form"))
    with office.control.transaction() as connection:
        found = find_form(connection, known)
    if found is None:
        raise unknown_form(form)
    return found


def datum_of(form: Form, field: FormField) -> str:
    """Return what a field is a datum of: its meaning, its column, or itself."""
    if field.meaning is not None:
        return meaning_datum(field.meaning)
    return f"column:{field.column}" if field.column else column_datum(form.id, field.name)


def _judge(
    office: FormsOffice, form: Form, verb: str, by: Actor, said: Same | None = None
) -> Registered:
    now = office.now()
    with office.control.transaction() as connection:
        known, stood = read_same(connection, form.id), find_form(connection, form.id)
    renamed = () if stood is None else carried(known, stood.form, form)
    told = renamed if said is None else (said,)
    same = reduce(_with, told, known)
    found = judged(form, evidence(office, form, same, now))
    with office.control.transaction() as connection:
        before = find_form(connection, form.id, lock=True)
        worded = form if before is None or verb == _REGISTER else before.form
        if worded == form:
            after = _next(office, before, Registered(form, 1, found, now, now), verb, by)
            if after is before:
                return after
            _write(connection, _Change(verb, by, now, after, said))
            for each in told:
                write_same(connection, form.id, each, by.person, now)
            _note_sources(connection, after, by, now)
    if worded != form:
        # Somebody has registered another wording meanwhile: that one is to be judged.
        return _judge(office, worded, verb, by, said)
    office.sharing.publish(_event(after, now))
    return after


def _next(
    office: FormsOffice, before: Registered | None, judged: Registered, verb: str, by: Actor
) -> Registered:
    """Return how a form stands after a step; `before` itself where there is none to be taken."""
    if before is None:
        return judged
    if verb == _REGISTER:
        _require_owner(office, before.form, by)
        return _after(before, judged)
    if verb == _RECHECK and (before.withdrawn_at or _is_as_before(before, judged.judgements)):
        return before
    return replace(_after(before, judged), withdrawn_at=before.withdrawn_at)


def _after(before: Registered, judged: Registered) -> Registered:
    is_other = before.form != judged.form or before.asked != judged.asked
    version, step = before.version + is_other, before.step + 1
    return replace(judged, version=version, step=step, registered_at=before.registered_at)


def _is_as_before(before: Registered, found: Iterable[Judgement]) -> bool:
    return _lasting(before.judgements) == _lasting(found)


def _lasting(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Return judgements without what moves with each day: when an answer would be due."""
    return [j if j.application is not None else replace(j, due_at=None) for j in judgements]


def _with(same: tuple[Same, ...], said: Same) -> tuple[Same, ...]:
    key = (said.field, said.dataset, said.column)
    return (*(s for s in same if (s.field, s.dataset, s.column) != key), said)


def _write(connection: Connection, change: _Change) -> None:
    after, by = change.after, change.by
    form = after.form
    write_form(connection, after, _digest(form))
    row = {"form": form.id, "number": after.step, "verb": change.verb, "at": change.at}
    append_step(connection, row | {"by": by.person, "party": by.party, "content": plain(after)})
    queue(connection, _entry(change))


def _entry(change: _Change) -> Entry:
    after, said = change.after, change.same
    verdicts = {j.field: j.verdict.value for j in after.judgements}
    facts = {
        "version": after.version,
        "step": after.step,
        "owner": after.form.owner,
        "party": change.by.party,
        "verdicts": verdicts,
        "form_sha256": _digest(after.form),
    }
    if said is not None:
        facts["said"] = [said.field, f"{said.dataset}.{said.column}", said.is_same]
    return Entry(f"form.{change.verb}", change.at, change.by.person, f"form:{after.form.id}", facts)


def _note_sources(connection: Connection, after: Registered, by: Actor, now: Instant) -> None:
    """Register the form's owner as the source of what it collects and nobody holds."""
    form = after.form
    for met in after.judgements if after.withdrawn_at is None else ():
        field = form.field(met.field)
        if met.verdict is Verdict.COLLECT and field is not None:
            why = f"form:{form.id}.{field.name}"
            collector = (form.owner, Standing.COLLECTOR, now, by.person, why)
            note_collector(connection, Source(datum_of(form, field), *collector))


def _event(after: Registered, now: Instant) -> FormJudged:
    asked = tuple(field.name for field in after.asked)
    refused = tuple(f.name for f in after.form.fields if f.name not in asked)
    return FormJudged(now, after.form.id, after.version, after.form.owner, asked, refused)


def _require_owner(office: FormsOffice, form: Form, by: Actor) -> None:
    if by.party not in (form.owner, office.authority):
        raise FormError(
            "share.form_not_yours",
            f"The form {form.id} is one of {form.owner}, not of {by.party}.",
            next_step=f"Let {form.owner} do it, or {office.authority}, which manages sharing.",
        )


def _digest(form: Form) -> str:
    return hashlib.sha256(canonical(plain(form))).hexdigest()
