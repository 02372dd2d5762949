"""What a run of a source did, in numbers that must balance: no row is ever unaccounted for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import DatasetName, RunId, SourceName
from shuzhi.kernel.instant import Instant


class State(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"  # its process ended without a word


@dataclass(frozen=True)
class Outcome:
    """Counts of rows: `read` is the sum of all the others but `parts` and `parts_known`.

    `repeated` rows equal an earlier row of the same part to the letter; `parts_known` were loaded
    by an earlier run and left alone.
    """

    COUNTS: ClassVar[tuple[str, ...]] = (
        "parts",
        "parts_known",
        "read",
        "inserted",
        "updated",
        "unchanged",
        "repeated",
        "quarantined",
    )

    parts: int = 0
    parts_known: int = 0
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    quarantined: int = 0
    unknown_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in self.COUNTS}

    def __add__(self, other: Outcome) -> Outcome:
        mine, theirs = self.counts(), other.counts()
        return Outcome(
            **{name: mine[name] + theirs[name] for name in self.COUNTS},
            unknown_columns=_union(self.unknown_columns, other.unknown_columns),
            missing_columns=_union(self.missing_columns, other.missing_columns),
        )

    def balanced(self) -> Outcome:
        """Return self, or raise BrokenError `gather.rows_lost` when rows are unaccounted for."""
        stored = self.inserted + self.updated + self.unchanged
        if self.read != stored + self.repeated + self.quarantined:
            raise BrokenError(
                "gather.rows_lost",
                f"Of {self.read} rows read, {stored} were stored, {self.repeated} repeated others "
                f"and {self.quarantined} were quarantined: these do not add up.",
                next_step="Report this; the counts stand in the run.",
            )
        return self


@dataclass(frozen=True)
class RunReport:
    """One run of a source."""

    run_id: RunId
    source: SourceName
    dataset: DatasetName
    state: State
    started_at: Instant
    ended_at: Instant | None = None
    outcome: Outcome = Outcome()
    error_code: str | None = None
    error: str | None = None

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> RunReport:
        """Return the report that a row of the control store holds."""
        outcome = Outcome(
            **{name: row[name] for name in Outcome.COUNTS},
            unknown_columns=tuple(filter(None, row["unknown_columns"].split("\n"))),
            missing_columns=tuple(filter(None, row["missing_columns"].split("\n"))),
        )
        return cls(
            RunId(UUID(row["run_id"])),
            SourceName(row["source"]),
            DatasetName(row["dataset"]),
            State(row["state"]),
            row["started_at"],
            row["ended_at"],
            outcome,
            row["error_code"],
            row["error"],
        )

    def ended(self, state: State, now: Instant, outcome: Outcome) -> RunReport:
        """Return the report of this run as it ended."""
        return replace(self, state=state, ended_at=now, outcome=outcome)


def _union(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*mine, *theirs)))
