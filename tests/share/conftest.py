"""Two worlds that differ only in what a grant forbids, to be asked the same questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.gather.contracts import LogicalType
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    ColumnFacts,
    DatasetFacts,
    DateTo,
    Form,
    Grant,
    Hashed,
    Keep,
    Limits,
    MaskRule,
    MaskTable,
    NumberTo,
    Operator,
    Partial,
    Refusal,
    Request,
    Term,
    User,
    ask,
    decide,
)

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
LIMITS = Limits(60, 50_000)
DAY = timedelta(days=1)
CITY_KEY = b"the key of a city that is a test"
TYPES = {
    "text": (LogicalType.STRING, pa.string()),
    "whole": (LogicalType.INTEGER, pa.int64()),
    "number": (LogicalType.NUMBER, pa.float64()),
    "money": (LogicalType.NUMBER, pa.decimal128(18, 2)),
    "bool": (LogicalType.BOOLEAN, pa.bool_()),
    "date": (LogicalType.DATE, pa.date32()),
    "moment": (LogicalType.TIMESTAMP, pa.timestamp("us", tz="UTC")),
}
# Column: type, grade, kind.
SHAPES: dict[str, dict[str, tuple[str, str, str | None]]] = {
    "residents": {
        "id": ("text", "general", None),
        "name": ("text", "personal", "name"),
        "mobile": ("text", "personal", "mobile"),
        "born": ("date", "personal", "birth"),
        "income": ("whole", "general", None),
        "savings": ("money", "personal", "money"),
        "kids": ("whole", "general", None),
        "score": ("number", "general", None),
        "district": ("text", "general", None),
        "code": ("text", "general", None),
        "is_active": ("bool", "general", None),
        "moved": ("moment", "general", None),
        "card": ("text", "sensitive", None),
        "secret": ("text", "general", None),
        "note": ("whole", "general", None),
    },
    "visits": {
        "resident": ("text", "general", None),
        "day": ("date", "general", None),
        "kind": ("text", "general", None),
        "cost": ("whole", "general", None),
        "clinic": ("text", "general", None),
    },
    "incomes": {
        "person": ("text", "general", None),
        "district": ("text", "general", None),
        "job": ("text", "general", None),
        "year": ("whole", "general", None),
        "since": ("date", "general", None),
        "amount": ("whole", "general", None),
        "bonus": ("whole", "general", None),
        "secret": ("text", "general", None),
    },
    "benefits": {
        "person": ("text", "general", None),
        "kind": ("text", "general", None),
        "amount": ("whole", "general", None),
    },
    "salaries": {"id": ("text", "general", None), "amount": ("whole", "general", None)},
}
MASKS = MaskTable(
    "test",
    (
        MaskRule(Keep(), frozenset({"general"}), None, None),
        MaskRule(Partial(1, 0), None, None, None, frozenset({"name"})),
        MaskRule(Hashed(), None, None, None, frozenset({"mobile"})),
        MaskRule(DateTo("year"), None, None, None, frozenset({"birth"})),
        MaskRule(NumberTo(Decimal(1000)), None, None, None, frozenset({"money"})),
    ),
)
SEEN = {
    "residents": tuple(SHAPES["residents"])[:-2],
    "visits": ("resident", "day", "kind", "cost"),
    "incomes": tuple(SHAPES["incomes"])[:-1],
    "benefits": tuple(SHAPES["benefits"]),
}


def facts(dataset: str) -> DatasetFacts:
    columns = {
        name: ColumnFacts(name, TYPES[kind][0], grade, what)
        for name, (kind, grade, what) in SHAPES[dataset].items()
    }
    return DatasetFacts(DatasetName(dataset), "1.4.0", columns)


def grant(dataset: str, **terms: Any) -> Grant:
    base: dict[str, Any] = {
        "id": f"grant of {dataset}",
        "assigner": PartyId("registry"),
        "assignee": PartyId("housing"),
        "dataset": DatasetName(dataset),
        "contract_version": "1.2.0",
        "columns": SEEN[dataset],
        "purposes": frozenset({"rent_aid"}),
        "roles": frozenset({"analyst"}),
        "since": Instant(NOW - DAY),
        "until": Instant(NOW + DAY),
    }
    return Grant(**(base | terms))


def request_of(dataset: str, /, **terms: Any) -> Request:
    base: dict[str, Any] = {
        "user": User("li", PartyId("housing"), frozenset({"analyst", "clerk"})),
        "role": "analyst",
        "purpose": "rent_aid",
        "dataset": DatasetName(dataset),
        "at": NOW,
    }
    return Request(**(base | terms))


GRANTS = {
    "residents": grant("residents", rows=Term("district", Operator.ONE_OF, ("north", "south"))),
    "visits": grant("visits"),
    "incomes": grant(
        "incomes", form=Form.AGGREGATE, minimum_group=5, subject="person", budget=1000
    ),
    "benefits": grant("benefits", form=Form.YES_NO, subject="person", budget=1000),
}


def allowed(dataset: str, **terms: Any) -> Allowed:
    decided = decide(GRANTS[dataset], request_of(dataset, **terms), facts(dataset), MASKS)
    assert isinstance(decided, Allowed), decided
    return decided


def table(dataset: str, rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns = SHAPES[dataset]
    return pa.table(
        {
            name: pa.array([row[i] for row in rows], TYPES[kind][1])
            for i, (name, (kind, _, _)) in enumerate(columns.items())
        }
    )


def resident(i: int, world: str) -> tuple[Any, ...]:
    """One row: every third lies where the grant does not reach. Worlds share what it shows."""
    is_seen = i % 3 != 2
    is_a = world == "A"
    surname = "张王李赵"[i % 4]
    if not is_seen:
        # Values on which casts, sums and divisions fail, in one of the worlds only.
        return (
            f"SECRET-{world}-{i}",
            f"SECRET-{world}",
            f"SECRET-{world}-{i}",
            date(1950, 1, 1) if is_a else date(9999, 12, 31),
            2**63 - 1 if is_a else 7,
            Decimal("9999999999999999.99") if is_a else Decimal(1),
            0 if is_a else 3,
            -1.0 if is_a else 4.0,
            "east" if is_a else "west",
            f"SECRET-{world}-{i}" if is_a else "7",
            is_a,
            datetime(1900 if is_a else 2200, 1, 1, tzinfo=UTC),
            f"SECRET-{world}-{i}",
            f"SECRET-{world}-{i}",
            i if is_a else -i,
        )
    return (
        f"r{i:04}",
        f"{surname}{'三' if is_a else '四五六'}",
        f"1380000{i % 20:04}",
        date(1960 + i % 40, 1 + (i if is_a else i + 5) % 12, 1 + i % (28 if is_a else 27)),
        3000 + 100 * (i % 17),
        Decimal(1000 * (i % 9)) + (Decimal("1.25") if is_a else Decimal("998.5")),
        1 + i % 4,
        None if i % 10 == 0 else i / 4,
        "north" if i % 2 else "south",
        str(100 + i),
        i % 5 != 0,
        datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=13 * i),
        f"SECRET-{world}-{i}",
        f"SECRET-{world}-{i}",
        i * 1000 if is_a else 5,
    )


def visit(i: int, world: str) -> tuple[Any, ...]:
    day = date(2026, 1, 1) + timedelta(days=i % 50)
    return (f"r{i % 60:04}", day, "abc"[i % 3], 10 * i, f"SECRET-{world}-{i}")


def income(i: int, world: str) -> tuple[Any, ...]:
    """A row of a person's year; the last few persons each stand out, and differ by world."""
    person, year = i // 2, 2024 + i % 2
    district = "north" if person < 40 else "south" if person < 78 else "harbour"
    job = "mayor" if person == 39 else "clerk" if person % 2 else "cook"
    stands_out = person == 39 or person >= 78
    amount = (70_001 if world == "A" else 90_009) if stands_out else 4000 + 10 * person
    # One person only has a bonus, besides the many of the north.
    bonus = amount if person == 60 else 100 if person < 39 else None
    if person == 60:
        bonus = 11 if world == "A" else 22
    since = date(2010 + person % 8, 1 + person % 12, 1)
    return (f"p{person:03}", district, job, year, since, amount, bonus, f"SECRET-{world}-{i}")


def world_tables(world: str) -> dict[str, pa.Table]:
    salaries = [(f"SECRET-{world}-{i}", i if world == "A" else -i) for i in range(20)]
    return {
        "residents": table("residents", [resident(i, world) for i in range(180)]),
        "visits": table("visits", [visit(i, world) for i in range(300)]),
        "incomes": table("incomes", [income(i, world) for i in range(162)]),
        "benefits": table("benefits", [(f"p{i:03}", "rent", i) for i in range(50)]),
        "salaries": table("salaries", salaries),
    }


@dataclass(frozen=True)
class Worlds:
    """The lakes of both worlds; an outcome is all that an asker gets to see."""

    lakes: dict[str, Lake]

    def answer(
        self, world: str, sql: str, grants: Sequence[str], limits: Limits = LIMITS
    ) -> pa.Table | Refusal:
        seen = [allowed(name) for name in grants]
        return ask(self.lakes[world], seen, sql, city_key=CITY_KEY, limits=limits)

    def both(
        self, sql: str, grants: Sequence[str], *, max_seconds: float = 60
    ) -> tuple[object, object]:
        limits = Limits(max_seconds, 20_000)
        first, second = (outcome(self.answer(world, sql, grants, limits), sql) for world in "AB")
        return first, second


def outcome(answer: pa.Table | Refusal, sql: str) -> object:
    """All that an asker sees and that is not chance: an order, and which rows are cut off."""
    if isinstance(answer, Refusal):
        return answer
    # By position, for two columns may have one name; as text, for a NaN is not itself.
    columns = [[repr(value) for value in column.to_pylist()] for column in answer.columns]
    rows = list(zip(*columns, strict=True))
    shape, text = (answer.schema.names, [str(t) for t in answer.schema.types]), _outermost(sql)
    if re.search(r"order\s+by", text, re.IGNORECASE):
        return *shape, rows
    if re.search(r"limit\s", text, re.IGNORECASE):
        # Which rows or groups come first is told by the threads.
        return *shape, [re.findall(r"SECRET-\w-", repr(row)) for row in rows]
    return *shape, sorted(rows)


def _outermost(sql: str) -> str:
    """The text without what stands in parentheses."""
    while (shorter := re.sub(r"\([^()]*\)", "", sql)) != sql:
        sql = shorter
    return sql


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """The lakes of the two worlds."""
    lakes = {}
    for world in "AB":
        folder: Path = tmp_path_factory.mktemp(f"world_{world}")
        lakes[world] = open_lake(folder / "lake")
        for name, rows in world_tables(world).items():
            lakes[world].append(name, rows)
    return Worlds(lakes)


@dataclass(frozen=True)
class Asked:
    """The values that tests of access share, for a test cannot import this file."""

    grants = GRANTS
    masks = MASKS
    seen = SEEN
    now = NOW
    grant = staticmethod(grant)
    request = staticmethod(request_of)
    facts = staticmethod(facts)
    allowed = staticmethod(allowed)
    tables = staticmethod(world_tables)


@pytest.fixture(scope="session")
def asked() -> Asked:
    """The grants, requests, facts and masks of the two worlds."""
    return Asked()
