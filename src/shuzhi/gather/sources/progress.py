"""How far a load is: told by whoever works, shown by whoever wants to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeAlias

import duckdb

Tell: TypeAlias = Callable[[float], None]  # the share of a part that is done, 0 to 1
_LOOK_EVERY_S = 0.2


class Progress(Protocol):
    """Whoever shows how far a run is."""

    def started(self, label: str, total: int | None) -> None:
        """Begin a piece of work of `total` units; None when nobody can know.

        A run of files counts the bytes that there are to read, any other the rows that it read.
        """

    def advanced(self, amount: int) -> None:
        """Note that so many units more are done."""

    def finished(self) -> None:
        """End the piece of work."""


class Gauge:
    """Turns shares of one part into units of the run; `size` None: the part has no known size."""

    def __init__(self, progress: Progress, size: int | None) -> None:
        self._progress = progress
        self._size = size
        self._told = 0

    def tell(self, share: float) -> None:
        """Note that this share of the part is done; what was told before is not taken back."""
        done = int(share * (self._size or 0))
        if done > self._told:
            self._progress.advanced(done - self._told)
            self._told = done

    def end(self, rows: int) -> None:
        """Note that all of the part is done."""
        left = rows if self._size is None else self._size - self._told
        self._progress.advanced(left)


def run_watched(
    connection: duckdb.DuckDBPyConnection, sql: str, tell: Tell
) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows; `tell` is called meanwhile, in this thread.

    Whatever ends the waiting (Ctrl-C, an error of `tell`) ends the statement too.
    """
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    with ThreadPoolExecutor(1, thread_name_prefix="shuzhi-load") as pool:
        running = pool.submit(lambda: connection.execute(sql).fetchall())
        try:
            while not wait([running], timeout=_LOOK_EVERY_S).done:
                # Before the statement is planned DuckDB answers -1.
                tell(min(max(connection.query_progress(), 0.0), 100.0) / 100)
        except BaseException:
            connection.interrupt()
            raise
    return running.result()
