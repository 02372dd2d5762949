"""Files as UTF-8 text: looked at as a whole before anybody reads rows from them.

A file that stands in plain UTF-8 is read where it is, any other from an unpacked, transcoded copy.
One that is no table at all (a web page, the wrong encoding) is refused whole; nothing is guessed.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

import pyarrow as pa

from shuzhi.kernel.errors import RefusedError

_CHUNK = 1 << 20
_PIECE = 1 << 23
_WORKERS = 4
_OTHERS = ("utf-8", "gb18030", "utf-16")
_PACKED = (".gz", ".zip")
_BOM = codecs.BOM_UTF8
_PAGE = ("<!doctype", "<html", "<?xml", "<head", "<body", "<table", "<script", "<!--")
_ASCII = bytes(range(128))
_MORE_THAN_CHANCE = 16


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
                _look(source.read(_CHUNK).decode(errors="ignore"), path.name)
            text.symlink_to(path.absolute())
        else:
            with _unpacked(path) as source, text.open("wb") as target:
                _transcode(source, target, path.name, encoding)
        yield text
    finally:
        text.unlink(missing_ok=True)


def _look_at(descriptor: int, start: int) -> tuple[bytes, bool]:
    """Return the digest of the piece from `start` on, and whether it is plain."""
    seen = os.pread(descriptor, _PIECE + 3, start)
    piece, beyond = seen[:_PIECE], seen[_PIECE:]
    digest = hashlib.sha256(piece).digest()
    if b"\r" in piece or (start == 0 and piece.startswith(_BOM)):
        return digest, False
    # A sign that two pieces share belongs to the first of them.
    begin = _continued(piece[:3]) if start else 0
    return digest, _is_utf8(piece[begin:] + beyond[: _continued(beyond)])


def _continued(data: bytes) -> int:
    """Return how many bytes at the start belong to a sign that began before."""
    return next((i for i, byte in enumerate(data) if byte & 0xC0 != 0x80), len(data))


def _is_utf8(data: bytes) -> bool:
    try:
        pa.array([data], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _transcode(source: IO[bytes], target: IO[bytes], name: str, encoding: str) -> None:
    name_of_codec = "utf-8-sig" if encoding == "utf-8" else encoding
    # Lines end with \n from here on, also those inside a quoted cell.
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(name_of_codec)(), translate=True
    )
    line = 1
    is_first = True
    look = _Utf8Look()
    while True:
        chunk = source.read(_CHUNK)
        if encoding == "gb18030":
            look.see(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            readable = chunk[: getattr(error, "start", 0)]
            line += readable.count(b"\n")
            raise _wrong_encoding(name, encoding, line, chunk) from None
        if is_first:
            _look(text, name)
            is_first = False
        line += text.count("\n")
        target.write(text.encode())
        if not chunk:
            break
    if look.is_utf8:
        raise _not_gb18030(name)


class _Utf8Look:
    """Tells UTF-8 from GB18030, as which nearly every UTF-8 text can be read too, as nonsense."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._can_be = True
        self._beyond_ascii = 0

    def see(self, chunk: bytes) -> None:
        """Take the next bytes; none at all end the text."""
        if not self._can_be:
            return
        try:
            self._decoder.decode(chunk, final=not chunk)
        except UnicodeError:
            self._can_be = False
        self._beyond_ascii += len(chunk.translate(None, _ASCII))

    @property
    def is_utf8(self) -> bool:
        """Whether it is UTF-8, and more of it than chance makes of eight signs of GB18030."""
        return self._can_be and self._beyond_ascii >= _MORE_THAN_CHANCE


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
        _look(file.read(200).decode(errors="ignore"), path.name)


def _look(text: str, name: str) -> None:
    start = text.lstrip()[:20].lower()
    if not start:
        raise RefusedError(
            "gather.empty_file",
            f"{name} is empty: not even column names stand in it.",
            next_step="Ask its provider for the file; nothing was loaded.",
        )
    if start.startswith(_PAGE):
        raise RefusedError(
            "gather.html_not_table",
            f"{name} is a web page, not a table: it begins with {start.split('>')[0]}>.",
            next_step="Fetch the file itself; an error page or a log-in page was saved instead.",
        )


def _wrong_encoding(name: str, encoding: str, line: int, sample: bytes) -> RefusedError:
    fitting = [other for other in _OTHERS if other != encoding and _fits(sample, other)]
    hint = f"set `encoding: {fitting[0]}`" if fitting else "ask its provider for the encoding"
    return RefusedError(
        "gather.wrong_encoding",
        f"{name} is not {encoding}: line {line} cannot be read.",
        next_step=f"Correct the source ({hint}) and run it again; nothing was loaded.",
    )


def _not_gb18030(name: str) -> RefusedError:
    return RefusedError(
        "gather.wrong_encoding",
        f"{name} is utf-8, not gb18030: read as such it would become nonsense.",
        next_step="Set `encoding: utf-8` in the source and run it again; nothing was loaded.",
    )


def _fits(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return False
    return True
