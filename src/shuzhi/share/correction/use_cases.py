"""The verbs of correction: doubt a value, verify it, correct it, tell, review, close.

Each is one transaction. A value counts as corrected only when the lake holds the right one, which
it comes to by its own source and contract; nothing here writes data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shuzhi.gather.contracts import table_named
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import Actor
from shuzhi.share.agreements.errors import optional_text, require_text
from shuzhi.share.agreements.origins import scoped
from shuzhi.share.agreements.plain import plain
from shuzhi.share.catalogue import CatalogueError, entry
from shuzhi.share.correction.errors import CorrectionError, bad, unknown
from shuzhi.share.correction.journal import Journal, working
from shuzhi.share.correction.life_cycle import clock_of, may
from shuzhi.share.correction.model import (
    DecisionKind,
    Doubt,
    Doubted,
    Doubter,
    DoubtId,
    DoubtState,
    Listed,
    Review,
    Step,
    Verb,
)
from shuzhi.share.correction.office import CorrectionOffice
from shuzhi.share.correction.rows import canonical
from shuzhi.share.correction.store import (
    find_doubt,
    known_origin,
    put_notice,
    read_listed,
    read_notices,
    write_review,
)
from shuzhi.share.forms import Source, Standing, column_datum, meaning_datum, sources
from shuzhi.share.forms.holdings import MEANING
from shuzhi.share.parties import party as registered_party

_MOST_DOCUMENTS = 50


def submit(
    office: CorrectionOffice,
    what: Doubted,
    *,
    by: Actor,
    doubter: Doubter = Doubter.PARTY,
    origin: str | None = None,
) -> Doubt:
    """Doubt a value; its provider has to verify it in time.

    A citizen's or company's doubt is filed by somebody for them. Whether the row is there is not
    told: whoever may not see it learns nothing by doubting. A request with an `origin` that was
    taken before gives the doubt that it made.

    Raises:
        CorrectionError: `share.doubt_bad`, `share.value_unfit`.
        RefusedError: `gather.no_contract`, `share.party_unknown`, `share.bad_text`;
            `kernel.law_unknown`, `kernel.law_not_in_force`.
    """
    party = registered_party(office.control, by.party or PartyId("")).id
    for text in (what.dataset, what.seen or "", *what.documents):
        optional_text(text, "A text of the doubt")
    stated = _stated(office, what)
    responsible = _provider(office, what.dataset)
    origin = None if origin is None else scoped(party, origin)
    with working(office) as journal:
        known = None if origin is None else known_origin(journal.connection, origin)
        if known is not None:
            return journal.doubt(DoubtId(known))
        at = office.now()
        facts = {
            "what": plain(stated),
            "doubter": doubter.value,
            "responsible": responsible,
            "authority": office.authority,
            "starts": plain(clock_of(responsible, at, office.time)),
            "version": office.lake.version(what.dataset),
        }
        state = DoubtState.CHECKING
        step = Step(0, 1, Verb.SUBMIT, at, by.person, party, state, facts, origin)
        return journal.open(step)


def accept(
    office: CorrectionOffice,
    doubt: DoubtId,
    value: str | None,
    *,
    by: Actor,
    text: str = "",
    seen: int | None = None,
) -> Doubt:
    """Say that the value is wrong and what it is to be (None: no value).

    The doubt is corrected when the lake holds that, which `tick` finds out.

    Raises:
        CorrectionError: `share.doubt_unknown`, `share.wrong_state`, `share.not_your_doubt`,
            `share.changed_meanwhile`, `share.value_unfit`.
    """
    held = _held(office, doubt)
    meant = canonical(office.lake, held.what.dataset, held.what.column, value)
    facts = {"value": meant, "text": optional_text(text, "The text")}
    return _act(office, doubt, Verb.ACCEPT, by, facts, seen)


def keep(
    office: CorrectionOffice, doubt: DoubtId, *, by: Actor, text: str, seen: int | None = None
) -> Doubt:
    """Say that the value is right, and why. Raises as `accept`, `share.reason_missing`."""
    facts = {"text": require_text(text, "The reason")}
    return _act(office, doubt, Verb.KEEP, by, facts, seen)


def withdraw(
    office: CorrectionOffice, doubt: DoubtId, *, by: Actor, text: str, seen: int | None = None
) -> Doubt:
    """Take a doubt back. Raises as `keep`."""
    facts = {"text": require_text(text, "The reason")}
    return _act(office, doubt, Verb.WITHDRAW, by, facts, seen)


def refer(
    office: CorrectionOffice,
    doubt: DoubtId,
    to: PartyId,
    *,
    by: Actor,
    text: str,
    seen: int | None = None,
) -> Doubt:
    """Pass a doubt on to a registered source of the value, for whom the clock begins anew.

    One that had it gets it again only as the lead, so that it goes round in no circle.

    Raises:
        CorrectionError: `share.not_a_source`, `share.had_it_already`; as `keep`.
    """
    held = _held(office, doubt)
    _require_next(office, held, to)
    run = clock_of(to, office.now(), office.time)
    facts = {"to": to, "text": require_text(text, "The reason"), "starts": plain(run)}
    return _act(office, doubt, Verb.REFER, by, facts, seen)


def acknowledge(
    office: CorrectionOffice,
    doubt: DoubtId,
    *,
    by: Actor,
    receiver: PartyId | None = None,
    why: str = "",
) -> Doubt:
    """Say for a receiver that it knows of the correction; twice is the same as once.

    For a `receiver` that cannot be reached the authority does it, and says why.

    Raises:
        CorrectionError: `share.no_notice`; as `keep`.
    """
    whose = receiver or by.party
    with working(office) as journal:
        held = _moving(journal, doubt, Verb.ACKNOWLEDGE, by)
        facts = {} if whose == by.party else _in_place_of(held, whose, by, why)
        notices = read_notices(journal.connection, doubt=doubt, party=whose)
        if not notices:
            raise CorrectionError(
                "share.no_notice",
                f"{whose} was told nothing about doubt {doubt}.",
                next_step="Acknowledge for the party that received the value.",
            )
        if notices[0].acknowledged_at is not None:
            return held
        after = journal.take(held, Verb.ACKNOWLEDGE, by, facts)
        told = replace(notices[0], acknowledged_at=after.changed_at, by=by.person)
        put_notice(journal.connection, told)
    return after


def review(
    office: CorrectionOffice,
    doubt: DoubtId,
    kind: DecisionKind,
    decision: str,
    found: Review,
    *,
    by: Actor,
    why: str,
) -> Doubt:
    """Say of a decision that used the wrong value that it is kept, or was changed, and why.

    Whoever answers for the decision does it, or the authority.

    Raises:
        CorrectionError: `share.no_decision`, `share.doubt_bad` for a review that is none;
            `share.reason_missing`; as `accept`.
    """
    reason = require_text(why, "The reason")
    if found is Review.OPEN:
        raise bad("A review says that a decision is kept or changed.", "Say which of the two.")
    with working(office) as journal:
        held = _moving(journal, doubt, Verb.REVIEW, by)
        listed = _listed(journal, doubt, kind, decision)
        owner = listed.decision.party or held.authority
        if by.party not in (owner, held.authority):
            raise _not_yours(held, f"{kind.value} {decision} is reviewed by {owner}")
        facts = {"decision": f"{kind.value}:{decision}", "review": found.value, "text": reason}
        after = journal.take(held, Verb.REVIEW, by, facts)
        done = Listed(listed.decision, found, after.changed_at, by.person, reason)
        write_review(journal.connection, doubt, done)
    return after


def source_parties(office: CorrectionOffice, what: Doubted) -> tuple[PartyId, ...]:
    """Return who may have to answer for a value: registered sources, the lead first, the provider.

    Sources are registered of the column, or of what the column means.
    """
    found = [source.party for source in _sources(office, what)]
    return tuple(dict.fromkeys([*found, _provider(office, what.dataset)]))


def next_sources(office: CorrectionOffice, held: Doubt) -> tuple[PartyId, ...]:
    """Return to whom a doubt may be passed on: whoever has not had it yet, and the lead."""
    lead = {s.party for s in _sources(office, held.what) if s.standing is Standing.LEAD}
    had = {run.party for run in held.runs} - lead | {held.responsible}
    return tuple(party for party in source_parties(office, held.what) if party not in had)


def _sources(office: CorrectionOffice, what: Doubted) -> list[Source]:
    _, table = table_named(office.control, what.dataset)
    meaning = table.field(what.column).properties.get(MEANING)
    data = [column_datum(what.dataset, what.column)]
    data += [meaning_datum(meaning)] if isinstance(meaning, str) else []
    return [source for datum in data for source in sources(office.control, datum)]


def _require_next(office: CorrectionOffice, held: Doubt, to: PartyId) -> None:
    may, known = next_sources(office, held), source_parties(office, held.what)
    if to in may:
        return
    if to in known and to != held.responsible:
        raise CorrectionError(
            "share.had_it_already",
            f"{to} had doubt {held.id} already, and passed it on.",
            next_step=f"Answer it, or let {office.authority} name the lead among its sources.",
        )
    raise CorrectionError(
        "share.not_a_source",
        f"{to} is no other registered source of {held.what.dataset}.{held.what.column}.",
        next_step=f"Choose one of: {', '.join(may)}; or let {office.authority} register it.",
    )


def _in_place_of(held: Doubt, whose: PartyId | None, by: Actor, why: str) -> dict[str, Any]:
    if by.party != held.authority:
        raise _not_yours(held, f"{whose} acknowledges it, or {held.authority} in its place")
    return {"receiver": whose, "text": require_text(why, "Why in its place")}


def _act(
    office: CorrectionOffice,
    doubt: DoubtId,
    verb: Verb,
    by: Actor,
    facts: dict[str, Any],
    seen: int | None,
) -> Doubt:
    with working(office) as journal:
        held = journal.doubt(doubt)
        journal.refuse_unseen(held, seen)
        _require_may(held, verb, by)
        return journal.take(held, verb, by, facts)


def _moving(journal: Journal, doubt: DoubtId, verb: Verb, by: Actor) -> Doubt:
    held = journal.doubt(doubt)
    _require_may(held, verb, by)
    return held


def _require_may(held: Doubt, verb: Verb, by: Actor) -> None:
    if may(held, verb, by.party):
        return
    if verb in (Verb.REFER, Verb.KEEP, Verb.ACCEPT, Verb.WITHDRAW) and held.state in (
        DoubtState.CHECKING,
        DoubtState.CORRECTING,
    ):
        who = held.party if verb is Verb.WITHDRAW else held.responsible
        raise _not_yours(held, f"to {verb.value.replace('_', ' ')} it is for {who}")
    raise CorrectionError(
        "share.wrong_state",
        f"Doubt {held.id} is {held.state.value}: it cannot be done to it to "
        f"{verb.value.replace('_', ' ')}.",
        next_step="Look at what can be done now: shuzhi correction show NUMBER.",
    )


def _not_yours(held: Doubt, whose: str) -> CorrectionError:
    return CorrectionError(
        "share.not_your_doubt", f"Doubt {held.id}: {whose}.", next_step="Let them do it."
    )


def _held(office: CorrectionOffice, doubt: DoubtId) -> Doubt:
    with office.control.transaction() as connection:
        found = find_doubt(connection, doubt)
    if found is None:
        raise unknown(doubt)
    return found


def _listed(journal: Journal, doubt: DoubtId, kind: DecisionKind, decision: str) -> Listed:
    for _, listed in read_listed(journal.connection, doubt=doubt):
        if (listed.decision.kind, listed.decision.id) == (kind, decision):
            return listed
    raise CorrectionError(
        "share.no_decision",
        f"The list of doubt {doubt} has no {kind.value} {decision[:60]!r}.",
        next_step="Name one of the list: shuzhi correction show NUMBER.",
    )


def _provider(office: CorrectionOffice, dataset: str) -> PartyId:
    """Return who provides a data set; what nobody is known to provide is the authority's."""
    try:
        return entry(office.control, dataset).entry.provider.id or office.authority
    except CatalogueError:
        return office.authority


def _stated(office: CorrectionOffice, what: Doubted) -> Doubted:
    """Return what is doubted as the lake would write it, or say what is wrong with it."""
    _, table = table_named(office.control, what.dataset)
    names, key = {field.name for field in table.fields}, dict(what.key)
    if what.column not in names:
        raise bad(
            f"{what.dataset} has no column {what.column[:60]!r}.",
            f"Name one of: {', '.join(sorted(names))}.",
        )
    if not table.key or tuple(sorted(key)) != tuple(sorted(table.key)):
        raise bad(
            f"A row of {what.dataset} is told by {', '.join(table.key) or 'no key'}.",
            "Name the row by each column of the key, and by no other."
            if table.key
            else "Give the data set a key in its contract.",
        )
    if len(what.documents) > _MOST_DOCUMENTS:
        raise bad(f"A doubt has at most {_MOST_DOCUMENTS} documents.", "Name fewer.")
    if not office.lake.exists(what.dataset):
        raise bad(f"Nothing of {what.dataset} is stored.", "Wait until its data came in.")
    lake = office.lake
    return replace(
        what,
        key=tuple((n, canonical(lake, what.dataset, n, key[n]) or "") for n in table.key),
        right=canonical(lake, what.dataset, what.column, what.right),
        evidence=optional_text(what.evidence, "The evidence"),
    )
