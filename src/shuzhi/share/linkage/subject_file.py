"""One file per subject (一人一档, 一企一档): a governed view over the sources, never a copy.

Each row comes through `share.access.decide` for whoever asks, at the moment they ask. Of a data set
that they may not see they do not learn either whether it knows the subject.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shuzhi.audit import Entry, queue
from shuzhi.gather.contracts import LogicalType
from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.schema import identifier
from shuzhi.share.access import (
    Allowed,
    DatasetFacts,
    Form,
    Grant,
    Limits,
    MaskTable,
    Operator,
    Refusal,
    Request,
    Term,
    User,
    ask,
    decide,
)
from shuzhi.share.access.conditions import both
from shuzhi.share.access.masks import KEEP
from shuzhi.share.access.reasons import refused
from shuzhi.share.linkage.cleaning import as_written
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.model import Linkage, Member, Record
from shuzhi.share.linkage.office import LinkageOffice
from shuzhi.share.linkage.presets import presets
from shuzhi.share.linkage.use_cases import records, subject_of

# `07` is the key of no row whose key is 7: a subject is found by keys as they are written.
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_MOST_DIGITS = 19


@dataclass(frozen=True)
class Asker:
    """Who looks at a subject, in which role and for which purpose."""

    user: User
    role: str
    purpose: str


@dataclass(frozen=True)
class Source:
    """What access needs to know of a data set: its facts, and what the asker's party may do."""

    facts: DatasetFacts
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Leaving:
    """Rows of one data set that are about to be shown: what allows it, and which keys were read.

    `version` is that of the data set.
    """

    allowed: Allowed
    member: Member
    version: int
    keys: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Door:
    """What stands between the asker and the rows: data sets, masks, the secret of pseudonyms.

    `narrowed` takes out what must not leave although a grant allows it, as of people who objected;
    `receipt` keeps proof of what leaves, before it does, or says why it may not now.
    """

    lake: Lake
    sources: Mapping[str, Source]
    masks: MaskTable
    city_key: bytes
    limits: Limits
    narrowed: Callable[[Allowed], Allowed]
    receipt: Callable[[Leaving], Refusal | None]


@dataclass(frozen=True)
class Sheet:
    """What one data set shows of a subject.

    With a `refusal` nothing is shown, and whether there is a row is not told. `masked` are columns
    shown through a mask, `withheld` granted ones for which no mask was found.
    """

    dataset: str
    refusal: Refusal | None
    columns: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class Told:
    """What one source says of a datum, and when it was true last, where that may be seen."""

    dataset: str
    value: str
    seen_at: str | None


@dataclass(frozen=True)
class Differs:
    """A part of which the sources that may be seen say different things, the newest first.

    To write one thing in two ways is not to say two things.
    """

    part: str
    told: tuple[Told, ...]


@dataclass(frozen=True)
class SubjectFile:
    """All that the asker may see of one subject, source by source, and where sources differ.

    `subject` is None for who named a record and sees that one alone: whether there are others, in
    data sets that they may not see, is not told.
    """

    linkage: str
    subject: str | None
    sheets: tuple[Sheet, ...]
    differs: tuple[Differs, ...]


def subject_file(
    office: LinkageOffice, door: Door, linkage: str, subject: str | Record, *, asker: Asker
) -> SubjectFile:
    """Return the file of a subject, by its id or by a record that the asker may see.

    Raises:
        LinkageError: `share.linkage_unknown`, `share.linkage_subject_unknown`.
        BrokenError: as `access.ask`.
    """
    declared = office.linkage(linkage)
    if isinstance(subject, Record):
        _require_seen(office, door, declared, subject, asker)
        found = subject_of(office, linkage, subject)
    else:
        found = subject
    known = (subject,) if found is None and isinstance(subject, Record) else ()
    held = known or records(office, linkage, found or "")
    made = [_sheet(office, door, member, held, asker) for member in declared.members]
    sheets = tuple(_receipted(door, sheet, leaving) for sheet, leaving in made)
    shown = SubjectFile(linkage, found, sheets, tuple(_differs(declared, sheets)))
    _note(office, shown, asker)
    sees_others = sum(len(sheet.rows) for sheet in sheets) > 1
    return shown if sees_others or found == subject else replace(shown, subject=None)


def _receipted(door: Door, sheet: Sheet, leaving: Leaving | None) -> Sheet:
    no = None if leaving is None else door.receipt(leaving)
    return sheet if no is None else Sheet(sheet.dataset, no)


def _require_seen(
    office: LinkageOffice, door: Door, declared: Linkage, record: Record, asker: Asker
) -> None:
    """Refuse alike what is not there and what the asker may not see."""
    member = declared.member(record.dataset)
    if member is None or not _sheet(office, door, member, [record], asker)[0].rows:
        raise LinkageError(
            "share.linkage_subject_unknown",
            f"There is no record of {record.dataset[:60]} that you may see under this key.",
            next_step="Correct the key, or apply for the data set.",
        )


def _sheet(
    office: LinkageOffice, door: Door, member: Member, held: Iterable[Record], asker: Asker
) -> tuple[Sheet, Leaving | None]:
    allowed = _allowed(office, door, member.dataset, asker)
    if isinstance(allowed, Refusal):
        return Sheet(member.dataset, allowed), None
    source = door.sources[member.dataset]
    keys = tuple(
        r.key for r in held if r.dataset == member.dataset and _fits(member, r.key, source)
    )
    masked = tuple(c.name for c in allowed.columns if c.mask != KEEP)
    names = tuple(c.name for c in allowed.columns)
    sheet = Sheet(member.dataset, None, names, masked, allowed.withheld)
    if not keys:
        return sheet, None
    only = _only(member.key, keys, source.facts)
    mine = replace(allowed, rows=both(allowed.rows, only))
    sql = f"SELECT {', '.join(map(identifier, names))} FROM {identifier(member.dataset)}"  # noqa: S608
    version = door.lake.version(member.dataset)
    at = {member.dataset: version}
    answer = ask(door.lake, [mine], sql, city_key=door.city_key, limits=door.limits, versions=at)
    if isinstance(answer, Refusal):
        return Sheet(member.dataset, answer), None
    rows = tuple(zip(*(column.to_pylist() for column in answer.columns), strict=True))
    return replace(sheet, rows=rows), Leaving(mine, member, version, keys, rows) if rows else None


def _allowed(office: LinkageOffice, door: Door, dataset: str, asker: Asker) -> Allowed | Refusal:
    source = door.sources[dataset]
    request = Request(asker.user, asker.role, asker.purpose, source.facts.name, office.clock())
    # A grant of figures or of yes and no shows no rows.
    held = [grant for grant in source.grants if grant.form is Form.ROWS]
    tried = [decide(grant, request, source.facts, door.masks) for grant in held]
    allowed = [each for each in tried if isinstance(each, Allowed)]
    if allowed:
        return door.narrowed(max(allowed, key=lambda each: len(each.columns)))
    return next((r for r in tried if isinstance(r, Refusal)), refused("no_grant"))


def _fits(member: Member, key: str, source: Source) -> bool:
    """Tell whether a text is how a key would be written; what is not is none that is there."""
    known = source.facts.columns.get(member.key)
    is_whole = known is not None and known.logical_type is LogicalType.INTEGER
    return not is_whole or (len(key) <= _MOST_DIGITS and _WHOLE.fullmatch(key) is not None)


def _only(column: str, keys: Sequence[str], facts: DatasetFacts) -> Term:
    known = facts.columns.get(column)
    is_whole = known is not None and known.logical_type is LogicalType.INTEGER
    return Term(column, Operator.ONE_OF, tuple(int(k) if is_whole else k for k in keys))


def _differs(declared: Linkage, sheets: Sequence[Sheet]) -> Iterable[Differs]:
    for part in declared.parts:
        told = [t for sheet in sheets for t in _told(declared, part.name, sheet)]
        values, known = sorted({t.value for t in told}), presets()
        if len(values) > 1 and len(set(as_written(values, known.forms[part.form], known))) > 1:
            newest = sorted(told, key=lambda t: (t.seen_at or "", t.dataset), reverse=True)
            yield Differs(part.name, tuple(dict.fromkeys(newest)))


def _told(declared: Linkage, part: str, sheet: Sheet) -> Iterable[Told]:
    """Yield what a sheet says of a part; a masked value is no value to hold against another."""
    member = declared.member(sheet.dataset)
    column = None if member is None else member.parts[part]
    if member is None or column not in sheet.columns or column in sheet.masked:
        return
    place = sheet.columns.index(column)
    seen = member.seen_at if member.seen_at in sheet.columns else None
    when = None if seen is None else sheet.columns.index(seen)
    for row in sheet.rows:
        if row[place] is not None:
            moment = None if when is None or row[when] is None else str(row[when])
            yield Told(sheet.dataset, str(row[place]).strip(), moment)


def _note(office: LinkageOffice, shown: SubjectFile, asker: Asker) -> None:
    """Record the look before the answer leaves: who, for what, and how much of which source."""
    facts = {
        "party": asker.user.party,
        "role": asker.role,
        "purpose": asker.purpose,
        "subject": shown.subject,
        "rows": {s.dataset: len(s.rows) for s in shown.sheets if s.refusal is None},
        "refused": {s.dataset: s.refusal.reason for s in shown.sheets if s.refusal is not None},
    }
    about = f"linkage:{shown.linkage}"
    entry = Entry("linkage.subject_shown", office.clock(), asker.user.id, about, facts)
    with office.control.transaction() as connection:
        queue(connection, entry)
