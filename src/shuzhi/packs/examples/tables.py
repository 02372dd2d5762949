"""Small tables as people write them in YAML: one line of names, one line for each row.

Cells are separated by commas; blanks around them only line the columns up, and an empty cell is
no value. A cell that holds a comma stands in double quotes (RFC 4180).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table of texts; None is no value. `lines` tells in which line of the text a row stands."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    lines: tuple[int, ...] = ()

    def as_csv(self) -> str:
        """Return the table as CSV without the blanks, as a source reads it."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerows([self.columns, *(["" if c is None else c for c in r] for r in self.rows)])
        return written.getvalue()


def parse_table(text: str) -> TextTable:
    """Return the table in `text`.

    Raises:
        ValueError: says what is wrong, and in which line of the text.
    """
    numbered = [(i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not numbered:
        raise ValueError("is empty; write the names of the columns in its first line")
    cells = [(i, _cells(line)) for i, line in numbered]
    columns = cells[0][1]
    if None in columns or len(set(columns)) < len(columns):
        raise ValueError("its first line names each column once")
    for i, row in cells[1:]:
        if len(row) != len(columns):
            raise ValueError(f"line {i} has {len(row)} cells, the first line {len(columns)}")
    names = tuple(str(name) for name in columns)
    return TextTable(names, tuple(r for _, r in cells[1:]), tuple(i for i, _ in cells[1:]))


def _cells(line: str) -> tuple[str | None, ...]:
    try:
        found = next(csv.reader([line], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(f"cannot be cut into cells ({error}): {line.strip()[:60]}") from None
    return tuple(cell.strip() or None for cell in found)
