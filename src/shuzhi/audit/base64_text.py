"""Base64 as notes have it (RFC 4648 section 4), where one value has one text unless said."""

from __future__ import annotations

import base64
import binascii


def encoded(raw: bytes) -> str:
    """Return `raw` in base64."""
    return base64.b64encode(raw).decode("ascii")


def decoded(text: str) -> bytes | None:
    """Return what `text` stands for; None for one that the encoder would not have written."""
    raw = decoded_loosely(text)
    # Bits that base64 leaves over could be altered unseen.
    return raw if raw is not None and encoded(raw) == text else None


def decoded_loosely(text: str) -> bytes | None:
    """Return what `text` stands for, whatever its left-over bits; None where it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
