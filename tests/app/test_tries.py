"""Tries that are counted over all processes of a city: by name, in a span, in bounded room."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, get_ident
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select

from shuzhi.app import tries
from shuzhi.app.tries import Counted, forget, try_table, waits_s
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
KEY = b"a key of a test"
SPAN = timedelta(minutes=1)
# Another process tries twice and says how long it waits.
_OTHER = """
import sys
from datetime import datetime, timedelta
from shuzhi.app.tries import Counted, waits_s
from shuzhi.kernel.control import open_control

url, now = sys.argv[1:]
counted, control = Counted("door", "a", 3, timedelta(minutes=1)), open_control(url)
for _ in range(2):
    print(waits_s(control, b"a key of a test", [counted], datetime.fromisoformat(now)))
"""


def tried(control: Control, name: str = "a", *, after: timedelta = timedelta(0)) -> float:
    counted = Counted("door", name, 3, SPAN)
    return waits_s(control, KEY, [counted], Instant(NOW + after))


def kept(control: Control) -> int:
    with control.transaction() as connection:
        return connection.execute(select(func.count()).select_from(try_table)).scalar_one()


def test_so_many_tries_may_be_made_within_a_span_from_the_first(control: Control) -> None:
    waits = [tried(control, after=timedelta(seconds=10 * number)) for number in range(5)]
    assert waits == [0, 0, 0, 30, 20]
    assert tried(control, "b") == 0
    assert tried(control, after=SPAN) == 0


def test_the_same_name_at_another_door_is_another(control: Control) -> None:
    assert [tried(control) for _ in range(4)] == [0, 0, 0, 60]
    assert waits_s(control, KEY, [Counted("window", "a", 3, SPAN)], NOW) == 0


def test_what_has_to_wait_for_one_name_is_counted_under_none(control: Control) -> None:
    both = [Counted("door", "a", 3, SPAN), Counted("person", "b", 1, SPAN * 2)]
    assert [waits_s(control, KEY, both, NOW) for _ in range(5)] == [0, 120, 120, 120, 120]
    assert [tried(control) for _ in range(3)] == [0, 0, 60]


def test_what_is_over_is_swept_and_no_name_is_kept_as_it_is(control: Control) -> None:
    for number in range(5):
        tried(control, f"192.0.2.{number}")
    assert kept(control) == 5
    with control.transaction() as connection:
        told = str(connection.execute(select(try_table)).all())
    assert "192.0.2" not in told
    tried(control, "later", after=SPAN)
    assert kept(control) == 1


def test_however_many_come_so_many_are_kept_and_the_oldest_goes(control: Control) -> None:
    older = [
        {"digest": f"{number}", "what": "door", "since": NOW, "until": NOW + SPAN, "made": 1}
        for number in range(tries.MOST_KEPT - 1)
    ]
    with control.transaction() as connection:
        connection.execute(insert(try_table), older)
    for number in range(3):
        tried(control, f"new {number}", after=timedelta(seconds=number + 1))
    assert kept(control) == tries.MOST_KEPT
    assert [tried(control, "new 0", after=timedelta(seconds=9)) for _ in range(3)] == [0, 0, 52]
    assert waits_s(control, KEY, [Counted("window", "a", 3, SPAN)], NOW) == 0
    assert kept(control) == tries.MOST_KEPT + 1


def test_tries_of_several_processes_are_one_count(control: Control) -> None:
    assert tried(control) == 0
    url = control.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _OTHER, url, NOW.isoformat()]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    assert told.split() == ["0.0", "0.0"]
    assert tried(control) == 60


def test_a_name_that_is_forgotten_begins_anew(control: Control) -> None:
    assert [tried(control) for _ in range(4)] == [0, 0, 0, 60]
    forget(control, KEY, Counted("door", "a", 3, SPAN))
    assert [tried(control) for _ in range(4)] == [0, 0, 0, 60]


def test_many_who_try_at_once_do_not_get_further(control: Control) -> None:
    counted = [Counted("door", "a", 10, SPAN), Counted("person", "b", 10, SPAN)]
    with ThreadPoolExecutor(4) as others:
        # Half of them name the two the other way round.
        asked = [
            others.submit(waits_s, control, KEY, counted[:: 1 - n % 2 * 2], NOW) for n in range(24)
        ]
        waits = [each.result(timeout=60) for each in asked]
    assert sorted(waits) == [0] * 10 + [60] * 14


@pytest.fixture
def server(control: Control) -> Control:
    """The control store on a server: in a file only one transaction begins at a time."""
    if control.is_file:
        pytest.skip("this store is a file")
    return control


def test_two_who_count_the_first_try_of_a_name_at_once_count_both(server: Control) -> None:
    both, met, failed = Barrier(2), set[int](), list[str]()

    def meet(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Both have seen that there is no such name before one of them writes it down.
        if "FROM app_try" in statement and len(met) < 2 and get_ident() not in met:
            met.add(get_ident())
            both.wait(60)

    event.listen(server.engine, "after_cursor_execute", meet)
    event.listen(
        server.engine,
        "handle_error",
        lambda context: failed.append(type(context.sqlalchemy_exception).__name__),
    )
    with ThreadPoolExecutor(2) as others:
        asked = [others.submit(tried, server) for _ in range(2)]
        waits = [each.result(timeout=120) for each in asked]
    assert (waits, failed) == ([0, 0], ["IntegrityError"])
    assert [tried(server) for _ in range(2)] == [0, 60]
