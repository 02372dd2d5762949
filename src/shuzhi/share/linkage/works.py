"""Trainings and runs that are asked for and done beside whoever asked, by the running city.

What was asked is stored before anybody works on it. One whose process died is taken up again, and
given up when that happened too often.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from shuzhi.audit import Entry, queue
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.model import Figures, Work, WorkKind, WorkState
from shuzhi.share.linkage.office import WORKING, LinkageOffice
from shuzhi.share.linkage.store import newest
from shuzhi.share.linkage.use_cases import require_accepted, run, train
from shuzhi.share.linkage.work_store import (
    find_asked,
    find_open,
    find_works,
    insert_work,
    newest_work,
    put_back,
    put_begun,
    put_done,
    put_failed,
    read_open,
)

# A process that dies over a work, as for want of memory, would die over it again and again.
MOST_STARTS = 3
_BROKEN = "share.linkage_work_broken"


def ask(office: LinkageOffice, linkage: str, kind: WorkKind, *, by: str, origin: str) -> Work:
    """Keep that a model shall be trained, or the linkage run; once for each `origin`.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_working` while another is waiting
            or under way; for a run also `share.linkage_not_accepted`, `share.linkage_model_state`.
    """
    declared, now = office.linkage(linkage), office.clock()
    with office.control.transaction() as connection:
        known = find_asked(connection, origin)
    if known is not None:
        return known
    if kind is WorkKind.RUN:
        require_accepted(office, declared)
    try:
        with office.control.transaction() as connection:
            if (other := find_open(connection, linkage)) is not None:
                raise _open_already(other)
            number = insert_work(connection, linkage, kind, now, by, origin)
            facts = {"work": number, "kind": kind.value}
            queue(connection, Entry("linkage.asked", now, by, f"linkage:{linkage}", facts))
    except IntegrityError:
        # Somebody else asked at the same moment, or the same request came twice.
        return ask(office, linkage, kind, by=by, origin=origin)
    return Work(number, linkage, kind, WorkState.WAITING, now, by)


def work(office: LinkageOffice, linkage: str, number: int) -> Work:
    """Return what was asked, as it stands.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_work_unknown`.
    """
    office.linkage(linkage)
    found = _seen(office, lambda connection: find_works(connection, linkage, number=number))
    if not found:
        raise LinkageError(
            "share.linkage_work_unknown",
            f"Nothing was asked of the linkage {linkage} under the number {number}.",
            next_step="See what was asked of it in its list of works.",
        )
    return found[0]


def works(
    office: LinkageOffice, linkage: str, *, before: int | None = None, limit: int = 50
) -> tuple[Work, ...]:
    """Return at most `limit` works before a number, the newest first.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    return _seen(office, lambda c: find_works(c, linkage, before=before, limit=limit))


def changes(office: LinkageOffice) -> str:
    """Return a text that changes when there is something new of any linkage; it costs little."""
    with office.control.moment() as now, now.transaction() as connection:
        return " ".join(map(str, (*newest_work(connection), *newest(connection))))


def take_up(office: LinkageOffice) -> int:
    """Do all that was asked, one after the other; return how many works ended, well or not.

    Of several processes one does it at a time; the others return 0.
    """
    with _alone(office) as is_mine:
        if not is_mine:
            return 0
        with office.control.transaction() as connection:
            waiting = read_open(connection)
        return sum(_is_ended(office, each) for each in waiting)


def _is_ended(office: LinkageOffice, work: Work) -> bool:
    """Do a work; return False where it has to wait longer."""
    if work.starts >= MOST_STARTS:
        _fail(office, work, f"{_BROKEN}: The process ended {work.starts} times while it did this.")
        return True
    with office.control.transaction() as connection:
        put_begun(connection, work, office.clock())
    try:
        _do(office, work)
    except ShuzhiError as error:
        if error.code == WORKING:
            with office.control.transaction() as connection:
                put_back(connection, work)
            return False
        _fail(office, work, f"{error.code}: {error.message} {error.next_step}".strip())
    except Exception as error:
        _fail(office, work, f"{type(error).__name__}: {error}")
        raise
    return True


def _do(office: LinkageOffice, work: Work) -> None:
    def ended(connection: Connection, made: int, figures: Figures) -> None:
        put_done(connection, work, made, figures, office.clock())

    verb = train if work.kind is WorkKind.TRAINING else run
    verb(office, work.linkage, by=work.asked_by, along=ended)


def _fail(office: LinkageOffice, work: Work, failure: str) -> None:
    with office.control.transaction() as connection:
        put_failed(connection, work, failure, office.clock())


def _seen(
    office: LinkageOffice, read: Callable[[Connection], tuple[Work, ...]]
) -> tuple[Work, ...]:
    """Return works as they are: what nobody is at, though it was begun, waits."""
    with office.control.transaction() as connection:
        found = read(connection)
    begun = {(each.id, each.starts) for each in found if each.state is WorkState.RUNNING}
    if not begun or not _is_nobody_at_work(office):
        return found
    # It may have ended since it was read.
    with office.control.transaction() as connection:
        found = read(connection)
    return tuple(
        replace(each, state=WorkState.WAITING)
        if each.state is WorkState.RUNNING and (each.id, each.starts) in begun
        else each
        for each in found
    )


@contextmanager
def _alone(office: LinkageOffice) -> Iterator[bool]:
    """Tell whether this is the only one at work; the kernel lets go when the process dies."""
    with office.lock_file("work").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _is_nobody_at_work(office: LinkageOffice) -> bool:
    with office.lock_file("work").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _open_already(other: Work) -> LinkageError:
    return LinkageError(
        WORKING,
        f"The linkage {other.linkage} has work {other.id} under way: a {other.kind.value} that "
        f"{other.asked_by} asked for.",
        next_step="Wait until that has ended, then ask again.",
    )
