"""What was reported as written is read once, in order, whatever happens to process and disk."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from losing_disk import LosingDisk

from shuzhi.gather.sensors.spool import (
    Disk,
    DistantSpool,
    Record,
    SharedSpool,
    SpoolReader,
    SpoolSettings,
    SpoolWriter,
    release,
)
from shuzhi.gather.sensors.spool.batch import encode, pack
from shuzhi.gather.sensors.spool.segments import segments
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.instant import Instant

SMALL = SpoolSettings(segment_bytes=16 * 1024, most_bytes=8 * 1024 * 1024)


def record(number: int, size: int = 40) -> Record:
    return 1_700_000_000_000_000 + number, number % 7, number % 3, b"%d|" % number + b"x" * size


def written(writer: SpoolWriter, first: int, count: int, size: int = 40) -> list[Record]:
    records = [record(first + n, size) for n in range(count)]
    writer.write(records)
    return records


def everything(folder: Path, start: int = 0) -> list[Record]:
    reader = SpoolReader(folder, start)
    found: list[Record] = []
    while batches := reader.read(4096):
        found += [r for batch in batches for r in batch.records()]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def test_records_come_back_as_they_went_in(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    sent = [r for n in range(40) for r in written(writer, n * 30, 30)]
    assert writer.next == len(sent) == 1200
    assert len(segments(folder)) > 3
    assert everything(folder) == sent
    assert everything(folder, 600) == sent[600:]


def test_a_reader_beside_the_writer_gets_each_record_once(folder: Path) -> None:
    reader = SpoolReader(folder)
    assert reader.read() == []
    writer = SpoolWriter(folder, SMALL)
    assert reader.read() == []
    for n in range(60):
        sent = written(writer, n * 11, 11, size=n * 9)
        (batch,) = reader.read()
        assert list(batch.records()) == sent
        assert (batch.first, batch.end) == (n * 11, n * 11 + 11)
    assert reader.read() == []


def test_a_batch_larger_than_a_segment_is_cut(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    sent = written(writer, 0, 500, size=200)
    assert everything(folder) == sent


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    size=st.integers(0, 400),
    cut=st.floats(0, 1),
)
def test_a_torn_batch_is_written_over(
    tmp_path_factory: pytest.TempPathFactory, batches: Sequence[int], size: int, cut: float
) -> None:
    folder = tmp_path_factory.mktemp("torn") / "spool"
    writer = SpoolWriter(folder, SMALL)
    sent: list[Record] = []
    for count in batches:
        sent += written(writer, len(sent), count, size)
    whole, torn = sent[: -batches[-1]], sent[-batches[-1] :]
    writer.close()
    _tear(folder, len(encode(0, pack(torn[-_last_of(folder) :]), 0)), cut)
    again = SpoolWriter(folder, SMALL)
    kept = everything(folder)
    assert kept == sent[: again.next]
    assert len(kept) >= len(whole)
    after = written(again, again.next, 3)
    assert everything(folder) == kept + after
    again.close()


def _last_of(folder: Path) -> int:
    reader, count = SpoolReader(folder), 0
    while batches := reader.read():
        count = batches[-1].count
    return count


def _tear(folder: Path, size: int, cut: float) -> None:
    """Put zeros over the end of the last batch."""
    path = segments(folder)[-1].path
    raw = path.read_bytes()
    end = len(raw.rstrip(b"\0"))
    end += -end % 512
    start = max(512, end - size + int(size * cut))
    path.write_bytes(raw[:start] + bytes(len(raw) - start))


def _cuts(folder: Path, disk: LosingDisk) -> Iterator[tuple[int, list[Record]]]:
    """Write, cut the power after some batches, and go on; yield what was reported and is left."""
    reported: list[Record] = []
    for life in range(6):
        writer = SpoolWriter(folder, SMALL, storage=disk)
        start = writer.next
        for _ in range(5):
            count = 17 + life
            reported[writer.next :] = []
            reported += [record(writer.next + i) for i in range(count)]
            writer.write(reported[-count:])
        assert writer.next > start
        writer.close()
        yield len(reported), everything(folder)


def test_a_power_cut_loses_nothing_that_was_reported(folder: Path, losing_disk: LosingDisk) -> None:
    for reported, left in _cuts(folder, losing_disk):
        assert left == [record(n) for n in range(reported)]


def test_no_write_returns_before_it_is_on_the_disk(tmp_path: Path) -> None:
    """What a cut would take can only be played; that the real disk is waited for is a flag."""
    path = tmp_path / "segment"
    path.write_bytes(bytes(512))
    file = Disk().open(path)
    flags = fcntl.fcntl(file._descriptor, fcntl.F_GETFL)  # type: ignore[attr-defined]
    file.close()
    assert flags & os.O_DSYNC


def test_the_same_cut_finds_out_a_disk_that_does_not_sync(folder: Path) -> None:
    found = [(n, len(left)) for n, left in _cuts(folder, LosingDisk(is_lying=True))]
    assert all(left == 0 < reported for reported, left in found)


def test_what_rotted_in_the_middle_is_told_and_the_rest_kept(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    sent = [r for n in range(20) for r in written(writer, n * 30, 30)]
    writer.close()
    path = segments(folder)[0].path
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"35|")] ^= 1
    path.write_bytes(raw)
    reader = SpoolReader(folder)
    found: list[Record] = []
    while batches := reader.read():
        found += [r for b in batches for r in b.records()]
    assert found == sent[:30] + sent[60:]
    assert [(lost.first, lost.end) for lost in reader.lost] == [(30, 60)]


def test_a_writer_that_comes_back_steps_over_a_hole_in_its_segment(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    sent = [r for n in range(3) for r in written(writer, n * 30, 30)]
    writer.close()
    path = segments(folder)[-1].path
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"35|")] ^= 1
    path.write_bytes(raw)
    again = SpoolWriter(folder, SMALL)
    assert [(lost.first, lost.end) for lost in again.lost] == [(30, 60)]
    assert again.next == 90
    sent += written(again, 90, 200, size=100)
    assert everything(folder) == sent[:30] + sent[60:]


def test_bytes_that_look_like_a_batch_are_none(folder: Path) -> None:
    """Somebody sends the image of a batch, so placed that it begins a sector of a torn one."""
    writer = SpoolWriter(folder, SMALL, salt=lambda: 0x5EC2E7)
    written(writer, 0, 5)
    image = encode(5, pack([record(99)]), salt=0)
    padding = b"x" * (512 - 24 - 21 * 1)
    writer.write([(0, 0, 0, padding + image)])
    writer.close()
    path = segments(folder)[0].path
    raw = bytearray(path.read_bytes())
    at = raw.index(padding) - 45
    assert raw[at : at + 4] == b"SZB1"
    raw[at : at + 512] = bytes(512)
    assert raw[at + 512 : at + 516] == b"SZB1"
    path.write_bytes(raw)
    again = SpoolWriter(folder, SMALL)
    assert again.next == 5
    assert again.lost == ()


def test_after_a_failed_sync_the_same_records_go_elsewhere_once(
    folder: Path, losing_disk: LosingDisk
) -> None:
    writer = SpoolWriter(folder, SMALL, storage=losing_disk)
    sent = written(writer, 0, 10)
    losing_disk.fails.append(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(BrokenError, match=r"gather\.spool_broken: .* Input/output error"):
        written(writer, 10, 10)
    assert writer.next == 10
    sent += written(writer, 10, 10)
    sent += written(writer, 20, 10)
    assert everything(folder) == sent


def test_a_failed_sync_that_wrote_all_the_same_doubles_nothing(folder: Path) -> None:
    disk = LosingDisk()
    writer = SpoolWriter(folder, SMALL)
    sent = written(writer, 0, 10)
    path = segments(folder)[0].path
    sent += written(writer, 10, 10)
    kept = path.read_bytes()
    writer.close()
    beside = SpoolReader(folder, 10)
    assert [b.first for b in beside.read()] == [10]
    # As after a sync that failed: the batch may be there, and the writer goes on elsewhere.
    path.write_bytes(kept[: 512 + 1536] + bytes(len(kept) - 2048))
    again = SpoolWriter(folder, SMALL, storage=disk)
    assert again.next == 10
    disk.fails.append(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(BrokenError, match=r"gather\.spool_broken"):
        written(again, 10, 10)
    written(again, 10, 10)
    path.write_bytes(kept)
    assert len(segments(folder)) == 2
    assert everything(folder) == sent
    assert beside.read() == []
    written(again, 20, 1)
    assert [b.first for b in beside.read()] == [20]


def test_a_full_spool_refuses_and_goes_on_when_there_is_room(folder: Path) -> None:
    tight = SpoolSettings(segment_bytes=16 * 1024, most_bytes=3 * 16 * 1024)
    writer = SpoolWriter(folder, tight)
    sent: list[Record] = []
    with pytest.raises(BrokenError, match=r"gather\.spool_full"):
        while len(sent) < 5000:
            sent += written(writer, len(sent), 20, size=100)
    assert everything(folder) == sent
    later = Instant(datetime.now(UTC) - timedelta(days=1))
    kept = release(folder, tight, read=writer.next, before=later)
    assert kept.deleted >= 1
    assert everything(folder) == sent[kept.oldest :]
    # The next segment may have been tried for once more while there was no room.
    with suppress(BrokenError):
        written(writer, len(sent), 20, size=100)
    assert written(writer, len(sent), 20, size=100) == everything(folder)[-20:]


def test_only_what_was_read_may_go(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    sent = [r for n in range(40) for r in written(writer, n * 30, 30)]
    third = segments(folder)[2].first
    soon = Instant(datetime.now(UTC) + timedelta(days=1))
    assert release(folder, SMALL, read=third + 1, before=soon).oldest == third
    assert everything(folder) == sent[third:]
    yesterday = Instant(datetime.now(UTC) - timedelta(days=1))
    assert release(folder, SMALL, read=1200, before=yesterday).deleted == 0
    assert release(folder, SMALL, read=1200, before=soon).segments == 1


def test_numbers_go_on_above_what_was_read_elsewhere(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    written(writer, 0, 10)
    writer.close()
    again = SpoolWriter(folder, SMALL, floor=50)
    assert again.next == 50
    sent = written(again, 50, 10)
    reader = SpoolReader(folder, 50)
    (batch,) = reader.read()
    assert (batch.first, list(batch.records())) == (50, sent)
    whole = SpoolReader(folder)
    first, second = (whole.read(), whole.read())
    assert [b.first for b in first + second] == [0, 50]
    assert [(lost.first, lost.end) for lost in whole.lost] == [(10, 50)]


def test_there_is_one_writer(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    with pytest.raises(BrokenError, match=r"gather\.spool_busy: Another process writes"):
        SpoolWriter(folder, SMALL)
    writer.close()
    SpoolWriter(folder, SMALL).close()


def test_what_is_no_segment_is_told(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{0:020d}.spool").write_bytes(b"something else")
    with pytest.raises(BrokenError, match=r"gather\.spool_torn"):
        SpoolWriter(folder, SMALL)


def test_batches_of_several_processes_become_one(folder: Path) -> None:
    writer = SpoolWriter(folder, SMALL)
    assert writer.write_packed([pack([record(n) for n in range(k, 9, 3)]) for k in range(3)]) == 9
    (batch,) = SpoolReader(folder).read()
    assert list(batch.records()) == [record(n) for k in range(3) for n in range(k, 9, 3)]


def test_a_spool_is_shared(folder: Path) -> None:
    shared = SharedSpool(SpoolWriter(folder, SMALL))
    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(partial(_write_from_afar, shared), range(4)))
    assert max(ends) == 4 * 50 * 7
    shared.close()
    found = everything(folder)
    assert sorted(found) == sorted(record(k * 1000 + n) for k in range(4) for n in range(50 * 7))
    # What one process sent stays in its order.
    assert all([r for r in found if r in mine] == mine for mine in (_afar(k) for k in range(4)))


def _afar(place: int) -> list[Record]:
    return [record(place * 1000 + n) for n in range(50 * 7)]


def _write_from_afar(shared: SharedSpool, place: int) -> int:
    distant, records = DistantSpool(shared.open()), _afar(place)
    ends = [distant.write(records[n : n + 7]) for n in range(0, len(records), 7)]
    assert ends == sorted(ends)
    distant.close()
    return ends[-1]


def test_whoever_shares_a_spool_is_told_when_it_cannot_be_written(
    folder: Path, losing_disk: LosingDisk
) -> None:
    shared = SharedSpool(SpoolWriter(folder, SMALL, storage=losing_disk))
    distant = DistantSpool(shared.open())
    losing_disk.fails.append(OSError(5, "Input/output error"))
    with pytest.raises(BrokenError) as refused:
        distant.write([record(1)])
    assert refused.value.code == "gather.spool_broken"
    assert distant.write([record(1)]) == 1
    shared.close()
    with pytest.raises(BrokenError) as refused:
        distant.write([record(2)])
    assert refused.value.code == "gather.spool_gone"
    assert everything(folder) == [record(1)]


def test_half_a_batch_of_a_process_that_died_is_forgotten(folder: Path) -> None:
    shared = SharedSpool(SpoolWriter(folder, SMALL))
    with shared.open() as dying:
        dying.sendall(b"\x40\0\0\0\1\0\0\0half a batch")
    assert DistantSpool(shared.open()).write([record(1)]) == 1
    shared.close()
    assert everything(folder) == [record(1)]
