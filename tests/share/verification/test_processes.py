"""What is counted against fishing is counted over all processes of a city, and across restarts."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from tests.share.verification.conftest import MONDAY

from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Refusal
from shuzhi.share.agreements import Actor, AgreementId, Deed, Verb, deal, tick
from shuzhi.share.verification import Asking, Desk, findings, lift, sweep
from shuzhi.share.verification.model import Claim, Question
from shuzhi.share.verification.store import finding_table, guess_table, seen_table, tally_table

ROOT = Path(__file__).resolve().parents[3]
ZHANG, ABDULLA, LI = "11010119900307721X", "110101198512120023", "110101197001010011"
# Another process asks what a line gives it, and says what it was told.
_OTHER = """
import sys
from datetime import datetime
from pathlib import Path
from shuzhi.kernel.control import open_control
from tests.share.verification.conftest import Registry

url, folder, now = sys.argv[1:]
registry = Registry(open_control(url), Path(folder), datetime.fromisoformat(now))
for line in sys.stdin:
    questions = [word.split(":") for word in line.split()]
    told = [registry.told(subject, {"born": day}) for subject, day in questions]
    print(*told, flush=True)
"""
_TIGHT = """
limits:
  agreement: {per_second: 0.2, at_once: 30}
  asker: {per_second: 0.1, at_once: 20}
  most_a_day: 40
  guessing: {tries: 3, hours: 1, action: suspend}
  window: {questions: 12, at_least: 6}
  enumeration: {share: 0.5, action: warn}
  absence: {share: 0.5, action: slow}
  misses: {share: 0.9, action: suspend}
  volume: {times: 2, at_least: 10, action: warn}
  slow_to: 0.5
  hold_hours: 1
"""
_SUBJECTS = (ZHANG, ABDULLA, LI, "110101197001010012", "110101197001010030", "9", "10")
# Who asks (3: somebody who was just started), about whom, what, and how many seconds later.
_ASKED = st.tuples(
    st.integers(0, 3),
    st.sampled_from(_SUBJECTS),
    st.integers(1, 4),
    st.sampled_from((0, 0, 0, 1, 20, 1800, 86_400)),
)


@contextmanager
def two_processes(registry: Any) -> Iterator[Callable[[list[list[str]]], Counter[str]]]:
    """Let two processes ask at the same time, and count what both were told."""
    url = registry.control.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _OTHER, url, str(registry.folder), registry.now.isoformat()]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]  # noqa: S603

    def told(asked: list[list[str]]) -> Counter[str]:
        for process, questions in zip(both, asked, strict=True):
            print(*questions, file=process.stdin, flush=True)
        return Counter(word for process in both for word in process.stdout.readline().split())

    try:
        told([[], []])
        yield told
    finally:
        for process in both:
            process.communicate(timeout=120)


def test_who_asks_two_processes_is_stopped_as_by_one(registry: Any) -> None:
    registry.declare("limits: {asker: {per_second: 0.001, at_once: 20}}\n")
    guesses = [f"{ZHANG}:1990-03-{n:02}" for n in range(8, 24)]
    with two_processes(registry) as told:
        assert told([guesses[::2], guesses[1::2]]) == {"no": 5, "suspended": 11}
        assert told([[f"{LI}:1970-01-01"] * 15] * 2) == {"yes": 15, "too_fast": 15}
    (found,) = findings(registry.office)
    assert found.what.measured == "5 claims"
    assert registry.told(LI, {"rooms": 1}) == "too_fast"


def test_a_window_goes_on_after_a_restart(registry: Any) -> None:
    told = []
    for n in range(52):
        registry.declare("limits: {absence: {share: 0.5, action: suspend}}\n")
        told.append(registry.told(f"{n * 7919}", {"rooms": 7}))
    assert told == ["no"] * 50 + ["suspended"] * 2


def test_what_was_lifted_begins_anew_in_every_process(registry: Any) -> None:
    other, days = Desk(registry.office), [f"1990-03-{n:02}" for n in range(8, 20)]
    for day in days[:5]:
        registry.told(ZHANG, {"born": day})
    (found,) = findings(registry.office)
    lift(other, found.id, by="c.he")
    registry.desk = other
    assert [registry.told(ZHANG, {"born": day}) for day in days[5:]] == ["no"] * 5 + [
        "suspended"
    ] * 2


def test_what_was_never_written_is_not_counted(registry: Any) -> None:
    desk = registry.desk
    permit = desk.permit(Asking(registry.user, 1, "data_user", "rent_aid"))
    question = Question(1, "rent_aid", "data_user", ZHANG, (Claim("rooms", 7),))
    answered = desk.answer(permit, question)
    assert not isinstance(answered, Refusal)
    broken = answered._replace(small=answered.small._replace(subject="none"))
    with pytest.raises(AttributeError):
        desk.settle([answered, broken])
    registry.declare("limits: {window: {questions: 3, at_least: 3}}\n")
    told = [registry.told(ZHANG, {"rooms": 7}) for _ in range(3)]
    assert told == ["no"] * 3
    assert [found.what.measured for found in findings(registry.office)] == ["3 of 3"]


def test_ids_are_not_kept_as_they_are(registry: Any) -> None:
    registry.told(ZHANG, {"born": "1990-03-08"})
    with registry.control.transaction() as connection:
        tables = (seen_table, guess_table, tally_table)
        kept = [str(connection.execute(select(table)).all()) for table in tables]
    assert all(len(rows) > 2 for rows in kept)
    assert not any(word in rows for rows in kept for word in (ZHANG[:17], "1990-03-08"))


def rows_of(registry: Any, table: Any) -> list[int]:
    """Return of which agreement each row of a table is."""
    with registry.control.transaction() as connection:
        return sorted(connection.execute(select(table.c.agreement)).scalars())


def test_guesses_that_are_over_go_where_nobody_asks_any_more(registry: Any) -> None:
    registry.agreed(purposes=("rent_aid", "other"), scenario="Another")
    for number in (1, 2):
        assert registry.told(ZHANG, {"rooms": 7}, agreement=number) == "no"
        registry.later(hours=1)
    assert sweep(registry.control, registry.now) == 0
    registry.later(hours=22, minutes=30)
    assert sweep(registry.control, registry.now) == 1
    assert rows_of(registry, guess_table) == [2]
    registry.later(hours=1)
    assert [sweep(registry.control, registry.now) for _ in range(2)] == [1, 0]
    assert rows_of(registry, guess_table) == []
    # The newest questions are watched on.
    assert rows_of(registry, seen_table) == [1, 2]


def test_what_was_seen_goes_when_the_agreement_is_over(registry: Any) -> None:
    registry.agreed(purposes=("rent_aid", "other"), scenario="Another")
    for number in (1, 2):
        registry.told(LI, {"rooms": 1}, agreement=number)
    stopped = Deed(Verb.SUSPEND, Actor("c.he", PartyId("city")), text="Misuse")
    deal(registry.sharing, AgreementId(1), stopped)
    assert sweep(registry.control, registry.now) == 0
    registry.later(days=400)
    tick(registry.sharing)
    assert [sweep(registry.control, registry.now) for _ in range(2)] == [2, 0]
    assert rows_of(registry, seen_table) == []


def forget_all(registry: Any) -> None:
    with registry.control.transaction() as connection:
        for table in (tally_table, seen_table, guess_table, finding_table):
            connection.execute(delete(table))


def noticed(registry: Any, agreement: int) -> list[tuple[Any, ...]]:
    found = findings(registry.office, agreement=agreement, limit=500)
    return [(f.what.kind, f.what.measured, f.what.at, f.what.subject) for f in found]


@pytest.fixture
def tight(registry: Any) -> Any:
    """The same city with narrow limits and a second agreement like the first."""
    registry.agreed(purposes=("rent_aid", "other"), scenario="Another")
    registry.declare(_TIGHT)
    return registry


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(asked=st.lists(_ASKED, min_size=10, max_size=40))
def test_any_number_of_processes_count_as_one(tight: Any, asked: list[tuple[Any, ...]]) -> None:
    forget_all(tight)
    tight.now = MONDAY
    permits = [
        tight.desk.look_up(Asking(tight.user, number, "data_user", "rent_aid")) for number in (1, 2)
    ]
    alone, some = Desk(tight.office), [Desk(tight.office) for _ in range(3)]
    for who, subject, rooms, seconds in asked:
        tight.later(seconds=seconds)
        desks = (alone, [*some, Desk(tight.office)][who])
        one, other = (told(*each, subject, rooms) for each in zip(desks, permits, strict=True))
        assert one == other
    assert noticed(tight, 1) == noticed(tight, 2)


def told(desk: Desk, permit: Any, subject: str, rooms: int) -> str:
    claims = (Claim("rooms", rooms),)
    answered = desk.answer(permit, Question(1, "rent_aid", "data_user", subject, claims))
    results = [answered] if isinstance(answered, Refusal) else desk.settle([answered])
    (told,) = [r.reason if isinstance(r, Refusal) else r.answer.told.value for r in results]
    return told
