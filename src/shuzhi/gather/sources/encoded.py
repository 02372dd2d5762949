"""Files as UTF-8 text: looked at as a whole before anybody reads rows from them.

A file that stands in plain UTF-8 is read where it is, any other from an unpacked, transcoded copy.
One that is no table at all (a web page, the wrong encoding) is refused whole; nothing is guessed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from shuzhi.gather.sources.plain_text import BOM, continued, is_utf8, require_table, write_plain
from shuzhi.kernel.errors import RefusedError

_CHUNK = 1 << 20
_PIECE = 1 << 23
_WORKERS = 4
_PACKED = (".gz", ".zip")


@dataclass(frozen=True)
class Survey:
    """What a look at all bytes of a file tells.

    `fingerprint` changes when any byte does; `is_plain`: it is UTF-8 without byte-order mark, and
    its lines end with a line feed alone.
    """

    fingerprint: str
    is_plain: bool


def survey(path: Path) -> Survey:
    """Look at every byte of a file, with bounded memory and on several cores."""
    size = path.stat().st_size
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="shuzhi-survey") as pool:
            starts = range(0, max(size, 1), _PIECE)
            pieces = list(pool.map(lambda start: _look_at(descriptor, start), starts))
    finally:
        os.close(descriptor)
    whole = hashlib.sha256(b"".join(digest for digest, _ in pieces))
    return Survey(whole.hexdigest(), all(is_plain for _, is_plain in pieces))


@contextmanager
def text_file(path: Path, encoding: str, spool: Path, *, is_plain: bool) -> Iterator[Path]:
    """Yield a path in `spool` where the file's text stands in UTF-8, unpacked and with plain lines.

    Raises:
        RefusedError: `gather.wrong_encoding` with its line, `gather.html_not_table`,
            `gather.empty_file`, `gather.bad_archive`.
    """
    # A name of our own: signs like * or [ in a file's name have a meaning where it is read.
    text = spool / f"{uuid4().hex}.csv"
    try:
        if is_plain and encoding == "utf-8" and path.suffix not in _PACKED:
            with path.open("rb") as source:
                require_table(source.read(_CHUNK), path.name)
            text.symlink_to(path.absolute())
        else:
            with _unpacked(path) as source, text.open("wb") as target:
                write_plain(source, target, path.name, encoding)
        yield text
    finally:
        text.unlink(missing_ok=True)


def _look_at(descriptor: int, start: int) -> tuple[bytes, bool]:
    """Return the digest of the piece from `start` on, and whether it is plain."""
    seen = os.pread(descriptor, _PIECE + 3, start)
    piece, beyond = seen[:_PIECE], seen[_PIECE:]
    digest = hashlib.sha256(piece).digest()
    if b"\r" in piece or (start == 0 and piece.startswith(BOM)):
        return digest, False
    # A sign that two pieces share belongs to the first of them.
    begin = continued(piece[:3]) if start else 0
    return digest, is_utf8(piece[begin:] + beyond[: continued(beyond)])


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as packed:
                yield packed  # type: ignore[misc]
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_member(archive, path)) as member:
                yield member
        else:
            with path.open("rb") as plain:
                yield plain
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError) as error:
        raise RefusedError(
            "gather.bad_archive",
            f"{path.name} cannot be unpacked: {error}.",
            next_step="Fetch the file again; it is cut short or is no archive.",
        ) from None


def _member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if len(names) != 1:
        raise RefusedError(
            "gather.bad_archive",
            f"{path.name} holds {len(names)} files; one is needed.",
            next_step="Unpack it and name the files that are wanted in `path`.",
        )
    return names[0]


def require_no_page(path: Path) -> None:
    """Refuse a web page under another name (`gather.html_not_table`), and an empty file."""
    with path.open("rb") as file:
        require_table(file.read(200), path.name)
