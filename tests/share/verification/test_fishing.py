"""Against fishing: who guesses, counts ids up or asks too much is slowed or stopped; others not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Refusal
from shuzhi.share.agreements import Actor
from shuzhi.share.receipts import answer_objection, object_to, uses_of
from shuzhi.share.verification import (
    Asking,
    FishingSuspected,
    VerificationError,
    answer_sheet,
    findings,
    lift,
    read_sheet,
)
from shuzhi.share.verification.model import Claim, Question

ZHANG, ABDULLA, LI = "11010119900307721X", "110101198512120023", "110101197001010011"


def guess_birthdays(registry: Any, most: int) -> list[str]:
    days = (date(1990, 3, 1) + timedelta(days=n) for n in range(most))
    return [registry.told(ZHANG, {"born": day.isoformat()}) for day in days]


def test_who_guesses_a_birthday_is_stopped_before_it_is_found(registry: Any) -> None:
    assert guess_birthdays(registry, 9) == ["no"] * 5 + ["suspended"] * 4
    (told,) = [event for event in registry.events if isinstance(event, FishingSuspected)]
    assert (told.kind, told.action, told.assignee) == ("guessing", "suspend", "housing")
    assert registry.told(LI, {"rooms": 1}) == "yes"


def test_what_is_held_back_stays_so_after_a_restart_until_it_is_lifted(registry: Any) -> None:
    guess_birthdays(registry, 5)
    registry.declare("")
    assert registry.told(ZHANG, {"rooms": 3}) == "suspended"
    (found,) = findings(registry.office)
    lifted = lift(registry.desk, found.id, by="c.he")
    assert (lifted.lifted_by, registry.told(ZHANG, {"rooms": 3})) == ("c.he", "yes")
    with pytest.raises(VerificationError, match=r"finding_unknown"):
        lift(registry.desk, 99, by="c.he")


def test_what_is_held_back_ends_by_itself(registry: Any) -> None:
    guess_birthdays(registry, 5)
    registry.later(hours=25)
    registry.declare("")
    assert registry.told(ZHANG, {"rooms": 3}) == "yes"


def test_who_counts_ids_up_is_slowed(registry: Any) -> None:
    registry.declare(
        "limits: {asker: {per_second: 0.001, at_once: 100}, slow_to: 0.01,\n"
        "  absence: null, misses: null}\n"
    )
    told = [registry.told(f"1101011970010100{n:02}", {"rooms": 7}) for n in range(60)]
    assert told[49:] == ["no"] * 2 + ["too_fast"] * 9
    assert [f.what.kind for f in findings(registry.office)] == ["enumeration"]


def test_who_asks_about_people_who_are_not_there_is_noticed(registry: Any) -> None:
    registry.declare("limits: {absence: {share: 0.5, action: suspend}}\n")
    told = [registry.told(f"{n * 7919}", {"rooms": 7}) for n in range(51)]
    assert told[-1] == "suspended"
    assert findings(registry.office)[-1].what.measured == "50 of 50"


def test_a_day_with_far_more_questions_than_usual_is_told(registry: Any) -> None:
    registry.declare("limits: {volume: {times: 3, at_least: 5, action: warn}}\n")
    registry.told(LI, {"rooms": 1})
    registry.later(days=1)
    assert [registry.told(LI, {"rooms": 1}) for _ in range(6)] == ["yes"] * 6
    (found,) = findings(registry.office)
    assert (found.what.kind, found.what.measured) == ("volume", "5, usually 1")


def test_an_honest_user_is_not_stopped(registry: Any) -> None:
    # Nine of ten questions hold; one in twenty is about somebody who moved in yesterday.
    registry.declare("limits: {asker: {per_second: 1000, at_once: 1000}}\n")
    told = []
    for n in range(150):
        subject = f"{n * 104729 % 999983}" if n % 20 == 0 else (ZHANG, ABDULLA, LI)[n % 3]
        rooms = (3, 2, 1)[n % 3]
        told.append(registry.told(subject, {"rooms": rooms}))
    assert (told.count("yes"), told.count("no")) == (142, 8)
    assert findings(registry.office) == ()


def test_who_asks_too_fast_waits(registry: Any) -> None:
    registry.declare("limits: {asker: {per_second: 0.001, at_once: 2}}\n")
    assert [registry.told(LI, {"rooms": 1}) for _ in range(3)] == ["yes", "yes", "too_fast"]
    result = registry.ask(LI, {"rooms": 1})
    assert result.retry_after_s > 900


def test_budgets_of_a_day_and_of_the_agreement_outlast_a_restart(registry: Any) -> None:
    registry.declare("limits: {most_a_day: 2}\n")
    assert [registry.told(LI, {"rooms": 1}) for _ in range(2)] == ["yes", "yes"]
    registry.declare("limits: {most_a_day: 2}\n")
    assert registry.told(LI, {"rooms": 1}) == "day_spent"
    registry.later(days=1)
    assert registry.told(LI, {"rooms": 1}) == "yes"
    registry.agreed(budget=1, purposes=("rent_aid", "other"), scenario="Another")
    assert registry.told(LI, {"rooms": 1}, agreement=2) == "yes"
    assert registry.told(LI, {"rooms": 1}, agreement=2) == "budget_spent"


def test_questions_that_wait_for_the_disk_together_are_stopped_like_others(registry: Any) -> None:
    permit = registry.desk.permit(Asking(registry.user, 1, "data_user", "rent_aid"))
    days = (date(1990, 3, 1) + timedelta(days=n) for n in range(9))
    told = [
        registry.desk.answer(
            permit, Question(1, "rent_aid", "data_user", ZHANG, (Claim("born", day.isoformat()),))
        )
        for day in days
    ]
    settled = registry.desk.settle(told)
    assert [isinstance(each, Refusal) for each in settled] == [False] * 5 + [True] * 4
    assert len(uses_of(registry.receipts, "person", ZHANG)) == 5


def test_of_who_objected_with_success_nothing_is_told(registry: Any, tmp_path: Path) -> None:
    assert registry.told(LI, {"rooms": 1}) == "yes"
    (use,) = uses_of(registry.receipts, "person", LI)
    held = object_to(registry.receipts, use.id, "person", LI, reason="I never asked", by="desk 3")
    provider = Actor("r.zhou", PartyId("registry"))
    answer_objection(registry.receipts, held.id, by=provider, text="No need", is_stopped=True)
    registry.declare("")
    assert registry.told(LI, {"rooms": 1}) == "no"
    assert registry.told(ZHANG, {"rooms": 3}) == "yes"
    path = tmp_path / "list.csv"
    path.write_text(f"subject,rooms\n{LI},1\n{ZHANG},3\n", encoding="utf-8")
    asking = Asking(registry.user, 1, "data_user", "rent_aid")
    (block,) = answer_sheet(registry.desk, asking, read_sheet(path))
    assert block.answers.column("answer").to_pylist() == ["no", "yes"]
