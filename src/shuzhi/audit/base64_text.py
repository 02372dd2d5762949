"""Base64 as notes have it (RFC 4648 section 4), where one value has one text only."""

from __future__ import annotations

import base64
import binascii


def encoded(raw: bytes) -> str:
    """Return `raw` in base64."""
    return base64.b64encode(raw).decode("ascii")


def decoded(text: str) -> bytes | None:
    """Return what `text` stands for; None for one that the encoder would not have written."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Bits that base64 leaves over could be altered unseen.
    return raw if encoded(raw) == text else None
