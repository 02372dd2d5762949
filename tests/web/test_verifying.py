"""Verification at a window: who may, one subject, a list, what is refused, and nothing twice."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from shuzhi.app import City, open_city
from shuzhi.share.receipts import Receipt, receipts
from shuzhi.share.verification import sweep
from shuzhi.share.verification.store import shown_table
from shuzhi.web import make_app

from .entering import HTML, Enter, entering, hidden
from .verified import ASKING, LI, SELDOM, UNKNOWN, ZHANG, allow, typed, verified_city

OTHER = "110101196505050505"
CHINESE = {"Accept-Language": "zh"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    return verified_city(tmp_path_factory.mktemp("verifying") / "city")


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def ask(
    enter: Enter, subject: str, asking: Mapping[str, str] = ASKING, /, **claims: str
) -> httpx.Response:
    """Open the page, type, and send; return the page that follows."""
    client = enter("fang")
    form = hidden(client.get("/verify", params=asking), "ask")
    return client.post("/verify", data=form | typed(subject, **claims))


def send(enter: Enter, content: bytes, **more: str) -> httpx.Response:
    """Send a list and return the page that follows."""
    client = enter("fang")
    form = hidden(client.get("/verify", params=ASKING), "list") | more
    return client.post("/verify/lists", data=form, files={"file": ("list.csv", content)})


def kept(city: City) -> tuple[Receipt, ...]:
    return receipts(city.receipt_office, dataset="residents", limit=500)


def test_only_who_may_verify_meets_the_page(enter: Enter) -> None:
    assert 'href="/verify"' in enter("fang").get("/agreements").text
    assert enter("fang").get("/verify").status_code == 200
    assert 'href="/verify"' not in enter("guo").get("/agreements").text
    for path in ("/verify", "/verify/answers/x", "/verify/answers/x/list.csv"):
        assert enter("guo").get(path).status_code == 403
    assert enter("guo").post("/verify", data={}).status_code == 403


def test_who_has_no_agreement_is_led_to_apply(enter: Enter) -> None:
    page = enter("zhou").get("/verify").text
    assert "There is nothing that you may verify." in page
    assert 'href="/applications/new"' in page
    assert 'name="subject"' not in page
    assert enter("zhou").get("/verify", params=ASKING).status_code == 403


def test_only_what_the_agreement_lets_be_asked_can_be_typed(enter: Enter) -> None:
    many, page = enter("fang").get("/verify").text, enter("wu").get("/verify").text
    assert 'name="subject"' not in many
    assert [f"purpose={purpose}" in many for purpose in ("rent_aid", "spot_check")] == [True, True]
    assert [n for n in ("name", "born", "phone", "secret") if f'name="is_{n}"' in page] == [
        "name", "born", "phone",
    ]  # fmt: skip
    assert '<input id="ask-is_born" name="is_born" type="date"' in page


def test_one_subject_is_answered_with_receipt_and_what_it_rests_on(
    town: City, enter: Enter
) -> None:
    before = len(kept(town))
    page = ask(enter, ZHANG, name="张三风", how_name="name", born="1990-03-08", how_born="date",
               days_born="1", phone="138****5678", how_phone="masked")  # fmt: skip
    assert page.status_code == 200
    newest, *_ = made = kept(town)
    assert len(made) == before + 1
    assert f'href="/receipts/{newest.id}"' in page.text
    assert "residents, version" in page.text
    assert "Within the days that were allowed." in page.text
    assert "张三丰" not in page.text
    assert newest.what.columns == ("name", "born", "phone")


@pytest.mark.parametrize(
    ("claims", "en", "zh"),
    [
        ({"born": "1990-03-07"}, "yes", "相符"),
        ({"born": "1990-03-09"}, "no", "不符"),
        ({"born": "1990-03-07", "name": "王五"}, "differs", "不一致"),
    ],
)
def test_answers_have_the_words_of_the_interface(
    enter: Enter, claims: dict[str, str], en: str, zh: str
) -> None:
    page = ask(enter, ZHANG, **claims)
    heading = page.text.partition('<h2 id="h-answer">')[2].partition("</h2>")[0]
    assert f">{en}</strong>" in heading
    chinese = enter("fang").get(page.url.path, headers=CHINESE).text
    assert f">{zh}</strong>" in chinese.partition('<h2 id="h-answer">')[2].partition("</h2>")[0]


def test_who_is_not_there_looks_like_no(enter: Enter) -> None:
    page = ask(enter, UNKNOWN, born="1990-03-07").text
    assert ">no</strong>" in page
    assert "no such subject" not in page


def test_a_form_sent_twice_asks_once_and_its_page_is_for_the_visit_alone(
    town: City, enter: Enter
) -> None:
    client = enter("fang")
    form = hidden(client.get("/verify", params=ASKING), "ask") | typed(LI, born="1970-01-01")
    before = len(kept(town))
    sent = [client.post("/verify", data=form, follow_redirects=False) for _ in range(2)]
    first, second = (answer.headers["location"] for answer in sent)
    assert first == second
    assert LI in client.get(first).text
    assert len(kept(town)) == before + 1
    assert enter("feng").get(first).status_code == 404
    town.clock.go(minutes=6)  # type: ignore[attr-defined]
    late = client.get(first)
    assert late.status_code == 404
    assert LI not in late.text


@pytest.fixture
def elsewhere(town: City) -> Iterator[TestClient]:
    """Another process of the city, as who asked meets it after `fang` signed in."""
    there = open_city(town.settings.folder)
    city = City(there.settings, there.control, there.lake, town.clock)
    with TestClient(make_app(city), "http://127.0.0.1", headers=HTML) as client:
        yield client


def test_an_answer_is_shown_again_by_another_process_to_the_visit_that_asked(
    enter: Enter, elsewhere: TestClient
) -> None:
    one = ask(enter, ZHANG, born="1990-03-07", name="张三丰", how_name="name")
    many = send(enter, f"subject,born\n{ZHANG},1990-03-07\n{LI},never\n".encode())
    assert elsewhere.get(one.url.path, follow_redirects=False).status_code != 200
    elsewhere.cookies = enter("fang").cookies
    for page in (one, many):
        again = elsewhere.get(page.url.path)
        assert (again.status_code, answered(again)) == (200, answered(page))
        assert "no-store" in again.headers["cache-control"]
    files = [who.get(f"{many.url.path}/list.csv") for who in (enter("fang"), elsewhere)]
    assert rows_of(files[0]) == rows_of(files[1])
    assert elsewhere.get(f"{one.url.path}/list.csv").status_code == 404
    elsewhere.cookies = enter("feng").cookies
    assert elsewhere.get(one.url.path).status_code == 404


def answered(page: httpx.Response) -> str:
    """Return the part of a page that has the answer."""
    return page.text.partition('id="answer"')[2].partition("</section>")[0]


def test_a_visit_that_ended_shows_nothing_to_the_next_of_the_same_person(town: City) -> None:
    with entering(town) as first, entering(town) as second:
        page = ask(first, ZHANG, born="1990-03-07")
        assert first("fang").get(page.url.path).status_code == 200
        assert second("fang").get(page.url.path).status_code == 404


def test_what_is_kept_to_be_shown_again_cannot_be_read_without_its_name(
    town: City, enter: Enter
) -> None:
    page = ask(enter, "110101199909090909", name="欧阳锋", how_name="name")
    kept_name = page.url.path.rpartition("/")[2]
    with town.control.transaction() as connection:
        rows = connection.execute(select(shown_table)).all()
    assert rows
    assert not any(
        word in str(rows) for word in ("110101199909090909", "欧阳锋", kept_name, "fang")
    )


def test_what_was_shown_is_let_go_when_its_minutes_are_over(town: City, enter: Enter) -> None:
    ask(enter, ZHANG, born="1990-03-07")
    town.clock.go(minutes=5)  # type: ignore[attr-defined]
    sweep(town.control, town.clock())
    with town.control.transaction() as connection:
        assert connection.execute(select(shown_table)).all() == []


def test_of_one_visit_the_newest_are_kept(town: City, enter: Enter) -> None:
    paths = []
    for _ in range(21):
        town.clock.go(seconds=1)  # type: ignore[attr-defined]
        paths.append(ask(enter, ZHANG, born="1990-03-07").url.path)
    shown = [enter("fang").get(paths[n]).status_code for n in (0, 1, 20)]
    assert shown == [404, 200, 200]


def test_what_is_typed_stands_in_no_address_and_no_log(
    enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        page = ask(enter, ZHANG, name="欧阳锋", how_name="name")
    assert [a for a in (*page.history, page) if ZHANG in str(a.url) or "%E6" in str(a.url)] == []
    assert ZHANG not in caplog.text
    assert "欧阳锋" not in caplog.text


@pytest.mark.parametrize(
    ("subject", "claims", "field", "says"),
    [
        ("", {"born": "1990-03-07"}, "subject", "Write the number of the subject."),
        (ZHANG, {}, "is_name", "Write at least one claim."),
        (ZHANG, {"born": "the day"}, "is_born", "The value does not fit the column"),
        (ZHANG, {"born": "1990-03-07", "how_born": "date", "days_born": "x"}, "days_born", ""),
        (ZHANG, {"born": "1990-03-07", "how_born": "never"}, "subject", "cannot be verified"),
    ],
)
def test_what_cannot_be_asked_is_told_at_its_field_and_kept(
    town: City, enter: Enter, subject: str, claims: dict[str, str], field: str, says: str
) -> None:
    before = len(kept(town))
    page = ask(enter, subject, **claims)
    assert page.status_code == 422
    assert f'aria-describedby="ask-{field}-error"' in page.text
    assert says in page.text
    assert f'name="subject" type="text" value="{subject}"' in page.text
    assert len(kept(town)) == before


def test_a_way_to_compare_that_was_not_declared_is_refused(enter: Enter) -> None:
    page = ask(enter, ZHANG, name="张", how_name="first")
    assert page.status_code == 403
    assert "The column may not be compared in this way: name: first." in page.text


def test_whoever_asks_for_what_is_not_granted_is_told_what_next(enter: Enter) -> None:
    page = enter("fang").get("/verify", params=ASKING | {"agreement": "77"}, headers=CHINESE)
    assert page.status_code == 403
    assert "没有覆盖此数据集的授权。" in page.text
    assert "协议可能已到期或暂停" in page.text
    other = enter("fang").get("/verify", params=ASKING | {"purpose": "curiosity"})
    assert "does not cover the purpose" in other.text
    client = enter("fang")
    form = hidden(client.get("/verify", params=ASKING), "ask") | {"purpose": "curiosity"}
    assert client.post("/verify", data=form | typed(ZHANG, born="1990-03-07")).status_code == 403


def test_a_list_is_answered_with_one_receipt_and_no_line_is_lost(town: City, enter: Enter) -> None:
    before = len(kept(town))
    text = (
        f"subject,name:name,born\n{ZHANG},张三丰,1990-03-07\n\n"
        f"{LI},李四,the day\n{LI},李四\n,王五,1970-01-01\n{LI},李四,1970-01-02\n"
    )
    page = send(enter, text.encode("gb18030"))
    assert page.status_code == 200, page.text
    newest, *_ = made = kept(town)
    assert len(made) == before + 1
    assert newest.what.rows == 2
    shown = page.text.partition('id="h-aside"')[2]
    assert [f'class="number">{n}</th>' in shown for n in range(2, 8)] == [
        False, False, True, True, True, False,
    ]  # fmt: skip
    rows = rows_of(enter("fang").get(f"{page.url.path}/list.csv"))
    assert [row["line"] for row in rows] == ["2", "4", "5", "6", "7"]
    assert [row["answer"] for row in rows] == ["yes", "", "", "", "differs"]
    assert [row["receipt"] for row in rows] == [f"{newest.id}", "", "", "", f"{newest.id}"]
    assert [bool(row["not asked"]) for row in rows] == [False, True, True, True, False]
    assert [row["subject"] for row in rows] == [ZHANG, LI, LI, "", LI]


def rows_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "no-store" in answer.headers["cache-control"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_list_of_which_nothing_can_be_asked_has_no_receipt(town: City, enter: Enter) -> None:
    before = len(kept(town))
    page = send(enter, f"subject,born\n{ZHANG},never\n".encode())
    assert "No line was answered, and so there is no receipt." in page.text
    assert len(kept(town)) == before
    rows = rows_of(enter("fang").get(f"{page.url.path}/list.csv"))
    assert [(row["line"], row["subject"], row["answer"]) for row in rows] == [("2", ZHANG, "")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"subject,born\n",
        b"born\n1990-03-07\n",
        b"subject,born:never\na,1990-03-07\n",
        b"\xff\xff\n\xff\n",
        b"subject,born\n" + b"a,1990-03-07\n" * 1_001,
        b"subject,born\n" + b"a" * 1_000_000,
    ],
)
def test_a_file_that_is_no_list_is_told_at_its_field(
    town: City, enter: Enter, content: bytes
) -> None:
    before = len(kept(town))
    page = send(enter, content)
    assert page.status_code == 422
    assert 'aria-describedby="list-file-error"' in page.text
    assert len(kept(town)) == before


def test_a_file_that_is_far_too_large_is_not_read(enter: Enter) -> None:
    assert send(enter, b"a" * 1_200_000).status_code == 413


def test_a_list_that_the_agreement_has_no_room_for_is_refused_whole(
    town: City, enter: Enter
) -> None:
    number = allow(town, purposes=("audit",), budget=1)
    before = len(kept(town))
    text = f"subject,born\n{ZHANG},1990-03-07\n{LI},1970-01-01\n"
    page = send(enter, text.encode(), agreement=f"{number}", purpose="audit")
    assert page.status_code == 429
    assert "Renew or change the agreement with the provider." in page.text
    assert len(kept(town)) == before


def test_the_last_answer_of_an_agreement_is_shown_as_one(town: City, enter: Enter) -> None:
    number = allow(town, purposes=("last",), budget=1)
    asking = ASKING | {"agreement": f"{number}", "purpose": "last"}
    page = ask(enter, ZHANG, asking, name="张三丰")
    # What was decided a moment ago is not believed any more.
    town.verification_desk.forget(number)
    page = enter("fang").get(page.url.path)
    assert (page.status_code, ">yes</strong>" in page.text) == (200, True)
    assert 'id="refusal"' not in page.text
    more = enter("fang").get("/verify", params=asking)
    assert (more.status_code, 'id="refusal"' in more.text) == (429, True)


def test_guessing_at_somebody_is_held_back(enter: Enter) -> None:
    told = [ask(enter, OTHER, born=f"1971-01-{day:02}") for day in range(1, 7)]
    assert [page.status_code for page in told] == [200] * 5 + [403]
    assert "Ask the data manager to look at it and lift it" in told[-1].text
    assert f'value="{OTHER}"' in told[-1].text


def test_who_asks_too_fast_is_told_to_wait(enter: Enter) -> None:
    *answered, slow = [ask(enter, ZHANG, SELDOM, born="1990-03-07") for _ in range(3)]
    assert [page.status_code for page in answered] == [200, 200]
    assert slow.status_code == 429
    assert slow.headers["retry-after"] == "1"
    assert "Wait a moment and send it again" in slow.text
    assert 'name="is_born" type="date" value="1990-03-07"' in slow.text
