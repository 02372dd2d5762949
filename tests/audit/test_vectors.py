"""The published vectors: RFC 6962 proofs, signed notes, a whole log, a witness, Ed25519's edges."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shuzhi.audit import AuditError, KeyKind, Signer, Witness, parse_key
from shuzhi.audit.checkpoint import open_checkpoint
from shuzhi.audit.keys import VerifierKey, parse_signer
from shuzhi.audit.merkle import (
    EMPTY_ROOT,
    consistency_path,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
)
from shuzhi.audit.note import parse_note, sign, verified
from shuzhi.audit.tiles import BUNDLES, Tile, TileReader, bundle, entries_of, tiles_of
from shuzhi.audit.tree import Tree, load_edge, load_tree
from shuzhi.kernel.instant import Instant

SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
# The script is of a witness that answers 403 for a log that it does not know; the protocol that
# it implements says 404.
PROTOCOL_STATUS = {"unknown log": 404}


def hashes(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or []]


def cases(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))]


def test_inclusion_proofs(shared: Path) -> None:
    found = cases(shared / "conformance" / "rfc6962-merkle" / "inclusion")
    assert len(found) == 98
    accepted = [
        proves_inclusion(
            b64decode(c["leafHash"] or ""),
            c["leafIdx"],
            c["treeSize"],
            hashes(c["proof"]),
            b64decode(c["root"] or ""),
        )
        for c in found
    ]
    assert accepted == [not c["wantErr"] for c in found]


def test_consistency_proofs(shared: Path) -> None:
    found = cases(shared / "conformance" / "rfc6962-merkle" / "consistency")
    assert len(found) == 98
    accepted = [
        proves_consistency(
            c["size1"],
            c["size2"],
            hashes(c["proof"]),
            b64decode(c["root1"] or ""),
            b64decode(c["root2"] or ""),
        )
        for c in found
    ]
    assert accepted == [not c["wantErr"] for c in found]


def test_roots_of_small_trees(shared: Path) -> None:
    folder = shared / "conformance" / "rfc6962-merkle"
    known = json.loads((folder / "reference-roots.json").read_text())
    leaves = [bytes.fromhex(text) for text in known["leaf_inputs_hex"]]
    roots = [Tree().grown(leaves[:n])[0].edge.root.hex() for n in range(len(leaves) + 1)]
    assert roots == known["root_hex_by_tree_size"]


@pytest.fixture
def notes(shared: Path) -> dict[str, Any]:
    content = (shared / "conformance" / "signed-note" / "vectors.json").read_text()
    return dict(json.loads(content))


def opened(case: dict[str, Any]) -> tuple[list[str], bool]:
    raw = bytes.fromhex(case["note_hex"]) if "note_hex" in case else case["note"].encode()
    try:
        found = verified(parse_note(raw), map(parse_key, case["keys"]))
    except AuditError:
        return [], True
    return [signed.key.name for signed in found], False


def test_signed_notes(notes: dict[str, Any]) -> None:
    assert len(notes["notes"]) == 16
    expected = {c["case"]: (c["verified"], c["error"] is not None) for c in notes["notes"]}
    assert {c["case"]: opened(c) for c in notes["notes"]} == expected


def test_bad_verifier_keys(notes: dict[str, Any]) -> None:
    assert len(notes["bad_vkeys"]) == 2
    for text in notes["bad_vkeys"]:
        with pytest.raises(AuditError, match=r"audit\.bad_key"):
            parse_key(text)


@pytest.fixture
def maker(shared: Path) -> Signer:
    """The key that the published log was made with."""
    script = (shared / "conformance" / "tlog-tiles-log" / "build_log.sh").read_text()
    (line,) = re.findall(r'LOG_PRIVATE_KEY="(.*)"', script)
    return parse_signer(line)


def test_every_checkpoint_of_a_log_fits_its_tiles(shared: Path, maker: Signer) -> None:
    folder = shared / "conformance" / "tlog-tiles-log" / "log"
    reader = TileReader(folder)
    for size in range(16):
        raw = (folder / f"checkpoint.{size}").read_bytes()
        checkpoint, _ = open_checkpoint(raw, [maker.key])
        tree = load_tree(size, reader.read)
        assert (checkpoint.size, checkpoint.root) == (size, tree.edge.root)
        assert [reader.read(t) for t in tiles_of(size)] == [
            (folder / t.path).read_bytes() for t in tiles_of(size)
        ]


def test_we_make_the_same_log_byte_by_byte(shared: Path, maker: Signer) -> None:
    folder = shared / "conformance" / "tlog-tiles-log" / "log"
    words = entries_of((folder / Tile(BUNDLES, 0, 15).path).read_bytes())
    for size in range(1, 16):
        tree, files = Tree().grown(words[:size])
        for tile, content in files:
            assert content == (folder / tile.path).read_bytes()
        theirs = (folder / f"checkpoint.{size}").read_bytes()
        checkpoint, note = open_checkpoint(theirs, [maker.key])
        assert bytes(sign(checkpoint.text, maker)) == bytes(note) == theirs
        assert tree.edge.root == checkpoint.root


def test_each_checkpoint_of_a_log_continues_the_one_before(shared: Path) -> None:
    folder = shared / "conformance" / "tlog-tiles-log" / "log"
    reader = TileReader(folder)
    for old, new in pairwise(range(1, 16)):
        path = consistency_path(old, new, reader.subtree(new))
        roots = [load_edge(size, reader.read).root for size in (old, new)]
        assert proves_consistency(old, new, path, *roots)


def requests(script: Path) -> list[tuple[bytes, int, str]]:
    """The requests of a witness's script: body, expected status, expected words."""
    pattern = re.compile(
        r"POST \S+/add-checkpoint\n```\n(.*?)```\nHTTP (\d+)\n\[Asserts\]\nbody (?:contains|==) "
        r'"(.*?)"\n',
        re.DOTALL,
    )
    found = pattern.findall(script.read_text(encoding="utf-8"))
    return [(body.encode(), int(status), words) for body, status, words in found]


def new_witness(folder: Path, logs: dict[str, list[VerifierKey]]) -> Witness:
    signer = Signer("example.com/witness", bytes(32), KeyKind.COSIGNATURE)
    return Witness(folder, signer, logs, clock=lambda: Instant(datetime(2026, 3, 2, tzinfo=UTC)))


def run_script(shared: Path, folder: Path, script: str, origin: str, key: VerifierKey) -> int:
    """Ask as the script asks, and return the size that the witness signed last."""
    witness = new_witness(folder, {origin: [key]})
    asked = requests(shared / "conformance" / "tlog-witness" / script)
    assert asked
    for body, status, words in asked:
        answer = witness.add_checkpoint(body)
        assert answer.status == PROTOCOL_STATUS.get(words, status)
        assert words.replace("\\n", "\n") in answer.body
    latest = witness.latest(origin)
    assert latest is not None
    return latest.size


def key_of(shared: Path, script: str, pattern: str) -> str:
    content = (shared / "conformance" / "tlog-witness" / script).read_text(encoding="utf-8")
    (key,) = re.findall(pattern, content)
    return str(key)


def test_the_script_of_a_sigsum_log(shared: Path, tmp_path: Path) -> None:
    public = bytes.fromhex(key_of(shared, "litewitness.txt", r"add-sigsum-log -key=(\w+)"))
    key = VerifierKey(SIGSUM, public)
    assert run_script(shared, tmp_path / "w", "litewitness.txt", SIGSUM, key) == 5


def test_the_script_of_the_go_checksum_log(shared: Path, tmp_path: Path) -> None:
    key = parse_key(key_of(shared, "sumdb.txt", r"-key (sum\.golang\.org\S+)"))
    origin = "go.sum database tree"
    assert run_script(shared, tmp_path / "w", "sumdb.txt", origin, key) == 35225469


def test_ed25519_edge_cases(shared: Path) -> None:
    """Our rules: RFC 8032 without cofactor, canonical R, keys canonical and of no small order."""
    path = shared / "conformance" / "ed25519-edge-cases" / "ed25519vectors.json"
    found = json.loads(path.read_text())
    refused = {"low_order_A", "non_canonical_A", "non_canonical_R", "low_order_residue"}
    expected = [refused.isdisjoint(vector["flags"] or ()) for vector in found]
    assert [accepts(vector) for vector in found] == expected
    assert (len(found), sum(expected)) == (914, 86)


def accepts(vector: dict[str, Any]) -> bool:
    try:
        key = VerifierKey("edge.example", bytes.fromhex(vector["key"]))
    except AuditError:
        return False
    return key.verifies(bytes.fromhex(vector["sig"]), vector["msg"].encode())


# What the specifications print: some vectors are there where the reference data is not.


def test_rfc_6962_hashes() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    left, right = leaf_hash(b""), leaf_hash(b"\x00")
    assert left.hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    root = node_hash(left, right)
    assert root.hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(BUNDLES, 0, 3), "tile/entries/000.p/3"),
        (Tile(2, 999, 255), "tile/2/999.p/255"),
        (Tile(1, 1000), "tile/1/x001/000"),
    ],
)
def test_paths_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_the_tiles_of_the_specification_s_example() -> None:
    tiles = list(tiles_of(70_000))
    assert sum(t.level == 0 and t.width == 256 for t in tiles) == 273
    narrow = [t for t in tiles if t.level >= 0 and t.width < 256]
    assert narrow == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [t for t in tiles_of(256) if t.level >= 0] == [Tile(0, 0), Tile(1, 0, 1)]


def test_a_bundle_is_lengths_and_entries() -> None:
    assert bundle([b"one", b"", b"three"]) == b"\x00\x03one\x00\x00\x00\x05three"
