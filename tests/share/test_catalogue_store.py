"""The catalogue as it is kept: published, searched, harvested, withdrawn."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import event

from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.share.catalogue import (
    CatalogueError,
    Cycle,
    Entry,
    Grade,
    HarvestReport,
    Outcome,
    Searcher,
    Sharing,
    Sort,
    Text,
    entry,
    harvest,
    history,
    note_facts,
    publish,
    publish_all,
    read_catalogue,
    refusals,
    search,
    withdraw,
)
from shuzhi.share.catalogue.imported import Imported
from shuzhi.share.catalogue.model import (
    Item,
    ItemType,
    LegalBasis,
    Openness,
    Provider,
    Rank,
    SharingMethod,
)
from shuzhi.share.parties import register_party

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
LATER = Instant(NOON + timedelta(hours=1))


@pytest.fixture
def control(control: Control) -> Control:
    ecology = Party(PartyId("ecology"), "生态环境局", "Ecology Bureau", Level.CITY, None, None)
    register_party(control, ecology)
    return control


def an_entry(entry_id: str = "air", **changes: object) -> Entry:
    made = Entry(
        entry_id,
        Text(zh=f"空气质量小时值 {entry_id}", en=f"Hourly air quality {entry_id}"),
        Provider(PartyId("ecology"), Text(zh="生态环境局")),
        Text(zh="各监测站点每小时的细颗粒物浓度。", en="Fine dust at each station, every hour."),
        sharing=Sharing.UNCONDITIONAL,
        sharing_method=SharingMethod.QUERY,
        openness=Openness.UNCONDITIONAL,
        cycle=Cycle.HOURLY,
        grade=Grade.GENERAL,
        items=(Item("station", ItemType.CHARACTER, 20),),
        themes=("ecology",),
        keywords=(Text(zh="雾霾"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def found(control: Control, text: str = "", **asked: object) -> list[str]:
    return [hit.entry.id for hit in search(control, text, **asked).hits]


def test_an_entry_has_versions_and_the_same_again_is_none(control: Control) -> None:
    assert publish(control, an_entry(), by="ecology", now=NOON).outcome is Outcome.CREATED
    assert publish(control, an_entry(), by="ecology", now=LATER).outcome is Outcome.UNCHANGED
    changed = an_entry(cycle=Cycle.DAILY)
    assert publish(control, changed, by="ecology", now=LATER).version == 2
    assert [v.entry.cycle for v in history(control, "air")] == [Cycle.HOURLY, Cycle.DAILY]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sharing": None}, "write unconditional, conditional or withheld"),
        ({"sharing": Sharing.CONDITIONAL}, "sharing_condition"),
        ({"sharing": Sharing.WITHHELD, "sharing_method": None}, "legal_basis"),
        ({"title": Text()}, "title"),
        ({"provider": Provider(PartyId("nobody"))}, "provider"),
    ],
)
def test_rules_of_sharing_keep_an_entry_out(
    changes: dict[str, object], said: str, control: Control
) -> None:
    with pytest.raises(CatalogueError) as refusal:
        publish(control, an_entry(**changes), by="ecology", now=NOON)
    assert refusal.value.code == "share.entry_refused"
    assert said in refusal.value.message
    assert found(control) == []


def test_withheld_needs_a_law(control: Control) -> None:
    law = LegalBasis("中华人民共和国数据安全法", Rank.LAW, "第二十一条")
    withheld = an_entry(
        sharing=Sharing.WITHHELD, sharing_method=None, legal_basis=law, openness=Openness.CLOSED
    )
    assert publish(control, withheld, by="ecology", now=NOON).outcome is Outcome.CREATED


@pytest.mark.parametrize(
    "words", ["空气", "细颗粒物浓度", "雾霾", "hourly", "AIR quality", "生态环境"]
)
def test_words_in_both_languages_find_it(words: str, control: Control) -> None:
    publish(control, an_entry(), by="ecology", now=NOON)
    river = an_entry("river", title=Text(zh="河流水位"), abstract=Text(zh="水位。"), keywords=())
    publish(control, river, by="ecology", now=NOON)
    assert found(control, words)[0] == "air"


def test_what_met_the_search_is_marked(control: Control) -> None:
    publish(control, an_entry(), by="ecology", now=NOON)
    (hit,) = search(control, "质量").hits
    assert [hit.title.text[a:b] for a, b in hit.title.marks] == ["质量"]


def test_facets_count_what_choosing_them_would_show(control: Control) -> None:
    entries = [an_entry(f"air_{n}", cycle=c) for n, c in enumerate([Cycle.DAILY] * 3)]
    publish_all(control, [*entries, an_entry("live")], by="ecology", now=NOON)
    page = search(control, facets={"cycle": ["daily"]})
    assert page.total == 3
    assert {c.value: c.count for c in page.facets["cycle"]} == {"daily": 3, "hourly": 1}
    assert {c.value: c.count for c in page.facets["sharing"]} == {"unconditional": 3}


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_follow_each_other_without_gap_or_repeat(sort: Sort, control: Control) -> None:
    publish_all(control, [an_entry(f"air_{n}") for n in range(25)], by="ecology", now=NOON)
    pages, after = list[str](), None
    for _ in range(4):
        page = search(control, "air", sort=sort, after=after, limit=7)
        pages += [hit.entry.id for hit in page.hits]
        after = page.next
    assert after is None
    assert sorted(pages) == sorted(f"air_{n}" for n in range(25))


def test_a_search_asks_the_same_number_of_questions_for_one_hit_and_for_many(
    control: Control,
) -> None:
    publish_all(control, [an_entry(f"air_{n}") for n in range(60)], by="ecology", now=NOON)
    searcher = Searcher(control)
    searcher.search("air")
    asked: list[str] = []
    event.listen(control.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    searcher.search("air_7")
    few = len(asked)
    searcher.search("air", limit=60)
    assert len(asked) - few == few


def test_a_facet_is_chosen_by_what_people_call_its_value(control: Control) -> None:
    publish_all(control, [an_entry()], by="ecology", now=NOON)
    provider = search(control).facets["provider"][0]
    assert provider.label.zh not in ("", provider.value)
    for word in (provider.value, provider.label.zh):
        page = search(control, facets={"provider": [word]})
        assert (page.total, page.facets["provider"][0].is_selected) == (1, True)
    assert search(control, facets={"provider": [""]}).total == 0


def test_a_bad_search_says_what_there_is(control: Control) -> None:
    with pytest.raises(CatalogueError) as refusal:
        search(control, facets={"colour": ["red"]})
    assert refusal.value.code == "share.bad_search"
    assert "sharing" in refusal.value.next_step


def test_what_is_withdrawn_is_not_found_and_not_forgotten(control: Control) -> None:
    publish(control, an_entry(), by="ecology", now=NOON)
    withdraw(control, "air", by="ecology", now=LATER)
    withdraw(control, "air", by="ecology", now=LATER)
    assert found(control, "空气") == []
    assert entry(control, "air").is_withdrawn
    assert [v.action for v in history(control, "air")] == ["published", "withdrawn"]
    assert publish(control, an_entry(), by="ecology", now=LATER).version == 3
    assert found(control, "空气") == ["air"]


def test_facts_make_no_version_and_order_by_quality(control: Control) -> None:
    publish_all(control, [an_entry("a"), an_entry("b")], by="ecology", now=NOON)
    note_facts(control, "b", rows=12, score=0.97)
    record = entry(control, "b")
    assert (record.version, record.row_count, record.quality_score) == (1, 12, 0.97)
    assert found(control, sort=Sort.QUALITY) == ["b", "a"]


def foreign(*names: str) -> Imported:
    document = {
        "dataset": [
            {
                "identifier": name,
                "title": f"Dust in {name}",
                "description": "Every hour.",
                "keyword": ["dust"],
                "modified": "2026-01-01",
            }
            for name in names
        ]
    }
    return imported(json.dumps(document).encode())


def imported(raw: bytes) -> Imported:
    from shuzhi.share.catalogue.documents import read_document

    return read_document(raw, name="data.json", origin="elsewhere")


def harvested(control: Control, *names: str, most: bool = False) -> HarvestReport:
    return harvest(control, foreign(*names), origin="elsewhere", now=NOON, may_withdraw_most=most)


def test_a_harvest_brings_changes_and_withdraws_what_is_gone(control: Control) -> None:
    publish(control, an_entry("one"), by="ecology", now=NOON)
    assert harvested(control, "one", "two", "three").created == 3
    again = harvested(control, "one", "two", "three")
    assert (again.created, again.unchanged, again.withdrawn) == (0, 3, 0)
    assert harvested(control, "one", "three").withdrawn == 1
    assert sorted(found(control)) == ["elsewhere:one", "elsewhere:three", "one"]


def test_a_torn_answer_takes_nothing_away(control: Control) -> None:
    names = [f"n{i}" for i in range(30)]
    harvested(control, *names)
    torn = harvested(control, "n1")
    assert (torn.withdrawn, torn.held_back) == (0, 29)
    assert search(control).total == 30
    assert harvested(control, "n1", most=True).withdrawn == 29


def test_our_own_catalogue_cannot_be_harvested_over(control: Control) -> None:
    with pytest.raises(RefusedError) as refusal:
        harvest(control, foreign("x"), origin="local", now=NOON)
    assert refusal.value.code == "share.bad_origin"


def test_records_of_no_use_are_kept_with_their_reason(shared: Path, control: Control) -> None:
    folder = shared / "data/09_catalogue/dcat_us_samples"
    broken = folder / "datajson_missing-identifier-title.data.json"
    report = harvest(control, read_catalogue(str(broken), "us"), origin="us", now=NOON)
    assert (report.created, report.refused) == (1, 2)
    reasons = " ".join(r.reason for r in refusals(control, "us"))
    assert "identifier" in reasons
    assert "title" in reasons
    assert all(r.record for r in refusals(control, "us"))


@pytest.mark.real_data
def test_a_real_catalogue_is_taken_whole_and_found(shared: Path, control: Control) -> None:
    arm = str(shared / "data/09_catalogue/dcat_us_samples/arm.data.json.gz")
    report = harvest(control, read_catalogue(arm, "arm"), origin="arm", now=NOON)
    titles = json.loads(gzip.decompress(Path(arm).read_bytes()))["dataset"]
    assert report.created + report.refused == len(titles)
    assert report.created == 997
    again = harvest(control, read_catalogue(arm, "arm"), origin="arm", now=LATER)
    assert (again.unchanged, again.changed) == (997, 0)
    assert search(control, "radar", facets={"origin": ["arm"]}).total > 10


@pytest.fixture
def address(shared: Path) -> Iterator[str]:
    raw = (shared / "data/09_catalogue/dcat_us_samples/datajson_usda.gov.data.json").read_bytes()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/data.json" else 503)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(raw if self.path == "/data.json" else b"down")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_site_is_harvested_and_one_that_is_down_changes_nothing(
    address: str, control: Control
) -> None:
    imported_now = read_catalogue(f"{address}/data.json", "usda")
    report = harvest(control, imported_now, origin="usda", now=NOON)
    assert report.created > 0
    with pytest.raises(RefusedError) as refusal:
        read_catalogue(f"{address}/gone.json", "usda")
    assert refusal.value.code == "share.catalogue_gone"
    assert search(control).total == report.created
