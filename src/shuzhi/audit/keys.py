"""The keys of logs and witnesses: Ed25519, written as lines that name their holder.

A verifier key is `name+hash+base64` (C2SP signed-note, verifier keys); a private key has
`PRIVATE+KEY+` before it and is kept in a file that only its holder can read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from shuzhi.audit.base64_text import decoded, encoded
from shuzhi.audit.errors import bad_key

_PRIVATE = "PRIVATE+KEY+"
_KEY_BYTES = 32
_PRIME = 2**255 - 19
# y of the points of small order: under such a key, a signature fits more than one text.
_SMALL_ORDER = {
    0,
    1,
    _PRIME - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
}


class KeyKind(IntEnum):
    """What a key signs: notes as they are, or cosignatures with their time."""

    NOTE = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True)
class VerifierKey:
    """Whose signatures to believe: a name, an Ed25519 public key, and what it signs.

    Raises:
        AuditError: `audit.bad_key` for a bad name, or a point that is not canonical or of small
            order.
    """

    name: str
    public: bytes
    kind: KeyKind = KeyKind.NOTE

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise bad_key("its name is empty, or has a space or a plus")
        y = int.from_bytes(self.public, "little") & (1 << 255) - 1
        if len(self.public) != _KEY_BYTES or y >= _PRIME:
            raise bad_key("it is no Ed25519 public key")
        if y in _SMALL_ORDER:
            raise bad_key("it is a point of small order, for which anybody can sign")

    @cached_property
    def id(self) -> bytes:
        """The four bytes that stand before a signature of this key."""
        held = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return sha256(held).digest()[:4]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """True when this key signed `message` (RFC 8032, without cofactor)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encoded(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True)
class Signer:
    """Who signs: a name and an Ed25519 private key of 32 bytes, which is never shown."""

    name: str
    private: bytes = field(repr=False)
    kind: KeyKind = KeyKind.NOTE

    @cached_property
    def key(self) -> VerifierKey:
        """The key that others verify with."""
        return VerifierKey(self.name, self._key.public_key().public_bytes_raw(), self.kind)

    def sign(self, message: bytes) -> bytes:
        """Return the signature, the same for the same message every time (RFC 8032)."""
        return self._key.sign(message)

    def secret(self) -> str:
        """Return the private key as its line."""
        held = bytes([self.kind]) + self.private
        return f"{_PRIVATE}{self.name}+{self.key.id.hex()}+{encoded(held)}"

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.private)


def is_key_name(name: str) -> bool:
    """True for a name that a key may have: no space, no plus, no control character."""
    return bool(name) and not any(c.isspace() or c == "+" or c < " " for c in name)


def parse_key(text: str) -> VerifierKey:
    """Read a verifier key.

    Raises:
        AuditError: `audit.bad_key` for a line that is none, whose hash is not its own, or of a
            kind that is not known here.
    """
    name, key_id, kind, content = _parts(text.strip())
    key = VerifierKey(name, content, kind)
    if key.id != key_id:
        raise bad_key("its hash does not belong to it")
    return key


def parse_signer(text: str) -> Signer:
    """Read a private key. Raises as `parse_key`."""
    text = text.strip()
    if not text.startswith(_PRIVATE):
        raise bad_key(f"a private key begins with {_PRIVATE}")
    name, key_id, kind, content = _parts(text.removeprefix(_PRIVATE))
    if len(content) != _KEY_BYTES:
        raise bad_key("it is no Ed25519 private key")
    signer = Signer(name, content, kind)
    if signer.key.id != key_id:
        raise bad_key("its hash does not belong to it")
    return signer


def new_signer(name: str, kind: KeyKind = KeyKind.NOTE) -> Signer:
    """Make a key of the system's randomness. Raises as `VerifierKey`."""
    signer = Signer(name, os.urandom(_KEY_BYTES), kind)
    VerifierKey(name, signer.key.public, kind)
    return signer


def read_signer(path: Path) -> Signer:
    """Read a private key from its file.

    Raises:
        AuditError: as `parse_key`, and where the file cannot be read.
    """
    try:
        return parse_signer(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise bad_key(f"{path.name} cannot be read") from None


def read_keys(lines: Iterable[str]) -> tuple[VerifierKey, ...]:
    """Read verifier keys, one a line; empty lines and those after `#` say nothing."""
    texts = (line.strip() for line in lines)
    return tuple(parse_key(text) for text in texts if text and not text.startswith("#"))


def _parts(text: str) -> tuple[str, bytes, KeyKind, bytes]:
    name, plus, rest = text.partition("+")
    key_id, more, base64 = rest.partition("+")
    raw = decoded(base64)
    if not (plus and more) or raw is None or len(raw) < 1 or not _is_id(key_id):
        raise bad_key("it is not written as name+hash+base64")
    if raw[0] not in (KeyKind.NOTE, KeyKind.COSIGNATURE):
        raise bad_key(f"keys of the kind {raw[0]} are not known here")
    return name, bytes.fromhex(key_id), KeyKind(raw[0]), raw[1:]


def _is_id(text: str) -> bool:
    return len(text) == 8 and all(c in "0123456789abcdef" for c in text)
