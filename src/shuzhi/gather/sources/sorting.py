"""Sorts the rows of one part: good ones into Parquet files in one scan, bad ones with all reasons.

Only a part with bad rows is scanned a second time, to say what is wrong with them. All of it is
SQL in one DuckDB, which spills to disk, so that memory stays bounded whatever the size of a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from shuzhi.gather.contracts.model import Table
from shuzhi.gather.contracts.rows import arrow_schema
from shuzhi.gather.lake import StagedFiles
from shuzhi.gather.lake.errors import room_to_write
from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.conform import ROW, Arrival, typed_rows_sql
from shuzhi.gather.sources.findings import Fault, conflict, findings_sql, row_sql
from shuzhi.gather.sources.progress import Tell, run_watched
from shuzhi.kernel.errors import BrokenError, RefusedError

_FORMAT = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, RETURN_FILES true, "
    "FILENAME_PATTERN '{uuid}'"
)


@dataclass(frozen=True)
class Sorted:
    """The good rows of a part, as files, and how many rows are what.

    `conflicting` rows are otherwise good, but contradict another with the same key; `repeated`
    ones equal an earlier row of the part.
    """

    files: StagedFiles
    good: int
    bad: int
    conflicting: int = 0
    repeated: int = 0

    @property
    def read(self) -> int:
        """How many rows there were."""
        return self.good + self.kept_out + self.repeated

    @property
    def kept_out(self) -> int:
        """How many rows the table does not take."""
        return self.bad + self.conflicting


class Sorter:
    """Sorts one part by its `faults`, with files of about `file_bytes` in `folder`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        arrival: Arrival,
        table: Table,
        faults: Sequence[Fault],
        folder: Path,
        file_bytes: int,
    ) -> None:
        self._connection = connection
        self._arrival = arrival
        self._table = table
        self._faults = tuple(faults)
        self._folder = folder
        self._options = f"{_FORMAT}, FILE_SIZE_BYTES {file_bytes}"
        self._names = ", ".join(identifier(f.name) for f in table.fields)
        self._keys = ", ".join(map(identifier, table.key))

    def sort(self, tell: Tell) -> Sorted:
        """Write the good rows and count the others, in one scan.

        Raises:
            RefusedError: `gather.unreadable_part`, `gather.source_gone`.
            BrokenError: `gather.disk_full`, `gather.too_little_memory`.
        """
        with self._explained():
            good, files = self._copy(self._good_sql(), "all", tell)
            bad = self._one("SELECT nextval('bad_rows') - 1")
            if not self._table.key or not good:
                return Sorted(self._staged(files), good, bad)
            return self._by_key(good, bad, files)

    def keep_out(self, found: Sorted) -> pa.RecordBatchReader:
        """Return `row_number`, `findings` and `row` (JSON text) of the rows kept out, in order."""
        faults = self._faults
        if found.conflicting:
            # Only rows without fault were compared by their keys.
            is_key = f"({self._keys}) IN (SELECT ({self._keys}) FROM conflicts)"  # noqa: S608
            is_good = "".join(f" AND ({f.condition}) IS NOT TRUE" for f in faults)
            faults = (*faults, conflict(self._table.key, f"({is_key}{is_good})"))
        with self._explained():
            if self._arrival.first_row is None or found.conflicting:
                self._number_all(faults)
            else:
                self._number_by_place(self._arrival.first_row)
        self._require(found.kept_out)
        # Read with bounded memory, in the order of their numbers.
        return self._connection.sql("FROM kept_out ORDER BY row_number").to_arrow_reader()

    def _number_all(self, faults: Sequence[Fault]) -> None:
        """Keep the bad rows with their numbers; one thread alone can number them as they come."""
        rows = typed_rows_sql(self._arrival, numbered=True)
        self._connection.execute(
            f'CREATE OR REPLACE TEMP TABLE kept_out AS SELECT "{ROW}" AS row_number, '  # noqa: S608
            f'{findings_sql(faults)} AS findings, {row_sql(self._arrival)} AS "row" '
            f"FROM ({rows}) WHERE {_any(faults)}"
        )

    def _number_by_place(self, first_row: int) -> None:
        """Do the same on all cores: a table keeps the order of its rows, so that places count."""
        self._connection.execute("DROP TABLE IF EXISTS kept_out")
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE every_row AS SELECT "  # noqa: S608
            f"CASE WHEN {_any(self._faults)} THEN struct_pack("
            f'findings := {findings_sql(self._faults)}, "row" := {row_sql(self._arrival)}) END '
            f"AS bad FROM ({typed_rows_sql(self._arrival)})"
        )
        self._connection.execute(
            f"CREATE TEMP TABLE kept_out AS SELECT rowid + {first_row} AS row_number, "  # noqa: S608
            'bad.findings, bad."row" FROM every_row WHERE bad IS NOT NULL'
        )
        self._connection.execute("DROP TABLE every_row")

    def _good_sql(self) -> str:
        self._connection.execute("CREATE OR REPLACE TEMP SEQUENCE bad_rows")
        # Evaluated for bad rows alone, the sequence counts them; and a condition that does more
        # than decide stays above the casts, which would else be worked out twice.
        is_good = f"CASE WHEN {_any(self._faults)} THEN nextval('bad_rows') < 0 ELSE true END"
        return f"SELECT {self._names} FROM ({typed_rows_sql(self._arrival)}) WHERE {is_good}"  # noqa: S608

    def _by_key(self, good: int, bad: int, files: list[str]) -> Sorted:
        """Leave one of rows that are the same, and none of those that contradict each other."""
        run, keys = self._connection.execute, self._keys
        rows = f"read_parquet([{', '.join(map(literal, files))}])"
        run(
            f"CREATE OR REPLACE TEMP TABLE doubled AS SELECT {keys} FROM {rows} "  # noqa: S608
            f"GROUP BY {keys} HAVING count(*) > 1"
        )
        if not self._one("SELECT count(*) FROM doubled"):
            return Sorted(self._staged(files), good, bad)
        several = f"(SELECT DISTINCT {self._names} FROM {rows} SEMI JOIN doubled USING ({keys}))"  # noqa: S608
        run(
            f"CREATE OR REPLACE TEMP TABLE conflicts AS SELECT {keys} FROM {several} "  # noqa: S608
            f"GROUP BY {keys} HAVING count(*) > 1"
        )
        single = (
            f"SELECT {self._names} FROM {rows} ANTI JOIN doubled USING ({keys}) UNION ALL "  # noqa: S608
            f"SELECT {self._names} FROM {several} ANTI JOIN conflicts USING ({keys})"
        )
        conflicting = self._one(f"SELECT count(*) FROM {rows} SEMI JOIN conflicts USING ({keys})")  # noqa: S608
        left, kept = self._copy(single, "single", lambda _share: None)
        return Sorted(self._staged(kept), left, bad, conflicting, good - left - conflicting)

    def _copy(self, sql: str, name: str, tell: Tell) -> tuple[int, list[str]]:
        target = literal(str(self._folder / name))
        copied = run_watched(self._connection, f"COPY ({sql}) TO {target} ({self._options})", tell)
        rows, files = copied[0]
        return int(rows), list(files)

    def _staged(self, files: Sequence[str]) -> StagedFiles:
        return StagedFiles(arrow_schema(self._table), tuple(map(Path, files)), self._table.key)

    def _require(self, kept_out: int) -> None:
        found = self._one("SELECT count(*) FROM kept_out")
        if found != kept_out:
            raise BrokenError(
                "gather.rows_lost",
                f"{self._arrival.origin}: one scan kept {kept_out} rows out, the next {found}.",
                next_step="Run it again; if the numbers stay, report this. Nothing was stored.",
            )

    def _one(self, sql: str) -> int:
        # All of it: a result left half read would hold the connection.
        return int(self._connection.execute(sql).fetchall()[0][0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what DuckDB's errors mean for a load."""
        origin = self._arrival.origin
        try:
            with room_to_write(self._folder.parent.parent, self._folder):
                yield
        except duckdb.InvalidInputException as error:
            raise RefusedError(
                "gather.unreadable_part",
                f"{origin} cannot be cut into rows: {str(error).splitlines()[0][:200]}",
                next_step="Compare its delimiter and quotes with those of the source.",
            ) from None
        except duckdb.OutOfMemoryException as error:
            raise BrokenError(
                "gather.too_little_memory",
                f"{origin} could not be sorted in the memory allowed: {_first_line(error)}",
                next_step="Raise the memory limit of the city; nothing of this part was stored.",
            ) from error
        except duckdb.IOException as error:
            raise RefusedError(
                "gather.source_gone",
                f"{origin} could not be read to its end: {_first_line(error).rpartition(': ')[2]}",
                next_step="Bring it back and run the source again; nothing of it was stored.",
            ) from None


def _any(faults: Sequence[Fault]) -> str:
    return " OR ".join(f.condition for f in faults) or "false"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
