"""Linkages on their pages: what is declared, models and runs, works, and pairs one at a time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient
from tests.share.linkage.conftest import population

from shuzhi.app import City
from shuzhi.kernel.instant import Instant
from shuzhi.share.linkage import (
    LinkageOffice,
    Pair,
    Place,
    Placed,
    Record,
    Verdict,
    WorkKind,
    accept,
    decide,
    errors,
    last_run,
    models,
    others_at_review,
    review,
    sample,
    works,
)
from shuzhi.share.linkage.store import read_decisions, replace_members, replace_pairs
from shuzhi.share.linkage.work_store import put_begun, put_failed
from shuzhi.share.linkage.works import ask
from shuzhi.share.receipts import uses_of
from shuzhi.web.pages.frame.languages import read_words
from shuzhi.web.pulse import Pulse
from shuzhi.web.sides import manages_sharing
from shuzhi.web.visitors import Visitor

from .api.linking import LINKAGE, grant
from .conftest import Moving
from .entering import Enter, entering, hidden
from .linked import DOUBTED, LIKELY, ODD, TWIN, linked_city, put_linked

PATH = f"/linkages/{LINKAGE}"
ZH = {"Accept-Language": "zh"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    clock = Moving(datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
    return linked_city(tmp_path_factory.mktemp("linkages") / "city", clock)


@pytest.fixture(autouse=True)
def _as_it_was(town: City) -> None:
    """Let each test begin with the same models, run and pairs, whichever ran before."""
    put_linked(town)


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def send(
    visitor: TestClient, path: str, page: httpx.Response, verb: str, **typed: str
) -> httpx.Response:
    """Send a form of a page as a browser does."""
    form = {name: html.unescape(value) for name, value in hidden(page, verb).items()}
    return visitor.post(path, data=form | typed, follow_redirects=False)


def shown(page: httpx.Response) -> tuple[Record, Record]:
    """Return the pair that a page of the review shows."""
    form = {name: html.unescape(value) for name, value in hidden(page, "decide").items()}
    one, other = (Record(form[f"{s}_dataset"], form[f"{s}_key"]) for s in ("left", "right"))
    return one, other


def test_only_who_manages_sharing_sees_the_pages_and_the_entry(enter: Enter) -> None:
    for name in ("east.boss", "steward"):
        for path in ("/linkages", PATH, f"{PATH}/review", f"{PATH}/sample"):
            assert enter(name).get(path).status_code == 403, (name, path)
        assert 'href="/linkages"' not in enter(name).get("/doubts").text
    assert 'href="/linkages"' in enter("guo").get("/doubts").text


def test_nobody_else_sends_its_forms(town: City, enter: Enter) -> None:
    theirs = {"token": hidden(enter("east.boss").get("/account"))["token"]}
    for path, verb in ((PATH, "train"), (PATH, "accept-2"), (f"{PATH}/review", "decide")):
        form = hidden(enter("guo").get(path), verb) | theirs | {"verdict": "same", "text": "why"}
        assert enter("east.boss").post(path, data=form).status_code == 403
    with town.control.transaction() as connection:
        assert read_decisions(connection, LINKAGE) == ()
    assert works(town.linkage_office, LINKAGE) == ()


def test_the_list_says_how_each_linkage_stands(town: City, enter: Enter) -> None:
    run = last_run(town.linkage_office, LINKAGE)
    assert run
    page = enter("guo").get("/linkages").text
    assert f'<a href="{PATH}">Residents</a> <span class="chip">person</span>' in page
    assert "Check who is helped" in page
    for told in (
        "Model 1</dd>",
        "Model 2 <span",
        "waits to be accepted",
        f"Run {run.id} ·",
        "3 pairs wait",
    ):
        assert told in page, told
    assert "<h1>关联</h1>" in enter("guo").get("/linkages", headers=ZH).text


def test_what_is_not_declared_is_not_there(enter: Enter) -> None:
    for path in ("", "/review", "/sample"):
        answer = enter("guo").get(f"/linkages/none{path}")
        assert (answer.status_code, "linkage" in answer.text) == (404, True)


def test_a_model_stands_beside_the_one_in_use_with_what_was_not_estimated(enter: Enter) -> None:
    page = enter("guo").get(PATH).text
    would = page.partition("What model 2 would change")[2].partition("</section>")[0]
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', would)
    told = {name: re.findall(r">([^<]+)</td>", cells) for name, cells in rows}
    assert told["Pairs linked"] == ["5", "3", "+2"]
    assert told["Pairs to review"] == ["1", "2", "-1"]
    assert told["Not joined: strong parts differ"] == ["2", "0", "+2"]
    assert told["Not joined: a data set without doubles"] == ["1", "1", "±0"]
    second = page.partition('id="model-2"')[2].partition("</article>")[0]
    assert "What the training could not do, and what to do: 3" in second
    for told in (
        "2,500,000 pairs agree in name and the first 4 of date (birth), more than may be compared",
        "No two records agree in date (birth), so that nothing is learnt from those.",
        "name: Not seen between records of one subject: spelt alike (similarity at least 0.92).",
        "Train again when there are more rows.",
    ):
        assert told in second, told
    assert "训练中没有做到的：3 项，以及怎么办" in enter("guo").get(PATH, headers=ZH).text
    first = page.partition('id="model-1"')[2].partition("</article>")[0]
    assert "All was learnt from the data." in first
    assert "linked from 99.9 % on, reviewed from 5.0 % on" in page
    assert "name and the first 4 of date (birth); the first 1 of name and date (birth);" in page
    assert "date (birth) <code>birthday</code>" in page
    chinese = enter("guo").get(PATH, headers=ZH).text
    assert "姓名（name）、日期（birth）前 4 位" in chinese
    assert "地址（address）中的少见词" in chinese


def test_a_training_is_asked_for_once_and_no_second_work_beside_it(
    town: City, enter: Enter
) -> None:
    guo, office = enter("guo"), town.linkage_office
    page = guo.get(PATH)
    for _ in range(2):
        sent = send(guo, PATH, page, "train")
        assert sent.status_code == 303
    (work,) = works(office, LINKAGE)
    assert (work.kind, work.asked_by) == (WorkKind.TRAINING, "guo")
    assert sent.headers["location"] == f"{PATH}#work-{work.id}"
    after = guo.get(PATH).text
    assert f"Training, work {work.id}: waiting; asked for by guo." in after
    assert 'name="verb" value="train"' not in after
    assert '<span class="chip soon">waiting</span>' in guo.get("/linkages").text
    refused = send(guo, PATH, page, "run")
    assert refused.status_code == 409
    assert "The linkage has work under way" in refused.text
    with town.control.transaction() as connection:
        put_failed(
            connection,
            work,
            "share.linkage_columns: The column <i> is gone. Say why.",
            town.clock(),
        )
    failed = guo.get(PATH)
    assert f"Training, work {work.id}, failed:" in failed.text
    assert "A data set lacks a column that is declared." in failed.text
    assert "The column &lt;i&gt; is gone. Say why." in failed.text
    assert "数据集缺少声明的列。" in guo.get(PATH, headers=ZH).text
    assert 'name="verb" value="train"' in failed.text


def test_what_the_city_did_about_it_is_told(town: City, enter: Enter) -> None:
    guo, office = enter("guo"), town.linkage_office
    send(guo, PATH, guo.get(PATH), "run")
    # The model of these tests was never trained, so that the run comes to nothing.
    with pytest.raises(Exception, match=r".+"):
        town.link()
    newest = works(office, LINKAGE)[0]
    assert newest.failure
    page = guo.get(PATH).text
    assert f"Run, work {newest.id}, failed:" in page
    assert html.escape(newest.failure, quote=False)[:40] in page
    assert '<span class="chip late">failed</span>' in page


def test_a_model_is_accepted_and_one_that_is_not_there_is_not(town: City, enter: Enter) -> None:
    guo = enter("guo")
    page = guo.get(PATH)
    missing = send(guo, PATH, page, "accept-2", model="99", key="k99")
    assert (missing.status_code, "There is no such model." in missing.text) == (404, True)
    nothing = send(guo, PATH, page, "accept-2", model="", key="k98")
    assert nothing.status_code == 422
    sent = send(guo, PATH, page, "accept-2")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{PATH}#model-2")
    second, first = models(town.linkage_office, LINKAGE)
    assert (second.state, second.accepted_by, first.state) == ("accepted", "guo", "retired")
    after = guo.get(PATH).text
    assert "would change" not in after
    assert "Accept model 1" in after


def test_the_most_telling_pair_comes_first_with_why_and_without_values(
    town: City, enter: Enter
) -> None:
    guo, seen = enter("guo"), town.audit_head().checkpoint.size
    page = guo.get(f"{PATH}/review")
    assert shown(page) == DOUBTED
    assert "1 of 3" in page.text
    assert "probability 0.520" in page.text
    assert '<svg class="drawing waterfall"' in page.text
    assert re.search(r"<td>missing on one side</td>\s*<td class=\"number\">\+0.00</td>", page.text)
    said = re.search(r'role="img" aria-label="([^"]*)"', page.text)
    assert said
    assert "two records are of one subject with probability 0.005" in said[1]
    assert "In the end, probability 0.5200" in said[1]
    entries = town.audit_entries(seen, town.audit_head().checkpoint.size)
    assert [(e.content or {}).get("kind") for e in entries] == ["linkage.explained"]
    # Who manages sharing is given no data: there is no value, and no way to any.
    register, clinic = population()
    values = [*register["full_name"], *register["born"], *clinic["patient"], *clinic["address"]]
    assert not any(value.as_py() in page.text for value in values)
    assert 'value="look"' not in page.text
    chinese = guo.get(f"{PATH}/review", headers=ZH).text
    assert "至少一方缺失" in chinese
    assert re.search(r'value="same"[^>]*>同一', chinese)


def test_a_blank_reason_is_told_at_its_field(town: City, enter: Enter) -> None:
    guo = enter("guo")
    path = f"{PATH}/review"
    for headers, told in (
        ({}, "Say what you looked at, in 4,000"),
        (ZH, "请写明依据，最多 4000 个字符。"),
    ):
        form = hidden(guo.get(path), "decide") | {"verdict": "same", "text": "  "}
        page = guo.post(path, data=form, headers=headers)
        assert page.status_code == 422
        field = page.text.partition('<textarea id="decide-text"')[2].partition("</p>")[0]
        assert 'aria-invalid="true" aria-describedby="decide-text-error"' in field
        assert told in field
        assert shown(page) == DOUBTED
    no_verdict = send(guo, path, guo.get(path), "decide", text="<b>both</b> files")
    assert no_verdict.status_code == 422
    assert "Choose one of those listed." in no_verdict.text
    assert "&lt;b&gt;both&lt;/b&gt; files</textarea>" in no_verdict.text
    with town.control.transaction() as connection:
        assert read_decisions(connection, LINKAGE) == ()


def test_pairs_are_skipped_and_decided_one_after_the_other(town: City, enter: Enter) -> None:
    guo, path = enter("guo"), f"{PATH}/review"
    first = guo.get(path)
    (skip,) = re.findall(r'<a href="([^"]*after=[^"]*)"[^>]*>Skip', first.text)
    second = guo.get(html.unescape(skip))
    assert (shown(second), "2 of 3" in second.text) == (TWIN, True)
    sent = send(guo, path, second, "decide", verdict="different", text="two given names")
    assert sent.status_code == 303
    led_to = sent.headers["location"]
    assert not any(record.key in led_to for record in (*DOUBTED, *TWIN))
    third = guo.get(led_to)
    assert (shown(third), "2 of 2" in third.text) == (ODD, True)
    assert "c8&lt;i&gt;" in third.text
    with town.control.transaction() as connection:
        (said,) = read_decisions(connection, LINKAGE)
    assert (said.verdict, said.by, said.reason) == (Verdict.DIFFERENT, "guo", "two given names")
    last = send(guo, path, third, "decide", verdict="cannot_tell", text="no file")
    end = guo.get(last.headers["location"])
    # What nobody could tell waits behind all others, and is seen again from the start.
    assert shown(end) == ODD
    assert "no file" in end.text
    (skip,) = re.findall(r'<a href="([^"]*after=[^"]*)"[^>]*>Skip', end.text)
    assert "2 pairs before it still wait" in guo.get(html.unescape(skip)).text


def test_who_is_overtaken_by_another_hears_of_it_and_keeps_what_they_typed(
    town: City, enter: Enter
) -> None:
    guo, chen, path = enter("guo"), enter("chen"), f"{PATH}/review"
    before = guo.get(path)
    send(chen, path, chen.get(path), "decide", verdict="different", text="two births")
    told = send(guo, path, before, "decide", verdict="same", text="one <b>birth</b>")
    # The pair waits no more, and still it is this one that is shown, with what was said of it.
    assert (told.status_code, shown(told)) == (409, DOUBTED)
    assert "Somebody acted after you looked." in told.text
    assert "two births" in told.text
    assert "one &lt;b&gt;birth&lt;/b&gt;</textarea>" in told.text
    assert "1 of" not in told.text
    with town.control.transaction() as connection:
        assert [each.by for each in read_decisions(connection, LINKAGE)] == ["chen"]
    sent = send(guo, path, told, "decide", verdict="same", text="saw both files")
    assert sent.status_code == 303
    assert review(town.linkage_office, LINKAGE)[0].is_disputed


def test_what_was_typed_of_a_pair_that_is_gone_is_shown_and_said_of_no_other(enter: Enter) -> None:
    guo, path = enter("guo"), f"{PATH}/review"
    form = {"left_key": "c_gone", "verdict": "same", "text": "of somebody else"}
    told = send(guo, path, guo.get(path), "decide", **form)
    assert (told.status_code, shown(told)) == (404, DOUBTED)
    assert "This step is no longer possible. What you typed:" in told.text
    assert '<pre class="text">of somebody else</pre>' in told.text
    assert "of somebody else</textarea>" not in told.text


def test_a_verdict_that_does_not_say_what_was_seen_counts_for_nothing(
    town: City, enter: Enter
) -> None:
    guo, path = enter("guo"), f"{PATH}/review"
    refused = send(guo, path, guo.get(path), "decide", verdict="same", text="seen", seen="")
    assert refused.status_code == 409
    with town.control.transaction() as connection:
        assert read_decisions(connection, LINKAGE) == ()


def test_the_reasons_that_one_gave_last_are_offered_again(town: City, enter: Enter) -> None:
    office, path = town.linkage_office, f"{PATH}/review"
    for reason in ("one", "two", "<b>three</b>", "four", "two"):
        decide(office, LINKAGE, *TWIN, Verdict.CANNOT_TELL, by="guo", reason=reason)
        decide(office, LINKAGE, *ODD, Verdict.CANNOT_TELL, by="guo", reason=reason)
        decide(office, LINKAGE, *LIKELY, Verdict.CANNOT_TELL, by="guo", reason="<b>three</b>")
    offered = re.findall(r'data-fill="([^"]*)"', enter("guo").get(path).text)
    assert offered == ["&lt;b&gt;three&lt;/b&gt;", "two"]
    assert "data-fill" not in enter("chen").get(path).text


def test_of_two_who_review_at_once_one_may_begin_in_the_middle(town: City, enter: Enter) -> None:
    office, path = town.linkage_office, f"{PATH}/review"
    ends = [(Record("clinic", f"c{n}"), Record("register", f"r{n}")) for n in range(20, 28)]
    with town.control.transaction() as connection:
        pairs = [Placed(Pair(*each, 0.5, 0.0), Place.REVIEW) for each in ends]
        replace_pairs(connection, LINKAGE, pairs)
    assert "begin in the middle" not in enter("guo").get(path).text
    decide(office, LINKAGE, *ends[0], Verdict.SAME, by="chen", reason="one")
    # Of oneself one need not be told.
    assert "begin in the middle" not in enter("chen").get(path).text
    page = enter("guo").get(path)
    assert "chen looks through these pairs too." in page.text
    (middle,) = re.findall(r'<a href="([^"]*)">I begin in the middle', page.text)
    waiting = [w.placed.pair for w in review(office, LINKAGE)]
    there = enter("guo").get(html.unescape(middle))
    assert (shown(there)[0], "4 of 7" in there.text) == (waiting[3].left, True)
    assert "chen 也在核对" in enter("guo").get(path, headers=ZH).text
    # Who looked an hour ago is there no more, and for few pairs it is not worth it.
    assert (
        others_at_review(replace(office, clock=lambda: in_an_hour(office)), LINKAGE, by="x") == ()
    )
    for each in ends[1:3]:
        decide(office, LINKAGE, *each, Verdict.SAME, by="chen", reason="one")
    assert "begin in the middle" not in enter("guo").get(path).text


def in_an_hour(office: LinkageOffice) -> Instant:
    return Instant(office.clock() + timedelta(hours=1))


def test_only_who_manages_sharing_is_told_when_there_is_something_new(town: City) -> None:
    office = town.linkage_office
    whole, theirs = Pulse(town, manages_sharing=True), Pulse(town)
    assert whole.name != theirs.name
    assert "linkages" not in theirs()
    told = [whole()["linkages"]]
    work = ask(office, LINKAGE, WorkKind.TRAINING, by="guo", origin="a pulse")
    told.append(whole()["linkages"])
    with town.control.transaction() as connection:
        put_begun(connection, work, town.clock())
    told.append(whole()["linkages"])
    with town.control.transaction() as connection:
        put_failed(connection, work, "why", town.clock())
    told.append(whole()["linkages"])
    decide(office, LINKAGE, *TWIN, Verdict.SAME, by="guo", reason="one")
    told.append(whole()["linkages"])
    accept(office, LINKAGE, 2, by="guo")
    told.append(whole()["linkages"])
    assert len(set(told)) == len(told)
    assert whole()["linkages"] == told[-1]
    assert not manages_sharing(Visitor(acts_unnamed=True), town)


def test_a_pair_that_two_disagree_on_is_shown_as_such_and_first(town: City, enter: Enter) -> None:
    office = town.linkage_office
    decide(office, LINKAGE, *LIKELY, Verdict.SAME, by="east.boss", reason="<i>one</i> file")
    decide(office, LINKAGE, *LIKELY, Verdict.DIFFERENT, by="chen", reason="two files")
    page = enter("guo").get(f"{PATH}/review")
    assert shown(page) == LIKELY
    assert '<li class="chip late">disputed</li>' in page.text
    assert "neither binds until somebody changes their mind" in page.text
    assert "&lt;i&gt;one&lt;/i&gt; file" in page.text
    assert "two files" in page.text
    assert "有分歧" in enter("guo").get(f"{PATH}/review", headers=ZH).text
    # One of the two changes their mind.
    chen, path = enter("chen"), f"{PATH}/review"
    send(chen, path, chen.get(path), "decide", verdict="same", text="saw both")
    assert shown(enter("guo").get(path)) != LIKELY
    assert not any(waiting.is_disputed for waiting in review(office, LINKAGE))


def test_a_sample_tells_how_right_links_are_within_which_bounds(town: City, enter: Enter) -> None:
    guo, path = enter("guo"), f"{PATH}/sample?size=50&seed=3"
    before = guo.get(path)
    known, waiting = sample(town.linkage_office, LINKAGE, size=50, seed=3)
    assert shown(before) == (waiting[0].placed.pair.left, waiting[0].placed.pair.right)
    sent = send(
        guo,
        f"{PATH}/sample",
        before,
        "decide",
        verdict="same",
        text="one birth",
        size="50",
        seed="3",
    )
    assert "size=50&seed=3" in sent.headers["location"]
    after = guo.get(sent.headers["location"])
    assert f"{known.same + 1} of {known.sampled}" in after.text
    known, _ = sample(town.linkage_office, LINKAGE, size=50, seed=3)
    assert known.low is not None
    assert f"{known.low * 100:.1f} % to 100.0 % with 95 % confidence (Wilson)" in after.text
    assert "Skip it" not in after.text
    # A seed of nothing is one too, and another than the first.
    zero = guo.get(f"{PATH}/sample?size=50&seed=0")
    _, waiting = sample(town.linkage_office, LINKAGE, size=50, seed=0)
    assert shown(zero) == (waiting[0].placed.pair.left, waiting[0].placed.pair.right)
    assert 'name="seed" value="0"' in zero.text
    odd = guo.get(f"{PATH}/sample?seed=%3Ci%3E")
    assert (odd.status_code, 'aria-describedby="seed-error"' in odd.text) == (422, True)


def test_a_data_user_sees_of_both_records_what_agreements_show(town: City, enter: Enter) -> None:
    chen, path, office = enter("chen"), f"{PATH}/review", town.receipt_office
    page = chen.get(path)
    one, other = shown(page)
    asked = {"role": "data_user", "purpose": "aid"}
    nothing = send(chen, path, page, "look", **asked)
    assert nothing.status_code == 200
    for dataset in ("clinic", "register"):
        assert f"There is no record of {dataset} that you may see" in nothing.text
    grant(town, "register", "id", "full_name", "born", purpose="aid")
    page = send(chen, path, chen.get(path), "look", **asked)
    table = page.text.partition('id="h-shown"')[2].partition("</table>")[0]
    (row,) = [each for each in population()[0].to_pylist() if each["id"] == other.key]
    assert row["full_name"] in table
    assert row["born"] in table
    # The phone is not in the agreement, and of the clinic there is none.
    assert row["mobile"] not in page.text
    assert f"There is no record of {one.dataset} that you may see" in page.text
    assert len(uses_of(office, "person", other.key)) == 1
    # For what one looks goes on to the next pair; sent again, the form shows nothing.
    again = send(chen, path, page, "decide", verdict="cannot_tell", text="one file is missing")
    assert "role=data_user&purpose=aid" in again.headers["location"]
    assert '<option value="aid" selected>' in chen.get(again.headers["location"]).text


def test_the_file_of_a_subject_names_the_parts_in_which_sources_differ(
    town: City, enter: Enter
) -> None:
    for dataset, *columns in (("register", "id", "full_name"), ("clinic", "id", "patient")):
        grant(town, dataset, *columns, purpose="names")
    pair = (Record("clinic", "c11"), Record("register", "r11"))
    with town.control.transaction() as connection:
        replace_members(connection, LINKAGE, dict.fromkeys(pair, "a" * 20))
    chen, asked = enter("chen"), {"role": "data_user", "purpose": "names", "linkage": LINKAGE}
    page = send(chen, "/subjects", chen.get("/subjects"), "look", which="clinic:c11", **asked)
    differs = page.text.partition('id="h-differs"')[2].partition("</section>")[0]
    assert re.findall("<dt>(.*?)</dt>", differs) == ["name"]
    again = chen.get("/subjects", headers=ZH)
    told = chen.post(
        "/subjects", data=hidden(again, "look") | asked | {"which": "clinic:c11"}, headers=ZH
    )
    assert "<dt>姓名（name）</dt>" in told.text


def test_who_is_given_no_data_cannot_look(enter: Enter) -> None:
    guo, path = enter("guo"), f"{PATH}/review"
    form = hidden(guo.get(path), "decide") | {"verb": "look", "key": "guo-looks"}
    asked = {"party": "hotline_centre", "role": "data_user", "purpose": "aid"}
    assert guo.post(path, data=form | asked).status_code == 403


def test_whatever_linkage_refuses_is_said_in_both_languages() -> None:
    codes = set(re.findall(r"`(share\.\w+)`", errors.__doc__ or "")) - {"share.bad_linkage"}
    said = read_words()
    assert len(codes) > 10
    assert {code for code in codes if f"error.{code}" not in said} == set()


def test_works_come_with_who_asked(town: City, enter: Enter) -> None:
    work = ask(town.linkage_office, LINKAGE, WorkKind.TRAINING, by="chen", origin="a test")
    page = enter("guo").get(PATH).text
    row = page.partition(f'id="work-{work.id}"')[2].partition("</tr>")[0]
    assert "<td>chen</td>" in row
    assert "waiting" in row
