"""What the gateway's process and its keeper say to each other: one line of JSON for each thing.

The gateway's process holds sockets and the spool and nothing else: no control store, no lake. What
it must know of them it is told, and it tells what came of commands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from shuzhi.gather.sensors.commands import Order, Outcome
from shuzhi.gather.sensors.hj212 import Checksum, Edition
from shuzhi.gather.sensors.stations import Mode, Station
from shuzhi.kernel.instant import parse_instant

Say = Callable[[str, Any], None]
"""Says something under its kind."""

One = TypeVar("One")
_IN_A_LINE = 500


def line(kind: str, told: Any) -> bytes:
    """Return one line that says `told` under its kind."""
    return json.dumps({kind: told}, ensure_ascii=False).encode() + b"\n"


def read_line(raw: bytes) -> tuple[str, Any]:
    """Read what `line` wrote."""
    ((kind, told),) = json.loads(raw).items()
    return kind, told


def told_station(station: Station) -> dict[str, Any]:
    """Return a station as plain values."""
    located_at = station.located_at
    return {f.name: getattr(station, f.name) for f in fields(station)} | {
        "units": dict(station.units),
        "located_at": None if located_at is None else located_at.isoformat(),
    }


def heard_station(told: Mapping[str, Any]) -> Station:
    """Read what `told_station` returned."""
    kinds = {
        "edition": Edition(told["edition"]),
        "checksum": Checksum(told["checksum"]),
        "mode": Mode(told["mode"]),
        "located_at": told["located_at"] and parse_instant(told["located_at"]),
    }
    return Station(**{**told, **kinds})


def told_order(order: Order) -> dict[str, Any]:
    """Return an order as plain values."""
    return asdict(order)


def heard_order(told: Mapping[str, Any]) -> Order:
    """Read what `told_order` returned."""
    return Order(**told)


def told_outcome(number: int, outcome: Outcome) -> dict[str, Any]:
    """Return what came of an order as plain values."""
    told = {f.name: getattr(outcome, f.name) for f in fields(outcome)}
    return {"id": number, "outcome": told | {"answer": dict(outcome.answer)}}


def heard_outcome(told: Mapping[str, Any]) -> tuple[int, Outcome]:
    """Read what `told_outcome` returned."""
    return told["id"], Outcome(**told["outcome"])


def batched(many: Sequence[One]) -> Iterator[Sequence[One]]:
    """Yield so many at a time that a line of them is soon read."""
    for first in range(0, len(many), _IN_A_LINE):
        yield many[first : first + _IN_A_LINE]
