"""Tokens: what a browser or a program shows, drawn at random; only hashes of them are kept.

A token has 256 random bits, so that a fast hash is enough: nobody can try them all.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

# Returns so many random bytes.
Draw = Callable[[int], bytes]
system_draw: Draw = secrets.token_bytes

_TOKEN_BYTES = 32
_PREFIX_BYTES = 5
_KEY = re.compile(r"szk_([0-9a-f]{10})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Secret:
    """A text that is told once and shows itself nowhere."""

    value: str = field(repr=False)


def new_token(draw: Draw) -> Secret:
    """Return a token for a session."""
    return Secret(_text(draw(_TOKEN_BYTES)))


def new_key(draw: Draw) -> tuple[str, Secret]:
    """Return the prefix of a new key, by which people know it, and the whole key."""
    prefix = draw(_PREFIX_BYTES).hex()
    return prefix, Secret(f"szk_{prefix}_{_text(draw(_TOKEN_BYTES))}")


def prefix_of(key: str) -> str | None:
    """Return the prefix of what has the form of a key; None for anything else."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def digest(token: str) -> str:
    """Return what is kept of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
