"""Verification: whatever is edited, dropped, moved, cut off or put back is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from threading import Event, Thread

import pytest

from shuzhi.audit import (
    AuditError,
    KeyKind,
    Log,
    Problem,
    Report,
    Signer,
    Witness,
    WitnessAddress,
    ask_witnesses,
    found_log,
    open_log,
    verify_folder,
)
from shuzhi.audit.note import sign
from shuzhi.audit.witnessing import Reply
from shuzhi.kernel.instant import Instant

WITNESS = Signer("witness.example", bytes([2]) * 32, KeyKind.COSIGNATURE)


def entry(number: int) -> bytes:
    return b"entry %d" % number


def make(folder: Path, signer: Signer, size: int) -> Path:
    """A log of `size` entries whose newest checkpoint a witness signed."""
    witness = Witness(
        folder / "witness",
        WITNESS,
        {signer.name: [signer.key]},
        clock=lambda: Instant(datetime(2026, 3, 2, tzinfo=UTC)),
        sync=lambda _path: None,
    )

    def post(_url: str, body: bytes) -> Reply:
        answer = witness.add_checkpoint(body)
        return Reply(answer.status, answer.body.encode())

    with found_log(folder / "log", signer, sync=lambda _path: None) as log:
        log.append([entry(n) for n in range(size)])
        (asked,) = ask_witnesses(log, [WitnessAddress("http://w", WITNESS.key)], post)
    assert asked.has_signed
    return folder / "log"


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def folder(tmp_path: Path, signer: Signer) -> Path:
    return make(tmp_path, signer, 5)


@pytest.fixture
def large(tmp_path: Path, signer: Signer) -> Path:
    return make(tmp_path, signer, 600)


@pytest.fixture
def check(signer: Signer) -> Callable[[Path], Report]:
    return lambda folder: verify_folder(folder, [signer.key], witnesses=[WITNESS.key])


def flips(path: Path, step: int = 1) -> Iterator[int]:
    """Flip a bit of every byte of a file, one after the other, and put each back."""
    raw = path.read_bytes()
    for at in range(0, len(raw), step):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :])
        yield at
    path.write_bytes(raw)


def test_a_whole_log_is_found_whole(large: Path, check: Callable[[Path], Report]) -> None:
    report = check(large)
    assert report.is_whole
    assert (report.entries, report.unfinished) == (600, ())
    assert report.checkpoint == report.witnessed
    assert [(s.key, s.at_s) for s in report.witnesses] == [(WITNESS.key, 1772409600)]


def test_every_flipped_byte_is_found_and_its_file_named(
    folder: Path, check: Callable[[Path], Report]
) -> None:
    assert len(files(folder)) == 5
    for path in files(folder):
        name = path.relative_to(folder).as_posix()
        for at in flips(path):
            found = [problem.file for problem in check(folder).problems]
            assert name in found, f"byte {at} of {name}"
    assert check(folder).is_whole


@pytest.mark.slow
def test_every_flipped_byte_of_a_larger_log_is_found(
    tmp_path: Path, signer: Signer, check: Callable[[Path], Report]
) -> None:
    large = make(tmp_path, signer, 260)
    for path in files(large):
        name = path.relative_to(large).as_posix()
        for at in flips(path):
            assert {p.file for p in check(large).problems} == {name}, f"byte {at} of {name}"


def test_flipped_bytes_of_full_tiles_are_found_and_their_files_named(
    large: Path, check: Callable[[Path], Report]
) -> None:
    for path in files(large):
        name = path.relative_to(large).as_posix()
        for at in flips(path, step=211):
            assert {p.file for p in check(large).problems} == {name}, f"byte {at} of {name}"


@pytest.mark.parametrize("size", [5, 600])
def test_every_dropped_file_is_found(
    tmp_path: Path, signer: Signer, check: Callable[[Path], Report], size: int
) -> None:
    folder = make(tmp_path, signer, size)
    needed = [p for p in files(folder) if p.name != ".lock"]
    for path in needed:
        raw = path.read_bytes()
        path.unlink()
        assert path.relative_to(folder).as_posix() in {p.file for p in check(folder).problems}
        path.write_bytes(raw)
    assert check(folder).is_whole


def test_every_shortened_or_lengthened_file_is_found(
    large: Path, check: Callable[[Path], Report]
) -> None:
    for path in files(large):
        raw = path.read_bytes()
        changed = {raw[:-1], raw[: len(raw) // 2], raw[1:], raw + b"\n", raw + raw, raw + b"x"}
        for content in changed - {raw}:
            path.write_bytes(content)
            assert not check(large).is_whole, path
        path.write_bytes(raw)
    assert check(large).is_whole


def test_every_two_swapped_files_are_found(large: Path, check: Callable[[Path], Report]) -> None:
    for one, other in combinations(files(large), 2):
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        assert not check(large).is_whole, (one, other)
        one.write_bytes(first)
        other.write_bytes(second)
    assert check(large).is_whole


def test_entries_that_changed_places_are_found(
    folder: Path, check: Callable[[Path], Report]
) -> None:
    path = folder / "tile/entries/000.p/5"
    path.write_bytes(path.read_bytes().replace(entry(1), b"~").replace(entry(2), entry(1)))
    path.write_bytes(path.read_bytes().replace(b"~", entry(2)))
    assert check(folder).problems == (
        Problem(
            "tile/entries/000.p/5",
            "2 of its entries are not what was logged; the first is 1",
        ),
    )


def test_what_was_found_is_said_in_words(large: Path, check: Callable[[Path], Report]) -> None:
    (large / "tile/entries/001").unlink()
    (large / "tile/0/000").write_bytes(bytes(8192))
    (large / "notes.txt").write_text("mine")
    report = check(large)
    assert [str(problem) for problem in report.problems] == [
        "tile/0/000: is not what the log wrote",
        "tile/entries/001: is missing, or holds no whole entries",
        "notes.txt: does not belong to the log",
    ]
    assert report.entries == 600 - 256


def test_a_whole_branch_that_was_rewritten_is_found(
    large: Path, tmp_path: Path, signer: Signer, check: Callable[[Path], Report]
) -> None:
    """Entries and all hash tiles of another history, under the checkpoint of the first."""
    other = found_log(tmp_path / "other", signer)
    other.append([b"forged", *[entry(n) for n in range(1, 600)]])
    other.close()
    shutil.rmtree(large / "tile")
    shutil.copytree(tmp_path / "other" / "tile", large / "tile")
    assert "checkpoint" in [p.file for p in check(large).problems]


def test_a_forged_checkpoint_is_found(folder: Path, signer: Signer) -> None:
    forger = Signer(signer.name, bytes(32))
    text = (folder / "checkpoint").read_text(encoding="utf-8").split("\n\n")[0] + "\n"
    (folder / "checkpoint").write_bytes(bytes(sign(text, forger)))
    (problem,) = verify_folder(folder, [signer.key]).problems
    assert problem.what == "None of the keys that are trusted has signed this note."


def rolled_back(folder: Path, signer: Signer) -> bytes:
    """Put the log back to what it was three entries ago, and return what it had shown before."""
    before = {p: p.read_bytes() for p in files(folder)}
    with open_log(folder, signer) as log:
        log.append([entry(n) for n in range(5, 8)])
        shown = log.checkpoint()
    shutil.rmtree(folder / "tile")
    for path, raw in before.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return shown


def test_a_log_that_was_put_back_is_found_by_whoever_kept_a_checkpoint(
    folder: Path, signer: Signer
) -> None:
    shown = rolled_back(folder, signer)
    assert verify_folder(folder, [signer.key]).is_whole
    (problem,) = verify_folder(folder, [signer.key], known=[shown]).problems
    assert str(problem) == ("checkpoint: the log was rolled back: it has 5 entries and once had 8")


def test_a_log_that_was_put_back_is_found_by_the_witnessed_checkpoint(
    tmp_path: Path, signer: Signer, folder: Path, check: Callable[[Path], Report]
) -> None:
    newer = make(tmp_path / "longer", signer, 9) / "checkpoint.witnessed"
    (folder / "checkpoint.witnessed").write_bytes(newer.read_bytes())
    (problem,) = check(folder).problems
    assert "the log was rolled back: it has 5 entries and once had 9" in problem.what


def test_another_history_is_found_by_whoever_kept_a_checkpoint(
    folder: Path, tmp_path: Path, signer: Signer
) -> None:
    with found_log(tmp_path / "other", signer) as other:
        other.append([b"forged", b"history"])
        known = other.checkpoint()
    (problem,) = verify_folder(folder, [signer.key], known=[known]).problems
    assert problem.what == "its first 2 entries are not those once signed"


def test_a_kept_checkpoint_must_be_the_log_s_own(folder: Path, signer: Signer) -> None:
    foreign = bytes(sign((folder / "checkpoint").read_text("utf-8"), Signer("x", bytes(32))))
    with pytest.raises(AuditError, match=r"audit\.not_signed"):
        verify_folder(folder, [signer.key], known=[foreign])


def test_too_few_witnesses_are_a_problem(folder: Path, signer: Signer) -> None:
    absent = Signer("absent.example", bytes([3]) * 32, KeyKind.COSIGNATURE)
    both = [WITNESS.key, absent.key]
    (problem,) = verify_folder(folder, [signer.key], witnesses=both).problems
    assert str(problem) == "checkpoint.witnessed: 1 of 2 witnesses have signed it"
    assert verify_folder(folder, [signer.key], witnesses=both, quorum=1).is_whole
    (folder / "checkpoint.witnessed").unlink()
    (problem,) = verify_folder(folder, [signer.key], witnesses=both, quorum=1).problems
    assert problem.what == "is missing; 1 witnesses should have signed it"


def test_what_a_cut_short_commit_left_is_no_problem_unless_it_is_altered(
    folder: Path, check: Callable[[Path], Report]
) -> None:
    bundle = (folder / "tile/entries/000.p/5").read_bytes()
    narrow = folder / "tile/entries/000.p/2"
    narrow.write_bytes(bundle[:18])
    (folder / "tile/entries/000.p/7").write_bytes(b"not yet")
    (folder / ".unfinished").mkdir(exist_ok=True)
    (folder / ".unfinished/intent").write_bytes(b"not yet")
    report = check(folder)
    assert report.is_whole
    assert report.unfinished == (
        ".unfinished/intent",
        "tile/entries/000.p/2",
        "tile/entries/000.p/7",
    )
    narrow.write_bytes(bundle[:17] + b"!")
    (problem,) = check(folder).problems
    assert problem.what == "is not how the tile that it grew into begins"


def test_an_empty_log_is_whole(log: Log, signer: Signer) -> None:
    report = verify_folder(log.folder, [signer.key])
    assert (report.is_whole, report.entries) == (True, 0)


def test_a_folder_without_a_log_is_not_whole(tmp_path: Path, signer: Signer) -> None:
    report = verify_folder(tmp_path, [signer.key])
    assert [str(p) for p in report.problems] == ["checkpoint: is missing"]


def test_a_log_can_be_verified_while_it_is_written(log: Log, signer: Signer) -> None:
    is_enough = Event()

    def write() -> None:
        while not is_enough.wait(0.001):
            log.append([b"x" * 50] * 37)

    writer = Thread(target=write)
    writer.start()
    try:
        reports = [verify_folder(log.folder, [signer.key]) for _ in range(40)]
    finally:
        is_enough.set()
        writer.join(timeout=30)
    assert [r.problems for r in reports] == [()] * 40
    assert reports[-1].entries > reports[0].entries
