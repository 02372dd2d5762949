"""Many questions at once: the same answers as one by one, found in the index together.

A list is answered in blocks. Each block has one receipt with all its subjects, durable before its
answers leave; rows that cannot be asked are set aside with the reason. What is beyond a budget, or
looks like fishing, ends the list; the blocks before it stay answered. Rows count against the rate
of lists: one that began ends, and the next waits for what it took too much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from re import compile as pattern
from typing import Any, NamedTuple

import pyarrow as pa

from shuzhi.gather.contracts import LogicalType
from shuzhi.share.access import Refusal
from shuzhi.share.access.conditions import terms
from shuzhi.share.receipts import ReceiptId, record_receipt, set_of, subject_number
from shuzhi.share.verification.answering import Found, found_of
from shuzhi.share.verification.asking import word_of
from shuzhi.share.verification.comparing import Test
from shuzhi.share.verification.desk import Desk
from shuzhi.share.verification.errors import VerificationError, bad_claim, bad_question
from shuzhi.share.verification.fishing import Seen
from shuzhi.share.verification.index import Index
from shuzhi.share.verification.ledger import SUSPENDED, Ledger
from shuzhi.share.verification.model import AsOf, Claim, Question
from shuzhi.share.verification.parts import Key, key_of
from shuzhi.share.verification.permits import Asking, Permit
from shuzhi.share.verification.settling import kept, tell
from shuzhi.share.verification.sheets import SUBJECT, Block, ClaimColumn, Sheet
from shuzhi.share.verification.spelling import spellings
from shuzhi.share.verification.words import refused

# What spreadsheets make of an id with many digits; those that they left out are lost.
_ROUNDED = pattern(r"\d(\.\d+)?[eE]\+\d{2}")
_MEDIA = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True)
class Aside:
    """A row that was not asked, and why: a stable code, and words without its values.

    `title` is that of the column that is wrong, empty where it is no single one.
    """

    number: int
    reason: str
    zh: str
    en: str
    title: str = ""


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


class _Found(NamedTuple):
    """What was found of a row: the subject as it is spelt, and what is watched of it."""

    asked: _Asked
    spelling: str
    found: Found
    seen: Seen


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


class _NotAskedError(Exception):
    """Carries out why a claim may not be asked, with the title of its column."""

    def __init__(self, refusal: Refusal, title: str) -> None:
        super().__init__(refusal.reason)
        self.refusal, self.title = refusal, title


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
        goes_on = asked > 0
        asked += len(block.numbers)
        _require_few(asked, permit)
        done = _answered(desk, permit, sheet.claims, block, goes_on=goes_on)
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
    desk: Desk, permit: Permit, claims: Sequence[ClaimColumn], block: Block, *, goes_on: bool
) -> AnsweredBlock | Refusal:
    if (why := permit.held_back.suspended) is not None:
        return refused(SUSPENDED, why.value)
    index = desk.office.indexes.index(permit.verifiable.dataset)
    if index is None:
        return refused("no_index", permit.verifiable.dataset)
    asked, aside = _checked(permit, claims, block)
    needed = {c.column for c in claims} | {t.column for t in terms(permit.grant.rows)}
    subjects = [each.question.subject for each in asked]
    sought = _sought(desk, index, subjects, needed & set(index.generation.columns))
    found = [_found(desk, permit, each, *rest) for each, rest in zip(asked, sought, strict=True)]
    taken = _counted(desk, permit, found, goes_on=goes_on)
    if isinstance(taken, Refusal):
        return taken
    aside += [_aside_of(each.asked.number, why) for each, why in taken if why is not None]
    answered = [each for each, why in taken if why is None]
    answers = _table(permit, claims, answered)
    receipt = _receipt(desk, permit, claims, index, answers, [each.spelling for each in answered])
    return AnsweredBlock(answers, tuple(aside), receipt, index.as_of)


def _found(
    desk: Desk, permit: Permit, asked: _Asked, spelling: str, key: Key, rows: list[_Listed]
) -> _Found:
    columns = [claim.column for claim in asked.question.claims]
    held = [] if key in permit.stopped else rows
    found = found_of(held, columns, asked.tests, permit.grant.rows)
    return _Found(asked, spelling, found, desk.seen(permit, asked.question, key, found))


def _counted(
    desk: Desk, permit: Permit, found: Sequence[_Found], *, goes_on: bool
) -> list[tuple[_Found, Refusal | None]] | Refusal:
    """Count a block, and each of its rows or why that is not answered; or refuse the block.

    It is durable before the answers are put together: while somebody counts, others wait.
    """
    office = desk.office
    try:
        with office.sharing.control.transaction() as connection:
            ledger = Ledger(connection, office, desk.windows, permit, office.sharing.clock())
            if (refusal := ledger.begin(len(found), goes_on=goes_on)) is not None:
                raise _NoRoomError(refusal)
            ledger.foresee(each.seen for each in found)
            taken = [(each, _taken(ledger, each.seen)) for each in found]
            events = [kept(connection, each, permit) for each in ledger.close()]
    except _NoRoomError as error:
        return error.refusal
    desk.remember([ledger])
    tell(office, events)
    return taken


def _taken(ledger: Ledger, seen: Seen) -> Refusal | None:
    refusal = ledger.take(seen, None)
    if refusal is not None and refusal.reason != SUSPENDED:
        raise _NoRoomError(refusal)
    return refusal


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
            whom = _subject(subject)
            tests = [_test(permit, c.title, claim) for c, claim in zip(claims, made, strict=True)]
        except VerificationError as error:
            title = next((c.title for c in claims if c.column == error.column), SUBJECT)
            aside.append(Aside(number, error.code, error.zh, error.message, title))
            continue
        except _NotAskedError as error:
            aside.append(_aside_of(number, error.refusal, error.title))
            continue
        question = Question(asking.agreement, asking.purpose, asking.role, whom, made)
        asked.append(_Asked(number, question, tests))
    return asked, aside


def _subject(cell: Any) -> str:
    """Return whom a row is about."""
    whom = word_of(cell if isinstance(cell, str) else str(cell or ""), SUBJECT)
    if _ROUNDED.fullmatch(whom.strip()):
        raise bad_question("rounded")
    return whom


def _cell(claim: ClaimColumn, value: Any) -> Any:
    """Return a cell as a claim's value: days and decimals as text, as they are in JSON."""
    if value is None or value == "":
        raise bad_question("nothing_claimed", column=claim.column)
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _test(permit: Permit, title: str, claim: Claim) -> Test:
    test = permit.test(claim)
    if isinstance(test, Refusal):
        raise _NotAskedError(test, title)
    kind, _ = permit.columns[claim.column]
    if kind is LogicalType.STRING and _ROUNDED.fullmatch(str(claim.value)):
        raise bad_claim(claim.column, "rounded")
    return test


def _aside_of(number: int, refusal: Refusal, title: str = "") -> Aside:
    return Aside(number, refusal.reason, refusal.zh, refusal.en, title)


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


def _table(permit: Permit, claims: Sequence[ClaimColumn], answered: Sequence[_Found]) -> pa.Table:
    tells_absent = permit.terms.tells_absent
    shown = [each.found.shown(tells_absent=tells_absent) for each in answered]
    columns: dict[str, pa.Array] = {
        "row": pa.array([each.asked.number for each in answered], pa.int64()),
        "subject": pa.array([each.asked.question.subject for each in answered], pa.string()),
        "answer": pa.array([found.told.value for found in shown], pa.string()),
    }
    for i, claim in enumerate(claims):
        verdicts = [found.verdicts[i] for found in shown]
        columns[claim.title] = pa.array([v.told.value for v in verdicts], pa.string())
        columns[f"{claim.title} reason"] = pa.array([v.reason for v in verdicts], pa.string())
    return pa.table(columns)


def _receipt(
    desk: Desk,
    permit: Permit,
    claims: Sequence[ClaimColumn],
    index: Index,
    answers: pa.Table,
    spelt: Sequence[str],
) -> ReceiptId | None:
    """Write the receipt of a block with its subjects."""
    if not answers.num_rows:
        return None
    office = desk.office
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
    return record_receipt(office.receipts, what, subjects=set_of(numbers)).id


def _bytes(answers: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answers.schema) as writer:
        writer.write_table(answers)
    return sink.getvalue()
