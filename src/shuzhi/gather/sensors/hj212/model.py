"""The values of the HJ 212 codec: editions, checksums, frames, heads, refusals and dialects.

They are plain values without behaviour of their own; the values of the hot path are named tuples
because a gateway makes tens of thousands of them in a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Edition(IntEnum):
    """The editions of the standard; the value is what the version bits of `Flag` say."""

    HJT212_2005 = 0
    HJ212_2017 = 1
    HJ212_2025 = 2


class Checksum(StrEnum):
    """How a station computes the four digits behind the data segment."""

    STANDARD = "standard"
    MODBUS = "modbus"
    MODBUS_SWAPPED = "modbus_swapped"


class Frame(NamedTuple):
    """One frame as it came, without its CR LF; the checksum is not judged yet.

    `segment` lies between the length and the checksum, and may be encrypted behind `CP=&&`.
    `checksum` is as it was printed. `tolerated` has codes of the table `findings`.
    """

    raw: bytes
    segment: bytes
    checksum: bytes
    tolerated: tuple[str, ...] = ()


class Refusal(NamedTuple):
    """Why bytes were not taken; `code` is one of the table `findings`.

    `raw` is the beginning of what was refused (at most `EVIDENCE` bytes).
    """

    code: str
    raw: bytes = b""
    detail: str = ""


EVIDENCE = 256
"""How many bytes of a refused piece are kept with its refusal."""


class Head(NamedTuple):
    """The fields in front of the data area (HJ 212-2017, 6.3.2); texts are as they were sent.

    `qn`, `pw` and `mn` are empty where the field is missing (2005 has frames without). `area` is
    the place in the segment where the text behind `CP=&&` begins.
    """

    qn: str
    st: str
    cn: str
    pw: str
    mn: str
    flag: int | None
    pnum: int | None
    pno: int | None
    is_resent: bool
    area: int
    tolerated: tuple[str, ...] = ()

    @property
    def wants_answer(self) -> bool:
        """Whether bit 0 of `Flag` asks for an answer; a frame without `Flag` asks for none."""
        return self.flag is not None and bool(self.flag & 1)

    @property
    def version(self) -> int:
        """The version bits of `Flag`; 0, as in 2005, where there is none.

        It does not prove an edition: the surface-water network has sent 9 since 2019.
        """
        return 0 if self.flag is None else self.flag >> 2


@dataclass(frozen=True)
class Dialect:
    """How one station speaks; a registry keeps it beside the station's MN and password.

    `key` (16 bytes) opens and closes encrypted data areas (2025). Answers go out with `answer_st`
    and `answer_flag`, whose default is what the edition says. Set `stamps_end` for a device that
    gives the end of an interval as its `DataTime`; `minute_interval` is then needed for 2051.
    `units` names the unit of a factor where it is not the standard's. `is_strict` refuses every
    frame with a finding that the table `findings` does not pass in strict reading.
    """

    edition: Edition = Edition.HJ212_2017
    checksum: Checksum = Checksum.STANDARD
    key: bytes | None = field(default=None, repr=False)
    answer_st: str = "91"
    answer_flag: int | None = None
    stamps_end: bool = False
    minute_interval: int = 10
    is_strict: bool = False
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
