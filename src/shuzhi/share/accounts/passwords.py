"""Passwords: which are strong enough, and how their hashes are made and checked.

Rules as NIST SP 800-63B-4 section 3.1.1 has them: length counts, no kinds of characters are asked
for, and what everybody would guess first is refused. Hashes are argon2id (RFC 9106).
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

LEAST, MOST = 12, 128
_MOST_AT_ONCE = 4
_LEAST_OWN = 6
_LEAST_DISTINCT = 5
_LEAST_ABOUT = 4
_SALT_BYTES, _HASH_BYTES = 16, 32

# What people begin with when they are made to choose; what is left without these has to be enough.
_WORDS = (
    "password", "passwort", "passwd", "welcome", "letmein", "iloveyou", "woaini", "wodemima",
    "admin", "administrator", "root", "master", "secret", "login", "default", "guest", "changeme",
    "dragon", "monkey", "sunshine", "princess", "football", "baseball", "superman", "shuzhi",
    "chengshi", "zhengfu", "beijing", "shanghai", "mima", "qingwen", "nihao", "houtai", "guanli",
    "system",
)  # fmt: skip
_WALKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "!@#$%^&*()",
)
_LEAST_WALK = 3
_DRESSED = str.maketrans("013457@$!", "oleastasi")
_YEAR = re.compile(r"(19|20)\d\d")
_REPEATED = re.compile(r"(.)\1{2,}")


class Weakness(StrEnum):
    """Why a password is refused."""

    SHORT = "short"
    LONG = "long"
    NO_TEXT = "no_text"
    ABOUT_YOU = "about_you"
    COMMON = "common"


def weakness(password: str, about: Iterable[str] = ()) -> Weakness | None:
    """Return why a password is too weak; None for one that will do.

    `about` is what others know of its owner: names, the party, the service.
    """
    if any("\ud800" <= c <= "\udfff" or c == "\x00" for c in password):
        return Weakness.NO_TEXT
    text = normal(password)
    if len(text) < LEAST:
        return Weakness.SHORT
    if len(text) > MOST:
        return Weakness.LONG
    lowered = text.lower()
    known = (normal(each).lower() for each in about)
    if any(len(each) >= _LEAST_ABOUT and each in lowered for each in known):
        return Weakness.ABOUT_YOU
    own = _own_part(lowered)
    is_own = len(own) >= _LEAST_OWN and len(set(own)) >= _LEAST_DISTINCT
    return None if is_own else Weakness.COMMON


def normal(password: str) -> str:
    """Return a password in the form in which keyboards that compose characters agree (NFC)."""
    return unicodedata.normalize("NFC", password)


def _own_part(text: str) -> str:
    """Return what is left of a password without words, walks over keys, repeats and years."""
    for word in sorted(_WORDS, key=len, reverse=True):
        # A digit or sign stands for one letter, so that places agree.
        while (at := text.translate(_DRESSED).find(word)) >= 0:
            text = text[:at] + text[at + len(word) :]
    text = _REPEATED.sub("", _YEAR.sub("", text))
    return _without_walks(text)


def _without_walks(text: str) -> str:
    kept, at = [], 0
    while at < len(text):
        length = _walk_at(text, at)
        if length < _LEAST_WALK:
            kept.append(text[at])
            length = 1
        at += length
    return "".join(kept)


def _walk_at(text: str, at: int) -> int:
    """Return how far `text` walks over keys in one direction from `at` on."""
    ways = [way for walk in _WALKS for way in (walk, walk[::-1])]
    longest = 0
    for way in ways:
        length = 1
        while text[at : at + length + 1] in way and at + length < len(text):
            length += 1
        longest = max(longest, length)
    return longest


@dataclass(frozen=True)
class Cost:
    """What one hash costs: memory in KiB, rounds over it, and lanes side by side (RFC 9106)."""

    memory_kib: int = 65_536
    rounds: int = 3
    lanes: int = 1


@dataclass(frozen=True)
class Passwords:
    """Makes and checks hashes, a few at a time, so that many tries cannot fill the memory."""

    cost: Cost = Cost()
    _turn: BoundedSemaphore = field(
        default_factory=lambda: BoundedSemaphore(_MOST_AT_ONCE), repr=False, compare=False
    )

    @cached_property
    def _hasher(self) -> PasswordHasher:
        cost = self.cost
        return PasswordHasher(
            time_cost=cost.rounds,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )

    @cached_property
    def decoy(self) -> str:
        """A hash that no password has; to check against it costs what any other check costs."""
        cost = self.cost
        salt, key = (_plain_base64(bytes(size)) for size in (_SALT_BYTES, _HASH_BYTES))
        terms = f"m={cost.memory_kib},t={cost.rounds},p={cost.lanes}"
        return f"$argon2id$v=19${terms}${salt}${key}"

    def hashed(self, password: str, salt: bytes) -> str:
        """Return the hash of a password under a salt of 16 random bytes."""
        with self._turn:
            return self._hasher.hash(_bytes(password), salt=salt)

    def is_right(self, hashed: str, password: str) -> bool:
        """Tell whether a hash is of this password; False also for what is no hash."""
        try:
            with self._turn:
                return self._hasher.verify(hashed, _bytes(password))
        except (Argon2Error, InvalidHashError):
            return False

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether a hash was made at another cost than hashes are made at now."""
        return self._hasher.check_needs_rehash(hashed)


def _bytes(password: str) -> bytes:
    return normal(password).encode("utf-8", "surrogatepass")


def _plain_base64(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")
