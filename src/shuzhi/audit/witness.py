"""A witness (C2SP tlog-witness): it cosigns a log's checkpoint after proof that nothing was lost.

For each log it remembers the newest checkpoint that it signed, in a file, and never signs one that
does not continue it. Departments and districts witness each other, so that nobody rewrites alone.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock

from shuzhi.audit.checkpoint import MOST_ENTRIES, Checkpoint, parse_checkpoint
from shuzhi.audit.disk import LOCK, Disk, Sync
from shuzhi.audit.errors import AuditError, altered
from shuzhi.audit.keys import Signer, VerifierKey
from shuzhi.audit.log import INTENT
from shuzhi.audit.merkle import EMPTY_ROOT, proves_consistency
from shuzhi.audit.note import Note, cosign, parse_note, verified
from shuzhi.audit.proof import parse_hashes
from shuzhi.kernel.files import sync_path
from shuzhi.kernel.instant import Clock

SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
MOST_REQUEST_BYTES = 64_000
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Answer:
    """What to send back: an HTTP status, its body and the body's type."""

    status: int
    body: str
    content_type: str = TEXT_TYPE


@dataclass(frozen=True)
class Request:
    """What a log asks for: its checkpoint to be signed, with the proof from an old size."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    @property
    def origin(self) -> str:
        """Which log says to be asking."""
        return self.note.text.partition("\n")[0]


class Witness:
    """A witness that keeps what it signed below `folder`; `logs` are the keys of each origin."""

    def __init__(
        self,
        folder: Path,
        signer: Signer,
        logs: Mapping[str, Sequence[VerifierKey]],
        *,
        clock: Clock,
        sync: Sync = sync_path,
    ) -> None:
        self._folder = folder
        self._signer = signer
        self._logs = dict(logs)
        self._clock = clock
        self._disk = Disk(folder, sync)
        self._gate = Lock()
        folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._disk.begin(INTENT)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request to `add-checkpoint`.

        200 with the cosignature; 400 for what is no such request, or an old size above the new
        one; 403 when none of the log's keys signed; 404 for a log that is not known; 409 with the
        size that was signed last, when the old size is another or the same size has another root;
        422 when the proof fails.
        """
        try:
            request = parse_request(body)
        except AuditError as error:
            return Answer(400, f"{error}\n")
        keys = self._logs.get(request.origin)
        if keys is None:
            return Answer(404, "unknown log: this witness does not know its origin\n")
        try:
            verified(request.note, keys)
        except AuditError as error:
            return Answer(403, f"invalid signature: {error}\n")
        try:
            asked = parse_checkpoint(request.note.text)
        except AuditError as error:
            return Answer(400, f"{error}\n")
        if request.old > asked.size:
            return Answer(400, "the old size is larger than the checkpoint\n")
        return self._judged(request, asked)

    def latest(self, origin: str) -> Checkpoint | None:
        """Return the newest checkpoint of a log that was signed here; None where none was.

        Raises:
            BrokenLogError: `audit.altered` when the record of it is not what this witness signed.
        """
        name = _record_name(origin)
        try:
            raw = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            note = parse_note(raw)
            verified(note, [self._signer.key])
            return parse_checkpoint(note.text)
        except AuditError as error:
            raise altered(name, f"is not what this witness signed ({error.code})") from error

    def _judged(self, request: Request, asked: Checkpoint) -> Answer:
        # To compare and to remember is one step: two requests at once could roll the log back.
        with self._alone():
            latest = self.latest(asked.origin) or Checkpoint(asked.origin, 0, EMPTY_ROOT)
            is_other = latest.size == asked.size and latest.root != asked.root
            if request.old != latest.size or is_other:
                return Answer(409, f"{latest.size}\n", SIZE_TYPE)
            if not _continues(latest, asked, request.path):
                return Answer(422, "the consistency proof does not verify\n")
            at_s = int(self._clock().timestamp())
            signature = cosign(request.note.text, self._signer, at_s=at_s)
            record = bytes(Note(request.note.text, (signature,)))
            self._disk.put([(_record_name(asked.origin), record)])
            return Answer(200, str(signature))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._gate:
            descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)


def parse_request(body: bytes) -> Request:
    """Read the body of a request to `add-checkpoint`; nothing of it is verified.

    Raises:
        AuditError: `audit.bad_request` for the old size; `audit.bad_proof` for a line that is no
            hash, or more than 63; as `parse_note` for the checkpoint.
    """
    head, gap, note = body[:MOST_REQUEST_BYTES].partition(b"\n\n")
    first, *hashes = head.decode("utf-8", "replace").split("\n")
    old = _OLD.fullmatch(first)
    if old is None or not gap or int(old[1]) > MOST_ENTRIES or len(body) > MOST_REQUEST_BYTES:
        raise AuditError(
            "audit.bad_request",
            "This is no request to a witness: it has no line with the old size, no checkpoint "
            f"after an empty line, or more than {MOST_REQUEST_BYTES:,} bytes.",
            next_step="See c2sp.org/tlog-witness.",
        )
    return Request(int(old[1]), parse_hashes(hashes), parse_note(note))


def _continues(latest: Checkpoint, asked: Checkpoint, path: Sequence[bytes]) -> bool:
    if latest.size == 0:
        return not path
    return proves_consistency(latest.size, asked.size, path, latest.root, asked.root)


def _record_name(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()
