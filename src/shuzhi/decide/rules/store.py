"""The tables of rules: each rule as it stands, every version it had, and the warnings it raised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from shuzhi.decide.rules.cap import Severity
from shuzhi.decide.rules.model import Outcome, Rule, RuleId, Warning, WarningId
from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant

# More names than these are no longer worth naming in a query.
_MOST_KEYS = 2_000

rule_table = Table(
    "rules_rule",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("dataset", String(120), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("off_code", String(20)),
    Column("off_reason", Text),
    Column("off_is_told", Boolean, nullable=False),
    # The version of the data set up to which rows were judged; NULL before the first.
    Column("judged_version", Integer),
    # True once it has judged: what it reads was there then.
    Column("has_judged", Boolean, nullable=False),
    # The last look at a silence.
    Column("looked_at", InstantColumn),
    Column("changed_at", InstantColumn, nullable=False),
)

version_table = Table(
    "rules_version",
    metadata,
    Column("rule", String(60), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("by", String(120), nullable=False),
    Column("at", InstantColumn, nullable=False),
)

warning_table = Table(
    "rules_warning",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("rule_id", String(60), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("dataset", String(120), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("party", String(120)),
    Column("case_kind", String(60)),
    Column("merge_key", String(120), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("last_at", InstantColumn, nullable=False),
    Column("count", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("raised_at", InstantColumn, nullable=False),
    # The severity that the house was told of; NULL before it was told of the warning.
    Column("told", String(10)),
    Column("is_told", Boolean, nullable=False, index=True),
    # The warning that this one became part of, when a late finding closed the gap between them.
    Column("absorbed_by", RowId),
    Column("outcome", String(12)),
    Column("outcome_at", InstantColumn),
    Column("outcome_by", String(120)),
    # When what was warned of came true.
    Column("happened_at", InstantColumn),
    # When it was raised, grew, became part of another or got an outcome, whichever was last.
    Column("changed_at", InstantColumn, nullable=False, index=True),
    Index("ix_rules_warning_rule", "rule_id", "last_at"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True)
class Standing:
    """A rule as it stands in the control store."""

    id: RuleId
    version: int
    digest: str
    dataset: DatasetName
    owner: PartyId
    is_on: bool
    off_code: str | None
    off_reason: str | None
    judged_version: int | None
    has_judged: bool
    looked_at: Instant | None


def standings(
    connection: Connection, ids: Iterable[str] | None = None, *, lock: bool = False
) -> dict[RuleId, Standing]:
    """Return the rules that are registered, all or those with `ids`."""
    query = select(rule_table).order_by(rule_table.c.id)
    if ids is not None:
        query = query.where(rule_table.c.id.in_(sorted(ids)))
    if lock:
        query = query.with_for_update()
    return {RuleId(row["id"]): _standing(row) for row in connection.execute(query).mappings()}


def save_standing(connection: Connection, rule_id: RuleId, values: Mapping[str, Any]) -> None:
    """Write some values of a rule that is there, or all of one that is not."""
    changed = connection.execute(
        update(rule_table).where(rule_table.c.id == rule_id).values(dict(values))
    )
    if not changed.rowcount:
        connection.execute(insert(rule_table).values(id=rule_id, **values))


def save_progress(
    connection: Connection, progress: Iterable[tuple[RuleId, int | None, Instant | None]]
) -> None:
    """Note up to which version of its data set, and until when, each rule has judged."""
    rows = [{"_id": rule, "_version": version, "_at": at} for rule, version, at in progress]
    if rows:
        query = update(rule_table).where(rule_table.c.id == bindparam("_id"))
        moved: dict[str, Any] = {
            "judged_version": bindparam("_version"),
            "looked_at": bindparam("_at"),
        }
        connection.execute(query.values(**moved, has_judged=True), rows)


def save_version(connection: Connection, rule: Rule, version: int, by: str, at: Instant) -> None:
    """Keep the wording of a rule for good."""
    row = {"rule": rule.id, "version": version, "digest": rule.digest}
    connection.execute(insert(version_table).values(**row, text=rule.text, by=by, at=at))


def version_text(connection: Connection, rule_id: RuleId, version: int) -> str | None:
    """Return the wording that a rule had in a version."""
    query = select(version_table.c.text).where(
        version_table.c.rule == rule_id, version_table.c.version == version
    )
    return connection.execute(query).scalar_one_or_none()


def warnings_near(
    connection: Connection, rule_id: RuleId, start: Instant, end: Instant, within: timedelta
) -> tuple[Warning, ...]:
    """Return the warnings of a rule that a finding between `start` and `end` could join."""
    reach = (Instant(start - within), Instant(end + within))
    return tuple(warnings_within(connection, {rule_id: reach}).get(rule_id, ()))


def warnings_within(
    connection: Connection,
    reach: Mapping[RuleId, tuple[Instant, Instant]],
    keys: Collection[str] | None = None,
) -> dict[RuleId, list[Warning]]:
    """Return, by rule, at least the warnings of `keys` within the reach given for the rule."""
    if not reach:
        return {}
    query = select(warning_table).where(
        warning_table.c.rule_id.in_(sorted(reach)),
        warning_table.c.absorbed_by.is_(None),
        warning_table.c.last_at >= min(start for start, _ in reach.values()),
        warning_table.c.at <= max(end for _, end in reach.values()),
    )
    if keys is not None and len(keys) <= _MOST_KEYS:
        query = query.where(warning_table.c.merge_key.in_(sorted(keys)))
    found: dict[RuleId, list[Warning]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["rule_id"], []).append(_warning(row))
    return found


def insert_warnings(
    connection: Connection, warnings: Sequence[Warning], now: Instant
) -> tuple[WarningId, ...]:
    """Write new warnings and return their ids, in order."""
    if not warnings:
        return ()
    fresh = {"is_told": False, "changed_at": now}
    rows = [{k: v for k, v in _row(w).items() if k != "id"} | fresh for w in warnings]
    made = insert(warning_table).returning(warning_table.c.id, sort_by_parameter_order=True)
    return tuple(WarningId(found) for found in connection.scalars(made, rows))


def update_warnings(connection: Connection, warnings: Sequence[Warning], now: Instant) -> None:
    """Write warnings that grew."""
    grow = ("severity", "at", "last_at", "count", "facts")
    rows = [{f"_{k}": v for k, v in _row(w).items() if k in ("id", *grow)} for w in warnings]
    if rows:
        values: dict[Any, Any] = {name: bindparam(f"_{name}") for name in grow}
        told = warning_table.c.told
        values["is_told"] = and_(told.is_not(None), told == bindparam("_severity"))
        query = update(warning_table).where(warning_table.c.id == bindparam("_id"))
        connection.execute(query.values(values | {"changed_at": now}), rows)


def absorb(
    connection: Connection, absorbed: Iterable[tuple[WarningId, WarningId]], now: Instant
) -> None:
    """Note of each of the first warnings that it became part of the second."""
    rows = [{"_id": gone, "_by": whole} for gone, whole in absorbed]
    if rows:
        query = update(warning_table).where(warning_table.c.id == bindparam("_id"))
        # What is part of another warning is told with it.
        part: dict[str, Any] = {"absorbed_by": bindparam("_by"), "is_told": True}
        connection.execute(query.values(part | {"changed_at": now}), rows)


def untold(
    connection: Connection, after: WarningId, limit: int
) -> tuple[tuple[Warning, bool], ...]:
    """Return warnings that nobody was told of as they are now, in order, with ids past `after`.

    True stands with those that were told before and have grown graver since.
    """
    is_untold = and_(warning_table.c.is_told.is_(False), warning_table.c.id > after)
    query = select(warning_table).where(is_untold)
    rows = connection.execute(query.order_by(warning_table.c.id).limit(limit)).mappings()
    return tuple((_warning(row), row["told"] is not None) for row in rows)


def mark_told(connection: Connection, warnings: Sequence[Warning]) -> None:
    """Note at which severity warnings were told; one that has grown since is still to tell."""
    rows = [{"_id": w.id, "_told": w.severity.value} for w in warnings]
    if rows:
        is_told = warning_table.c.severity == bindparam("_told")
        query = update(warning_table).where(warning_table.c.id == bindparam("_id"))
        connection.execute(query.values(told=bindparam("_told"), is_told=is_told), rows)


def untold_switched_off(connection: Connection) -> tuple[Standing, ...]:
    """Return rules that are off and whose owner was not told."""
    query = select(rule_table).where(
        rule_table.c.is_on.is_(False), rule_table.c.off_is_told.is_(False)
    )
    return tuple(_standing(row) for row in connection.execute(query).mappings())


def find_warnings(
    connection: Connection,
    *,
    ids: Iterable[WarningId] | None = None,
    rule_id: str | None = None,
    dataset: str | None = None,
    since: Instant | None = None,
    changed_since: Instant | None = None,
    seen_by: frozenset[PartyId] | None = None,
    before: WarningId | None = None,
    limit: int | None = None,
) -> tuple[Warning, ...]:
    """Return warnings, the newest first, of those before the one numbered `before`."""
    alone = warning_table.c.absorbed_by.is_(None)
    query = select(warning_table).where(alone).order_by(warning_table.c.id.desc())
    if ids is not None:
        query = query.where(warning_table.c.id.in_(sorted(ids)))
    if rule_id is not None:
        query = query.where(warning_table.c.rule_id == rule_id)
    if dataset is not None:
        query = query.where(warning_table.c.dataset == dataset)
    if since is not None:
        query = query.where(warning_table.c.last_at >= since)
    if seen_by is not None:
        query = query.where(warning_table.c.party.in_(sorted(seen_by)))
    if changed_since is not None:
        query = query.where(warning_table.c.changed_at >= changed_since)
    if before is not None:
        query = query.where(warning_table.c.id < before)
    return tuple(_warning(row) for row in connection.execute(query.limit(limit)).mappings())


def absorbed_since(connection: Connection, since: Instant) -> tuple[WarningId, ...]:
    """Return the warnings that became part of others at `since` or later."""
    c = warning_table.c
    query = select(c.id).where(c.absorbed_by.is_not(None), c.changed_at >= since)
    return tuple(map(WarningId, connection.scalars(query)))


def outcomes(
    connection: Connection,
) -> tuple[tuple[RuleId, Instant, Instant, Outcome | None, Instant | None], ...]:
    """Return rule, time, raising, outcome and coming true of every warning."""
    c = warning_table.c
    query = select(c.rule_id, c.at, c.raised_at, c.outcome, c.happened_at)
    query = query.where(c.absorbed_by.is_(None))
    return tuple(
        (RuleId(r.rule_id), r.at, r.raised_at, r.outcome and Outcome(r.outcome), r.happened_at)
        for r in connection.execute(query)
    )


@dataclass(frozen=True)
class Noted:
    """What is noted of a warning; of one that became part of another, what is noted of that."""

    warning_id: WarningId
    rule_id: RuleId
    outcome: Outcome | None
    by: str | None
    happened_at: Instant | None


def outcome_of(connection: Connection, warning_id: WarningId) -> Noted | None:
    """Return what is noted of a warning, held against other writers; None when there is none."""
    c = warning_table.c
    columns = (c.id, c.rule_id, c.absorbed_by, c.outcome, c.outcome_by, c.happened_at)
    row = connection.execute(select(*columns).where(c.id == warning_id).with_for_update()).first()
    if row is None:
        return None
    if row.absorbed_by is not None:
        return outcome_of(connection, WarningId(row.absorbed_by))
    outcome = row.outcome and Outcome(row.outcome)
    return Noted(WarningId(row.id), RuleId(row.rule_id), outcome, row.outcome_by, row.happened_at)


def save_outcome(connection: Connection, warning_id: WarningId, values: Mapping[str, Any]) -> bool:
    """Note what a warning turned out to be; false when there is none."""
    query = update(warning_table).where(warning_table.c.id == warning_id).values(dict(values))
    return bool(connection.execute(query).rowcount)


def _standing(row: RowMapping) -> Standing:
    return Standing(
        id=RuleId(row["id"]),
        version=row["version"],
        digest=row["digest"],
        dataset=DatasetName(row["dataset"]),
        owner=PartyId(row["owner"]),
        is_on=row["is_on"],
        off_code=row["off_code"],
        off_reason=row["off_reason"],
        judged_version=row["judged_version"],
        has_judged=row["has_judged"],
        looked_at=row["looked_at"],
    )


def _row(warning: Warning) -> dict[str, Any]:
    return {
        "id": warning.id,
        "rule_id": warning.rule_id,
        "rule_version": warning.rule_version,
        "dataset": warning.dataset,
        "severity": warning.severity.value,
        "party": warning.party,
        "case_kind": warning.case_kind,
        "merge_key": warning.merge_key,
        "at": warning.at,
        "last_at": warning.last_at,
        "count": warning.count,
        "facts": dict(warning.facts),
        "raised_at": warning.raised_at,
    }


def _warning(row: RowMapping) -> Warning:
    return Warning(
        rule_id=RuleId(row["rule_id"]),
        rule_version=row["rule_version"],
        dataset=DatasetName(row["dataset"]),
        severity=Severity(row["severity"]),
        party=None if row["party"] is None else PartyId(row["party"]),
        case_kind=row["case_kind"],
        merge_key=row["merge_key"],
        at=row["at"],
        last_at=row["last_at"],
        count=row["count"],
        facts=row["facts"],
        raised_at=row["raised_at"],
        id=WarningId(row["id"]),
        outcome=row["outcome"] and Outcome(row["outcome"]),
    )
