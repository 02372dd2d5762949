"""Any text as plain UTF-8: without byte-order mark, and with lines that end in a line feed alone.

The encoding is told, never guessed; a text that is not in it is refused with its line.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import IO

import pyarrow as pa

from shuzhi.kernel.errors import RefusedError

BOM = codecs.BOM_UTF8
_CHUNK = 1 << 20
_OTHERS = ("utf-8", "gb18030", "utf-16")
_PAGE = ("<!doctype", "<html", "<?xml", "<head", "<body", "<table", "<script", "<!--")
_ASCII = bytes(range(128))
_MORE_THAN_CHANCE = 16


def write_plain(source: IO[bytes], target: IO[bytes], name: str, encoding: str) -> None:
    """Write all of `source`, a text in `encoding`, to `target`; lines inside quotes too.

    Raises:
        RefusedError: `gather.wrong_encoding`; as `require_table`.
    """
    is_utf = encoding == "utf-8"
    pieces = _plain_pieces(source, name) if is_utf else _decoded_pieces(source, name, encoding)
    is_looked_at = False
    for piece in pieces:
        if piece and not is_looked_at:
            require_table(piece, name)
            is_looked_at = True
        target.write(piece)
    if not is_looked_at:
        require_table(b"", name)


def _plain_pieces(source: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield a UTF-8 text in pieces; bytes are looked at, not decoded, which takes a third."""
    line, held, chunk = 1, b"", source.read(_CHUNK).removeprefix(BOM)
    while True:
        more = source.read(_CHUNK)
        data = held + chunk
        cut = len(data) - (_goes_on(data) if more else 0)
        piece, held = data[:cut], data[cut:]
        if not is_utf8(piece):
            raise _not_utf8(name, line, piece)
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line += piece.count(b"\n")
        yield piece
        if not more:
            return
        chunk = more


def _goes_on(data: bytes) -> int:
    """Return how many bytes at the end may belong to a sign, or a line end, that goes on."""
    if data.endswith(b"\r"):
        return 1
    for back, byte in enumerate(reversed(data[-3:]), 1):
        if byte & 0xC0 != 0x80:
            return back if byte >= 0xC0 else 0
    return 0


def _decoded_pieces(source: IO[bytes], name: str, encoding: str) -> Iterator[bytes]:
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    line = 1
    look = _Utf8Look()
    chunk = b"more"
    while chunk:
        chunk = source.read(_CHUNK)
        if encoding == "gb18030":
            look.see(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            line += chunk[: getattr(error, "start", 0)].count(b"\n")
            raise _wrong_encoding(name, encoding, line, chunk) from None
        line += text.count("\n")
        yield text.encode()
    if look.is_utf8:
        raise _not_gb18030(name)


def continued(data: bytes) -> int:
    """Return how many bytes at the start belong to a sign that began before."""
    return next((i for i, byte in enumerate(data) if byte & 0xC0 != 0x80), len(data))


def is_utf8(data: bytes) -> bool:
    """Whether `data` is whole and right UTF-8."""
    try:
        pa.array([data], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


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


def require_table(begin: bytes, name: str) -> None:
    """Refuse what begins as no table: `gather.empty_file`, `gather.html_not_table`."""
    start = begin.decode(errors="ignore").lstrip()[:20].lower()
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


def _not_utf8(name: str, line: int, piece: bytes) -> RefusedError:
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        line += piece[: error.start].count(b"\n")
    return _wrong_encoding(name, "utf-8", line, piece)


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
