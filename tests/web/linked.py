"""A city that links people, kept small: a model, a run and pairs are there without a training.

What a training makes is tested where it is made; these tests are about what is shown of it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from sqlalchemy import delete

from shuzhi.app import City, open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Clock
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.linkage import Figures, Kept, Pair, Place, Placed, Record, accept
from shuzhi.share.linkage.engine import declared_sha256
from shuzhi.share.linkage.model import Trained
from shuzhi.share.linkage.store import (
    decision_table,
    insert_model,
    insert_run,
    model_table,
    pair_table,
    replace_pairs,
    run_table,
)
from shuzhi.share.linkage.work_store import work_table

from .api.linking import LINKAGE, declare_people, put_people
from .entering import PASSWORD

_FILES = {
    "city.yaml": """
name: riverside
title_zh: 滨江市
title_en: Riverside
packs: []
desk: hotline_centre
""",
    "parties.yaml": """
parties:
  - {id: city_government, title: {zh: 市政府, en: City government}, level: city}
  - {id: hotline_centre, title: {zh: 热线中心, en: Hotline centre}, level: city}
  - {id: east, title: {zh: 东城区, en: East District}, level: district, superior: city_government}
""",
    "masks.yaml": """
id: masks
title: {zh: 脱敏规则, en: Masks}
source: a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
}
# `guo` manages sharing and nothing else; `chen` is given data too; the others do neither.
PEOPLE: dict[str, tuple[str, frozenset[Role]]] = {
    "guo": ("hotline_centre", frozenset({Role.MANAGER})),
    "chen": ("hotline_centre", frozenset({Role.MANAGER, Role.DATA_USER})),
    "east.boss": ("east", frozenset({Role.MANAGER})),
    "steward": ("east", frozenset({Role.STEWARD})),
}
LIKELY = (Record("clinic", "c7"), Record("register", "r7"))
TWIN = (Record("clinic", "t3"), Record("register", "r3"))
DOUBTED = (Record("clinic", "c11"), Record("register", "r11"))
ODD = (Record("clinic", "c8<i>"), Record("register", "r8"))
_FIGURES = Figures(6, 3, 2, 3, 2, {"clean": 1})


def declare_linked(folder: Path) -> None:
    """Write down what makes a city that links people."""
    folder.mkdir(parents=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    declare_people(folder)


def linked_city(folder: Path, clock: Clock) -> City:
    """Return a city that links people; see `put_linked` for what of."""
    declare_linked(folder)
    opened = open_city(folder)
    city = City(opened.settings, opened.control, opened.lake, clock)
    city.register()
    enrol(city)
    put_people(city)
    put_linked(city)
    return city


def put_linked(city: City) -> None:
    """Let the linkage have been run once, with a second model that waits to be accepted.

    Whatever else was done of it before is gone.
    """
    with city.control.transaction() as connection:
        for table in (decision_table, work_table, pair_table, run_table, model_table):
            connection.execute(delete(table))
    first = put_model(city, _FIGURES)
    accept(city.linkage_office, LINKAGE, first.number, by="guo")
    lacking = {
        "untrained": ("name: similar 0.92: m",),
        "problems": ("session_none: birth",),
        "left_out": ("name, birth[:4]: 2500000",),
    }
    put_model(city, Figures(9, 5, 1, 5, 3, {"clean": 1, "strong": 2}), **lacking)
    put_run(city, first)
    city.record()


def enrol(city: City) -> None:
    """Let the people of these tests have accounts."""
    for name, (party, roles) in PEOPLE.items():
        new = NewAccount(name, PartyId(party), name.title(), roles)
        add_account(city.accounts_office, new, by="root", password=PASSWORD)


def put_model(city: City, figures: Figures, **lacking: tuple[str, ...]) -> Kept:
    """Keep a model that fits what is declared, as a training does."""
    office = city.linkage_office
    trained = Trained(
        {}, declared_sha256(office.linkage(LINKAGE)), {"register": 1, "clinic": 1},
        {"register": 150, "clinic": 113}, 7, {"splink": "4"}, 0.005, "expected",
        **({"untrained": ()} | lacking),
    )  # fmt: skip
    with city.control.transaction() as connection:
        return insert_model(connection, LINKAGE, trained, figures, city.clock(), "guo")


def put_run(city: City, kept: Kept) -> None:
    """Keep a run and its pairs: three links, a likely one that two people may dispute, a twin."""
    content = {"versions": dict(kept.trained.versions), "figures": asdict(kept.figures)}
    # As shares: how likely, and what the parts say.
    pairs = [
        _placed(LIKELY, 0.9999, Place.LINKED, name=4, birth=3, phone=2, address=4),
        _placed((Record("clinic", "c10"), Record("register", "r10")), 0.9995, Place.LINKED, name=4),
        _placed((Record("clinic", "c13"), Record("register", "r13")), 0.9999, Place.LINKED, name=4),
        _placed(DOUBTED, 0.52, Place.REVIEW, name=2, birth=3, phone=-1, address=1),
        _placed(TWIN, 0.8, Place.REVIEW, name=0, birth=3, phone=-1, address=4),
        _placed(ODD, 0.9999, Place.CLEAN, name=4, birth=3, phone=2, address=4),
    ]
    with city.control.transaction() as connection:
        insert_run(connection, LINKAGE, kept.id, city.clock(), "guo", content)
        replace_pairs(connection, LINKAGE, pairs)


def _placed(ends: tuple[Record, Record], likely: float, place: Place, **levels: int) -> Placed:
    weights = {part: 2.5 * n if n > 0 else 0.0 if n else -3.0 for part, n in levels.items()}
    return Placed(Pair(*ends, likely, sum(weights.values()) - 7.6, levels, weights), place)
