"""Files as UTF-8 text: unpacked, transcoded and looked at before anybody reads rows from them.

A file that is no table at all (a web page, the wrong encoding) is refused whole; nothing of it is
guessed.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from shuzhi.kernel.errors import RefusedError

_CHUNK = 1 << 20
_OTHERS = ("utf-8", "gb18030", "utf-16")


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def text_file(path: Path, encoding: str, spool: Path) -> Iterator[Path]:
    """Yield a path where the file's text stands in UTF-8, unpacked and without byte-order mark.

    Raises:
        RefusedError: `gather.wrong_encoding` with byte and line, `gather.html_not_table`,
            `gather.empty_file`, `gather.bad_archive`.
    """
    copy = spool / f"{path.name}.utf8.csv"
    try:
        with _unpacked(path) as source, copy.open("wb") as target:
            _transcode(source, target, path.name, encoding)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _transcode(source: IO[bytes], target: IO[bytes], name: str, encoding: str) -> None:
    name_of_codec = "utf-8-sig" if encoding == "utf-8" else encoding
    # Lines end with \n from here on, also those inside a quoted cell.
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(name_of_codec)(), translate=True
    )
    line = 1
    is_first = True
    while True:
        chunk = source.read(_CHUNK)
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
            return


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


def _look(text: str, name: str) -> None:
    start = text.lstrip()[:20].lower()
    if not start:
        raise RefusedError(
            "gather.empty_file",
            f"{name} is empty: not even column names stand in it.",
            next_step="Ask its provider for the file; nothing was loaded.",
        )
    if start.startswith(("<!doctype", "<html", "<?xml", "<head")):
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


def _fits(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return False
    return True
