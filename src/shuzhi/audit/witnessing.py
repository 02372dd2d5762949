"""Asking witnesses to cosign the log's newest checkpoint (C2SP tlog-witness, the client).

A witness that cannot be reached is asked again next time; one that knows a longer or another log
than ours is an alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shuzhi.audit.base64_text import encoded
from shuzhi.audit.checkpoint import MOST_ENTRIES, Checkpoint, parse_checkpoint
from shuzhi.audit.errors import AuditError, BrokenLogError
from shuzhi.audit.keys import VerifierKey
from shuzhi.audit.log import WITNESSED, Log
from shuzhi.audit.merkle import consistency_path
from shuzhi.audit.note import Note, Signature, cosigned, parse_note, parse_signatures
from shuzhi.audit.tiles import TileReader

_OK, _CONFLICT, _UNPROCESSABLE = 200, 409, 422
# A witness's answer says whose old size to prove from; one more try uses it.
_TRIES = 2


@dataclass(frozen=True)
class WitnessAddress:
    """Where a witness takes requests (the submission prefix of its URL), and its key."""

    url: str
    key: VerifierKey


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    body: bytes


# Sends a body to a URL. An OSError says that nobody answered.
Post = Callable[[str, bytes], Reply]


@dataclass(frozen=True)
class Asked:
    """What became of asking one witness: it signed, or why not."""

    witness: str
    has_signed: bool
    problem: str = ""


def ask_witnesses(log: Log, witnesses: Sequence[WitnessAddress], post: Post) -> tuple[Asked, ...]:
    """Ask each witness to sign the log's newest checkpoint, and keep it with their signatures.

    Raises:
        BrokenLogError: `audit.rolled_back` when a witness has signed a longer log than ours,
            `audit.split` when it signed another one of the same beginning.
    """
    note = parse_note(log.checkpoint())
    kept = _kept(log)
    asked: list[Asked] = []
    signatures: list[Signature] = []
    alarm: BrokenLogError | None = None
    for witness in witnesses:
        try:
            signatures += _signed(log.reader, note, witness, _last_size(kept, witness), post)
            asked.append(Asked(witness.key.name, has_signed=True))
        except (OSError, AuditError) as error:
            asked.append(Asked(witness.key.name, has_signed=False, problem=str(error)))
        except BrokenLogError as error:
            alarm = error
    if signatures:
        log.keep_witnessed(bytes(note.signed_also(*signatures)))
    if alarm is not None:
        raise alarm
    return tuple(asked)


def request_body(old: int, path: Sequence[bytes], note: Note) -> bytes:
    """Return the body of a request to `add-checkpoint`."""
    lines = (f"old {old}", *map(encoded, path), "")
    return "\n".join(lines).encode() + b"\n" + bytes(note)


def _signed(
    reader: TileReader, note: Note, witness: WitnessAddress, old: int, post: Post
) -> tuple[Signature, ...]:
    checkpoint = parse_checkpoint(note.text)
    for _ in range(_TRIES):
        path = consistency_path(old, checkpoint.size, reader.subtree(checkpoint.size))
        reply = post(f"{witness.url}/add-checkpoint", request_body(old, path, note))
        if reply.status != _CONFLICT:
            break
        old = _size_of(reply, checkpoint, old, witness)
    if reply.status == _UNPROCESSABLE:
        raise _split(witness, old)
    if reply.status != _OK:
        raise AuditError("audit.witness_refused", f"The witness answered {reply.status}.")
    return _own_lines(reply, note, witness)


def _own_lines(reply: Reply, note: Note, witness: WitnessAddress) -> tuple[Signature, ...]:
    lines = parse_signatures(reply.body.decode("utf-8", "replace"))
    signed = cosigned(Note(note.text, lines), [witness.key])
    if not signed:
        raise AuditError("audit.witness_refused", "The witness signed with another key.")
    return tuple(s.signature for s in signed)


def _size_of(reply: Reply, checkpoint: Checkpoint, old: int, witness: WitnessAddress) -> int:
    """Return the size that the witness signed last."""
    text = reply.body.decode("utf-8", "replace").removesuffix("\n")
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MOST_ENTRIES)):
        raise AuditError("audit.witness_refused", "The witness answered 409 without a size.")
    size = int(text)
    if size > checkpoint.size:
        raise BrokenLogError(
            "audit.rolled_back",
            f"{witness.key.name} says it signed {size:,} entries of this log, which has "
            f"{checkpoint.size:,}: some are gone.",
            next_step="Stop writing, keep the folder as evidence, and restore the newest copy.",
        )
    if size == old == checkpoint.size:
        raise _split(witness, size)
    return size


def _split(witness: WitnessAddress, size: int) -> BrokenLogError:
    return BrokenLogError(
        "audit.split",
        f"{witness.key.name} says it signed a log whose first {size:,} entries are not ours.",
        next_step="Stop writing, keep the folder as evidence, and compare with the witness.",
    )


def _kept(log: Log) -> Note | None:
    try:
        return parse_note((log.folder / WITNESSED).read_bytes())
    except (FileNotFoundError, AuditError):
        return None


def _last_size(kept: Note | None, witness: WitnessAddress) -> int:
    """Return the size that a witness is thought to have signed last."""
    try:
        if kept is not None and cosigned(kept, [witness.key]):
            return parse_checkpoint(kept.text).size
    except AuditError:
        return 0
    return 0
