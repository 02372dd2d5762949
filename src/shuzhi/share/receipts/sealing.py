"""Seals small secrets that we hand out or keep: AES-256-GCM (RFC 5116), as URL-safe text."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def sealed(key: bytes, content: bytes, binding: bytes) -> str:
    """Return `content` sealed with a key of 32 bytes; `binding` must be the same to open it."""
    nonce = os.urandom(_NONCE)
    return urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, content, binding)).decode()


def unsealed(key: bytes, text: str, binding: bytes) -> bytes | None:
    """Return what was sealed; None for what this key did not seal for this binding."""
    try:
        raw = urlsafe_b64decode(text.encode())
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], binding)
    except (ValueError, InvalidTag):
        return None
