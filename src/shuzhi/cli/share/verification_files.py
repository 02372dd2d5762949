"""The files that answers to a list go to: CSV, and beside it the rows that were set aside."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.csv

from shuzhi.share.verification import AnsweredBlock, Aside

_UNREAD = "该行无法读取。 The row cannot be read."


class AnswerFiles:
    """Both files, open for writing; nobody but their owner reads them.

    `aside` counts the rows that were set aside, `last` is the last row that is done.
    """

    def __init__(self, answers: Path) -> None:
        self.aside = 0
        self.last = 0
        self._path = answers
        self._stack = ExitStack()
        self._writer: pyarrow.csv.CSVWriter | None = None

    def __enter__(self) -> Self:
        """Open the file of rows set aside; that of answers opens with the first of them."""
        self._path.touch(mode=0o600)
        # What an earlier list was answered is not the answer to this one.
        self._path.write_bytes(b"")
        path = self._path.with_name(f"{self._path.name}.aside")
        path.touch(mode=0o600)
        file = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        self._rows = csv.writer(file)
        self._rows.writerow(("row", "reason", "column", "words"))
        return self

    def __exit__(self, *_: object) -> None:
        """Close both."""
        self._stack.close()

    def write(self, block: AnsweredBlock) -> None:
        """Write a block."""
        receipts = pa.array([block.receipt] * block.answers.num_rows, pa.int64())
        answers = block.answers.append_column("receipt", receipts)
        if self._writer is None:
            made = pyarrow.csv.CSVWriter(str(self._path), answers.schema)
            self._writer = self._stack.enter_context(made)
        self._writer.write_table(answers)
        self._rows.writerows(_line(a) for a in block.aside)
        self.aside += len(block.aside)
        numbers = [*block.answers.column("row").to_pylist(), *(a.number for a in block.aside)]
        self.last = max(numbers, default=self.last)

    def write_unread(self, numbers: Iterable[int]) -> None:
        """Write the rows that could not even be read."""
        for number in sorted(numbers):
            self._rows.writerow((number, "unreadable", "", _UNREAD))
            self.aside += 1


def _line(aside: Aside) -> tuple[int, str, str, str]:
    return aside.number, aside.reason, aside.title, f"{aside.zh} {aside.en}"
