"""Makes HJ 212 frames for the benchmark: many stations, one reading each, in the usual shape."""

from __future__ import annotations

import random
from collections.abc import Sequence

from shuzhi.gather.sensors.hj212 import Message, framed, segment

WATER = ("w01018", "w21003", "w21011", "w21001", "w01001", "w00000")
GAS = (
    *("a21026", "a21002", "a34013", "a21005", "a19001"),
    *("a01011", "a01012", "a01013", "a01014", "a00000"),
)
KINDS = ("water_4", "water_6", "gas_10", "minute_4")


def frames(kind: str, count: int, stations: int = 2_000) -> list[bytes]:
    """Return frames as `Frame.raw` has them, the same ones for the same arguments."""
    luck = random.Random(f"{kind} {count}")  # noqa: S311
    return [_frame(kind, number, stations, luck) for number in range(count)]


def _frame(kind: str, number: int, stations: int, luck: random.Random) -> bytes:
    minute, second = divmod(number // stations * 30 % 3600, 60)
    at = f"2026030108{minute:02d}{second:02d}"
    name, _, factors = kind.partition("_")
    area = f"DataTime={at};" + ";".join(
        _group(factor, name, luck) for factor in _factors(name)[: int(factors)]
    )
    message = Message(
        st="31" if name == "gas" else "32",
        cn="2051" if name == "minute" else "2011",
        area=area,
        qn=f"{at}{number % 1000:03d}",
        pw="123456",
        mn=f"010000A8900016F0{number % stations:08X}",
        flag=5,
    )
    return framed(segment(message)).removesuffix(b"\r\n")


def _factors(name: str) -> Sequence[str]:
    return GAS if name == "gas" else WATER


def _group(factor: str, name: str, luck: random.Random) -> str:
    fields = ("Min", "Avg", "Max", "Cou") if name == "minute" else ("Rtd",)
    values = ",".join(f"{factor}-{field}={luck.uniform(0, 200):.3f}" for field in fields)
    return f"{values},{factor}-Flag={luck.choice('NNNNNNNNND')}"
