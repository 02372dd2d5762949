"""Reviews all duties: what is newly broken is kept and told, what is over is ended and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shuzhi.audit import Entry, queue
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.instant import Instant
from shuzhi.share.duties import store
from shuzhi.share.duties.declared import Duty, duty_list
from shuzhi.share.duties.events import DutyBroken, DutyKeptAgain
from shuzhi.share.duties.looks import LOOKS
from shuzhi.share.duties.model import Breach, BreachId, Seen
from shuzhi.share.duties.office import DutiesOffice


@dataclass(frozen=True)
class Reviewed:
    """What a review came to; `failed` has what could not be done, with the reason.

    That is a look that could not be taken, and then nothing is ended, for not to see is not to
    know; or a breach that could not be told, which is told again by the next review.
    """

    found: tuple[Breach, ...]
    ended: tuple[Breach, ...]
    failed: Mapping[str, str]


def review(office: DutiesOffice) -> Reviewed:
    """Look after every duty of the list, once."""
    found: list[Breach] = []
    ended: list[Breach] = []
    failed: dict[str, str] = {}
    for duty in duty_list().duties:
        seen = _seen(office, duty, failed)
        is_whole = not failed.keys() & set(duty.looks)
        new, over, going_on = _kept(office, duty, seen, is_whole=is_whole)
        found += new
        ended += over
        _tell(office, going_on, over, failed)
    return Reviewed(tuple(found), tuple(ended), failed)


def _seen(office: DutiesOffice, duty: Duty, failed: dict[str, str]) -> list[Seen]:
    seen: list[Seen] = []
    for name in duty.looks:
        try:
            seen += LOOKS[name](office)
        except ShuzhiError as error:
            failed[name] = f"{error.code}: {error.message}"
    return seen


def _kept(
    office: DutiesOffice, duty: Duty, seen: list[Seen], *, is_whole: bool
) -> tuple[list[Breach], list[Breach], list[Breach]]:
    """Write what changed in one transaction; return what is new, what ended, and what goes on."""
    now = office.now()
    with office.control.transaction() as connection:
        before = store.known(connection, duty.id)
        new = [s for s in seen if (s.party, s.subject, s.since) not in before]
        found = [store.add(connection, duty.id, each, now) for each in new]
        changed = dict(_over(before, seen, now, is_whole=is_whole))
        for number, at in changed.items():
            store.end(connection, number, at)
        for breach in found:
            queue(connection, _entry("duty.broken", breach, now))
        known = {b.id: b for b in before.values()}
        for number, at in changed.items():
            kind = "duty.broken" if at is None else "duty.kept_again"
            queue(connection, _entry(kind, known[number], now))
    ended = [known[number] for number, at in changed.items() if at is not None]
    ends = {b.id: b.ended_at for b in (*known.values(), *found)} | changed
    going_on = [b for b in (*known.values(), *found) if ends[b.id] is None]
    return found, ended, going_on


def _tell(
    office: DutiesOffice, going_on: list[Breach], ended: list[Breach], failed: dict[str, str]
) -> None:
    """Tell every breach that goes on, each time: who heard of it before does nothing."""
    now = office.now()
    broken: list[DutyBroken | DutyKeptAgain] = [
        DutyBroken(now, b.id, b.duty, b.party, b.subject, b.since) for b in going_on
    ]
    kept = [DutyKeptAgain(now, b.id, b.duty, b.party, b.subject) for b in ended]
    for event in [*broken, *kept]:
        try:
            office.sharing.publish(event)
        except ShuzhiError as error:
            failed[f"{event.duty} {event.subject}"] = f"{error.code}: {error.message}"


def _over(
    before: Mapping[store.Key, Breach], seen: list[Seen], now: Instant, *, is_whole: bool
) -> Iterator[tuple[BreachId, Instant | None]]:
    """Yield breaches whose end changed: seen as ended, seen no more, or there again."""
    by_key = {(s.party, s.subject, s.since): s for s in seen}
    for key, breach in before.items():
        at = by_key.get(key)
        if at is not None and at.ended_at != breach.ended_at:
            yield breach.id, at.ended_at
        elif at is None and breach.ended_at is None and is_whole:
            yield breach.id, now


def _entry(kind: str, breach: Breach, now: Instant) -> Entry:
    facts = {"duty": breach.duty, "party": breach.party, "since": breach.since.isoformat()}
    return Entry(kind, now, "system", breach.subject, facts)
