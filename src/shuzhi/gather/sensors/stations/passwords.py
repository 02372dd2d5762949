"""Passwords of stations: kept as keyed hashes, so that the registry alone gives none away.

The six characters of an HJ 212 password are soon guessed from a plain hash; without the key, which
lies apart from the registry, they are not.
"""

from __future__ import annotations

import os
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from pathlib import Path

from shuzhi.gather.sensors.stations.errors import StationError
from shuzhi.kernel.files import make_once

_KEY_BYTES = 32


def password_hash(password: str, key: bytes) -> str:
    """Return the keyed hash (HMAC-SHA256) of a password."""
    return hmac_digest(key, password.encode(), sha256).hex()


def is_password(password: str, hashed: str, key: bytes) -> bool:
    """Whether this is the password that was hashed."""
    return compare_digest(password_hash(password, key), hashed)


def password_key(path: Path) -> bytes:
    """Return the key in a file, which is made, for its owner alone, when it is not there.

    Raises:
        StationError: `gather.bad_password_key` for a file that is no key.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_once(path, f"{os.urandom(_KEY_BYTES).hex()}\n".encode())
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise StationError(
            "gather.bad_password_key",
            f"{path} does not hold the key of the stations' passwords.",
            next_step="Restore it from a backup; without it every station's password must be set "
            "anew.",
        )
    return key
