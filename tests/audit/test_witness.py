"""Witnesses: what they sign, what they refuse and with which status, and how a log asks them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from shuzhi.audit import (
    Answer,
    BrokenLogError,
    KeyKind,
    Log,
    Signer,
    Witness,
    WitnessAddress,
    ask_witnesses,
    found_log,
    read_head,
    verify_folder,
)
from shuzhi.audit.checkpoint import Checkpoint
from shuzhi.audit.merkle import EMPTY_ROOT, consistency_path, leaf_hash
from shuzhi.audit.note import Note, cosigned, parse_note, parse_signatures, sign
from shuzhi.audit.witness_http import poster, witness_server
from shuzhi.audit.witnessing import Post, Reply, request_body
from shuzhi.kernel.instant import Clock, Instant

SIGNER = Signer("witness.example", bytes([2]) * 32, KeyKind.COSIGNATURE)
AT = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


def clock() -> Instant:
    return AT


@pytest.fixture
def witness(tmp_path: Path, signer: Signer, clock: Clock) -> Witness:
    """A witness that knows the log's key and has signed nothing yet."""
    logs = {signer.name: [signer.key]}
    return Witness(tmp_path / "witness", SIGNER, logs, clock=clock, sync=lambda _path: None)


def grown(log: Log, size: int) -> Note:
    """The checkpoint of the log once it has `size` entries."""
    log.append([b"entry %d" % n for n in range(log.size, size)])
    return parse_note(log.checkpoint())


def path(log: Log, old: int, new: int) -> tuple[bytes, ...]:
    return consistency_path(old, new, log.reader.subtree(new))


def signed_by(answer: Answer, note: Note) -> list[int | None]:
    lines = parse_signatures(answer.body)
    return [s.at_s for s in cosigned(Note(note.text, lines), [SIGNER.key])]


def test_it_signs_the_first_checkpoint_and_what_continues_it(log: Log, witness: Witness) -> None:
    old = 0
    for size in (3, 3, 300, 301):
        note = grown(log, size)
        answer = witness.add_checkpoint(request_body(old, path(log, old, size), note))
        assert (answer.status, signed_by(answer, note)) == (200, [int(AT.timestamp())])
        old = size


def test_it_signs_the_empty_log(log: Log, witness: Witness) -> None:
    note = grown(log, 0)
    assert witness.add_checkpoint(request_body(0, (), note)).status == 200
    assert witness.add_checkpoint(request_body(0, (), grown(log, 4))).status == 200


def test_it_remembers_after_a_restart(
    log: Log, witness: Witness, tmp_path: Path, signer: Signer
) -> None:
    witness.add_checkpoint(request_body(0, (), grown(log, 3)))
    again = Witness(tmp_path / "witness", SIGNER, {signer.name: [signer.key]}, clock=clock)
    answer = again.add_checkpoint(request_body(0, (), grown(log, 5)))
    assert answer == Answer(409, "3\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    ("old", "size", "shown", "status"),
    [
        (0, 5, 5, 409),  # it has signed 3
        (2, 5, 5, 409),
        (4, 5, 5, 409),
        (3, 2, 2, 400),  # an old size above the new one
        (3, 5, 5, 200),
        (3, 5, 4, 422),  # the proof is of another size
    ],
)
def test_old_sizes_and_proofs(
    log: Log, witness: Witness, signer: Signer, old: int, size: int, shown: int, status: int
) -> None:
    witness.add_checkpoint(request_body(0, (), grown(log, 3)))
    grown(log, 6)
    proof = path(log, old, shown)
    with found_log(log.folder.parent / "same", signer) as same:
        note = grown(same, size)
    answer = witness.add_checkpoint(request_body(old, proof, note))
    assert answer.status == status
    assert (answer.body == "3\n") == (status == 409)


def test_the_same_size_with_another_root_is_a_conflict(
    log: Log, witness: Witness, signer: Signer
) -> None:
    witness.add_checkpoint(request_body(0, (), grown(log, 3)))
    other = sign(Checkpoint(signer.name, 3, leaf_hash(b"x")).text, signer)
    assert witness.add_checkpoint(request_body(3, (), other)).status == 409


def test_another_history_is_not_signed(log: Log, witness: Witness, signer: Signer) -> None:
    witness.add_checkpoint(request_body(0, (), grown(log, 3)))
    with found_log(log.folder.parent / "other", signer) as other:
        other.append([b"forged"] * 5)
        forged = parse_note(other.checkpoint())
        for proof in (path(other, 3, 5), path(log, 3, 3), ()):
            assert witness.add_checkpoint(request_body(3, proof, forged)).status == 422


def test_a_proof_where_none_is_needed_is_refused(log: Log, witness: Witness) -> None:
    body = request_body(0, (leaf_hash(b"x"),), grown(log, 3))
    assert witness.add_checkpoint(body).status == 422


def test_a_log_that_is_not_known_is_not_found(witness: Witness) -> None:
    stranger = Signer("stranger.example", bytes(32))
    note = sign(Checkpoint("stranger.example", 0, EMPTY_ROOT).text, stranger)
    assert witness.add_checkpoint(request_body(0, (), note)).status == 404


def test_another_key_is_forbidden(witness: Witness, signer: Signer) -> None:
    text = Checkpoint(signer.name, 0, EMPTY_ROOT).text
    for forger in (Signer(signer.name, bytes(32)), Signer("other", signer.private)):
        assert witness.add_checkpoint(request_body(0, (), sign(text, forger))).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\nx\n",
        b"old -1\n\nx\n",
        b"new 0\n\nx\n",
        b"old 0\nnot base64\n\nx\n",
        b"old 0\n" + b"AAAA" * 11 + b"\n\nx\n",
        b"old 0\n\nno note\n",
        b"old 0\n\n" + b"x" * 70_000,
        b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx\n",
    ],
)
def test_what_is_no_request_is_bad(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400


def test_a_signed_text_that_is_no_checkpoint_is_bad(witness: Witness, signer: Signer) -> None:
    note = sign(f"{signer.name}\nthree\nx\n", signer)
    assert witness.add_checkpoint(request_body(0, (), note)).status == 400


def test_of_two_requests_at_once_none_rolls_the_log_back(
    log: Log, witness: Witness, signer: Signer
) -> None:
    witness.add_checkpoint(request_body(0, (), grown(log, 3)))
    sizes = range(4, 24)
    notes = [(size, grown(log, size), path(log, 3, size)) for size in sizes]
    with ThreadPoolExecutor(8) as pool:
        bodies = [request_body(3, proof, note) for _, note, proof in notes]
        answers = list(pool.map(witness.add_checkpoint, bodies))
    (signed,) = [notes[i][0] for i, answer in enumerate(answers) if answer.status == 200]
    latest = witness.latest(signer.name)
    assert latest is not None
    assert latest.size == signed
    assert {a.body for a in answers if a.status == 409} == {f"{signed}\n"}


def test_a_record_that_was_altered_stops_the_witness(log: Log, witness: Witness) -> None:
    witness.add_checkpoint(request_body(0, (), grown(log, 3)))
    (record,) = [p for p in (log.folder.parent / "witness").iterdir() if len(p.name) == 64]
    record.write_bytes(record.read_bytes().replace(b"\n3\n", b"\n1\n"))
    with pytest.raises(BrokenLogError, match="is not what this witness signed"):
        witness.add_checkpoint(request_body(1, path(log, 1, 3), grown(log, 3)))


# Asking.


@contextmanager
def served(witness: Witness) -> Iterator[str]:
    """The witness on 127.0.0.1; its URL."""
    server: ThreadingHTTPServer = witness_server(witness, ("127.0.0.1", 0))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


@pytest.fixture
def post() -> Iterator[Post]:
    """The way to ask over HTTP."""
    with httpx2.Client(timeout=10) as client:
        yield poster(client)


def test_a_log_asks_its_witness_over_http(
    log: Log, witness: Witness, signer: Signer, post: Post
) -> None:
    with served(witness) as url:
        for size in (1, 4, 4, 300):
            grown(log, size)
            asked = ask_witnesses(log, [WitnessAddress(url, SIGNER.key)], post)
            assert [(a.witness, a.has_signed) for a in asked] == [("witness.example", True)]
    head = read_head(log.folder, [signer.key], witnesses=[SIGNER.key], witnessed=True)
    assert (head.checkpoint.size, [s.key for s in head.witnesses]) == (300, [SIGNER.key])
    assert verify_folder(log.folder, [signer.key], witnesses=[SIGNER.key]).is_whole


def test_statuses_over_http(witness: Witness) -> None:
    with served(witness) as url:
        answers = [
            httpx2.post(f"{url}/add-checkpoint", content=b"nonsense"),
            httpx2.post(f"{url}/other", content=b"x"),
            httpx2.post(f"{url}/add-checkpoint", content=b"x" * 100_000),
            httpx2.get(f"{url}/add-checkpoint"),
        ]
    assert [a.status_code for a in answers] == [400, 404, 400, 501]


def test_a_conflict_over_http_has_its_type(log: Log, witness: Witness) -> None:
    note = grown(log, 3)
    with served(witness) as url:
        httpx2.post(f"{url}/add-checkpoint", content=request_body(0, (), note))
        answer = httpx2.post(f"{url}/add-checkpoint", content=request_body(0, (), note))
    assert (answer.status_code, answer.text) == (409, "3\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"


def test_a_witness_that_is_ahead_of_what_was_kept_is_asked_again(
    log: Log, witness: Witness, post: Post
) -> None:
    with served(witness) as url:
        here = [WitnessAddress(url, SIGNER.key)]
        grown(log, 3)
        ask_witnesses(log, here, post)
        (log.folder / "checkpoint.witnessed").unlink()
        grown(log, 9)
        assert ask_witnesses(log, here, post)[0].has_signed


def test_a_witness_that_is_away_stops_nobody(
    log: Log, witness: Witness, signer: Signer, post: Post
) -> None:
    away = WitnessAddress("http://127.0.0.1:9", Signer("away", bytes(32), SIGNER.kind).key)
    grown(log, 3)
    with served(witness) as url:
        asked = ask_witnesses(log, [away, WitnessAddress(url, SIGNER.key)], post)
    assert [(a.witness, a.has_signed) for a in asked] == [
        ("away", False),
        ("witness.example", True),
    ]
    assert "did not answer" in asked[0].problem
    assert read_head(log.folder, [signer.key], witnessed=True).checkpoint.size == 3


def test_a_log_that_was_put_back_is_told_by_its_witness(
    log: Log, witness: Witness, signer: Signer, post: Post
) -> None:
    grown(log, 9)
    with served(witness) as url, found_log(log.folder.parent / "older", signer) as older:
        ask_witnesses(log, [WitnessAddress(url, SIGNER.key)], post)
        grown(older, 5)
        with pytest.raises(BrokenLogError) as told:
            ask_witnesses(older, [WitnessAddress(url, SIGNER.key)], post)
    assert str(told.value) == (
        "audit.rolled_back: witness.example says it signed 9 entries of this log, which has 5: "
        "some are gone. Stop writing, keep the folder as evidence, and restore the newest copy."
    )


@pytest.mark.parametrize("more", [0, 4])
def test_another_history_is_told_by_the_witness(
    log: Log, witness: Witness, signer: Signer, post: Post, more: int
) -> None:
    grown(log, 5)
    with served(witness) as url, found_log(log.folder.parent / "other", signer) as other:
        ask_witnesses(log, [WitnessAddress(url, SIGNER.key)], post)
        other.append([b"forged"] * (5 + more))
        with pytest.raises(BrokenLogError, match=r"audit\.split: witness\.example says it signed"):
            ask_witnesses(other, [WitnessAddress(url, SIGNER.key)], post)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(500, b""), "The witness answered 500."),
        (Reply(409, b"many\n"), "The witness answered 409 without a size."),
        (Reply(409, b"1\n"), "The witness answered 409."),
        (Reply(200, b""), "This is no signed note"),
        (Reply(200, "— witness.example AAAAAAA=\n".encode()), "signed with another key"),
    ],
)
def test_answers_of_nonsense_are_no_signature(log: Log, reply: Reply, problem: str) -> None:
    grown(log, 3)
    here = [WitnessAddress("http://w", SIGNER.key)]
    (asked,) = ask_witnesses(log, here, lambda _url, _body: reply)
    assert not asked.has_signed
    assert problem in asked.problem
    assert not (log.folder / "checkpoint.witnessed").exists()
