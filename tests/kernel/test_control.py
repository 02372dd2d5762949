"""The control store on SQLite: transactions, two writers at once, instants."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from shuzhi.kernel.control import Control, InstantColumn, open_control
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.prepared import Prepared

_tables = MetaData()
_happened = Table(
    "happened",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("at", InstantColumn),
    Column("after", ForeignKey("happened.id")),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    control = open_control(f"sqlite:///{tmp_path_factory.mktemp('control') / 'control.db'}")
    _tables.create_all(control.engine)
    yield control
    control.engine.dispose()


def _count(store: Control) -> int:
    with store.transaction() as connection:
        return connection.execute(select(func.count()).select_from(_happened)).scalar_one()


def _stored(store: Control, moment: datetime | None) -> datetime | None:
    with store.transaction() as connection:
        row = connection.execute(insert(_happened).values(at=moment)).inserted_primary_key
        assert row is not None
        return connection.execute(select(_happened.c.at).where(_happened.c.id == row[0])).scalar()


def test_the_store_writes_ahead_and_syncs_fully(store: Control) -> None:
    with store.engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in pragmas]
    assert found == ["wal", 2, 1]


def test_an_error_leaves_nothing_of_its_transaction(store: Control) -> None:
    before = _count(store)
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        connection.execute(insert(_happened).values(at=None))
        _ = 1 / 0
    assert _count(store) == before


def test_a_reference_to_nothing_is_refused_by_the_database(store: Control) -> None:
    with pytest.raises(IntegrityError), store.transaction() as connection:
        connection.execute(insert(_happened).values(after=10**9))


def test_two_threads_that_read_and_write_lose_nothing(tmp_path: Path) -> None:
    control = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    _tables.create_all(control.engine)

    def write(_: int) -> None:
        with control.transaction() as connection:
            count = connection.execute(select(func.count()).select_from(_happened)).scalar_one()
            connection.execute(insert(_happened).values(id=count + 1))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(60)))
    assert _count(control) == 60
    control.engine.dispose()


_offsets = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
_years = {"min_value": datetime(2, 1, 1), "max_value": datetime(9998, 1, 1)}  # noqa: DTZ001


@given(st.datetimes(**_years, timezones=_offsets))
def test_an_instant_comes_back_the_same_and_in_utc(store: Control, moment: datetime) -> None:
    back = _stored(store, moment)
    assert back == moment
    assert back is not None
    assert back.tzinfo is UTC


def test_no_instant_comes_back_as_none(store: Control) -> None:
    assert _stored(store, None) is None


def test_a_store_without_room_says_so_and_keeps_what_it_had(tmp_path: Path) -> None:
    store = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    _tables.create_all(store.engine)
    with pytest.raises(BrokenError) as full, store.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.execute(insert(_happened), [{"at": None}] * 20_000)
    assert full.value.code == "kernel.disk_full"
    assert full.value.next_step == (
        "Make room on its disk and do it again; nothing of it was stored."
    )
    assert _count(store) == 0


def test_a_store_that_another_process_holds_says_so(tmp_path: Path) -> None:
    store = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    _tables.create_all(store.engine)
    other = sqlite3.connect(tmp_path / "control.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with store.engine.connect() as connection:
        connection.connection.execute("PRAGMA busy_timeout = 10")  # type: ignore[attr-defined]
    with pytest.raises(BrokenError) as busy, store.transaction():
        """Nothing: the transaction cannot begin."""
    other.close()
    assert busy.value.code == "kernel.control_busy"


def test_who_opens_a_new_store_while_another_begins_it_waits(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "control.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE begun (id INTEGER)")
    store = open_control(f"sqlite:///{tmp_path / 'control.db'}?timeout=0.01")

    def enter() -> object:
        with store.transaction() as connection:
            return connection.exec_driver_sql("PRAGMA journal_mode").scalar()

    with ThreadPoolExecutor(1) as thread:
        entering = thread.submit(enter)
        # Time enough to be refused, for one who does not wait.
        wait([entering], 0.3)
        other.execute("COMMIT")
        assert entering.result(60) == "wal"
    other.close()
    store.engine.dispose()


def test_a_moment_waits_for_no_writer_and_stays_as_it_was(store: Control) -> None:
    before = _count(store)
    with store.transaction() as writer:
        writer.execute(insert(_happened).values(at=None))
        with store.moment() as then:
            assert _count(then) == before
    with store.moment() as then:
        assert _count(then) == before + 1
        _stored(store, None)
        with then.moment() as same:
            assert _count(same) == before + 1
    assert _count(store) == before + 2


def test_a_moment_writes_nothing_and_leaves_its_connection_to_writers(store: Control) -> None:
    before = _count(store)
    with pytest.raises(OperationalError, match="readonly"), store.moment() as then:
        _stored(then, None)
    for _ in range(20):
        _stored(store, None)
    assert _count(store) == before + 20


def test_a_prepared_statement_is_part_of_its_transaction(store: Control) -> None:
    write = Prepared(insert(_happened).values(at=bindparam("at")))
    read = Prepared(select(_happened.c.at).where(_happened.c.at == bindparam("at")))
    at = datetime(2026, 3, 2, 8, tzinfo=timezone(timedelta(hours=8)))
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        assert write.run(connection, {"at": at}) == 1
        assert read.rows(connection, {"at": at}) == [(at.astimezone(UTC),)]
        _ = 1 / 0
    with store.transaction() as connection:
        assert read.rows(connection, {"at": at}) == []


def test_what_the_driver_says_of_it_is_told_as_ever(store: Control) -> None:
    same = Prepared(insert(_happened).values(id=bindparam("number")))
    with pytest.raises(IntegrityError), store.transaction() as connection:
        for _ in range(2):
            same.run(connection, {"number": 7_000})
    with store.transaction() as connection:
        assert same.run(connection, {"number": 7_000}) == 1


def test_a_checkpoint_lets_the_log_begin_anew_and_loses_nothing(
    store: Control, tmp_path: Path
) -> None:
    def wrote(count: int) -> int:
        for _ in range(count):
            _stored(store, None)
        return Path(f"{file}-wal").stat().st_size

    file = Path(str(store.engine.url.database))
    before = _count(store)
    size = wrote(40)
    with store.moment() as then, store.moment():
        assert _count(then) == before + 40
        # Somebody reads and nobody waits for that; what cannot be brought in yet stays in the log.
        wrote(1)
        store.checkpoint()
    store.checkpoint()
    assert wrote(10) <= size + 32_768
    store.checkpoint()
    shutil.copy(file, tmp_path / "alone")
    assert _count(open_control(f"sqlite:///{tmp_path / 'alone'}")) == before + 51


def test_who_would_not_wait_is_refused_while_another_writes(tmp_path: Path) -> None:
    control = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    with control.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE note (text TEXT)")
    with control.transaction():
        with pytest.raises(BrokenError) as refused, control.unwaiting.transaction():
            pytest.fail("two write at once")
        assert refused.value.code == "kernel.control_busy"
    with control.unwaiting.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO note VALUES ('a')")
    with control.transaction() as connection:
        assert connection.exec_driver_sql("SELECT * FROM note").all() == [("a",)]
