"""Writes HJ 212 frames of every edition."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.gather.sensors.hj212 import crc
from shuzhi.gather.sensors.hj212.cipher import encrypted, must_be_encrypted
from shuzhi.gather.sensors.hj212.head import AREA
from shuzhi.gather.sensors.hj212.model import Checksum, Dialect, Edition
from shuzhi.kernel.errors import RefusedError

_TAIL = b"\r\n"
_MOST_LENGTH = 9999
_MOST_BYTES = 1024
_MOST_AREA = {Edition.HJT212_2005: 960, Edition.HJ212_2017: 950, Edition.HJ212_2025: 950}
_FORBIDDEN = frozenset(";,=&\r\n")
_BREAKS_OUT = ("&&", "\r", "\n")


@dataclass(frozen=True)
class Message:
    """What a frame says; `area` is the text between the two `&&`.

    Empty fields, a `flag` of None, missing part numbers and `is_resent=False` are left out.
    """

    st: str
    cn: str
    area: str = ""
    qn: str = ""
    pw: str = ""
    mn: str = ""
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None
    is_resent: bool = False


def segment(message: Message) -> bytes:
    """Return the plain data segment (HJ 212-2017, 6.3.2).

    Raises RefusedError `hj212.not_writable` for a value that would end its field.
    """
    fields = (
        ("QN", message.qn),
        ("ST", message.st),
        ("CN", message.cn),
        ("PW", message.pw),
        ("MN", message.mn),
        ("Flag", message.flag),
        ("PNUM", message.pnum),
        ("PNO", message.pno),
        ("RF", "1" if message.is_resent else None),
    )
    given = [(name, str(value)) for name, value in fields if value not in (None, "")]
    for name, value in given:
        if not value.isascii() or not _FORBIDDEN.isdisjoint(value):
            raise _not_writable(f"{name} has a character that ends its field, or is not ASCII.")
    if any(mark in message.area for mark in _BREAKS_OUT):
        raise _not_writable("The data area has a line end or && inside.")
    text = "".join(f"{name}={value};" for name, value in given)
    return text.encode("ascii") + AREA + message.area.encode("utf-8") + b"&&"


def write(message: Message, dialect: Dialect | None = None) -> bytes:
    """Return the whole frame with its CR LF, its data area enciphered where the dialect asks.

    Raises RefusedError `hj212.not_writable`, also when the frame is longer than the standard has
    it: 1024 bytes, of them 950 (2005: 960) of data.
    """
    dialect = dialect or Dialect()
    plain = segment(message)
    area = len(message.area.encode("utf-8"))
    if area > _MOST_AREA[dialect.edition] or len(plain) > _MOST_BYTES:
        raise _not_writable(f"The data segment has {len(plain)} bytes, its data area {area}.")
    return _closed(plain, dialect, message.cn)


def framed(plain: bytes, checksum: Checksum = Checksum.STANDARD) -> bytes:
    """Return a plain segment with start, length, checksum and CR LF, whatever is in it."""
    if len(plain) > _MOST_LENGTH:
        raise _not_writable(f"The data segment has {len(plain)} bytes; four digits count to 9999.")
    return b"##%04d%b%b%b" % (len(plain), plain, crc.digits(plain, checksum), _TAIL)


def _closed(plain: bytes, dialect: Dialect, cn: str) -> bytes:
    if dialect.key is None or not must_be_encrypted(cn):
        return framed(plain, dialect.checksum)
    start = plain.index(AREA) + len(AREA)
    area = encrypted(plain[start:-2], dialect.key)
    digits = crc.digits(plain, dialect.checksum)
    return b"##%04d%b%b&&%b%b" % (len(plain), plain[:start], area, digits, _TAIL)


def _not_writable(why: str) -> RefusedError:
    return RefusedError(
        "hj212.not_writable", why, next_step="Shorten or mend the message, or send it in parts."
    )
