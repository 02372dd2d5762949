"""Long statements of DuckDB, run while somebody is told how far they are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeAlias

import duckdb

Tell: TypeAlias = Callable[[float], None]  # the share that is done, 0 to 1
_LOOK_EVERY_S = 0.2


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
                # Before the statement is planned there is no progress: -1.
                tell(min(max(connection.query_progress(), 0.0), 100.0) / 100)
        except BaseException:
            connection.interrupt()
            raise
    return running.result()
