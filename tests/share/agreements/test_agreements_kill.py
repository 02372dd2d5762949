"""A process that dies at any moment loses no step of sharing, doubles none and halves none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shuzhi.audit.outbox import outbox_table
from shuzhi.share.agreements import (
    AgreementState,
    ApplicationState,
    Verb,
    agreements,
    applications,
    replayed,
    steps_since,
    tick,
)
from shuzhi.share.agreements.store import agreement_table, step_table

# Applies, agrees, suspends and ticks until it is killed; half a day passes with every turn.
WORKER = """
import sys
from datetime import timedelta
from dataclasses import replace
from shuzhi.kernel.control import open_control
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import *
from conftest import ASKED, Exchange

town = Exchange(open_control(sys.argv[1]))
town.to(sys.argv[2])
for turn in range(int(sys.argv[3]), 1_000_000):
    asked = replace(ASKED, purposes=(f"purpose {turn}",))
    held = submit(town.office, asked, by=town.water, origin=f"form:{turn}").application
    print(turn, flush=True)
    if turn % 3 and held.state is ApplicationState.WAITING:
        made = agree(town.office, held.id, by=town.ecology)
        deal(town.office, made.id, Deed(Verb.SUSPEND, town.city, text="A test"))
    town.now = Instant(town.now + timedelta(hours=12))
    tick(town.office)
"""
HERE = Path(__file__).resolve().parent


def killed_after(url: str, start: str, first: int, turns: int) -> int:
    """Let a worker begin `turns` turns and kill it in the midst of the last; return the next."""
    command = [sys.executable, "-c", WORKER, url, start, str(first)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE)  # noqa: S603
    assert worker.stdout is not None
    last = first
    for _ in range(turns):
        last = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    worker.stdout.close()
    return last


@pytest.fixture(scope="module")
def battered(new_exchange: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A city whose workers were killed again and again, each in another turn."""
    exchange = new_exchange(tmp_path_factory.mktemp("battered"))
    url, turn = str(exchange.control.engine.url), 0
    for turns in (1, 2, 4, 7):
        turn = killed_after(url, exchange.now.isoformat(), turn, turns)
    exchange.to("2026-11-01T00:00:00+00:00")
    return exchange


def test_after_kills_all_is_whole_and_each_clock_acts_once(battered: Any) -> None:
    office = battered.office
    assert tick(office).refused == ()
    assert tick(office).moved == 0
    found = [*applications(office, limit=500), *agreements(office, limit=500)]
    assert [replayed(office, battered.kind(m), m.id) for m in found] == found
    steps = [step for _, step in steps_since(office, 0)]
    origins = [s.origin for s in steps if s.verb is Verb.SUBMIT]
    assert len(origins) == len(set(origins)) >= 11
    breaks = [(s.kind, s.matter, s.facts["clock"]) for s in steps if s.verb is Verb.BREAK_CLOCK]
    assert len(breaks) == len(set(breaks))
    assert breaks


def test_a_consent_and_its_agreement_are_there_together_or_not_at_all(battered: Any) -> None:
    office = battered.office
    agreed = {
        a.id: a.agreement
        for a in applications(office, limit=500)
        if a.state is ApplicationState.AGREED
    }
    assert agreed == {a.application: a.id for a in agreements(office, limit=500)}
    with office.control.transaction() as connection:
        policies = connection.scalars(select(agreement_table.c.policy)).all()
    assert all(policy["@type"] == "Agreement" for policy in policies)
    assert {a.state for a in agreements(office)} <= set(AgreementState)


def test_every_step_has_its_audit_entry(battered: Any) -> None:
    with battered.office.control.transaction() as connection:
        steps = connection.scalar(select(func.count()).select_from(step_table))
        contents = connection.scalars(select(outbox_table.c.content).order_by(outbox_table.c.no))
        entries = [json.loads(content) for content in contents]
    told = [(e["subject"], e["facts"]["step"]) for e in entries]
    kept = [(f"{s.kind}:{s.matter}", s.number) for _, s in steps_since(battered.office, 0)]
    assert steps == len(entries)
    assert told == kept


def test_an_audit_entry_says_what_was_done_but_not_what_was_written(exchange: Any) -> None:
    exchange.submitted(scenario="Mrs Li of 5 Weir Lane complained")
    with exchange.office.control.transaction() as connection:
        (content,) = connection.scalars(select(outbox_table.c.content))
    entry = json.loads(content)
    assert b"Li" not in content
    assert len(entry["facts"].pop("step_sha256")) == 64
    assert entry == {
        "kind": "application.submitted",
        "at": "2026-03-02T01:00:00+00:00",
        "by": "w.li",
        "subject": "application:1",
        "facts": {
            "step": 1,
            "state": "waiting",
            "party": "water",
            "authority": "city",
            "applicant": "water",
            "provider": "ecology",
            "dataset": "air",
        },
    }
