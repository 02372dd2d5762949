"""Lists of subjects as they come in: CSV, JSON lines, Parquet or Arrow, in blocks of rows.

The column `subject` names whom a row is about; every other is a claim, called by its column and,
after a colon, how it is compared: `name:name`, `phone:last`, `born:date:3` (within three days).
"""

from __future__ import annotations

import csv
import json
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from shuzhi.share.verification.asking import how_of, word_of
from shuzhi.share.verification.errors import VerificationError, bad_question
from shuzhi.share.verification.model import How

SUBJECT = "subject"
BLOCK_ROWS = 50_000
_MOST_CLAIMS = 20
_CSV_BLOCK_BYTES = 4 << 20
_UTF_8, _GB_18030 = "utf-8-sig", "gb18030"


@dataclass(frozen=True)
class ClaimColumn:
    """A column of a list: what it is called there, and which claim its values are."""

    title: str
    column: str
    how: How = How.EXACT
    within_days: int = 0


@dataclass(frozen=True)
class Block:
    """Some rows of a list: their numbers, counted from 1, whom they ask about, cells by claim."""

    numbers: Sequence[int]
    subjects: Sequence[Any]
    cells: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Sheet:
    """A list that is open: its claims, its blocks, and rows that could not be read so far."""

    claims: tuple[ClaimColumn, ...]
    blocks: Iterator[Block]
    unread: set[int]


def read_sheet(path: Path) -> Sheet:
    """Open a list by the ending of its name: .csv, .jsonl, .parquet, .arrow.

    Raises:
        VerificationError: `share.bad_batch` for a file that is none of these or cannot be read,
            `share.bad_question` for columns that are no claims.
    """
    unread: set[int] = set()
    opens = {".csv": _csv, ".jsonl": _json, ".parquet": _parquet, ".arrow": _arrow}
    opened = opens.get(path.suffix.lower())
    if opened is None:
        raise _bad(f"{path.suffix[:10] or 'its ending'} is none of {', '.join(opens)}")
    try:
        titles, batches = opened(path, unread)
    except (OSError, pa.ArrowInvalid, ValueError) as error:
        raise _bad(f"it cannot be read ({type(error).__name__})") from None
    claims = claims_of_titles(titles)
    return Sheet(claims, _blocks(claims, batches, unread), unread)


def claims_of_titles(titles: Sequence[str]) -> tuple[ClaimColumn, ...]:
    """Return the claims that a list's columns are. Raises `share.bad_question`."""
    claims = tuple(_claim(title) for title in titles if title != SUBJECT)
    if len(titles) != len(claims) + 1 or len({c.column for c in claims}) != len(claims):
        raise bad_question("titles", subject=SUBJECT)
    if not 0 < len(claims) <= _MOST_CLAIMS:
        raise bad_question("titles_of_claims", most=_MOST_CLAIMS)
    return claims


def _claim(title: str) -> ClaimColumn:
    column, *rest = word_of(title, "a column").split(":")
    if not column or len(rest) > 2 or (len(rest) == 2 and not rest[1].isdecimal()):
        raise bad_question("title")
    how = how_of(rest[0]) if rest else How.EXACT
    return ClaimColumn(title, column, how, int(rest[1]) if len(rest) == 2 else 0)


def _blocks(
    claims: Sequence[ClaimColumn], batches: Iterator[pa.RecordBatch], unread: set[int]
) -> Iterator[Block]:
    numbers = (number for number in count(1) if number not in unread)
    last = 0
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowInvalid, ValueError) as error:
            raise _bad(f"after row {last:,} it cannot be read ({type(error).__name__})") from None
        if batch is None:
            return
        for start in range(0, batch.num_rows, BLOCK_ROWS):
            part = batch.slice(start, BLOCK_ROWS)
            cells = [part.column(claim.title).to_pylist() for claim in claims]
            block = Block(
                list(islice(numbers, part.num_rows)), part.column(SUBJECT).to_pylist(), cells
            )
            last = block.numbers[-1]
            yield block


def _csv(path: Path, unread: set[int]) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    encoding = _encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        titles = next(csv.reader(file), [])

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        # The first row of the file holds the titles.
        unread.add((row.number or 1) - 1)
        return "skip"

    reader = pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False,
            block_size=_CSV_BLOCK_BYTES,
            encoding="utf8" if encoding == _UTF_8 else encoding,
        ),
        parse_options=pyarrow.csv.ParseOptions(
            invalid_row_handler=skip, newlines_in_values=True
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(titles, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )  # fmt: skip
    return titles, iter(reader)


def _encoding_of(path: Path) -> str:
    """Return UTF-8 where all of a file is that, else GB 18030, as spreadsheets here write it.

    Raises `share.bad_batch` for a quotation mark that is never closed: all rows after it would be
    taken for one, and nobody would miss them.
    """
    decoder, encoding, quotes = getincrementaldecoder(_UTF_8)(), _UTF_8, 0
    with path.open("rb") as file:
        while part := file.read(_CSV_BLOCK_BYTES):
            quotes += part.count(b'"')
            if encoding == _UTF_8 and not _decodes(decoder, part):
                encoding = _GB_18030
    if quotes % 2:
        raise _bad("a quotation mark is not closed")
    return encoding if _decodes(decoder, b"", is_last=True) else _GB_18030


def _decodes(decoder: IncrementalDecoder, part: bytes, *, is_last: bool = False) -> bool:
    try:
        decoder.decode(part, is_last)
    except UnicodeDecodeError:
        return False
    return True


def _json(path: Path, unread: set[int]) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    with path.open(encoding="utf-8") as file:
        titles = list(json.loads(file.readline()))

    def batches() -> Iterator[pa.RecordBatch]:
        with path.open(encoding="utf-8") as file:
            number = 0
            while lines := list(islice(file, BLOCK_ROWS)):
                rows = []
                for line in lines:
                    number += 1
                    row = _row(line, titles)
                    if row is None:
                        unread.add(number)
                    else:
                        rows.append(row)
                columns = [[_text(row.get(title)) for row in rows] for title in titles]
                yield pa.record_batch([pa.array(c, pa.string()) for c in columns], titles)

    return titles, batches()


def _row(line: str, titles: Sequence[str]) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and row.keys() <= set(titles) else None


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _parquet(path: Path, _: set[int]) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    file = pyarrow.parquet.ParquetFile(path)
    return file.schema_arrow.names, file.iter_batches(batch_size=BLOCK_ROWS)


def _arrow(path: Path, _: set[int]) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    return file.schema.names, (file.get_batch(i) for i in range(file.num_record_batches))


def _bad(why: str) -> VerificationError:
    return VerificationError(
        "share.bad_batch",
        f"The list cannot be used: {why}.",
        next_step="Write it as CSV, JSON lines, Parquet or Arrow with a column `subject`.",
    )
