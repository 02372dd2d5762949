"""A made-up population in two departments' tables, and an office that links them.

Nobody here is real: names, numbers and addresses are drawn from short lists by a fixed seed.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.events import Event, Publish, ignore
from shuzhi.kernel.instant import Instant
from shuzhi.share.linkage import LinkageOffice, Record, accept, parse_linkage, run, train

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰"
STREETS = ("文三路", "解放街", "人民路", "中山北路", "学院路", "江南大道", "滨河路", "建设街")
PEOPLE = 150
YAML = """
id: residents
title: {zh: 居民, en: Residents}
purpose: {zh: 核对救助对象, en: Check who is helped}
kind: person
data:
  - dataset: register
    key: id
    is_clean: true
    parts: {name: full_name, birth: born, phone: mobile, address: home}
    seen_at: updated
  - dataset: clinic
    key: id
    is_clean: true
    parts: {name: patient, birth: birthday, phone: phone, address: address}
    seen_at: visited
thresholds: {link: 0.999, review: 0.05}
training: {seed: 7, max_pairs: 20000}
"""


def population(seed: int = 11) -> tuple[pa.Table, pa.Table]:
    """Return what two departments hold of made-up people; row `r7` and row `c7` are of one."""
    drawn = random.Random(seed)  # noqa: S311
    register, clinic = [], []
    for i in range(PEOPLE):
        name = drawn.choice(SURNAMES) + "".join(drawn.sample(GIVEN, 2))
        born = f"{drawn.randint(1940, 2015)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
        phone = f"13{drawn.randint(0, 999999999):09}"
        home = f"杭州市{drawn.choice(STREETS)}{drawn.randint(1, 300)}号"
        register.append((f"r{i}", name, born, phone, home, "2026-01-05"))
        if i % 3:
            heard = name[0] + drawn.choice(GIVEN) + name[2] if i % 10 == 1 else name
            moved = home.removeprefix("杭州市") if i % 2 else home
            called = None if i % 7 == 2 else phone
            clinic.append((f"c{i}", heard, born.replace("-", "/"), called, moved, "2026-02-01"))
        if i % 12 == 3:
            # A twin at the same address: everything agrees but the given name.
            twin = name[0] + "".join(drawn.sample(GIVEN, 2))
            clinic.append((f"t{i}", twin, born, None, home, "2026-02-01"))
    columns = ("id", "full_name", "born", "mobile", "home", "updated")
    others = ("id", "patient", "birthday", "phone", "address", "visited")
    return _table(columns, register), _table(others, clinic)


def truth() -> set[tuple[Record, Record]]:
    """Return the pairs that are of one person."""
    return {
        (Record("clinic", f"c{i}"), Record("register", f"r{i}")) for i in range(PEOPLE) if i % 3
    }


def _table(columns: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> pa.Table:
    texts = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    return pa.table(dict(zip(columns, texts, strict=True)))


@dataclass
class World:
    """An office over the two tables, what it published, and what is true of the people."""

    folder: Path
    control: Control
    lake: Lake
    events: list[Event]
    office: LinkageOffice
    truth: set[tuple[Record, Record]]

    def declare(self, text: str) -> LinkageOffice:
        """Return the office with another declaration of the same linkage."""
        linkage = parse_linkage(text.encode(), file="residents.yaml")
        return replace(self.office, linkages={linkage.id: linkage})


def office_in(folder: Path, publish: Publish = ignore) -> LinkageOffice:
    """Return an office over the store and the lake in a folder."""
    linkage = parse_linkage(YAML.encode(), file="residents.yaml")
    control = open_control(f"sqlite:///{folder / 'control.db'}")
    lake, declared, scratch = open_lake(folder / "lake"), {linkage.id: linkage}, folder / "scratch"
    return LinkageOffice(control, lake, declared, scratch, "1GB", lambda: NOW, publish)


def _world(folder: Path) -> World:
    """Return what stands in a folder."""
    events: list[Event] = []
    office = office_in(folder, events.append)
    return World(folder, office.control, office.lake, events, office, truth())


def world(folder: Path) -> World:
    """Make the two tables and an office in `folder`."""
    made = _world(folder)
    metadata.create_all(made.control.engine)
    for name, rows in zip(("register", "clinic"), population(), strict=True):
        made.lake.append(name, rows)
    return made


@pytest.fixture(scope="session")
def yaml() -> str:
    return YAML


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose model was trained, accepted and run once; tests of it only look."""
    made = world(tmp_path_factory.mktemp("linked"))
    train(made.office, "residents", by="li")
    accept(made.office, "residents", 1, by="wang")
    run(made.office, "residents", by="li")
    return made


@pytest.fixture
def copied(linked: World, tmp_path: Path) -> World:
    """The same world, to be changed by one test alone."""
    # The last connection that is closed brings the log into the file.
    linked.control.engine.dispose()
    shutil.copy(linked.folder / "control.db", tmp_path)
    shutil.copytree(linked.folder / "lake", tmp_path / "lake")
    return _world(tmp_path)


@pytest.fixture(scope="session")
def tables() -> dict[str, pa.Table]:
    """What the two departments hold, by data set."""
    return dict(zip(("register", "clinic"), population(), strict=True))
