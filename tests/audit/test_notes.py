"""Keys, notes and checkpoints: what is written is read back, and nonsense is refused, not fatal."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.audit import AuditError, KeyKind, Signer, VerifierKey, new_signer, parse_key, read_keys
from shuzhi.audit.base64_text import decoded, encoded
from shuzhi.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from shuzhi.audit.keys import parse_signer
from shuzhi.audit.merkle import EMPTY_ROOT, leaf_hash
from shuzhi.audit.note import Note, Signature, cosign, cosigned, parse_note, sign, verified
from shuzhi.audit.proof import Proof, parse_proof
from shuzhi.audit.witness import parse_request
from shuzhi.audit.witnessing import request_body

LOG = Signer("audit.city.example", bytes(32))
OTHER = Signer("audit.city.example", bytes([1]) * 32)
WITNESS = Signer("witness.example", bytes([2]) * 32, KeyKind.COSIGNATURE)
HEAD = Checkpoint("audit.city.example", 3, leaf_hash(b"root"))

names = st.text(st.characters(codec="utf-8"), min_size=1).filter(
    lambda name: not any(c.isspace() or c < " " or c == "+" for c in name)
)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(names, st.binary(min_size=32, max_size=32), st.sampled_from(KeyKind))
def test_keys_are_read_back(name: str, private: bytes, kind: KeyKind) -> None:
    signer = Signer(name, private, kind)
    assert parse_signer(signer.secret()) == signer
    assert parse_key(str(signer.key)) == signer.key


def test_a_private_key_is_never_shown() -> None:
    signer = new_signer("audit.city.example")
    assert encoded(signer.private) not in repr(signer)
    assert str(signer.private) not in repr(signer)
    with pytest.raises(AuditError) as refused:
        parse_key(signer.secret())
    assert encoded(bytes([1]) + signer.private) not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not written as name+hash+base64"),
        ("name+0123456g+AQ==", "it is not written as name+hash+base64"),
        (f"name+00000000+{encoded(bytes([1]) + bytes(31))}", "it is no Ed25519 public key"),
        (f"name+00000000+{encoded(bytes([9]) + bytes(32))}", "keys of the kind 9 are not known"),
        (f"a b+00000000+{encoded(bytes([1]) + LOG.key.public)}", "has a space or a plus"),
        (f"name+00000000+{encoded(bytes([1]) + LOG.key.public)}", "hash does not belong to it"),
        (f"name+00000000+{encoded(bytes([1]) + bytes(32))}", "for which anybody can sign"),
        (f"name+00000000+{encoded(bytes([1]) + bytes([255]) * 32)}", "it is no Ed25519 public key"),
    ],
)
def test_bad_keys_are_refused(text: str, why: str) -> None:
    with pytest.raises(AuditError) as refused:
        parse_key(text)
    assert refused.value.code == "audit.bad_key"
    assert why in refused.value.message


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+", f"{LOG.key}", "PRIVATE+KEY+a+00000000+AQ=="])
def test_bad_private_keys_are_refused(text: str) -> None:
    with pytest.raises(AuditError, match=r"audit\.bad_key"):
        parse_signer(text)


def test_key_files_may_hold_comments() -> None:
    assert read_keys(["# ours", "", f"  {LOG.key}\n", str(WITNESS.key)]) == (LOG.key, WITNESS.key)


@given(st.lists(lines, min_size=1, max_size=5), st.integers(1, 3))
def test_notes_are_read_back(texts: list[str], count: int) -> None:
    text = "".join(f"{line}\n" for line in texts)
    note = sign(text, *[LOG, OTHER, Signer("third", bytes(32))][:count])
    assert parse_note(bytes(note)) == note
    assert [s.key for s in verified(note, [LOG.key])] == [LOG.key]


def test_a_note_that_no_trusted_key_signed_is_refused() -> None:
    with pytest.raises(AuditError, match=r"audit\.not_signed: None of the keys"):
        verified(sign("text\n", OTHER), [LOG.key])


def test_a_signature_in_a_trusted_name_must_be_its_own() -> None:
    forged = Note("other text\n", sign("text\n", LOG, WITNESS).signatures)
    with pytest.raises(AuditError, match=r"audit\.bad_signature: audit\.city\.example did not"):
        verified(forged, [LOG.key])


def test_cosignatures_tell_when() -> None:
    note = sign(HEAD.text, LOG).signed_also(cosign(HEAD.text, WITNESS, at_s=1_700_000_000))
    (signed,) = cosigned(note, [WITNESS.key])
    assert (signed.key, signed.at_s) == (WITNESS.key, 1_700_000_000)


@pytest.mark.parametrize("at", [0, 7, 8, 71])
def test_a_cosignature_of_another_time_or_text_is_refused(at: int) -> None:
    good = cosign(HEAD.text, WITNESS, at_s=1_700_000_000)
    content = bytearray(good.content)
    content[at] ^= 1
    note = Note(HEAD.text, (Signature(good.name, good.key_id, bytes(content)),))
    with pytest.raises(AuditError, match=r"audit\.bad_signature"):
        cosigned(note, [WITNESS.key])


@pytest.mark.parametrize("length", [5, 12, 71, 73])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    good = cosign(HEAD.text, WITNESS, at_s=5)
    note = Note(HEAD.text, (Signature(good.name, good.key_id, (good.content + b"x")[:length]),))
    with pytest.raises(AuditError, match=r"audit\.bad_signature"):
        cosigned(note, [WITNESS.key])


def test_the_same_key_signs_notes_and_cosignatures_apart() -> None:
    both = Signer(LOG.name, LOG.private, KeyKind.COSIGNATURE)
    assert both.key.id != LOG.key.id
    with pytest.raises(AuditError, match=r"audit\.not_signed"):
        verified(sign(HEAD.text, LOG), [both.key])


def test_a_new_signature_of_a_key_replaces_its_old_one() -> None:
    note = sign(HEAD.text, LOG)
    again = note.signed_also(cosign(HEAD.text, WITNESS, at_s=1)).signed_also(
        cosign(HEAD.text, WITNESS, at_s=2)
    )
    assert [s.at_s for s in cosigned(again, [LOG.key, WITNESS.key])] == [None, 2]


@given(names, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines))
def test_checkpoints_are_read_back(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    head = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(head.text) == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n3\n",
        f"log\n03\n{encoded(HEAD.root)}\n",
        f"log\n-1\n{encoded(HEAD.root)}\n",
        f"log\n٣\n{encoded(HEAD.root)}\n",
        f"log\n{2**63}\n{encoded(HEAD.root)}\n",
        f"log\n3\n{encoded(HEAD.root[:31])}\n",
        f"log\n3\n{encoded(HEAD.root)}",
        f"\n3\n{encoded(HEAD.root)}\n",
        f"log\n3\n{encoded(HEAD.root)}\n\nmore\n",
        f"log\n0\n{encoded(HEAD.root)}\n",
    ],
)
def test_bad_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(AuditError, match=r"audit\.bad_checkpoint"):
        parse_checkpoint(text)


def test_the_empty_tree_has_the_empty_root() -> None:
    assert parse_checkpoint(Checkpoint("log", 0, EMPTY_ROOT).text).size == 0


def test_no_byte_of_a_checkpoint_can_be_another() -> None:
    raw = bytes(sign(HEAD.text, LOG))
    for at in range(len(raw)):
        for bit in range(8):
            with pytest.raises(AuditError):
                open_checkpoint(raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :], [LOG.key])


def test_base64_has_one_text_for_one_value() -> None:
    assert decoded("AQ==") == b"\x01"
    assert [decoded(text) for text in ("AR==", "AQ", "AQ=", "A Q==", "AQ==\n", "")][:5] == [
        None
    ] * 5


MESSY = st.one_of(
    st.binary(max_size=300),
    st.text(string.printable + "—+\n =", max_size=300).map(str.encode),
    st.tuples(st.integers(0, 200), st.binary(max_size=4)).map(
        lambda cut: bytes(sign(HEAD.text, LOG))[: cut[0]] + cut[1]
    ),
)


@given(MESSY)
def test_notes_of_nonsense_are_refused(raw: bytes) -> None:
    with pytest.raises(AuditError, match=r"audit\.(bad_note|not_signed|bad_signature)"):
        verified(parse_note(raw), [VerifierKey(OTHER.name, OTHER.key.public)])


@given(st.text(max_size=200))
def test_checkpoints_of_nonsense_are_refused(text: str) -> None:
    with pytest.raises(AuditError, match=r"audit\.bad_checkpoint"):
        parse_checkpoint(text)


@given(MESSY, st.sampled_from([b"", b"old 0\n\n", b"old 3\nAAAA\n\n", b"old 99999999999999999999"]))
def test_requests_of_nonsense_are_refused(raw: bytes, head: bytes) -> None:
    body = head + raw.replace("—".encode(), b"")
    with pytest.raises(AuditError, match=r"audit\.(bad_request|bad_note|bad_proof)"):
        parse_request(body)


@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_requests_are_read_back(old: int, path: list[bytes]) -> None:
    note = sign(HEAD.text, LOG)
    request = parse_request(request_body(old, path, note))
    assert (request.old, request.path, request.note) == (old, tuple(path), note)
    assert request.origin == HEAD.origin


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_proofs_are_read_back(index: int, path: list[bytes]) -> None:
    proof = Proof(index, tuple(path), bytes(sign(HEAD.text, LOG)))
    assert parse_proof(str(proof)) == proof


@given(st.text(max_size=200), st.sampled_from(["", "c2sp.org/tlog-proof@v1\n"]))
def test_proofs_of_nonsense_are_refused(text: str, head: str) -> None:
    with pytest.raises(AuditError, match=r"audit\.bad_proof"):
        parse_proof(head + text)


def test_the_extra_line_of_a_proof_is_skipped() -> None:
    proof = Proof(0, (), bytes(sign(HEAD.text, LOG)))
    text = str(proof).replace("index", "extra AAAA\nindex", 1)
    assert parse_proof(text) == proof
