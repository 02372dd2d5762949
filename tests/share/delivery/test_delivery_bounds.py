"""What holds whatever is asked: budgets, frequency, attacks refused, nothing without a receipt."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.beside import beside

from shuzhi.app import open_city
from shuzhi.kernel.documents import read_document
from shuzhi.share.access import Refusal
from shuzhi.share.delivery import Answer, DeliverySetup, answer, file, page
from shuzhi.share.receipts import receipts

ATTACKS = Path(__file__).resolve().parents[1] / "attacks"
COUNT = "SELECT COUNT(*) AS n FROM residents"


def reason(found: Answer | Refusal) -> str:
    return found.reason if isinstance(found, Refusal) else "answered"


def test_askers_at_the_same_time_do_not_overrun_a_budget(town: Any) -> None:
    held = town.figures(budget=5)
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(answer, desk, wanted, asker, COUNT) for _ in range(12)]
    found = sorted(reason(each.result()) for each in asked)
    assert found == ["answered"] * 5 + ["budget_spent"] * 7
    assert len(receipts(desk.receipts)) == 5


def test_what_is_refused_costs_nothing_of_the_budget(town: Any) -> None:
    held = town.figures(budget=1)
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    assert reason(answer(desk, wanted, asker, "SELECT no FROM residents")) == "sql_form"
    assert reason(answer(desk, wanted, asker, COUNT)) == "answered"
    assert reason(answer(desk, wanted, asker, COUNT)) == "budget_spent"


def test_an_agreement_has_so_many_answers_in_a_minute(town: Any) -> None:
    held = town.agreed()
    asked = town.wanted(held), town.asker()
    desk = replace(town.desk, setup=DeliverySetup(per_minute=2))
    assert [reason(page(desk, *asked)) for _ in range(3)] == ["answered", "answered", "too_often"]


def test_figures_are_not_given_as_rows(town: Any) -> None:
    held = town.figures()
    for deliver in (page, file):
        assert reason(deliver(town.desk, town.wanted(held), town.asker())) == "sql_form"


def _attacks() -> list[str]:
    found: list[str] = []
    for path in sorted(ATTACKS.glob("*.yaml")):
        for attack in read_document(path).content["attacks"]:
            texts = [attack["sql"]] if isinstance(attack["sql"], str) else attack["sql"]
            found += [] if attack.get("endless") else texts
    return found


def test_attacks_on_access_get_nothing_here_either(town: Any) -> None:
    held = town.agreed()
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    desk = replace(desk, setup=DeliverySetup(per_minute=10_000))
    # Each was written against a table of that name; here it holds secrets of its own.
    texts = _attacks()[::4]
    assert len(texts) > 70
    for sql in texts:
        found = answer(desk, wanted, asker, sql)
        if isinstance(found, Answer):
            assert b"SECRET" not in found.content.read(), sql
    left = len(receipts(desk.receipts, limit=500))
    town.city.record()
    entries = town.city.audit_entries(0, 10_000)
    kinds = [entry.content["kind"] for entry in entries]
    assert kinds.count("delivery.refused") + left == len(texts)
    assert kinds.count("receipt.recorded") == left


def test_where_the_receipt_cannot_be_written_nothing_leaves(town: Any) -> None:
    held = town.agreed()
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    target = town.city.settings.folder / "out"

    control = town.city.control
    with control.transaction() as connection:
        connection.execute(text("ALTER TABLE audit_outbox RENAME TO elsewhere"))
    with pytest.raises(DBAPIError, match="audit_outbox"):
        page(desk, wanted, asker)
    with pytest.raises(DBAPIError, match="audit_outbox"):
        town.city.deliver_file(wanted, asker, target)
    with control.transaction() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO audit_outbox"))
    assert receipts(desk.receipts) == ()
    assert not target.exists()


_KILLED = """
import os, signal, sys
from pathlib import Path
from shuzhi.app import open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import User
from shuzhi.share.agreements import AgreementId
from shuzhi.share.delivery import Asker, Wanted
from sqlalchemy import event
city, at = open_city(Path(sys.argv[1])), sys.argv[2]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def look(_c, _k, statement, *_):
    if statement.startswith(at):
        die()
if at == "COMMIT":
    done = []
    def look_commit(connection):
        if done:
            die()
    @event.listens_for(city.control.engine, "before_cursor_execute")
    def seen(_c, _k, statement, *_):
        if statement.startswith("INSERT INTO receipt "):
            done.append(1)
    event.listen(city.control.engine, "commit", look_commit)
else:
    event.listen(city.control.engine, "before_cursor_execute", look)
user = User("h.li", PartyId("housing"), frozenset({"analyst"}))
city.deliver_file(Wanted(AgreementId(1)), Asker(user, "analyst", "rent_aid"), Path(sys.argv[3]))
"""


@pytest.mark.parametrize("at", ["INSERT INTO receipt ", "COMMIT", "DELETE FROM audit_outbox"])
def test_a_process_that_is_killed_has_let_nothing_leave_without_a_receipt(
    town: Any, at: str
) -> None:
    town.agreed()
    folder, target = town.city.settings.folder, town.city.settings.folder / "out"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _KILLED, str(folder), at, str(target)],
        capture_output=True,
        timeout=120,
        check=False,
        env=beside(town.city.control),
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not target.exists()
    city = open_city(folder)
    left = receipts(city.receipt_office)
    assert len(left) == (1 if at.startswith("DELETE") else 0)
    # What was recorded is in the log once, and the same question is answered again.
    again = city.deliver_file(town.wanted(type("A", (), {"id": 1})), town.asker(), target)
    proof = json.loads(again.with_name(again.name + ".receipt.json").read_text())
    assert proof["receipt"]["sha256"] in proof["entry"]
    kinds = [entry.content["kind"] for entry in city.audit_entries(0, 100)]
    assert kinds.count("receipt.recorded") == len(left) + 1
