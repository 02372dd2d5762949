"""DCAT-AP 3.0.1 out and in: shapes hold, a round trip keeps every field, nothing is fetched."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyshacl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.dcat import Publisher, graph_of, write_json_ld, write_turtle
from shuzhi.share.catalogue.dcat_read import read_dcat
from shuzhi.share.catalogue.model import (
    Contact,
    Cycle,
    Distribution,
    Entry,
    Format,
    Grade,
    Item,
    ItemType,
    LegalBasis,
    Openness,
    Period,
    Place,
    Provider,
    Rank,
    Sharing,
    SharingMethod,
    Text,
    entry_id,
)

PUBLISHER = Publisher(
    base="https://city.example/catalogue",
    title=Text(zh="城市数据目录", en="City catalogue"),
    description=Text(en="Every data set of the city."),
    body=Text(zh="数据局"),
)
FULL = Entry(
    id="air_quality_hourly",
    identifier="air_quality_hourly",
    title=Text(zh="空气质量小时值", en="Hourly air quality"),
    abstract=Text(zh="各站点小时浓度"),
    provider=Provider(PartyId("ecology_bureau"), Text(zh="生态环境局"), "11500000MB1234567X"),
    code="3/0001",
    format=Format.DATABASE,
    items=(
        Item("station", ItemType.CHARACTER, 20, Text(zh="站点")),
        Item("pm25_ug_m3", ItemType.DOUBLE, None, Text(zh="细颗粒物", en="PM2.5")),
    ),
    sharing=Sharing.CONDITIONAL,
    sharing_condition=Text(zh="仅用于环境执法"),
    sharing_method=SharingMethod.SERVICE,
    legal_basis=LegalBasis("数据安全法", Rank.LAW, "21"),
    openness=Openness.CONDITIONAL,
    open_condition=Text(en="after review"),
    cycle=Cycle.TEN_DAYS,
    grade=Grade.GENERAL,
    level=2,
    themes=("ecology",),
    keywords=(Text(en="air"), Text(zh="空气")),
    published_on=date(2026, 1, 2),
    modified_at=Instant(datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
    license="https://licence.example/open",
    landing_page="https://city.example/air",
    conforms_to=("https://standard.example/hj633",),
    distributions=(
        Distribution(
            title=Text(en="CSV"),
            access_url="https://city.example/air",
            download_url="https://city.example/air.csv",
            media_type="text/csv",
            format="csv",
            byte_size=12,
            license="https://licence.example/open",
        ),
    ),
    contract_name="air_quality_hourly",
    contract_version="1.2.0",
    spatial=(Place(title=Text(zh="重庆"), box=(105.3, 28.2, 110.2, 32.2)),),
    temporal=(Period(date(2019, 1, 1), date(2019, 12, 31)),),
    languages=("zh",),
    contact=Contact("数据处", "open@city.example", "+86-23-1", "https://city.example/ask"),
)
SPARSE = Entry(id="remote:7", origin="remote", identifier="7", title=Text(other="Seven"))
# What 3.0.1 publishes, but for `ranges.ttl`: its property shapes have no path, so no validator
# can run them; `range.ttl` says the same and can be run.
SHAPES = (
    "shapes",
    "range",
    "shapes_recommended",
    "deprecateduris",
    "mdr-vocabularies.shape",
    "dcat-ap-SHACL",
)


def again(text: str, form: str) -> tuple[Entry, ...]:
    read = read_dcat(text.encode(), form=form, origin="local", base=PUBLISHER.base)
    assert read.refused == ()
    return read.entries


@pytest.mark.parametrize("name", SHAPES)
def test_the_catalogue_passes_the_shapes_of_dcat_ap(name: str, shared: Path) -> None:
    shapes = Graph().parse(shared / "conformance" / "dcat-ap" / "3.0.1" / f"{name}.ttl")
    graph = graph_of([FULL, SPARSE], PUBLISHER)
    conforms, _, report = pyshacl.validate(graph, shacl_graph=shapes, allow_warnings=True)
    assert conforms, report


def test_the_shapes_do_find_a_catalogue_without_title(shared: Path) -> None:
    file = shared / "conformance" / "dcat-ap" / "3.0.1" / "shapes.ttl"
    nameless = dataclasses.replace(PUBLISHER, title=Text())
    conforms, _, _ = pyshacl.validate(
        graph_of([FULL], nameless), shacl_graph=Graph().parse(file), allow_warnings=True
    )
    assert not conforms


def test_turtle_keeps_every_field() -> None:
    assert again(write_turtle([FULL], PUBLISHER), "turtle") == (FULL,)


def test_json_ld_keeps_every_field() -> None:
    assert again(write_json_ld([FULL], PUBLISHER), "json-ld") == (FULL,)


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
entries = st.builds(
    dataclasses.replace,
    st.just(FULL),
    title=st.builds(Text, zh=words, en=words, other=words),
    abstract=st.builds(Text, zh=words),
    sharing=st.sampled_from(Sharing),
    cycle=st.sampled_from(Cycle),
    published_on=st.dates(),
    themes=st.just(()) | words.map(lambda word: (word.replace(":", "").replace("/", "") or "a",)),
    landing_page=st.none(),
    level=st.none() | st.integers(0, 9),
)


@settings(max_examples=40, deadline=None)
@given(entries)
def test_any_words_survive_a_round_trip(entry: Entry) -> None:
    assert again(write_turtle([entry], PUBLISHER), "turtle") == (entry,)


# A prefixed name with a slash in it, which Turtle does not allow.
NOT_TURTLE = {
    "example-bee-population-dataset-series-api.ttl",
    "example-bee-population-dataset-series-combined.ttl",
}


def test_every_example_of_dcat_ap_is_read(shared: Path) -> None:
    examples = sorted((shared / "conformance/dcat-ap/3.0.1/examples").glob("*.ttl"))
    sound = [file for file in examples if file.name not in NOT_TURTLE]
    read = [
        read_dcat(file.read_bytes(), form="turtle", origin="eu", base="https://data.gov.gr/")
        for file in sound
    ]
    assert (len(examples), len(sound)) == (15, 13)
    # Some of the members of a series have no title of their own.
    assert all(len(outcome.entries) + len(outcome.refused) > 0 for outcome in read)
    assert {f.field for outcome in read for r in outcome.refused for f in r.flaws} == {"dct:title"}


@pytest.mark.parametrize("name", sorted(NOT_TURTLE))
def test_an_example_that_is_no_turtle_is_refused(name: str, shared: Path) -> None:
    raw = (shared / "conformance/dcat-ap/3.0.1/examples" / name).read_bytes()
    with pytest.raises(RefusedError, match=r"share\.not_rdf: The catalogue is not turtle: at line"):
        read_dcat(raw, form="turtle", origin="eu", base="https://data.gov.gr/")


def test_xml_of_another_vocabulary_is_named_by_its_root() -> None:
    raw = (
        b'<?xml version="1.0"?><!-- r --><gmi:MI_Metadata xmlns:gmi="urn:x"><a/></gmi:MI_Metadata>'
    )
    with pytest.raises(RefusedError, match=r"its root element is gmi:MI_Metadata, not rdf:RDF"):
        read_dcat(raw + b"<", form="rdf-xml", origin="x", base="urn:x")


def test_a_context_that_stands_elsewhere_is_not_fetched() -> None:
    document = {"@context": "http://127.0.0.1:9/context.jsonld", "@graph": []}
    with pytest.raises(RefusedError) as refusal:
        read_dcat(json.dumps(document).encode(), form="json-ld", origin="x", base="urn:x")
    assert str(refusal.value) == (
        "share.remote_context: The catalogue's JSON-LD context "
        "'http://127.0.0.1:9/context.jsonld' stands elsewhere. "
        "Fetch the context once, check it, and name the file with --context."
    )


def test_a_context_handed_in_is_used(shared: Path) -> None:
    folder = shared / "conformance/dcat-ap/3.0.1"
    context = json.loads((folder / "context" / "dcat-ap.jsonld").read_text())
    document = {
        "@context": "https://semiceu.example/dcat-ap.jsonld",
        "@id": "https://d.example/bees",
        "@type": "Dataset",
        "title": {"@value": "Bees", "@language": "en"},
    }
    read = read_dcat(
        json.dumps(document).encode(),
        form="json-ld",
        origin="eu",
        base="urn:x",
        contexts={"https://semiceu.example/dcat-ap.jsonld": context},
    )
    assert [entry.id for entry in read.entries] == [entry_id("eu", "https://d.example/bees")]


def test_a_data_set_without_title_is_refused_with_its_place() -> None:
    turtle = b"@prefix dcat: <http://www.w3.org/ns/dcat#> . <urn:a> a dcat:Dataset ."
    read = read_dcat(turtle, form="turtle", origin="x", base="urn:x")
    assert read.entries == ()
    assert [(f.place, f.field, f.problem) for r in read.refused for f in r.flaws] == [
        ("urn:a", "dct:title", "is missing")
    ]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["turtle", "json-ld", "rdf-xml"]))
def test_any_bytes_are_read_or_refused(raw: bytes, form: str) -> None:
    try:
        read_dcat(raw, form=form, origin="x", base="urn:x")
    except RefusedError as error:
        assert error.code in ("share.not_rdf", "share.remote_context")
