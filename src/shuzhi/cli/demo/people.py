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
# 模拟 stands where a surname would: so is nobody called.
_GIVEN = "安柏澄岱恩枫谷禾景凯岚牧宁蓬青若松棠望溪晏原昭竹"


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


def job_seekers(count: int) -> str:
    """Return who looks for work, as CSV, under numbers of its own and with what clerks mistype.

    Of the residents 3 in 5 are in it, some of them twice; 1 in 15 stands in no register.
    """
    rows = list(csv.DictReader(io.StringIO(residents(count))))
    draw = random.Random(_SEED + 2)  # noqa: S311  (made-up people, no secret)
    known = [row for row in rows if draw.random() < 0.6]
    known += draw.sample(known, len(known) // 25)
    strangers = [_resident(draw, count + number) for number in range(1, count // 15 + 1)]
    seekers = [_typed(draw, row) for row in (*known, *strangers)]
    draw.shuffle(seekers)
    return _csv({"seeker_no": f"SIM-J{i:04}", **seeker} for i, seeker in enumerate(seekers, 1))


def _typed(draw: random.Random, row: Mapping[str, object]) -> Mapping[str, object]:
    """Return what a clerk typed of somebody: now and then a wrong sign, day or an old address."""
    name, born, address = str(row["name_zh"]), str(row["born_on"]), str(row["address_zh"])
    if draw.random() < 0.1:
        name = name[:-1] + draw.choice(_GIVEN)
    if draw.random() < 0.1:
        born = f"{born[:8]}{draw.randint(1, 28):02}"
    if draw.random() < 0.2:
        address = _address(draw, draw.choice(_TOWNS))
    return {"name_zh": name, "born_on": born, "address_zh": address}


def _address(draw: random.Random, town: str) -> str:
    return f"{town}模拟路{draw.randint(1, 200)}号"


def _resident(draw: random.Random, number: int) -> Mapping[str, object]:
    town = draw.choice(_TOWNS)
    return {
        "person_id": person_id(number),
        "name_zh": "模拟" + "".join(draw.choices(_GIVEN, k=2)),
        "born_on": _YOUNGEST - timedelta(days=draw.randrange(_DAYS)),
        "address_zh": _address(draw, town),
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
