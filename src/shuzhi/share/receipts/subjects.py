"""Subjects as keyed numbers, and the sets of them that receipts point to.

A number is the first 60 bits of HMAC-SHA256 over kind and id: nobody without the key can tell whom
it stands for, nor try ids against it. Small sets are rows of the control store; large ones are
sorted in one file each of a Delta table, so that to look for one number reads one row group of
each. A set that was made of the same rows of the same version is used again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from secrets import randbits

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, bindparam, insert, select

from shuzhi.gather.lake import Lake
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.receipts.model import SubjectNumber, SubjectSetId
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.store import set_table, subject_table

TABLE = "receipt_subjects"
INNER, OUTER = "shuzhi_subject_inner", "shuzhi_subject_outer"
# Below this a set costs less as rows; a file costs some 20 ms however small it is.
MOST_AS_ROWS = 1_000
_DIGITS = 15
_s = set_table.c
_OF_ORIGIN = Prepared(select(_s.id, _s.subjects, _s.sha256).where(_s.origin == bindparam("origin")))
_BLOCK = 64


@dataclass(frozen=True)
class SubjectSet:
    """Subjects to be kept with a receipt; of one that is kept already, `id` is known."""

    numbers: pa.Array | None
    count: int
    sha256: str
    origin: str | None = None
    id: SubjectSetId | None = None


def subject_number(office: ReceiptOffice, kind: str, subject: str) -> SubjectNumber:
    """Return the number of a subject: a kind (person, company) and the id that data call it by."""
    mac = office.subject_mac.copy()
    mac.update(f"{kind}:{subject}".encode())
    return SubjectNumber(int(mac.hexdigest()[:_DIGITS], 16))


def number_sql(kind: str, column: str) -> str:
    """Return SQL for the number of the subject in `column`, which is SQL of ours, quoted.

    It has the parameters `INNER` and `OUTER`, which `number_parameters` gives. HMAC is written out
    (RFC 2104), for DuckDB has none.
    """
    if not kind.isidentifier():
        raise ValueError(f"{kind!r} is no kind of subject.")
    inner = f"sha256(${INNER} || encode('{kind}:' || CAST({column} AS VARCHAR)))"
    return f"CAST('0x' || left(sha256(${OUTER} || unhex({inner})), {_DIGITS}) AS BIGINT)"


def number_parameters(office: ReceiptOffice) -> dict[str, bytes]:
    """Return the parameters of `number_sql`."""
    key = office.subject_key.ljust(_BLOCK, b"\0")
    return {INNER: bytes(b ^ 0x36 for b in key), OUTER: bytes(b ^ 0x5C for b in key)}


def set_of(numbers: Iterable[int] | pa.Array, origin: str | None = None) -> SubjectSet:
    """Return the set of `numbers`, each once; `origin` says what it is made of, to be found by."""
    given = numbers if isinstance(numbers, (pa.Array, pa.ChunkedArray)) else list(numbers)
    ordered = np.sort(np.asarray(given, dtype=np.int64))
    # `np.unique` hashes before it sorts, which takes many times as long.
    sorted_once = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    digest = hashlib.sha256(sorted_once.astype("<i8").tobytes()).hexdigest()
    return SubjectSet(pa.array(sorted_once), len(sorted_once), digest, origin)


def known_set(office: ReceiptOffice, origin: str) -> SubjectSet | None:
    """Return the set that was made of `origin` before; None when there is none."""
    with office.sharing.control.moment() as now, now.transaction() as connection:
        rows = _OF_ORIGIN.rows(connection, {"origin": origin})
    if not rows:
        return None
    # Two who made the same set at once made two.
    number, count, sha256 = rows[0]
    return SubjectSet(None, count, sha256, origin, SubjectSetId(number))


def staged(office: ReceiptOffice, found: SubjectSet) -> Callable[[Connection], SubjectSetId]:
    """Put a large set on the disk, and return what writes the rest within a transaction.

    A set that no transaction came to speak of is never found; what it takes is lost.
    """
    known = found.id
    if known is not None:
        return lambda _: known
    number = SubjectSetId(randbits(62))
    is_in_lake = found.count > MOST_AS_ROWS
    if is_in_lake:
        column = pa.array(np.full(found.count, number, dtype=np.int64))
        rows = pa.table({"subject": found.numbers, "subject_set": column})
        office.subjects.append(TABLE, rows)

    def write(connection: Connection) -> SubjectSetId:
        row = {"id": number, "origin": found.origin, "subjects": found.count}
        connection.execute(
            insert(set_table).values(**row, sha256=found.sha256, is_in_lake=is_in_lake)
        )
        if found.numbers is not None and found.count and not is_in_lake:
            rows = [{"subject": n, "subject_set": number} for n in found.numbers.to_pylist()]
            connection.execute(insert(subject_table), rows)
        return number

    return write


def sets_with(office: ReceiptOffice, subject: SubjectNumber) -> frozenset[SubjectSetId]:
    """Return every set that holds a subject."""
    query = select(subject_table.c.subject_set).where(subject_table.c.subject == subject)
    with office.sharing.control.transaction() as connection:
        as_rows = connection.scalars(query).all()
    return frozenset(map(SubjectSetId, (*as_rows, *_in_lake(office.subjects, subject))))


def _in_lake(lake: Lake, subject: SubjectNumber) -> list[int]:
    if not lake.exists(TABLE):
        return []
    with lake.duck(only=(TABLE,)) as connection:
        sql = f"SELECT DISTINCT subject_set FROM {TABLE} WHERE subject = $subject"  # noqa: S608
        return [row[0] for row in connection.execute(sql, {"subject": subject}).fetchall()]
