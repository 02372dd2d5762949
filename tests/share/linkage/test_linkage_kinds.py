"""Companies and places that two departments write down in their own ways (made up)."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.gather.lake import open_lake
from shuzhi.kernel.control import metadata, open_control
from shuzhi.share.linkage import (
    LinkageOffice,
    Record,
    accept,
    lines,
    parse_linkage,
    run,
    train,
    why,
)
from shuzhi.share.linkage.store import read_members

from .conftest import NOW, STREETS, SURNAMES

_COUNT = 90
_WORDS = [
    "华丰",
    "金茂",
    "新源",
    "天成",
    "瑞安",
    "恒力",
    "宏达",
    "通源",
    "盛世",
    "东方",
    "安泰",
    "万里",
    "长青",
    "博雅",
    "嘉禾",
]
_TRADES = ["纺织", "电子", "机械", "食品", "建材", "物流", "化工", "医药"]
_PLACES = ["小学", "中学", "医院", "幼儿园", "养老院", "体育馆"]
_YAML = """
id: subjects
title: {{zh: 主体, en: Subjects}}
purpose: {{zh: 一企一档, en: One file each}}
kind: {kind}
data:
  - {{dataset: tax, key: id, is_clean: true, parts: {{{parts}}}}}
  - {{dataset: market, key: id, parts: {{{parts}}}}}
thresholds: {{link: 0.9, review: 0.2}}
training: {{seed: 1}}
"""
Rows = list[tuple[str | None, ...]]


def companies(drawn: random.Random) -> tuple[Rows, Rows]:
    """Return what the tax office and the market supervision hold; `t1` and `m1` are one company.

    `b5` is a company of the same name in another city, without a code.
    """
    tax, market = Rows(), Rows()
    for i in range(_COUNT):
        name = "杭州" + "".join(drawn.sample(_WORDS, 2)) + drawn.choice(_TRADES)
        code = "91330" + "".join(drawn.choice("0123456789ABCDEFGHJK") for _ in range(13))
        phone, street = f"0571{drawn.randint(10**7, 10**8 - 1)}", drawn.choice(STREETS)
        home, boss = (
            f"杭州市{street}{drawn.randint(1, 300)}号",
            drawn.choice("王李张刘陈杨") + "伟强",
        )
        tax.append((f"t{i}", f"{name}有限公司", code, phone, home, boss))
        if i % 3:
            written = (f"浙江省{name}有限责任公司", f"{name}公司", f"{name}有限公司")[i % 5 % 3]
            known = (code.lower() if i % 2 else None, phone if i % 4 else None)
            market.append((f"m{i}", written, *known, home, boss if i % 7 else None))
        if i % 10 == 5:
            other = name.replace("杭州", "宁波")
            market.append(
                (
                    f"b{i}",
                    f"{other}有限公司",
                    None,
                    None,
                    f"宁波市江边巷{i}号",
                    drawn.choice(SURNAMES) + "静",
                )
            )
    return tax, market


def places(drawn: random.Random) -> tuple[Rows, Rows]:
    """Return what two departments hold of schools and hospitals; `t1` and `m1` are one place."""
    tax, market = Rows(), Rows()
    for i in range(_COUNT):
        name = f"{drawn.choice(_WORDS)}{drawn.choice(_WORDS)}{drawn.choice(_PLACES)}"
        phone = f"0571{drawn.randint(10**7, 10**8 - 1)}"
        home = f"杭州市{drawn.choice(STREETS)}{drawn.randint(1, 300)}号"
        tax.append((f"t{i}", f"杭州市{name}", phone, home))
        if i % 3:
            written = f"浙江省杭州市{name}" if i % 2 else f"杭州市{name}（新校区）"
            market.append((f"m{i}", written, phone if i % 4 else None, home))
    return tax, market


def office_of(folder: Path, kind: str, columns: tuple[str, ...], *rows: Rows) -> LinkageOffice:
    parts = ", ".join(f"{name}: {name}" for name in columns)
    linkage = parse_linkage(_YAML.format(kind=kind, parts=parts).encode(), file="subjects.yaml")
    control, lake = open_control(f"sqlite:///{folder / 'control.db'}"), open_lake(folder / "lake")
    metadata.create_all(control.engine)
    for name, held in zip(("tax", "market"), rows, strict=True):
        texts = [pa.array(values, pa.string()) for values in zip(*held, strict=True)]
        lake.append(name, pa.table(dict(zip(("id", *columns), texts, strict=True))))
    scratch = folder / "scratch"
    return LinkageOffice(control, lake, {linkage.id: linkage}, scratch, "1GB", lambda: NOW)


def linked(office: LinkageOffice) -> list[tuple[str, ...]]:
    """Return the keys of each subject after a training and a run."""
    train(office, "subjects", by="li")
    accept(office, "subjects", 1, by="li")
    run(office, "subjects", by="li")
    with office.control.transaction() as connection:
        members = read_members(connection, "subjects")
    found = defaultdict(list)
    for record, subject in members.items():
        found[subject].append(record.key)
    return sorted(tuple(sorted(keys)) for keys in found.values())


@pytest.mark.parametrize(
    ("kind", "columns", "made"),
    [
        ("company", ("name", "credit_code", "phone", "address", "legal_person"), companies),
        ("place", ("name", "phone", "address"), places),
    ],
)
def test_the_same_companies_and_places_are_found_however_they_are_written(
    tmp_path: Path, kind: str, columns: tuple[str, ...], made: object
) -> None:
    assert callable(made)
    office = office_of(tmp_path, kind, columns, *made(random.Random(5)))  # noqa: S311
    found = linked(office)
    right = [(f"m{i}", f"t{i}") for i in range(_COUNT) if i % 3]
    wrong = [keys for keys in found if keys not in right]
    assert wrong == []
    assert len(found) >= 0.95 * len(right)
    pair = Record("market", "m1"), Record("tax", "t1")
    told = lines(why(office, "subjects", *pair, by="li"), "zh")
    assert len(told) == len(columns) + 2
    assert told[1].startswith("单位名称（name）")
