"""How much the gateway puts up with, from one connection and from all of them."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from shuzhi.kernel.documents import StrictModel


class Limits(StrictModel):
    """Bounds of the gateway; bytes, seconds and numbers.

    A connection may send `bytes_per_second` and `frames_per_second` in the long run, and
    `burst_seconds` of that at once; beyond, it is read no faster. It must send a frame that is
    taken within `hello_seconds`, then something every `idle_seconds`, and finish a frame within
    `half_frame_seconds`. It may send `refusals_per_minute` that are refused and must read its
    answers within `stalled_seconds`. What waits for the disk, of all connections together, is at
    most about `waiting_bytes`; then nothing more is read. Of what is refused,
    `quarantined_per_minute` pieces are kept for an address, the others only counted.
    """

    connections: PositiveInt = 20_000
    connections_per_address: PositiveInt = 2_000
    bytes_per_second: PositiveInt = 256 * 1024
    frames_per_second: PositiveInt = 200
    burst_seconds: PositiveFloat = 5.0
    hello_seconds: PositiveFloat = 60.0
    idle_seconds: PositiveFloat = 7_200.0
    half_frame_seconds: PositiveFloat = 30.0
    stalled_seconds: PositiveFloat = 30.0
    frame_bytes: PositiveInt = 9_999
    refusals_per_minute: PositiveInt = 60
    quarantined_per_minute: PositiveInt = 60
    waiting_bytes: PositiveInt = 16 * 1024 * 1024
