"""What people do about pairs: look at those that wait, say what one is, and see why it is one.

Each act is one transaction with its audit entry; what is published of it is told after the commit.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.gather.lake.schema import identifier
from shuzhi.kernel.control import hold_table
from shuzhi.kernel.instant import Instant
from shuzhi.share.linkage import judged
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.events import PairDecided
from shuzhi.share.linkage.judged import Precision, Waiting
from shuzhi.share.linkage.model import Decision, Linkage, Record, Verdict
from shuzhi.share.linkage.office import LinkageOffice
from shuzhi.share.linkage.store import (
    can_hold,
    decision_table,
    find_pair,
    put_decision,
    read_decisions,
    read_links,
    read_models,
    read_reasons,
    read_reviewers,
    read_runs,
    read_unlinked,
)
from shuzhi.share.linkage.waterfall import Waterfall, waterfall

_MOST_REASON = 4_000
_JUST_NOW = timedelta(minutes=15)


def decide(
    office: LinkageOffice,
    linkage: str,
    one: Record,
    other: Record,
    verdict: Verdict,
    *,
    by: str,
    reason: str,
    seen: str | None = None,
) -> Decision:
    """Say what a pair is; every later run keeps to it, unless somebody else disagrees.

    `seen` is what was known of the pair (`Waiting.seen`), for who would rather hear of it first
    when something was said since.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_pair_unknown` for records that take
            no part or are not there, `share.linkage_bad_verdict` without a reason,
            `share.changed_meanwhile` when something else was said of it than was seen.
    """
    declared, now = office.linkage(linkage), office.clock()
    said = reason.strip()
    if not said or not can_hold(said, most=_MOST_REASON):
        raise LinkageError(
            "share.linkage_bad_verdict",
            f"A verdict needs a reason of at most {_MOST_REASON} characters that can be kept.",
            next_step="Say what you looked at.",
        )
    decision = Decision(min(one, other), max(one, other), verdict, by, now, said)
    _require_there(office, declared, decision)
    with office.control.transaction() as connection:
        # Who says two things of a pair at the same moment has said one of them.
        hold_table(connection, decision_table)
        if seen is not None:
            _require_seen(connection, linkage, decision, seen)
        put_decision(connection, linkage, decision)
        # Keys may name people: the log holds what was said, and of which pair only the hash.
        pair = judged.pair_digest(decision.left, decision.right)
        facts = {"verdict": verdict.value, "pair_sha256": pair}
        queue(connection, Entry("linkage.decided", now, by, f"linkage:{linkage}", facts))
    office.publish(PairDecided(now, linkage, decision.left, decision.right, verdict))
    return decision


def _require_there(office: LinkageOffice, declared: Linkage, decision: Decision) -> None:
    """Refuse a pair of records that take no part, are one, or are not there."""
    left, right = decision.left, decision.right
    takes_part = left != right and all(declared.member(r.dataset) for r in (left, right))
    if not takes_part or not can_hold(*left, *right):
        raise _unknown_pair(declared.id, left, right)
    with office.control.transaction() as connection:
        is_known = find_pair(connection, declared.id, left, right) is not None
        is_known = is_known or bool(read_decisions(connection, declared.id, (left, right)))
    if not is_known and not all(_is_there(office, declared, r) for r in (left, right)):
        raise _unknown_pair(declared.id, left, right)


def _is_there(office: LinkageOffice, declared: Linkage, record: Record) -> bool:
    member = declared.member(record.dataset)
    assert member is not None  # noqa: S101  (tells mypy; it takes part)
    key = f"CAST({identifier(member.key)} AS VARCHAR)"
    sql = f"SELECT 1 FROM {identifier(record.dataset)} WHERE {key} = ? LIMIT 1"  # noqa: S608
    with office.lake.duck(only=(record.dataset,)) as connection:
        return connection.execute(sql, [record.key]).fetchone() is not None


def _require_seen(connection: Connection, linkage: str, decision: Decision, seen: str) -> None:
    said = read_decisions(connection, linkage, (decision.left, decision.right))
    if judged.stand(said) == seen:
        return
    raise LinkageError(
        "share.changed_meanwhile",
        "Somebody said something of this pair since you looked.",
        next_step="See what was said, and then say what you find.",
    )


def review(
    office: LinkageOffice, linkage: str, *, after: str = "", limit: int = 20
) -> tuple[Waiting, ...]:
    """Return who waits to be looked at after the turn `after`, the most telling first.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    with office.control.transaction() as connection:
        said = read_decisions(connection, linkage)
        pairs = read_unlinked(connection, linkage, judged.disputed(said))
    waiting = judged.queue(pairs, said)
    return tuple(one for one in waiting if one.turn > after)[:limit]


def sample(
    office: LinkageOffice, linkage: str, *, size: int = 100, seed: int = 1
) -> tuple[Precision, tuple[Waiting, ...]]:
    """Return how right the links are by a random sample, and what of it was not decided yet.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    with office.control.transaction() as connection:
        links = read_links(connection, linkage)
        said = judged.by_pair(read_decisions(connection, linkage))
        drawn = judged.sampled(links, size, seed)
        unsaid = (find_pair(connection, linkage, *ends) for ends in drawn if ends not in said)
        waiting = tuple(Waiting(placed) for placed in unsaid if placed is not None)
    return judged.precision(len(links), drawn, said), waiting


def pair_as_it_stands(
    office: LinkageOffice, linkage: str, one: Record, other: Record
) -> Waiting | None:
    """Return a pair of the newest run with what was said of it, whether or not it still waits.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    ends = (min(one, other), max(one, other))
    with office.control.transaction() as connection:
        placed = find_pair(connection, linkage, *ends)
        said = read_decisions(connection, linkage, ends)
    return None if placed is None else Waiting(placed, said, judged.is_disputed(said))


def others_at_review(office: LinkageOffice, linkage: str, *, by: str) -> tuple[str, ...]:
    """Return who else looks through the pairs of a linkage just now.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    since = Instant(office.clock() - _JUST_NOW)
    with office.control.transaction() as connection:
        return tuple(who for who in read_reviewers(connection, linkage, since) if who != by)


def reasons(office: LinkageOffice, linkage: str, *, by: str, limit: int = 3) -> tuple[str, ...]:
    """Return the newest reasons that `by` gave for verdicts, to be given again.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    with office.control.transaction() as connection:
        return read_reasons(connection, linkage, by, limit)


def why(office: LinkageOffice, linkage: str, one: Record, other: Record, *, by: str) -> Waterfall:
    """Return how a pair of the newest run came to its probability; the look is audited.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_pair_unknown`.
    """
    declared, now = office.linkage(linkage), office.clock()
    with office.control.transaction() as connection:
        placed = find_pair(connection, linkage, min(one, other), max(one, other))
        if placed is None:
            raise _unknown_pair(linkage, one, other)
        # What keeps pairs are runs.
        (done,) = read_runs(connection, linkage, limit=1)
        kept = next(k for k in read_models(connection, linkage) if k.id == done.model)
        facts = {"run": done.id, "model": kept.number}
        queue(connection, Entry("linkage.explained", now, by, f"linkage:{linkage}", facts))
    return waterfall(declared, kept.trained, kept.number, placed.pair, placed.place)


def _unknown_pair(linkage: str, one: Record, other: Record) -> LinkageError:
    return LinkageError(
        "share.linkage_pair_unknown",
        f"The linkage {linkage} keeps no pair of these two records of {one.dataset[:60]} and "
        f"{other.dataset[:60]}.",
        next_step="Name two records that are there as DATASET:KEY, as the review queue shows them.",
    )
