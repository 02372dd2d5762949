"""Finding entries by the time and the subject they are of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shuzhi.audit import AuditError, Entry, Log, Signer, find, logged
from shuzhi.audit.model import numbered
from shuzhi.kernel.instant import Instant

START = Instant(datetime(2026, 3, 2, tzinfo=UTC))


def at(minutes: int) -> Instant:
    return Instant(START + timedelta(minutes=minutes))


def entry(minute: int, subject: str) -> bytes:
    made = Entry("case.verified", at(minute), "chen", subject, {"step": minute})
    return numbered(made.canonical(), minute + 1)


@pytest.fixture
def filled(log: Log, tmp_path: Path) -> Path:
    """A log of 700 entries, one a minute, about ten cases in turn."""
    log.append([entry(minute, f"case:{minute % 10}") for minute in range(700)])
    return tmp_path / "log"


@pytest.mark.parametrize(("first", "last"), [(0, 0), (3, 33), (255, 257), (690, 699), (0, 699)])
def test_entries_of_a_subject_are_found_by_their_times(
    filled: Path, signer: Signer, first: int, last: int
) -> None:
    found = find(filled, [signer.key], subject="case:3", since=at(first), until=at(last))
    # One minute of leeway on either side.
    wanted = [m for m in range(max(first - 1, 0), min(last + 1, 700)) if m % 10 == 3]
    assert [each.index for each in found] == wanted
    assert all(each.content and each.content["subject"] == "case:3" for each in found)


def test_nothing_is_found_outside_the_log(filled: Path, signer: Signer) -> None:
    keys = [signer.key]
    assert find(filled, keys, subject="case:3", since=at(2_000), until=at(3_000)) == []
    assert find(filled, keys, subject="case:99", since=at(0), until=at(700)) == []


def test_entries_are_read_by_index_as_far_as_there_are_some(filled: Path, signer: Signer) -> None:
    assert [each.index for each in logged(filled, [signer.key], 698, 900)] == [698, 699]
    assert [each.index for each in logged(filled, [signer.key], -5, 2)] == [0, 1]
    assert logged(filled, [signer.key], 900, 950) == []


def test_bytes_that_are_no_entry_of_ours_are_shown_as_such(log: Log, signer: Signer) -> None:
    log.append([b"somebody else's", b'{"entry":7}', entry(5, "case:1")])
    found = logged(log.folder, [signer.key], 0, 3)
    assert [each.content is None for each in found] == [True, True, False]


def test_a_folder_without_a_log_is_refused(tmp_path: Path, signer: Signer) -> None:
    with pytest.raises(AuditError, match="no audit log"):
        logged(tmp_path, [signer.key], 0, 1)
