"""Residents who do not exist, the same ones each time: no name, number or place of anybody real."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

PEOPLE = 300
_SEED = 2_013
_TOWNS = ("模拟山镇", "模拟湖镇", "模拟桥镇", "模拟港镇", "模拟坊镇", "模拟堰镇")
# All are of age, for it is they who ask for services.
_YOUNGEST, _DAYS = date(2005, 12, 31), 70 * 365


def person_id(number: int) -> str:
    """Return what records call the resident with this number, who is made up."""
    return f"SIM-P{number:04}"


def residents(count: int) -> str:
    """Return a register of residents as CSV."""
    draw = random.Random(_SEED)  # noqa: S311  (made-up people, no secret)
    return _csv(_resident(draw, number) for number in range(1, count + 1))


def incomes(count: int) -> str:
    """Return what residents earn in a year as CSV; not everybody is in it."""
    draw = random.Random(_SEED + 1)  # noqa: S311  (made-up people, no secret)
    return _csv(
        {"person_id": person_id(number), "yearly_income_yuan": 1_000 * draw.randint(8, 180)}
        for number in range(1, count + 1)
        if draw.random() < 0.8
    )


def _resident(draw: random.Random, number: int) -> Mapping[str, object]:
    town = draw.choice(_TOWNS)
    return {
        "person_id": person_id(number),
        "name_zh": f"模拟居民{number:04}",
        "born_on": _YOUNGEST - timedelta(days=draw.randrange(_DAYS)),
        "address_zh": f"{town}模拟路{draw.randint(1, 200)}号",
        "town": town,
        "household": draw.randint(1, 6),
    }


def _csv(rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return text.getvalue()
