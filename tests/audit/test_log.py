"""Appending: durable, in order, shared by many callers, by one writer."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.audit import AuditError, BrokenLogError, Log, Signer, found_log, open_log, verify_folder
from shuzhi.audit.checkpoint import open_checkpoint
from shuzhi.audit.tiles import TileReader, parse_path
from shuzhi.audit.turns import MOST_ENTRIES_OF_A_COMMIT
from shuzhi.kernel.files import sync_path


def numbered(start: int, end: int) -> list[bytes]:
    return [b'{"n":%d}' % n for n in range(start, end)]


def unsynced(path: Path) -> None:
    """Leave it to the system when a file reaches the disk."""
    del path


def entries(log: Log) -> list[bytes]:
    return list(log.reader.entries(0, log.size))


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_new_log_is_empty_and_signed(log: Log, signer: Signer) -> None:
    checkpoint, _ = open_checkpoint(log.checkpoint(), [signer.key])
    assert (checkpoint.origin, checkpoint.size) == (signer.name, 0)
    assert (log.folder / "checkpoint").read_bytes() == log.checkpoint()
    assert log.tail(5) == []


def test_entries_stand_in_the_order_of_their_appends(log: Log) -> None:
    assert [log.append([b"a"]), log.append([b"b", b"c"]), log.append([])] == [0, 1, 3]
    assert entries(log) == [b"a", b"b", b"c"]
    assert (log.size, log.tail(2), log.tail(9)) == (3, [b"b", b"c"], [b"a", b"b", b"c"])


def test_an_acknowledged_entry_is_under_the_published_checkpoint(
    log: Log, signer: Signer, tmp_path: Path
) -> None:
    for size in (1, 255, 256, 257, 600):
        log.append(numbered(log.size, size))
        raw = (log.folder / "checkpoint").read_bytes()
        assert open_checkpoint(raw, [signer.key])[0].size == size
        assert verify_folder(tmp_path / "log", [signer.key]).entries == size


def test_the_folder_has_each_tile_once(log: Log) -> None:
    log.append(numbered(0, 700))
    log.append(numbered(700, 701))
    log.close()
    names = {"tile/0/000", "tile/0/001", "tile/0/002.p/189", "tile/1/000.p/2"}
    names |= {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/189"}
    assert files(log.folder) == names | {"checkpoint", ".lock"}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 400), min_size=1, max_size=6), st.integers(0, 5))
def test_however_it_is_cut_it_is_the_same_log(
    tmp_path_factory: pytest.TempPathFactory, signer: Signer, counts: list[int], reopened: int
) -> None:
    folder = tmp_path_factory.mktemp("cut") / "log"
    log = found_log(folder, signer, sync=unsynced)
    for turn, count in enumerate(counts):
        log.append(numbered(log.size, log.size + count))
        if turn == reopened:
            log.close()
            log = open_log(folder, signer, sync=unsynced)
    total = sum(counts)
    assert entries(log) == numbered(0, total)
    log.close()
    whole = found_log(folder.parent / "whole", signer, sync=unsynced)
    whole.append(numbered(0, total))
    whole.close()
    assert {f: (folder / f).read_bytes() for f in files(folder)} == {
        f: (whole.folder / f).read_bytes() for f in files(whole.folder)
    }


def test_narrower_tiles_of_earlier_checkpoints_are_cut_from_what_is_there(log: Log) -> None:
    log.append(numbered(0, 3))
    narrow = [parse_path(p) for p in ("tile/0/000.p/3", "tile/entries/000.p/3")]
    tiles = [tile for tile in narrow if tile is not None]
    before = [log.reader.read(tile) for tile in tiles]
    log.append(numbered(3, 9))
    assert not (log.folder / "tile/0/000.p/3").exists()
    assert [log.reader.read(tile) for tile in tiles] == before
    log.append(numbered(9, 256))
    assert [log.reader.read(tile) for tile in tiles] == before


def test_callers_of_many_threads_share_commits(tmp_path: Path, signer: Signer) -> None:
    synced: list[str] = []

    def sync(path: Path) -> None:
        synced.append(path.name)
        sync_path(path)

    with found_log(tmp_path / "log", signer, sync=sync) as log, ThreadPoolExecutor(16) as pool:

        def work(caller: int) -> list[tuple[int, bytes]]:
            mine = [b"%d/%d" % (caller, n) for n in range(20)]
            return [(log.append([entry]), entry) for entry in mine]

        told = [pair for pairs in pool.map(work, range(16)) for pair in pairs]
        stored = entries(log)
    assert sorted(told) == list(enumerate(stored))
    assert len(stored) == 320
    assert synced.count("intent") < 320 / 2


def test_an_append_that_is_too_large_to_share_is_alone(log: Log) -> None:
    count = MOST_ENTRIES_OF_A_COMMIT + 5
    assert log.append(numbered(0, count)) == 0
    assert log.size == count


def test_an_entry_of_more_than_two_bytes_of_length_is_refused(log: Log) -> None:
    assert log.append([b"x" * 65_535]) == 0
    with pytest.raises(AuditError) as refused:
        log.append([b"good", b"x" * 65_536])
    assert str(refused.value) == (
        "audit.bad_entry: An entry of 65,536 bytes does not fit the log; 65,535 do. "
        "Keep the content elsewhere and log its hash."
    )
    assert log.size == 1


def test_there_is_one_writer(log: Log, signer: Signer) -> None:
    with pytest.raises(BrokenLogError) as busy:
        open_log(log.folder, signer)
    assert busy.value.code == "audit.log_busy"
    log.close()
    open_log(log.folder, signer).close()


def test_a_closed_log_refuses(log: Log) -> None:
    log.close()
    with pytest.raises(BrokenLogError, match=r"audit\.closed: The log was closed"):
        log.append([b"x"])


def test_a_log_is_founded_once_and_opened_only_where_it_is(log: Log, signer: Signer) -> None:
    log.append([b"x"])
    log.close()
    with pytest.raises(AuditError, match=r"audit\.log_exists"):
        found_log(log.folder, signer)
    with pytest.raises(AuditError, match=r"audit\.no_log"):
        open_log(log.folder.parent / "other", signer)
    (log.folder / "checkpoint").unlink()
    with pytest.raises(AuditError, match=r"audit\.no_log.*a new log never takes the place"):
        open_log(log.folder, signer)


def test_another_key_does_not_open_it(log: Log) -> None:
    log.close()
    with pytest.raises(BrokenLogError, match=r"audit\.altered: checkpoint .* cannot be believed"):
        open_log(log.folder, Signer("audit.city.example", bytes(32)))


@pytest.mark.parametrize("name", ["tile/0/000.p/3", "tile/entries/000.p/3"])
@pytest.mark.parametrize("harm", [b"", b"\x00", None])
def test_nothing_is_signed_on_top_of_an_altered_edge(
    log: Log, signer: Signer, name: str, harm: bytes | None
) -> None:
    log.append([b"a", b"b", b"c"])
    log.close()
    path = log.folder / name
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + b"!" if harm is None else harm)
    with pytest.raises(BrokenLogError, match=r"audit\.altered"):
        open_log(log.folder, signer)


@contextmanager
def most_bytes_of_a_file(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond `limit`: as a full disk, writes then fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


# Room for nothing; for tiles, not for a bundle; for bundle and tiles, not for intent or checkpoint.
@pytest.mark.parametrize(("limit", "count"), [(0, 1), (40, 1), (100, 1), (5_000, 200)])
def test_a_full_disk_refuses_and_loses_nothing(
    log: Log, signer: Signer, limit: int, count: int
) -> None:
    log.append(numbered(0, 2))
    with most_bytes_of_a_file(limit), pytest.raises(BrokenLogError) as full:
        log.append(numbered(2, 2 + count))
    assert full.value.code == "audit.not_stored"
    assert "File too large" in full.value.message
    size = log.size
    assert size in (2, 2 + count)
    assert log.append([b"after"]) == size
    assert entries(log)[:2] == numbered(0, 2)
    assert verify_folder(log.folder, [signer.key]).is_whole
    log.close()
    assert verify_folder(log.folder, [signer.key]).unfinished == ()


def test_two_processes_cannot_write_at_once(log: Log) -> None:
    script = (
        "import sys; from pathlib import Path; from shuzhi.audit import Signer, open_log\n"
        "open_log(Path(sys.argv[1]), Signer('audit.city.example', bytes(range(32))))\n"
    )
    command = [sys.executable, "-c", script, str(log.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert "audit.log_busy" in done.stderr
    assert done.returncode == 1


def test_reading_needs_no_lock(log: Log) -> None:
    log.append(numbered(0, 300))
    assert list(TileReader(log.folder).entries(250, 260)) == numbered(250, 260)
