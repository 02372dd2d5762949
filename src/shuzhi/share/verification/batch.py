"""Many questions at once: the same answers as one by one, found in the index together.

A list is answered in blocks. Each block has one receipt with all its subjects, durable before its
answers leave; rows that cannot be asked are set aside with the reason. What is beyond a budget, or
looks like fishing, ends the list; the blocks before it stay answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import Connection

from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal
from shuzhi.share.access.conditions import terms
from shuzhi.share.receipts import ReceiptId, record_receipt, set_of, subject_number
from shuzhi.share.verification.answering import Found, found_of
from shuzhi.share.verification.asking import word_of
from shuzhi.share.verification.comparing import Test
from shuzhi.share.verification.desk import Desk
from shuzhi.share.verification.errors import VerificationError, bad_question
from shuzhi.share.verification.fishing import Suspicion
from shuzhi.share.verification.index import Index
from shuzhi.share.verification.model import AsOf, Claim, Question
from shuzhi.share.verification.parts import Key, key_of
from shuzhi.share.verification.permits import Asking, Permit
from shuzhi.share.verification.settling import counted, kept, tell
from shuzhi.share.verification.sheets import Block, ClaimColumn, Sheet
from shuzhi.share.verification.spelling import spellings
from shuzhi.share.verification.words import refused

_MEDIA = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True)
class Aside:
    """A row that was not asked, and why: a stable code and words without its values."""

    number: int
    reason: str
    words: str


@dataclass(frozen=True)
class AnsweredBlock:
    """The answers of a block, one row each, and the rows that were set aside."""

    answers: pa.Table
    aside: tuple[Aside, ...]
    receipt: ReceiptId | None
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class _Asked:
    """A row that can be asked."""

    number: int
    question: Question
    tests: list[Test]


class _Listed(NamedTuple):
    """A row among many that were found, of which the columns that are needed were read at once."""

    columns: dict[str, list[Any]]
    number: int

    def held(self, column: str) -> Any:
        """Return the value of a column."""
        return self.columns[column][self.number]


class _NoRoomError(Exception):
    """Carries a refusal out of a transaction, which is undone."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def answer_sheet(desk: Desk, asking: Asking, sheet: Sheet) -> Iterator[AnsweredBlock | Refusal]:
    """Yield the answers of a list block by block; a refusal is the last that comes.

    Raises:
        VerificationError: `share.bad_batch`, also for more rows than a list may have.
    """
    asked = 0
    for block in sheet.blocks:
        permit = desk.look_up(asking)
        if isinstance(permit, Refusal):
            yield permit
            return
        asked += len(block.numbers)
        _require_few(asked, permit)
        done = _answered(desk, permit, sheet.claims, block)
        yield done
        if isinstance(done, Refusal):
            return


def _require_few(asked: int, permit: Permit) -> None:
    most = permit.terms.limits.most_of_a_batch
    if most is not None and asked > most:
        raise VerificationError(
            "share.bad_batch",
            f"A list has at most {most:,} rows.",
            next_step="Send the rest as another list.",
        )


def _answered(
    desk: Desk, permit: Permit, claims: Sequence[ClaimColumn], block: Block
) -> AnsweredBlock | Refusal:
    if permit.suspended is not None:
        return refused("suspended", permit.suspended.value)
    index = desk.office.indexes.index(permit.verifiable.dataset)
    if index is None:
        return refused("no_index", permit.verifiable.dataset)
    asked, aside = _checked(permit, claims, block)
    needed = {c.column for c in claims} | {t.column for t in terms(permit.grant.rows)}
    subjects = [each.question.subject for each in asked]
    sought = _sought(desk, index, subjects, needed & set(index.generation.columns))
    answered: list[tuple[_Asked, Found]] = []
    spelt: list[str] = []
    suspicions: list[Suspicion] = []
    for each, (spelling, key, rows) in zip(asked, sought, strict=True):
        if (why := permit.withheld(key)) is not None:
            aside.append(_aside_of(each.number, refused("suspended", why.value)))
            continue
        columns = [claim.column for claim in each.question.claims]
        held = [] if key in permit.stopped else rows
        found = found_of(held, columns, each.tests, permit.grant.rows)
        suspicions += desk.noted(permit, each.question, key, found)
        answered.append((each, found.shown(tells_absent=permit.terms.tells_absent)))
        spelt.append(spelling)
    answers = _table(claims, answered)
    receipt = _settled(desk, permit, claims, index, answers, spelt, suspicions)
    if isinstance(receipt, Refusal):
        return receipt
    return AnsweredBlock(answers, tuple(aside), receipt, index.as_of)


def _checked(
    permit: Permit, claims: Sequence[ClaimColumn], block: Block
) -> tuple[list[_Asked], list[Aside]]:
    """Return the rows that can be asked, with their tests, and those that cannot."""
    asked: list[_Asked] = []
    aside: list[Aside] = []
    asking = permit.asking
    for number, subject, *cells in zip(block.numbers, block.subjects, *block.cells, strict=True):
        try:
            made = tuple(
                Claim(c.column, _cell(c, value), c.how, c.within_days)
                for c, value in zip(claims, cells, strict=True)
            )
            whom = word_of(subject if isinstance(subject, str) else str(subject or ""), "subject")
            tests = permit.tests(made)
        except VerificationError as error:
            aside.append(Aside(number, error.code, error.message))
            continue
        if isinstance(tests, Refusal):
            aside.append(_aside_of(number, tests))
            continue
        question = Question(asking.agreement, asking.purpose, asking.role, whom, made)
        asked.append(_Asked(number, question, tests))
    return asked, aside


def _cell(claim: ClaimColumn, value: Any) -> Any:
    """Return a cell as a claim's value: days and decimals as text, as they are in JSON."""
    if value is None or value == "":
        raise bad_question(f"nothing is claimed about {claim.column[:60]!r}")
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _aside_of(number: int, refusal: Refusal) -> Aside:
    return Aside(number, refusal.reason, f"{refusal.zh} {refusal.en}")


def _sought(
    desk: Desk, index: Index, subjects: Sequence[str], needed: set[str]
) -> Iterator[tuple[str, Key, list[_Listed]]]:
    """Yield each subject as it is spelt in the data, its hash, and its rows."""
    rows: defaultdict[int, list[_Listed]] = defaultdict(list)
    spelt: dict[int, str] = {}
    for part in index.many(subjects):
        numbers = part.numbers.tolist()
        columns = {name: part.rows.column(name).to_pylist() for name in needed}
        spelt |= zip(numbers, part.spelt, strict=True)
        for at, number in enumerate(numbers):
            rows[number].append(_Listed(columns, at))
    secret = desk.office.indexes.secret
    for number, subject in enumerate(subjects):
        spelling = spelt.get(number) or spellings(subject)[0]
        yield spelling, key_of(secret, spelling), rows.get(number, [])


def _table(claims: Sequence[ClaimColumn], answered: Sequence[tuple[_Asked, Found]]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "row": pa.array([each.number for each, _ in answered], pa.int64()),
        "subject": pa.array([each.question.subject for each, _ in answered], pa.string()),
        "answer": pa.array([found.told.value for _, found in answered], pa.string()),
    }
    for i, claim in enumerate(claims):
        verdicts = [found.verdicts[i] for _, found in answered]
        columns[claim.title] = pa.array([v.told.value for v in verdicts], pa.string())
        columns[f"{claim.title} reason"] = pa.array([v.reason for v in verdicts], pa.string())
    return pa.table(columns)


def _settled(
    desk: Desk,
    permit: Permit,
    claims: Sequence[ClaimColumn],
    index: Index,
    answers: pa.Table,
    spelt: Sequence[str],
    suspicions: Sequence[Suspicion],
) -> ReceiptId | Refusal | None:
    """Write down a block: receipt with subjects, count, and what was found; or refuse it."""
    if not answers.num_rows:
        return None
    office, events = desk.office, list[Event]()

    def also(connection: Connection, at: Instant) -> None:
        room, refusal, unusual = counted(connection, office, permit, answers.num_rows, at)
        if room < answers.num_rows:
            raise _NoRoomError(refusal)
        events.extend(kept(connection, found, permit) for found in (*suspicions, *unusual))

    numbers = [subject_number(office.receipts, permit.kind, spelling) for spelling in spelt]
    sent = _bytes(answers)
    columns = tuple(claim.column for claim in claims)
    what = replace(
        permit.receipt(columns, index.as_of.version).what,
        rows=answers.num_rows,
        size_bytes=len(sent),
        sha256=sha256(sent).hexdigest(),
        media=_MEDIA,
    )
    try:
        receipt = record_receipt(office.receipts, what, subjects=set_of(numbers), also=also)
    except _NoRoomError as error:
        return error.refusal
    tell(office, events)
    return receipt.id


def _bytes(answers: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answers.schema) as writer:
        writer.write_table(answers)
    return sink.getvalue()
