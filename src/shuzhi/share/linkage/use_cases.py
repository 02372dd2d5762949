"""The verbs of linkage: train, accept, run, and tell what came of it.

Each act is one transaction with its audit entry; what is published of it is told after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.control import hold_table
from shuzhi.share.linkage import judged
from shuzhi.share.linkage.clusters import Grouped, Knowledge, grouped, subjects
from shuzhi.share.linkage.engine import Bench, declared_sha256
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.events import LinkageRan, ModelAccepted
from shuzhi.share.linkage.model import (
    Figures,
    Kept,
    Linkage,
    ModelState,
    Pair,
    Place,
    Placed,
    Record,
    Run,
)
from shuzhi.share.linkage.office import LinkageOffice
from shuzhi.share.linkage.preparing import strong_of
from shuzhi.share.linkage.store import (
    find_subject,
    insert_model,
    insert_run,
    model_table,
    put_accepted,
    read_decisions,
    read_members,
    read_models,
    read_runs,
    replace_members,
    replace_pairs,
)

Along = Callable[[Connection, int, Figures], None]
"""What is kept in one transaction with a model or a run that was made; it gets its number."""


@dataclass(frozen=True)
class Compared:
    """A trained model beside the one in use, if there is one."""

    model: Kept
    before: Kept | None


def _nothing(_connection: Connection, _made: int, _figures: Figures) -> None:
    pass


def train(office: LinkageOffice, linkage: str, *, by: str, along: Along = _nothing) -> Compared:
    """Train a model on the data as they stand now, and keep it; it is not used until accepted.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_working`, `share.linkage_columns`,
            `share.linkage_untrainable`.
    """
    declared = office.linkage(linkage)
    with office.alone(linkage):
        versions = _versions(office, declared)
        with _bench(office, declared, versions) as bench:
            trained = bench.train(versions)
            found = bench.predict(trained, declared.thresholds.review)
            groups = _grouped(office, bench, declared, found)
            figures = _figures(declared, found, groups)
        now = office.clock()
        with office.control.transaction() as connection:
            before = _in_use(connection, linkage)
            kept = insert_model(connection, linkage, trained, figures, now, by)
            facts = {"model": kept.number, "versions": versions, "rows": dict(trained.rows)}
            queue(connection, Entry("linkage.trained", now, by, f"linkage:{linkage}", facts))
            along(connection, kept.number, figures)
    return Compared(kept, before)


def accept(office: LinkageOffice, linkage: str, number: int, *, by: str) -> Kept:
    """Use a trained model from now on.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_model_unknown`,
            `share.linkage_model_state`.
    """
    declared, now = office.linkage(linkage), office.clock()
    with office.control.transaction() as connection:
        # Of two models that are accepted at the same moment, only the later one is in use.
        hold_table(connection, model_table)
        kept = next((k for k in read_models(connection, linkage) if k.number == number), None)
        if kept is None:
            raise LinkageError(
                "share.linkage_model_unknown",
                f"The linkage {linkage} has no model {number}.",
                next_step="Look at its models with `shuzhi linkage list`, or train one.",
            )
        _require_fit(declared, kept)
        put_accepted(connection, kept, now, by)
        facts = {"model": number}
        queue(connection, Entry("linkage.accepted", now, by, f"linkage:{linkage}", facts))
    office.publish(ModelAccepted(now, linkage, number))
    return next(k for k in models(office, linkage) if k.number == number)


def run(office: LinkageOffice, linkage: str, *, by: str, along: Along = _nothing) -> Run:
    """Link the data as they stand now with the accepted model; subjects keep their ids.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_working`,
            `share.linkage_not_accepted`, `share.linkage_model_state`, `share.linkage_columns`.
    """
    declared = office.linkage(linkage)
    with office.alone(linkage):
        kept = require_accepted(office, declared)
        versions = _versions(office, declared)
        with _bench(office, declared, versions) as bench:
            found = bench.predict(kept.trained, declared.thresholds.review)
            groups = _grouped(office, bench, declared, found)
        figures = _figures(declared, found, groups)
        now, content = office.clock(), {"versions": versions, "figures": asdict(figures)}
        with office.control.transaction() as connection:
            before = read_members(connection, linkage)
            number = insert_run(connection, linkage, kept.id, now, by, content)
            after = subjects(linkage, groups.groups, before, number)
            replace_members(connection, linkage, after)
            replace_pairs(connection, linkage, _placed(declared, found, groups))
            facts = {"run": number, "model": kept.number, **_told(figures), "versions": versions}
            queue(connection, Entry("linkage.ran", now, by, f"linkage:{linkage}", facts))
            along(connection, number, figures)
    office.publish(LinkageRan(now, linkage, number, figures))
    return Run(number, linkage, kept.id, now, by, versions, figures)


def models(office: LinkageOffice, linkage: str) -> tuple[Kept, ...]:
    """Return the models of a linkage, the newest first. Raises `share.linkage_unknown`."""
    office.linkage(linkage)
    with office.control.transaction() as connection:
        return read_models(connection, linkage)


def last_run(office: LinkageOffice, linkage: str) -> Run | None:
    """Return the newest run of a linkage. Raises `share.linkage_unknown`."""
    return next(iter(runs(office, linkage, limit=1)), None)


def runs(
    office: LinkageOffice, linkage: str, *, before: int | None = None, limit: int = 50
) -> tuple[Run, ...]:
    """Return at most `limit` runs before a number, the newest first.

    Raises:
        LinkageError: `share.linkage_unknown`.
    """
    office.linkage(linkage)
    with office.control.transaction() as connection:
        return read_runs(connection, linkage, before=before, limit=limit)


def records(office: LinkageOffice, linkage: str, subject: str) -> tuple[Record, ...]:
    """Return the records of a subject; nothing here is governed, so it stays in the house.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_subject_unknown`.
    """
    office.linkage(linkage)
    with office.control.transaction() as connection:
        found = tuple(read_members(connection, linkage, subject))
    if not found:
        raise LinkageError(
            "share.linkage_subject_unknown",
            f"The linkage {linkage} has no subject {subject[:40]!r}.",
            next_step="Correct the id; after a run, one that was split or joined may have another.",
        )
    return found


def subject_of(office: LinkageOffice, linkage: str, record: Record) -> str | None:
    """Return the subject of a record; None when it is linked to no other."""
    office.linkage(linkage)
    with office.control.transaction() as connection:
        return find_subject(connection, linkage, record)


def require_accepted(office: LinkageOffice, declared: Linkage) -> Kept:
    """Return the model in use.

    Raises:
        LinkageError: `share.linkage_not_accepted`, `share.linkage_model_state`.
    """
    with office.control.transaction() as connection:
        kept = _in_use(connection, declared.id)
    if kept is None:
        raise LinkageError(
            "share.linkage_not_accepted",
            f"The linkage {declared.id} has no accepted model.",
            next_step="Train one, look at its figures, and accept it.",
        )
    _require_fit(declared, kept)
    return kept


@contextmanager
def _bench(
    office: LinkageOffice, declared: Linkage, versions: Mapping[str, int]
) -> Iterator[Bench]:
    names = tuple(versions)
    with office.lake.duck(
        only=names, version=versions, memory_limit=office.memory_limit
    ) as connection:
        yield Bench(connection, declared)


def _versions(office: LinkageOffice, declared: Linkage) -> dict[str, int]:
    return {m.dataset: office.lake.version(m.dataset) for m in declared.members}


def _grouped(
    office: LinkageOffice, bench: Bench, declared: Linkage, found: Iterable[Pair]
) -> Grouped:
    with office.control.transaction() as connection:
        said = read_decisions(connection, declared.id)
    there = set(bench.records.values())
    # A record that is gone holds no constraint; it may come back, and the decision with it.
    told = [d for d in said if d.left in there and d.right in there]
    same, different = judged.constraints(told)
    numbered = strong_of(bench.connection, declared)
    known = Knowledge(
        frozenset(m.dataset for m in declared.members if m.is_clean),
        {bench.records[n]: values for n, values in numbered.items()},
        same,
        different,
        declared.support,
    )
    return grouped((p for p in found if p.probability >= declared.thresholds.link), known)


def _placed(declared: Linkage, found: Iterable[Pair], groups: Grouped) -> Iterator[Placed]:
    group_of = {record: i for i, group in enumerate(groups.groups) for record in group}
    for pair in found:
        together = pair.left in group_of and group_of[pair.left] == group_of.get(pair.right)
        if pair.probability < declared.thresholds.link:
            yield Placed(pair, Place.REVIEW)
        elif together:
            yield Placed(pair, Place.LINKED)
        else:
            yield Placed(pair, groups.refused.get((pair.left, pair.right), Place.DIFFERENT))


def _figures(declared: Linkage, found: Iterable[Pair], groups: Grouped) -> Figures:
    places = [placed.place for placed in _placed(declared, found, groups)]
    refused = {p.value: places.count(p) for p in Place if p not in (Place.LINKED, Place.REVIEW)}
    return Figures(
        len(places),
        places.count(Place.LINKED),
        places.count(Place.REVIEW),
        len(groups.groups),
        max(map(len, groups.groups), default=0),
        {name: count for name, count in refused.items() if count},
    )


def _told(figures: Figures) -> dict[str, Any]:
    return {"linked": figures.linked, "review": figures.to_review, "subjects": figures.subjects}


def _in_use(connection: Connection, linkage: str) -> Kept | None:
    kept = read_models(connection, linkage)
    return next((k for k in kept if k.state is ModelState.ACCEPTED), None)


def _require_fit(declared: Linkage, kept: Kept) -> None:
    if kept.trained.declared_sha256 != declared_sha256(declared):
        raise LinkageError(
            "share.linkage_model_state",
            f"Model {kept.number} was trained for what {declared.id} declared before.",
            next_step="Train a model for what is declared now, and accept it.",
        )
