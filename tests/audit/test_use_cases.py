"""The verbs: keep a log, read it, prove an entry to somebody who has nothing of ours."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from shuzhi.audit import (
    AuditError,
    BrokenLogError,
    KeyKind,
    Log,
    Signer,
    check_proof,
    keep_log,
    parse_key,
    parse_proof,
    prove,
    read_entries,
    read_head,
    read_keys,
)
from shuzhi.audit.note import cosign, parse_note

WITNESS = Signer("witness.example", bytes([2]) * 32, KeyKind.COSIGNATURE)


def fill(log: Log, size: int) -> None:
    log.append([b"entry %d" % n for n in range(log.size, size)])


def witnessed(log: Log) -> None:
    note = parse_note(log.checkpoint())
    log.keep_witnessed(bytes(note.signed_also(cosign(note.text, WITNESS, at_s=1_700_000_000))))


def test_a_log_is_founded_with_its_key_and_opened_again(tmp_path: Path) -> None:
    folder, key_file = tmp_path / "audit" / "log", tmp_path / "keys" / "audit"
    with keep_log(folder, key_file, "audit.city.example") as log:
        log.append([b"x"])
    assert key_file.stat().st_mode & 0o077 == 0
    (key,) = read_keys((tmp_path / "keys" / "audit.pub").read_text().splitlines())
    with keep_log(folder, key_file, "audit.city.example") as log:
        assert log.size == 1
    assert read_head(folder, [key]).checkpoint.origin == "audit.city.example"
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["audit", "audit.pub"]


def test_a_log_that_is_gone_is_not_replaced(tmp_path: Path) -> None:
    folder, key_file = tmp_path / "log", tmp_path / "key"
    keep_log(folder, key_file, "audit.city.example").close()
    folder.rename(tmp_path / "stolen")
    with pytest.raises(AuditError, match=r"audit\.no_log"):
        keep_log(folder, key_file, "audit.city.example")


@pytest.mark.parametrize("is_founded", [False, True])
def test_a_founding_that_was_cut_short_goes_on(tmp_path: Path, is_founded: bool) -> None:
    folder, key_file = tmp_path / "log", tmp_path / "key"
    keep_log(folder, key_file, "audit.city.example").close()
    key_file.rename(tmp_path / "key.new")
    folder.rename(folder if is_founded else tmp_path / "never")
    with keep_log(folder, key_file, "audit.city.example") as log:
        fill(log, 3)
    assert key_file.exists()
    assert not (tmp_path / "key.new").exists()


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_a_proof_stands_alone(log: Log, signer: Signer, size: int) -> None:
    fill(log, size)
    for index in {0, size // 2, size - 1}:
        entry, proof = prove(log.folder, index, [signer.key])
        assert entry == b"entry %d" % index
        proved = check_proof(parse_proof(str(proof)), entry, [parse_key(str(signer.key))])
        assert (proved.index, proved.checkpoint.size) == (index, size)


def test_a_proof_of_another_entry_or_index_fails(log: Log, signer: Signer) -> None:
    fill(log, 20)
    entry, proof = prove(log.folder, 7, [signer.key])
    for wrong, said in ((proof, b"entry 8"), (replace(proof, index=8), entry)):
        with pytest.raises(AuditError, match=r"audit\.bad_proof: .* it does not lead from this"):
            check_proof(wrong, said, [signer.key])


def test_a_proof_by_another_log_s_key_fails(log: Log, signer: Signer) -> None:
    fill(log, 3)
    entry, proof = prove(log.folder, 1, [signer.key])
    with pytest.raises(AuditError, match=r"audit\.not_signed"):
        check_proof(proof, entry, [Signer("other.example", bytes(32)).key])


def test_a_proof_is_made_from_what_witnesses_signed(log: Log, signer: Signer) -> None:
    fill(log, 5)
    witnessed(log)
    fill(log, 9)
    entry, proof = prove(log.folder, 4, [signer.key])
    proved = check_proof(proof, entry, [signer.key], witnesses=[WITNESS.key], quorum=1)
    assert (proved.checkpoint.size, [s.key for s in proved.witnesses]) == (5, [WITNESS.key])
    entry, proof = prove(log.folder, 5, [signer.key])
    assert check_proof(proof, entry, [signer.key]).checkpoint.size == 9
    with pytest.raises(AuditError, match="0 of the witnesses have signed, 1 are asked for"):
        check_proof(proof, entry, [signer.key], witnesses=[WITNESS.key], quorum=1)


@pytest.mark.parametrize("index", [-1, 3, 10**12])
def test_what_the_log_has_not_cannot_be_proved(log: Log, signer: Signer, index: int) -> None:
    fill(log, 3)
    with pytest.raises(AuditError) as refused:
        prove(log.folder, index, [signer.key])
    assert str(refused.value) == (
        f"audit.no_such_entry: The log holds 3 entries; there is no number {index:,}. "
        "Count from 0, and ask for one that the checkpoint covers."
    )


def test_entries_are_read(log: Log, signer: Signer) -> None:
    fill(log, 600)
    assert list(read_entries(log.folder, [signer.key])) == [b"entry %d" % n for n in range(600)]
    some = list(read_entries(log.folder, [signer.key], start=254, end=258))
    assert some == [b"entry %d" % n for n in range(254, 258)]
    with pytest.raises(AuditError, match=r"audit\.no_such_entry"):
        read_entries(log.folder, [signer.key], start=3, end=601)


def test_a_lost_bundle_is_named_when_it_is_read(log: Log, signer: Signer) -> None:
    fill(log, 600)
    (log.folder / "tile/entries/001").unlink()
    with pytest.raises(BrokenLogError, match=r"audit\.altered: tile/entries/001 .* is missing"):
        list(read_entries(log.folder, [signer.key]))


def test_a_folder_that_is_no_log_is_refused(tmp_path: Path, signer: Signer) -> None:
    with pytest.raises(AuditError, match=r"audit\.no_log"):
        read_head(tmp_path, [signer.key])


def test_what_is_in_the_log_is_text_that_anybody_can_read(log: Log, signer: Signer) -> None:
    log.append([json.dumps({"entry": "系统"}).encode()])
    (raw,) = read_entries(log.folder, [signer.key])
    assert json.loads(raw) == {"entry": "系统"}


@pytest.mark.parametrize("turn", range(8))
def test_two_who_found_a_log_at_once_leave_one_that_opens(tmp_path: Path, turn: int) -> None:
    folder, key_file = tmp_path / "audit" / "log", tmp_path / "keys" / "audit"
    gate = Barrier(2)

    def keep(_: int) -> None:
        gate.wait(20)
        with suppress(BrokenLogError), keep_log(folder, key_file, f"audit.city{turn}") as log:
            fill(log, log.size + 1)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(keep, range(2)))
    with keep_log(folder, key_file, f"audit.city{turn}") as log:
        fill(log, 3)
        (key,) = read_keys((tmp_path / "keys" / "audit.pub").read_text().splitlines())
        assert read_head(folder, [key]).checkpoint.size == 3
