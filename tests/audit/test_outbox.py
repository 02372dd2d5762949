"""The outbox: entries are queued with their change, and reach the log in order, exactly once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, text

from shuzhi.audit import BrokenLogError, Entry, Log, Signer, flush, open_log, queue
from shuzhi.audit.model import numbered
from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant

AT = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


def entry(number: int) -> Entry:
    return Entry("case.opened", AT, "d.chen", f"case:{number}", {"step": 1})


def add(control: Control, *numbers: int) -> None:
    with control.transaction() as connection:
        queue(connection, *map(entry, numbers))


def queued(control: Control) -> list[tuple[int, bytes]]:
    with control.transaction() as connection:
        rows = connection.execute(select(outbox_table).order_by(outbox_table.c.no))
        return [(row.no, row.content) for row in rows]


def subjects(log: Log) -> list[str]:
    raws = log.reader.entries(0, log.size)
    return [json.loads(raw)["entry"]["subject"] for raw in raws]


def test_what_is_queued_reaches_the_log_in_order(control: Control, log: Log) -> None:
    add(control, 1, 2)
    add(control, 3)
    assert flush(control, log) == 3
    assert subjects(log) == ["case:1", "case:2", "case:3"]
    assert (queued(control), flush(control, log)) == ([], 0)


def test_the_log_holds_the_entry_and_its_number(control: Control, log: Log) -> None:
    add(control, 7)
    flush(control, log)
    assert log.tail(1) == [
        b'{"entry":{"at":"2026-03-02T08:00:00+00:00","by":"d.chen","facts":{"step":1},'
        b'"kind":"case.opened","subject":"case:7"},"no":1}'
    ]


def test_no_change_no_entry(control: Control, log: Log) -> None:
    with pytest.raises(ZeroDivisionError), control.transaction() as connection:
        queue(connection, entry(1))
        raise ZeroDivisionError
    assert flush(control, log) == 0


@pytest.mark.parametrize("deleted", [0, 1, 2])
def test_what_the_log_has_already_is_not_appended_again(
    control: Control, log: Log, deleted: int
) -> None:
    """As after a crash between the append and the deletion, whole or in part."""
    add(control, 1, 2, 3)
    rows = queued(control)
    log.append([numbered(content, no) for no, content in rows])
    with control.transaction() as connection:
        connection.execute(delete(outbox_table).where(outbox_table.c.no <= deleted))
    add(control, 4)
    assert flush(control, log) == 1
    assert subjects(log) == ["case:1", "case:2", "case:3", "case:4"]


def test_numbers_are_never_given_twice(control: Control, log: Log) -> None:
    add(control, 1)
    flush(control, log)
    add(control, 2)
    assert [no for no, _ in queued(control)] == [2]


@pytest.mark.file
def test_a_store_that_was_put_back_is_noticed_and_nothing_is_lost(
    control: Control, log: Log
) -> None:
    add(control, 1, 2, 3)
    flush(control, log)
    with control.transaction() as connection:
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'audit_outbox'"))
    add(control, 9)
    with pytest.raises(BrokenLogError) as behind:
        flush(control, log)
    assert str(behind.value) == (
        "audit.outbox_behind: The queue holds entry number 1, and the log has 3 already, but not "
        "as the same entries. The control store or the log was put back to an earlier state: "
        "restore both from one moment."
    )
    assert len(queued(control)) == 1
    assert log.size == 3


def test_movers_of_many_threads_move_each_entry_once(control: Control, log: Log) -> None:
    def work(number: int) -> None:
        add(control, number)
        flush(control, log)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(30)))
    assert sorted(subjects(log)) == sorted(f"case:{n}" for n in range(30))


def test_more_than_a_batch_is_moved(control: Control, log: Log, signer: Signer) -> None:
    for start in range(0, 12_000, 4_000):
        add(control, *range(start, start + 4_000))
    assert flush(control, log) == 12_000
    log.close()
    with open_log(log.folder, signer) as again:
        assert subjects(again) == [f"case:{n}" for n in range(12_000)]


def test_a_log_that_cannot_be_written_keeps_the_queue(control: Control, log: Log) -> None:
    add(control, 1)
    log.close()
    with pytest.raises(BrokenLogError, match=r"audit\.closed"):
        flush(control, log)
    assert len(queued(control)) == 1
