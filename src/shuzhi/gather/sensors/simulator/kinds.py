"""Kinds of monitor: which factors each sends, and how those usually go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Course:
    """How a factor goes: around `mean`, `swing` of it over the day, `noise` of it at random.

    `peak_hour` is the local hour at which it is highest; `most` bounds it; the level of load moves
    it by `load` of the mean. Units are the standard's for the factor.
    """

    factor: str
    mean: float
    swing: float
    noise: float
    decimals: int
    peak_hour: float = 14.0
    most: float = 1e9
    load: float = 0.0


@dataclass(frozen=True)
class Kind:
    """A kind of monitor; `is_source` monitors have a load (production), others have weather."""

    id: str
    st: str
    zh: str
    courses: tuple[Course, ...]
    is_source: bool


def _kind(id_: str, st: str, zh: str, is_source: bool, *courses: Course) -> Kind:
    return Kind(id_, st, zh, courses, is_source)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.id: kind
        for kind in (
            _kind(
                "flue_gas",
                "31",
                "烟气",
                True,
                Course("a21026", 22.0, 0.15, 0.10, 2, load=0.5),
                Course("a21002", 38.0, 0.15, 0.10, 1, load=0.5),
                Course("a34013", 14.0, 0.10, 0.15, 0, load=0.4),
                Course("a19001", 7.5, 0.05, 0.03, 1, 3.0, 21.0, load=-0.3),
                Course("a01011", 12.0, 0.10, 0.05, 2, load=0.6),
                Course("a01012", 85.0, 0.05, 0.02, 1, load=0.2),
                Course("a01014", 9.0, 0.05, 0.05, 1),
                Course("a00000", 55.0, 0.10, 0.05, 1, load=0.6),
            ),
            _kind(
                "waste_water",
                "32",
                "废水",
                True,
                Course("w01018", 28.0, 0.20, 0.12, 1, 10.0, load=0.3),
                Course("w21003", 1.2, 0.20, 0.15, 2, 10.0, load=0.3),
                Course("w21001", 8.5, 0.15, 0.10, 2, 10.0, load=0.2),
                Course("w21011", 0.28, 0.15, 0.12, 2, 10.0, load=0.2),
                Course("w01001", 7.4, 0.01, 0.01, 2, most=14.0),
                Course("w00000", 42.0, 0.25, 0.10, 2, 9.0, load=0.7),
            ),
            _kind(
                "surface_water",
                "21",
                "地表水",
                False,
                Course("w01010", 18.0, 0.08, 0.01, 1, 15.0),
                Course("w01001", 7.8, 0.02, 0.01, 2, 15.0, 14.0),
                Course("w01009", 7.6, 0.10, 0.03, 1, 16.0),
                Course("w01014", 410.0, 0.03, 0.02, 1),
                Course("w21003", 0.25, 0.10, 0.15, 2),
                Course("w01019", 3.1, 0.05, 0.08, 1),
                Course("w21011", 0.09, 0.05, 0.12, 2),
            ),
            _kind(
                "air",
                "22",
                "环境空气",
                False,
                Course("a34004", 38.0, 0.25, 0.20, 0, 8.0),
                Course("a34002", 62.0, 0.25, 0.20, 0, 8.0),
                Course("a21026", 8.0, 0.20, 0.20, 0, 10.0),
                Course("a21004", 32.0, 0.35, 0.20, 0, 19.0),
                Course("a05024", 70.0, 0.60, 0.15, 0, 15.0),
                Course("a21005", 0.8, 0.25, 0.15, 1, 8.0),
            ),
        )
    }
)
