"""The verbs of sharing: apply, answer, dispute; and what is done to an agreement until its end.

Each is one transaction: state, history and audit entry are written together or not at all. What
was published of it is told after the commit. `seen` is the version that the caller looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, select

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements.agreeing import (
    Deed,
    awaits_data,
    done,
    made,
    renewal_of,
    renewed,
    terms_agreed,
)
from shuzhi.share.agreements.applying import Act, Opening, decided, submitted
from shuzhi.share.agreements.checks import Catalogued, catalogued, require_new, require_sound
from shuzhi.share.agreements.errors import AgreementError, not_done_so
from shuzhi.share.agreements.journal import Journal
from shuzhi.share.agreements.model import (
    Actor,
    Agreement,
    AgreementId,
    AgreementState,
    Application,
    ApplicationId,
    Asked,
    Matter,
    MatterKind,
    Verb,
)
from shuzhi.share.agreements.office import SharingOffice
from shuzhi.share.agreements.origins import scoped
from shuzhi.share.agreements.owed import is_datable
from shuzhi.share.agreements.store import TABLES, find_matter, known_origin
from shuzhi.share.agreements.waiting import may_act, may_be_dated
from shuzhi.share.agreements.ways import require_way
from shuzhi.share.catalogue import Sharing
from shuzhi.share.parties import party, tree

_CHUNK = 100


@dataclass(frozen=True)
class Submitted:
    """What became of a request: its application, and whether it was known before."""

    application: Application
    is_repeat: bool = False


@dataclass(frozen=True)
class Ticked:
    """What a tick did: how many matters moved, and those that could not be settled."""

    moved: int
    refused: tuple[tuple[MatterKind, int, RefusedError], ...] = ()


def submit(
    office: SharingOffice, asked: Asked, *, by: Actor, origin: str | None = None
) -> Submitted:
    """Submit an application of the actor's party; one that lacks something says what, and waits.

    Data of the catalogue go to their provider, all others to the authority, which names one. A
    request with an `origin` that was taken before gives the application that it made.

    Raises:
        AgreementError: `share.application_bad`, `share.application_duplicate`,
            `share.already_granted`, `share.not_the_provider`, `share.bad_text`.
        RefusedError: `share.entry_unknown`, `share.party_unknown`, `kernel.law_unknown`,
            `kernel.law_not_in_force`.
    """
    return _submit(office, asked, by, origin, None)


def renew(
    office: SharingOffice,
    agreement: AgreementId,
    asked: Asked,
    *,
    by: Actor,
    seen: int | None = None,
    origin: str | None = None,
) -> Submitted:
    """Apply for an agreement to go on for the period that `asked` states, on the same terms.

    It is answered as any application; what it grants goes on where the first agreement ends.

    Raises:
        AgreementError: `share.agreement_unknown`, `share.wrong_state`, `share.not_your_side`,
            `share.changed_meanwhile`, `share.application_bad` for a period that does not join;
            else as `submit`.
    """
    with _working(office) as journal:
        name = None if origin is None else scoped(by.party or "", origin)
        if name is not None and (known := _known(journal, name)):
            return Submitted(known, is_repeat=True)
        held = journal.agreement(agreement)
        journal.refuse_unseen(held, seen)
        require_way(held, Verb.RENEW, by)
        same = renewal_of(held, asked)
    return _submit(office, same, by, origin, held.id)


def act(office: SharingOffice, application: ApplicationId, act: Act) -> Application:
    """Do one act on an application: every verb but `submit` and `agree`.

    Raises:
        AgreementError: `share.application_unknown`, `share.changed_meanwhile`,
            `share.wrong_state`, `share.not_your_side`; what `applying.decided` refuses.
        RefusedError: `share.party_unknown` for a provider that is not registered.
    """
    if act.verb is Verb.AGREE:
        raise not_done_so(act.verb, "agree")
    if act.provider is not None:
        party(office.control, act.provider)
    found = _catalogued(office, act.asked)
    with _working(office) as journal:
        held = journal.application(application)
        journal.refuse_unseen(held, act.seen)
        at = journal.now(held)
        if act.asked is not None:
            require_way(held, act.verb, act.by)
            _require_renewal(journal, held, act.asked)
            require_sound(act.asked, found, held.applicant)
            require_new(journal.connection, act.asked, held.applicant, but=held.id)
        step = decided(held, act, at, office.time)
        after = journal.take(held, step)
    return _application(after)


def agree(
    office: SharingOffice,
    application: ApplicationId,
    *,
    by: Actor,
    dataset: str | None = None,
    text: str = "",
    seen: int | None = None,
) -> Agreement:
    """Consent to an application: the agreement is made with it, bound to the contract of today.

    A demand needs the `dataset` under which the data were catalogued since.

    Raises:
        AgreementError: `share.no_contract`, `share.not_the_provider`, `share.period_over`,
            `share.application_bad`; else as `act`.
    """
    with office.control.transaction() as connection:
        known = find_matter(connection, MatterKind.APPLICATION, application)
    named = dataset
    if isinstance(known, Application):
        named = known.asked.dataset or dataset
    found = None if named is None else catalogued(office.control, named)
    with _working(office) as journal:
        held = journal.application(application)
        journal.refuse_unseen(held, seen)
        require_way(held, Verb.AGREE, by)
        return _agreed(journal, held, _provided(held, found), Act(Verb.AGREE, by, text=text))


def deal(office: SharingOffice, agreement: AgreementId, deed: Deed) -> Agreement:
    """Do one thing to an agreement: provide, suspend, resume, end, dispose.

    Raises:
        AgreementError: `share.agreement_unknown`, `share.changed_meanwhile`,
            `share.wrong_state`, `share.not_your_side`; what `agreeing.done` refuses.
    """
    with _working(office) as journal:
        held = journal.agreement(agreement)
        journal.refuse_unseen(held, deed.seen)
        after = journal.take(held, done(held, deed, journal.now(held), office.time))
    return _agreement(after)


def hand_over(office: SharingOffice, dataset: str) -> int:
    """Provide, by the agreements that wait for it, a data set that the platform holds now.

    Returns how many agreements moved.
    """
    kind = MatterKind.AGREEMENT
    columns = TABLES[kind].c
    which = and_(columns.dataset == dataset, columns.state == AgreementState.ACTIVE)
    return sum(
        _settled(office, kind, found.id)
        for found in _matters(office, kind, which)
        if awaits_data(_agreement(found))
    )


def tick(office: SharingOffice) -> Ticked:
    """Let every clock that has run out do what it owes, each exactly once.

    Doing it again, late, or after a crash adds nothing twice: the steps follow from the store. A
    matter that cannot be settled stops no other.
    """
    moved = 0
    refused: list[tuple[MatterKind, int, RefusedError]] = []
    for kind in MatterKind:
        for number in _due(office, kind):
            try:
                moved += _settled(office, kind, number)
            except RefusedError as error:
                refused.append((kind, number, error))
    return Ticked(moved, tuple(refused))


def date_clocks(office: SharingOffice, *, anew: bool = True) -> int:
    """Date each clock that waited for the calendar and is known by now; return how many matters.

    `anew` dates again what a calendar dated that counted other days; what has broken by then stays.
    What a deadline that has passed owes is done at once. Doing it again adds nothing.
    """
    return sum(
        _settled(office, kind, number)
        for kind in MatterKind
        for number in _waiting(office, kind, anew=anew)
    )


def _submit(
    office: SharingOffice,
    asked: Asked,
    by: Actor,
    origin: str | None,
    renews: AgreementId | None,
) -> Submitted:
    applicant = party(office.control, by.party or PartyId("")).id
    found = _catalogued(office, asked)
    require_sound(asked, found, applicant)
    origin = None if origin is None else scoped(applicant, origin)
    opening = Opening(
        applicant,
        office.authority,
        _government(office),
        None if found is None else found.provider,
        None if found is None else found.entry.sharing,
        renews,
        origin,
    )
    with _working(office) as journal:
        if origin is not None and (known := _known(journal, origin)):
            return Submitted(known, is_repeat=True)
        require_new(journal.connection, asked, applicant)
        step = submitted(asked, opening, by, office.clock(), office.time)
        return Submitted(_application(journal.open(step)))


def _agreed(journal: Journal, held: Application, found: Catalogued, act: Act) -> Agreement:
    """Write the consent, the agreement that it makes, and of a renewal where it continues."""
    at, time = journal.now(held), journal.office.time
    terms = terms_agreed(held, found.bound(), at, time.zone)
    is_held = journal.office.is_held(terms.dataset)
    step = made(held, terms, act.by, at, time, is_held=is_held)
    agreement = _agreement(journal.open(step))
    consent = replace(act, agreement=agreement.id)
    journal.take(held, decided(held, consent, at, time))
    if held.renews is not None:
        before = journal.agreement(held.renews)
        journal.take(before, renewed(before, agreement, journal.now(before)))
    return agreement


def _require_renewal(journal: Journal, held: Application, asked: Asked) -> None:
    """Refuse (`share.application_bad`) a renewal that is completed to ask for other terms."""
    if held.renews is None or asked == renewal_of(journal.agreement(held.renews), asked):
        return
    raise AgreementError(
        "share.application_bad",
        f"Application {held.id} renews agreement {held.renews}: it states its period anew, and "
        "who consented, and nothing else.",
        next_step="State the other terms as they were agreed, or submit an application of its own.",
    )


def _provided(held: Application, found: Catalogued | None) -> Catalogued:
    """Return the data that are agreed on: catalogued, the provider's own, and as asked for."""
    if found is None:
        raise AgreementError(
            "share.application_bad",
            f"Application {held.id} asks for data that were not catalogued.",
            next_step="Catalogue them, and name the data set in the answer.",
        )
    if found.provider != held.provider:
        raise AgreementError(
            "share.not_the_provider",
            f"{found.entry.id[:80]} is provided by {found.provider}, not by {held.provider}.",
            next_step="Name a data set of the provider, or decline.",
        )
    if found.entry.sharing is Sharing.WITHHELD:
        raise AgreementError(
            "share.withheld",
            f"The catalogue withholds {found.entry.id[:80]} by law; it cannot be agreed to.",
            next_step="Refuse on that text, or change the attribute in the catalogue first.",
        )
    require_sound(replace(held.asked, dataset=found.entry.id, wanted=""), found, held.applicant)
    return found


@contextmanager
def _working(office: SharingOffice) -> Iterator[Journal]:
    """Yield the journal of one transaction; publish what it did when it is committed."""
    with office.control.transaction() as connection:
        journal = Journal(office, connection)
        yield journal
    for event in journal.events:
        office.publish(event)


def _catalogued(office: SharingOffice, asked: Asked | None) -> Catalogued | None:
    if asked is None or asked.dataset is None:
        return None
    return catalogued(office.control, asked.dataset)


def _government(office: SharingOffice) -> PartyId:
    """Return who decides what mediation did not settle: whoever stands above the authority."""
    above = tree(office.control).superiors(office.authority)
    return above[0].id if above else office.authority


def _known(journal: Journal, origin: str) -> Application | None:
    number = known_origin(journal.connection, origin)
    return None if number is None else journal.application(ApplicationId(number))


def _due(office: SharingOffice, kind: MatterKind) -> Iterator[int]:
    return _numbers(office, kind, may_act(TABLES[kind], office.clock()))


def _numbers(office: SharingOffice, kind: MatterKind, which: ColumnElement[bool]) -> Iterator[int]:
    table, last = TABLES[kind], 0
    while True:
        query = select(table.c.id).where(which, table.c.id > last).order_by(table.c.id)
        with office.control.transaction() as connection:
            found = connection.scalars(query.limit(_CHUNK)).all()
        if not found:
            return
        yield from found
        last = found[-1]


def _waiting(office: SharingOffice, kind: MatterKind, *, anew: bool) -> Iterator[int]:
    """Yield what has a clock to be dated, `anew` also where an older calendar dated it."""
    which = may_be_dated(TABLES[kind], office.time, anew=anew)
    for found in _matters(office, kind, which):
        if is_datable(found, office.clock(), office.time):
            yield found.id


def _matters(
    office: SharingOffice, kind: MatterKind, which: ColumnElement[bool]
) -> Iterator[Matter]:
    """Yield matters as they stand, held by nobody: most of them need no writing."""
    for number in _numbers(office, kind, which):
        with office.control.transaction() as connection:
            found = find_matter(connection, kind, number)
        if found is not None:
            yield found


def _settled(office: SharingOffice, kind: MatterKind, number: int) -> bool:
    """Settle one matter in a transaction of its own; return whether anything was owed."""
    with _working(office) as journal:
        if kind is MatterKind.APPLICATION:
            journal.application(ApplicationId(number))
        else:
            journal.agreement(AgreementId(number))
    return bool(journal.events)


def _application(matter: object) -> Application:
    if isinstance(matter, Application):
        return matter
    raise TypeError("An application is expected here.")


def _agreement(matter: object) -> Agreement:
    if isinstance(matter, Agreement):
        return matter
    raise TypeError("An agreement is expected here.")
