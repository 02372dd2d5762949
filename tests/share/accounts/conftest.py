"""A small city's people: what the tests of accounts stand on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.control import Control, open_control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.migrations import migrate
from shuzhi.share.accounts import (
    Account,
    AccountsOffice,
    Cost,
    NewAccount,
    Passwords,
    Role,
    add_account,
)
from shuzhi.share.parties import register_party

PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
CITY, EAST = PartyId("city_government"), PartyId("east")


class Moving:
    """A clock that tests set by hand."""

    def __init__(self) -> None:
        self.now = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))

    def __call__(self) -> Instant:
        return self.now

    def go(self, **span: float) -> None:
        self.now = Instant(self.now + timedelta(**span))


@dataclass(frozen=True)
class People:
    """An office of accounts with its clock, and what it wrote for the audit log."""

    office: AccountsOffice
    clock: Moving
    password: str = PASSWORD
    city: PartyId = CITY
    east: PartyId = EAST

    def add(self, name: str, *roles: Role, party: PartyId = EAST, **more: Any) -> Account:
        new = NewAccount(name, party, f"Person {name[:2]}", frozenset(roles))
        given = {"by": "root", "password": PASSWORD} | more
        return add_account(self.office, new, **given)

    def entries(self) -> list[dict[str, Any]]:
        with self.office.control.transaction() as connection:
            rows = connection.execute(outbox_table.select().order_by(outbox_table.c.no))
            return [json.loads(row.content) for row in rows]

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.entries()]

    def with_terms(self, **terms: Any) -> AccountsOffice:
        return replace(self.office, terms=replace(self.office.terms, **terms))


def counted() -> Any:
    """Bytes that differ from one draw to the next, and are the same in every run."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(8, "big").rjust(size, b"\x07")[-size:]


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    made = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    migrate(made)
    register_party(made, Party(CITY, "市政府", "City government", Level.CITY, None, None))
    register_party(made, Party(EAST, "东城区", "East District", Level.DISTRICT, None, CITY))
    yield made
    made.engine.dispose()


@pytest.fixture
def people(control: Control) -> People:
    """Nobody yet; hashes cost little here."""
    clock = Moving()
    passwords = Passwords(Cost(memory_kib=8, rounds=1))
    return People(AccountsOffice(control, passwords=passwords, clock=clock, draw=counted()), clock)
