"""Verification in a whole city: over HTTP with a key, and from the shell."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from shuzhi.act.cases import cases
from shuzhi.app import City, create_city, open_city
from shuzhi.app.running.catching_up import index, misuse
from shuzhi.app.running.worker import lanes_of
from shuzhi.cli.commands import app
from shuzhi.gather.sources import RowsStored
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.share.access import Form
from shuzhi.share.accounts import NewAccount, NewKey, Right, Role, add_account, grant, make_key
from shuzhi.share.agreements import Actor, AgreementId, Asked, Deed, Verb, agree, deal, submit
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.receipts import uses_of
from shuzhi.share.verification import Desk
from shuzhi.share.verification.store import guess_table
from shuzhi.web import turns
from shuzhi.web.serving import make_app

PATH = "/api/v1/verifications"
ZHANG, LI = "11010119900307721X", "110101197001010011"
ASKING = ("--agreement", "1", "--as", "h.li", "--party", "housing", "--role", "data_user")
PARTIES = """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: registry, title: {zh: 登记处, en: Registry}, level: city, superior: city}
  - {id: housing, title: {zh: 住房局, en: Housing}, level: city, superior: city}
"""


@pytest.fixture
def city(tmp_path: Path, declarations: dict[str, str], residents: pa.Table) -> City:
    """A city with three residents and an agreement on them."""
    folder = tmp_path / "city"
    create_city(folder)
    for name, text in {"parties.yaml": PARTIES, **declarations}.items():
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    made = open_city(folder)
    made.register()
    made.lake.append("residents", residents)
    today = made.clock().date()
    asked = Asked(
        "residents", "", "住房保障条例", "Rent aid", ("rent_aid",), ("data_user",),
        ("id", "name", "rooms"), (), SharingMethod.SERVICE, today - timedelta(days=2),
        today + timedelta(days=90), "h.qian", Form.YES_NO, None, "id", 1_000,
    )  # fmt: skip
    held = submit(made.sharing_office, asked, by=Actor("h.li", PartyId("housing")))
    agree(made.sharing_office, held.application.id, by=Actor("r.zhou", PartyId("registry")))
    made.refresh_verification("residents")
    return made


@pytest.fixture
def send(city: City) -> Iterator[Callable[..., Any]]:
    """Post to the city with a key of the housing office."""
    office = city.accounts_office
    add_account(office, NewAccount("h.li", PartyId("housing"), "Li"), by="setup")
    grant(office, "h.li", PartyId("housing"), Role.DATA_USER, by="setup")
    rights, lasts = frozenset({Right.VERIFY}), timedelta(days=1)
    _, key = make_key(office, NewKey("h.li", PartyId("housing"), "k", rights, lasts), by="setup")
    with TestClient(make_app(city), "http://127.0.0.1") as client:

        def post(body: Any, key: str = key.value) -> Any:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return client.post(PATH, content=content, headers=headers)

        yield post


def question(subject: str = ZHANG, **claims: Any) -> dict[str, Any]:
    """Return a question under the first agreement."""
    shared = {"agreement": 1, "purpose": "rent_aid", "role": "data_user"}
    return {**shared, "subject": subject, "claims": claims or {"rooms": 3}}


def test_a_question_is_answered_with_receipt_and_version(
    city: City, send: Callable[..., Any]
) -> None:
    answer = send(question(name={"name": "张三丰"}, rooms=4))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["answer"], told["receipt"], told["as_of"]["version"]) == ("differs", 1, 0)
    assert [told["claims"][c]["answer"] for c in ("name", "rooms")] == ["yes", "no"]
    assert "张三丰" not in answer.text
    (receipt,) = uses_of(city.receipt_office, "person", ZHANG)
    assert (receipt.id, receipt.what.asker, receipt.what.columns) == (1, "h.li", ("name", "rooms"))
    assert city.record() > 0
    kinds = [each.content["kind"] for each in city.audit_entries(0, 1_000) if each.content]
    assert kinds.count("receipt.many_recorded") == 1


def test_who_asks_too_fast_is_told_when_to_come_again_alone_and_among_many(
    city: City, send: Callable[..., Any]
) -> None:
    with (city.settings.folder / "verification.yaml").open("a") as file:
        file.write("limits: {asker: {per_second: 0.0001, at_once: 2}}\n")
    # Declarations are read once.
    del city.verification_desk
    shared = {"agreement": 1, "purpose": "rent_aid", "role": "data_user"}
    asked = [{"subject": ZHANG, "claims": {"rooms": 3}}] * 3
    told = send({**shared, "questions": asked}).json()["answers"]
    assert [each.get("answer") for each in told] == ["yes", "yes", None]
    slow = send(question())
    assert (slow.status_code, slow.headers["retry-after"]) == (
        429,
        f"{slow.json()['retry_after_s']}",
    )
    waits = [told[2]["refused"]["retry_after_s"], slow.json()["retry_after_s"]]
    assert all(9_000 <= wait_s <= 10_000 for wait_s in waits)


def test_who_asks_while_another_writes_waits_beside_the_other_requests(
    city: City, send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(question()).status_code == 200
    settling, settle = threading.Event(), Desk.settle

    def seen(desk: Desk, waiting: Any) -> Any:
        settling.set()
        return settle(desk, waiting)

    monkeypatch.setattr(Desk, "settle", seen)
    with ThreadPoolExecutor(1) as asker:
        with city.control.transaction():
            asked = asker.submit(send, question())
            assert settling.wait(30)
            # Who knows no key is turned away by the same loop.
            assert send(question(), key="").status_code == 401
            assert not asked.done()
        assert asked.result(30).json()["receipt"] == 2


@pytest.mark.file
def test_where_the_disk_is_slow_a_thread_writes(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, settle = list[int](), Desk.settle
    monkeypatch.setattr(Desk, "settle", lambda d, w: (beside.append(len(w)), settle(d, w))[1])
    monkeypatch.setattr(turns, "_QUICK_S", -1.0)
    monkeypatch.setattr(turns, "_APART_S", 600.0)
    assert [send(question()).json()["receipt"] for _ in range(2)] == [1, 2]
    assert beside == [1]


def test_many_questions_at_once_are_answered_in_order(send: Callable[..., Any]) -> None:
    asked = [{"subject": s, "claims": {"rooms": 3}} for s in (ZHANG, LI)]
    asked.append({"subject": ZHANG, "claims": {"secret": "s"}})
    shared = {"agreement": 1, "purpose": "rent_aid", "role": "data_user"}
    answers = send({**shared, "questions": asked}).json()["answers"]
    assert [a.get("answer") for a in answers] == ["yes", "no", None]
    assert answers[2]["refused"]["type"] == "urn:shuzhi:refusal:column_not_granted"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "error:web.bad_json"),
        ({"agreement": 1}, 400, "error:share.bad_question"),
        ({**question(), "agreement": 7}, 403, "refusal:no_grant"),
        ({**question(), "purpose": "other"}, 403, "refusal:purpose_not_covered"),
        ({**question(), "role": "manager"}, 403, "refusal:role_not_held"),
        (question(rooms="many"), 400, "error:share.bad_claim"),
    ],
)
def test_what_is_refused_says_why(
    send: Callable[..., Any], body: Any, status: int, kind: str
) -> None:
    answer = send(body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:shuzhi:{kind}")
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("changed", "status", "kind"),
    [
        # JSON can name half of a character.
        ({"subject": "\ud83d"}, 400, "error:share.bad_question"),
        ({"purpose": "\ud83d"}, 400, "error:share.bad_question"),
        ({"role": "data_user\udc00"}, 400, "error:share.bad_question"),
        ({"claims": {"\ud83d": 1}}, 400, "error:share.bad_question"),
        ({"subject": "\u200b\u202c"}, 400, "error:share.bad_question"),
        ({"agreement": 2**63}, 403, "refusal:no_grant"),
        ({"agreement": -(10**40)}, 403, "refusal:no_grant"),
        ({"claims": {"name": {"masked": "\ud83d*"}}}, 200, ""),
        ({"claims": {"rooms": "9" * 200}}, 200, ""),
        ({"claims": {"rooms": "1e999999999"}}, 200, ""),
        ({"claims": {"rooms": float("inf")}}, 400, "error:share.bad_claim"),
        ({"claims": {"rooms": {"exact": -1, "within_days": 10**30}}}, 200, ""),
    ],
)
def test_what_is_hardly_a_question_is_answered_or_told_why_not(
    send: Callable[..., Any], changed: dict[str, Any], status: int, kind: str
) -> None:
    asked = {**question("110101199909090909"), **changed}
    answer = send(asked)
    assert (answer.status_code, answer.json().get("type", "urn:shuzhi:")) == (
        status, f"urn:shuzhi:{kind}",
    )  # fmt: skip
    many = send({"agreement": 1, "purpose": "rent_aid", "role": "data_user", "questions": [asked]})
    assert many.status_code == (400 if "error" in kind else 200)


def test_nobody_asks_without_a_key(send: Callable[..., Any]) -> None:
    assert send(question(), key="").status_code == 401
    assert send(question(), key="sz_wrong_wrong").status_code == 401


def test_who_asks_is_answered_where_no_case_opens_and_the_finding_is_told_later(
    city: City, send: Callable[..., Any]
) -> None:
    kinds = dict(city.declared.case_kinds)
    city.declared.case_kinds.clear()
    told = [send(question(rooms=n)) for n in range(10, 15)]
    assert [(answer.status_code, answer.json()["receipt"]) for answer in told] == [
        (200, n) for n in range(1, 6)
    ]
    with pytest.raises(RefusedError, match=r"act\.no_such_kind"):
        misuse(city)
    assert cases(city.office).cases == ()
    city.declared.case_kinds.update(kinds)
    assert [misuse(city), misuse(city)] == [1, 0]
    (case,) = cases(city.office).cases
    assert (case.kind, case.responsible, case.reports) == ("verification_misuse", "city", 1)


def test_an_agreement_that_was_ended_answers_nothing_more(
    city: City, send: Callable[..., Any]
) -> None:
    assert send(question()).status_code == 200
    stopped = Deed(Verb.SUSPEND, Actor("c.he", PartyId("city")), text="Misuse")
    deal(city.sharing_office, AgreementId(1), stopped)
    refused = send(question())
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:shuzhi:refusal:no_grant")


def test_guesses_become_a_case_of_who_manages_sharing(city: City, send: Callable[..., Any]) -> None:
    told = [send(question(rooms=n)).json()["answer"] for n in range(10, 15)]
    assert told == ["no"] * 5
    assert send(question()).json()["type"] == "urn:shuzhi:refusal:suspended"
    (case,) = cases(city.office).cases
    assert (case.kind, case.responsible) == ("verification_misuse", "city")
    # It was told already.
    assert misuse(city) == 1
    assert cases(city.office).cases == (case,)


def test_a_running_city_lets_guesses_go_that_are_over(city: City, send: Callable[..., Any]) -> None:
    (job,) = (job for lane in lanes_of(city) for job in lane if job.name == "sweep")
    assert send(question(rooms=9)).json()["answer"] == "no"
    assert job.do() == 0
    long_ago = city.clock() - timedelta(days=2)
    with city.control.transaction() as connection:
        connection.execute(update(guess_table).values(since=long_ago, until=long_ago))
    assert [job.do(), job.do()] == [1, 0]
    with city.control.transaction() as connection:
        assert connection.execute(select(guess_table)).all() == []


def test_what_is_stored_is_answered_at_once(
    city: City, send: Callable[..., Any], residents: pa.Table
) -> None:
    rows = residents.slice(2).set_column(5, "rooms", pa.array([7]))
    done = city.lake.upsert("residents", rows, key=["id"])
    city.publish(RowsStored(city.clock(), DatasetName("residents"), done.version))
    assert send(question(LI, rooms=7)).json()["answer"] == "yes"


def test_what_was_stored_unheard_is_answered_when_the_city_catches_up(
    city: City, send: Callable[..., Any], residents: pa.Table
) -> None:
    rows = residents.slice(2).set_column(5, "rooms", pa.array([7]))
    city.lake.upsert("residents", rows, key=["id"])
    assert (index(city), index(city)) == (1, 0)
    assert send(question(LI, rooms=7)).json()["answer"] == "yes"


def test_a_list_is_answered_from_the_shell(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(city.settings.folder)

    def shuzhi(*words: str) -> Any:
        done = CliRunner().invoke(app, ["verification", *words, "--json"])
        assert done.exit_code == 0, done.exception
        return json.loads(done.stdout)

    asking = (*ASKING, "--purpose", "rent_aid")
    assert shuzhi("ask", ZHANG, '{"rooms": 3}', *asking)["answer"] == "yes"
    (tmp_path / "list.csv").write_text(f"subject,rooms\n{ZHANG},3\n{LI},9\n{LI},x\n", "utf-8")
    answers = tmp_path / "answers.csv"
    done = shuzhi("batch", str(tmp_path / "list.csv"), str(answers), *asking)
    assert done == {"answered": 2, "aside": 1, "yes": 1, "no": 1}
    assert answers.read_text("utf-8").splitlines()[1] == f'1,"{ZHANG}","yes","yes","same",2'
    aside = (tmp_path / "answers.csv.aside").read_text("utf-8")
    assert aside.splitlines()[1].startswith("3,share.bad_claim")
    assert shuzhi("refresh") == [
        {**row, "done": "nothing"} for row in shuzhi("refresh", "residents")
    ]
    assert shuzhi("list") == []
    wrong = CliRunner().invoke(app, ["verification", "ask", ZHANG, "{", *asking])
    assert "cli.bad_json" in str(wrong.exception)


def batch(tmp_path: Path, answers: str, *more: str) -> Any:
    """Send a list of four rows from the shell; return what it came to."""
    (tmp_path / "list.csv").write_text(f"subject,rooms\n{ZHANG},3\n{LI},x\n{LI},1\n{LI},1\n")
    words = ["verification", "batch", f"{tmp_path}/list.csv", f"{tmp_path}/{answers}", *ASKING]
    return CliRunner().invoke(app, [*words, "--purpose", "rent_aid", *more])


def test_a_list_that_came_too_soon_leaves_no_answers_of_an_earlier_one(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(city.settings.folder)
    with (city.settings.folder / "verification.yaml").open("a") as file:
        file.write("limits: {lists: {per_second: 0.00001, at_once: 2}}\n")
    assert batch(tmp_path, "answers.csv").exit_code == 0
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 4
    aside = (tmp_path / "answers.csv.aside").read_text("utf-8").splitlines()
    assert aside[1].startswith("2,share.bad_claim,rooms,“rooms”一项不能比对：写的不是整数。")
    late = batch(tmp_path, "answers.csv").exception
    assert isinstance(late, RefusedError)
    assert late.code == "share.list_too_soon"
    assert late.next_step == ""
    assert (tmp_path / "answers.csv").read_text() == ""


def test_a_list_that_ends_in_the_midst_says_up_to_where_it_is_done(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(city.settings.folder)
    with (city.settings.folder / "verification.yaml").open("a") as file:
        file.write("limits: {lists: {per_second: 0.00001, at_once: 2}}\n")
    block = pa.record_batch({"subject": [ZHANG] * 60, "rooms": [9] * 59 + [None]})
    with pa.ipc.new_file(tmp_path / "list.arrow", block.schema) as writer:
        for _ in range(3):
            writer.write_batch(block)
    files = (f"{tmp_path}/list.arrow", f"{tmp_path}/answers.csv")
    words = ["verification", "batch", *files, *ASKING, "--purpose", "rent_aid"]
    refused = CliRunner().invoke(app, words).exception
    assert isinstance(refused, RefusedError)
    assert refused.code == "share.list_too_soon"
    assert refused.next_step.startswith("The rows up to 60 are done;")
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 60


def test_answers_are_not_written_over_the_list(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(city.settings.folder)
    assert "cli.same_file" in str(batch(tmp_path, "list.csv").exception)
    assert len((tmp_path / "list.csv").read_text().splitlines()) == 5


def test_what_is_declared_wrongly_is_told_with_its_line(city: City) -> None:
    file = city.settings.folder / "verification.yaml"
    file.write_text("datasets: {}\nlimits: {most_a_day: 0}\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"verification\.yaml:2"):
        _ = open_city(city.settings.folder).verification_desk


def test_the_day_is_the_citys(city: City) -> None:
    assert city.verification_desk.office.today(city.clock()) >= date(2026, 1, 1)
