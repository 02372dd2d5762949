"""SM4 of data areas (HJ 212-2025, as told by implementers), and the opening of a whole frame.

Whole blocks of 16 bytes between `CP=&&` and the closing `&&` are enciphered in ECB mode, a shorter
rest stays plain; length and checksum are those of the plain segment. The mode hides what was said
and proves nothing: it needs TLS around it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shuzhi.gather.sensors.hj212 import crc
from shuzhi.gather.sensors.hj212.model import EVIDENCE, Dialect, Edition, Frame, Head, Refusal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher

KEY_BYTES = 16
_BLOCK = 16
_CLOSING = b"&&"
_PLAIN = re.compile(rb"[A-Za-z0-9_. -]{1,40}=|\Z")
# As cipher bytes look in print: {0xE4,0x3E}g=N
_PRINTED = re.compile(rb"\{((?:0[xX][0-9A-Fa-f]{2},?)+)\}")
_NOTICES_TO_ENCRYPT = ("1014", "3020")


class Opened(NamedTuple):
    """A plain segment whose checksum is right, and what was put up with."""

    segment: bytes
    tolerated: tuple[str, ...] = ()


def must_be_encrypted(cn: str) -> bool:
    """Whether a device must encipher this command on the internet (HJ 212-2025)."""
    return cn.startswith("2") or cn in _NOTICES_TO_ENCRYPT


def opened(frame: Frame, head: Head, dialect: Dialect) -> Opened | Refusal:
    """Return the plain segment of a frame if its checksum is right; never raises.

    The checksum is that of the plain text, so a station's key is needed first.
    """
    segment, given = frame.segment, frame.checksum
    if dialect.key is None:
        if crc.is_right(segment, given, dialect.checksum):
            return Opened(segment)
        return _wrong_checksum(frame, dialect)
    if len(dialect.key) != KEY_BYTES:
        return Refusal("key_not_16_bytes", frame.raw[:EVIDENCE])
    area = segment[head.area : -len(_CLOSING)]
    if _PLAIN.match(area) and crc.is_right(segment, given, dialect.checksum):
        is_due = dialect.edition is Edition.HJ212_2025 and must_be_encrypted(head.cn) and area
        return Opened(segment, ("plain_but_must_be_encrypted",) if is_due else ())
    for cipher_text in dict.fromkeys((area, _from_print(area))):
        text = decrypted(cipher_text, dialect.key)
        plain = segment[: head.area] + text + _CLOSING
        # One wrong key in 256 has a right checksum, so what it opens must look like data too.
        if _PLAIN.match(text) and crc.is_right(plain, given, dialect.checksum):
            return Opened(plain)
    return _wrong_checksum(frame, dialect)


def _wrong_checksum(frame: Frame, dialect: Dialect) -> Refusal:
    right_for = crc.kinds_of(frame.segment, frame.checksum)
    return Refusal(
        "checksum_wrong",
        frame.raw[:EVIDENCE],
        f"right for {', '.join(right_for)}" if right_for else f"not right for {dialect.checksum}",
    )


def encrypted(area: bytes, key: bytes) -> bytes:
    """Encipher the whole blocks of a data area; raises ValueError unless `key` has 16 bytes."""
    cut = len(area) - len(area) % _BLOCK
    cipher = _cipher(key).encryptor()
    return cipher.update(area[:cut]) + cipher.finalize() + area[cut:]


def decrypted(area: bytes, key: bytes) -> bytes:
    """Undo `encrypted`; raises ValueError unless `key` has 16 bytes."""
    cut = len(area) - len(area) % _BLOCK
    cipher = _cipher(key).decryptor()
    return cipher.update(area[:cut]) + cipher.finalize() + area[cut:]


def _cipher(key: bytes) -> Cipher[Any]:
    # Imported here for few stations encipher, and a gateway of others does without.
    from cryptography.hazmat.primitives.ciphers import Cipher, modes
    from cryptography.hazmat.primitives.ciphers.algorithms import SM4

    return Cipher(SM4(key), modes.ECB())  # noqa: S305  # the standard's mode


def _from_print(area: bytes) -> bytes:
    """Return an area whose cipher bytes were sent as they look in print."""
    return _PRINTED.sub(
        lambda match: bytes.fromhex(re.sub(rb"0[xX]|,", b"", match[1]).decode()), area
    )
