"""Signed notes (C2SP signed-note) and cosignatures on them (C2SP tlog-cosignature, Ed25519).

A note is text that one or more keys signed; what no trusted key signed is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shuzhi.audit.base64_text import decoded_loosely, encoded
from shuzhi.audit.errors import AuditError, bad_note
from shuzhi.audit.keys import KeyKind, Signer, VerifierKey, is_key_name

_MOST_BYTES = 1_000_000
_MOST_SIGNATURES = 100
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_ID_BYTES = 4
_TIME_BYTES = 8
_LATEST_S = 2**63 - 1


@dataclass(frozen=True)
class Signature:
    """A line below a note: who says to have signed, the key's id, and the signature."""

    name: str
    key_id: bytes
    content: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encoded(self.key_id + self.content)}\n"


@dataclass(frozen=True)
class Note:
    """A note as it was read; nobody has verified it yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()

    def signed_also(self, *more: Signature) -> Note:
        """Return the note with more signatures; one of the same key is replaced."""
        keys = {(s.name, s.key_id) for s in more}
        kept = [s for s in self.signatures if (s.name, s.key_id) not in keys]
        return Note(self.text, (*kept, *more))


@dataclass(frozen=True)
class Signed:
    """A signature that was verified: whose it is, and for a cosignature when it was made."""

    key: VerifierKey
    signature: Signature
    at_s: int | None = None


def parse_note(raw: bytes) -> Note:
    """Read a note's form; verify nothing.

    Raises:
        AuditError: `audit.bad_note` when it is not UTF-8, has a control character, no signature,
            more than 100, or a line below the text that is no signature.
    """
    if len(raw) > _MOST_BYTES:
        raise bad_note(f"it is longer than {_MOST_BYTES:,} bytes")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_note("it is not UTF-8") from None
    if _CONTROL.search(whole):
        raise bad_note("it has a control character")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise bad_note("no signature lines stand below an empty line")
    return Note(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, each with its end. Raises as `parse_note`."""
    *each, rest = lines.split("\n")
    if rest or not each:
        raise bad_note("a signature line has no end")
    if len(each) > _MOST_SIGNATURES:
        raise bad_note(f"it has more than {_MOST_SIGNATURES} signatures")
    return tuple(map(_signature, each))


def sign(text: str, *signers: Signer) -> Note:
    """Return a note of `text`, which ends with a new line, signed by each signer."""
    signatures = (Signature(s.name, s.key.id, s.sign(text.encode())) for s in signers)
    return Note(text, tuple(signatures))


def cosign(text: str, signer: Signer, *, at_s: int) -> Signature:
    """Return a witness's signature on a checkpoint's text at a time (seconds since 1970)."""
    content = at_s.to_bytes(_TIME_BYTES, "big") + signer.sign(_cosigned(text, at_s))
    return Signature(signer.name, signer.key.id, content)


def verified(note: Note, keys: Iterable[VerifierKey]) -> tuple[Signed, ...]:
    """Return the note's signatures by `keys`, one for each key; there is at least one.

    Raises:
        AuditError: `audit.not_signed` when none of the keys signed, `audit.bad_signature` when
            one of them did not sign what its line says, `audit.ambiguous_key` when two keys have
            the name and id of a line.
    """
    found = cosigned(note, keys)
    if not found:
        raise AuditError(
            "audit.not_signed",
            "None of the keys that are trusted has signed this note.",
            next_step="Check that you have the log's own key, and that this is its note.",
        )
    return found


def cosigned(note: Note, keys: Iterable[VerifierKey]) -> tuple[Signed, ...]:
    """As `verified`, but there may be none."""
    known = tuple(keys)
    found: dict[VerifierKey, Signed] = {}
    for signature in note.signatures:
        for signed in _checked(note.text, signature, known):
            found.setdefault(signed.key, signed)
    return tuple(found.values())


def _checked(text: str, signature: Signature, keys: Sequence[VerifierKey]) -> Iterator[Signed]:
    fitting = [k for k in keys if k.name == signature.name and k.id == signature.key_id]
    if len(fitting) > 1:
        raise AuditError(
            "audit.ambiguous_key",
            f"Two of the keys are called {signature.name} and have the same id.",
            next_step="Name each key once.",
        )
    for key in fitting:
        at_s = _time_of(key, signature)
        message = text.encode() if at_s is None else _cosigned(text, at_s)
        # A time of another length would leave a signature of another length as well.
        skipped = 0 if at_s is None else _TIME_BYTES
        is_late = at_s is not None and at_s > _LATEST_S
        if is_late or not key.verifies(signature.content[skipped:], message):
            raise AuditError(
                "audit.bad_signature",
                f"{key.name} did not sign this note: the signature in its name is not its own.",
                next_step="Keep the note as evidence, and fetch it again.",
            )
        yield Signed(key, signature, at_s)


def _time_of(key: VerifierKey, signature: Signature) -> int | None:
    if key.kind is KeyKind.NOTE:
        return None
    return int.from_bytes(signature.content[:_TIME_BYTES], "big")


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def _signature(line: str) -> Signature:
    name, space, base64 = line.removeprefix(_DASH).partition(" ")
    raw = decoded_loosely(base64)
    if not (line.startswith(_DASH) and space and is_key_name(name)):
        raise bad_note("a line below the text is no signature")
    if raw is None or len(raw) <= _ID_BYTES:
        raise bad_note(f"the signature of {name[:60]} is not in base64")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])
