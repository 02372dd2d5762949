"""How much the gateway puts up with, from one connection and from all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True)
class Limits:
    """Bounds of the gateway; bytes, seconds and numbers.

    A connection may send `bytes_per_second` and `frames_per_second` in the long run, and
    `burst_seconds` of that at once; beyond, it is read no faster. It must send a frame that is
    taken within `hello_seconds`, then something every `idle_seconds`, and finish a frame within
    `half_frame_seconds`. It may send `refusals_per_minute` that are refused and must read its
    answers within `stalled_seconds`. What waits for the disk, of all connections together, is at
    most about `waiting_bytes`; then nothing more is read. Of what is refused,
    `quarantined_per_minute` pieces are kept for an address, the others only counted.
    """

    # The settings file of a city is read into this: a key that is unknown is refused there.
    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    connections: int = 20_000
    connections_per_address: int = 2_000
    bytes_per_second: int = 256 * 1024
    frames_per_second: int = 200
    burst_seconds: float = 5.0
    hello_seconds: float = 60.0
    idle_seconds: float = 7_200.0
    half_frame_seconds: float = 30.0
    stalled_seconds: float = 30.0
    frame_bytes: int = 9_999
    refusals_per_minute: int = 60
    quarantined_per_minute: int = 60
    waiting_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        if low := [f.name for f in fields(self) if getattr(self, f.name) <= 0]:
            raise ValueError(f"{', '.join(low)} must be above zero")
