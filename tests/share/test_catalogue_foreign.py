"""Foreign catalogues as they are in the wild: data.json, CKAN, and documents that are neither."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.catalogue.ckan import read_packages
from shuzhi.share.catalogue.data_json import read_data_json
from shuzhi.share.catalogue.documents import fetch_catalogue, read_document
from shuzhi.share.catalogue.imported import Imported
from shuzhi.share.catalogue.model import Openness, Sharing

SAMPLES = "data/09_catalogue/dcat_us_samples"
BROKEN = {
    # file: (entries, records refused, what is wrong with them and with the entries kept)
    "datajson_missing-identifier-title.data.json": (1, 2, {"identifier", "title"}),
    "datajson_missing-dataset-fields.data.json": (1, 1, {"identifier", "title", "description"}),
    "datajson_numerical-title.data.json": (1, 0, {"title"}),
    "harvester_dcatus__missing_title.json": (0, 1, {"title"}),
    "harvester_dcatus__dcatus_no_identifier.json": (0, 1, {"identifier"}),
    "harvester_dcatus__dcatus3_0_no_identifier.json": (0, 1, {"identifier"}),
    "harvester_dcatus__dcatus3_0_invalid.json": (2, 0, {"contactPoint"}),
    "harvester_dcatus__dcatus3_0_nested_catalog.json": (3, 0, set()),
    "arm.data.json.gz": (997, 0, set()),
    "dcatus_with_none.json.gz": (402, 0, set()),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", BROKEN)
def test_broken_documents_give_entries_and_reasons(name: str, shared: Path) -> None:
    read = read_document((shared / SAMPLES / name).read_bytes(), name=name, origin="us")
    entries, refused, fields = BROKEN[name]
    assert (len(read.entries), len(read.refused)) == (entries, refused)
    flaws = [*read.flaws, *(flaw for r in read.refused for flaw in r.flaws)]
    assert {flaw.field for flaw in flaws} == fields


@pytest.mark.real_data
def test_no_sample_is_lost(shared: Path) -> None:
    files = sorted((shared / SAMPLES).glob("*json*"))
    documents = [f for f in files if f.suffix != ".md"]
    for file in documents:
        read = read_document(file.read_bytes(), name=file.name, origin="us")
        assert len(read.entries) + len(read.refused) > 0, file.name


def test_access_levels_become_sharing_and_openness() -> None:
    read = data_json(accessLevel="restricted public")
    assert (read.entries[0].sharing, read.entries[0].openness) == (
        Sharing.CONDITIONAL,
        Openness.CONDITIONAL,
    )


def test_an_unknown_access_level_is_noted() -> None:
    problems = [f.problem for f in data_json(accessLevel="secretish").flaws]
    assert problems == ["'secretish' is not public, restricted public or non-public"]


def test_a_box_and_a_period_are_read() -> None:
    entry = data_json(spatial="105.3,28.2,110.2,32.2", temporal="2019-01/2019-12-31").entries[0]
    assert entry.spatial[0].box == (105.3, 28.2, 110.2, 32.2)
    assert [str(day) for day in (entry.temporal[0].starts_on, entry.temporal[0].ends_on)] == [
        "2019-01-01",
        "2019-12-31",
    ]


def data_json(**fields: object) -> Imported:
    record = {
        "identifier": "a",
        "title": "Air of the city",
        "description": "d",
        "publisher": {"name": "Bureau"},
        "contactPoint": {"fn": "Office"},
    }
    return read_data_json({"dataset": [{**record, **fields}]}, origin="us")


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [
        (
            b"<!DOCTYPE html><html></html>",
            "data.json",
            "share.html_not_catalogue: data.json is a web page, not a catalogue. "
            "Give the address of its DCAT document or its CKAN API (…/api/3).",
        ),
        (
            b"  ",
            "data.json",
            "share.empty_catalogue: The catalogue data.json is empty. "
            "Ask its publisher; what was harvested before is kept.",
        ),
        (
            b'{"a": 1}',
            "data.json",
            "share.unknown_catalogue: data.json is no catalogue that can be read: it is JSON, but "
            "neither data.json nor CKAN nor JSON-LD. Give DCAT (Turtle, JSON-LD, RDF/XML), "
            "data.json or a CKAN API address.",
        ),
        (
            b"a,b\n1,2",
            "list.csv",
            "share.unknown_catalogue: list.csv is no catalogue that can be read: its name has no "
            "ending that tells its form. Give DCAT (Turtle, JSON-LD, RDF/XML), data.json or a "
            "CKAN API address.",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(raw: bytes, name: str, message: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        read_document(raw, name=name, origin="x")
    assert str(refusal.value) == message


def test_a_torn_gzip_is_refused() -> None:
    torn = gzip.compress(b"{}" * 1000)[:-9]
    with pytest.raises(RefusedError, match="not a whole gzip file"):
        read_document(torn, name="data.json.gz", origin="x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
data_json_fields = ["identifier", "title", "description", "publisher", "keyword", "theme"]
data_json_fields += ["modified", "temporal", "spatial", "distribution", "contactPoint"]
data_json_fields += ["accessLevel", "landingPage"]
fields = st.sampled_from(
    [*data_json_fields, "id", "name", "notes", "tags", "groups", "resources", "extras"]
)
records = st.dictionaries(fields, json_values, max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(records | json_values, max_size=4))
def test_no_record_raises_and_none_is_lost(datasets: list[object]) -> None:
    objects = [d for d in datasets if isinstance(d, dict)]
    for read in (
        read_data_json({"dataset": datasets}, origin="x"),
        read_packages(datasets, origin="x"),
    ):
        assert len(read.entries) + len(read.refused) <= len(objects)
        assert bool(read.entries or read.refused) == bool(objects)


class Ckan(BaseHTTPRequestHandler):
    """A CKAN site of 1,200 packages, one of them without a title, and some other addresses."""

    packages = [
        {"id": f"p{n:04d}", "title": f"Package {n}", "tags": [{"name": "air"}], "notes": "n"}
        for n in range(1199)
    ] + [{"id": "", "title": ""}]

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        start, rows = int(query.get("start", ["0"])[0]), int(query.get("rows", ["0"])[0])
        answers: dict[str, tuple[int, str, object]] = {
            "/api/3/action/package_search": (
                200,
                "application/json",
                {"success": True, "result": {"results": self.packages[start : start + rows]}},
            ),
            "/data.json": (200, "application/json", {"dataset": [{"identifier": 1, "title": "T"}]}),
        }
        status, kind, body = answers.get(path, (404, "text/html", "gone"))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ckan)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_ckan_site_is_read_page_by_page(site: str) -> None:
    with httpx2.Client() as client:
        read = fetch_catalogue(f"{site}/api/3", client=client, origin="ckan")
    assert (len(read.entries), len(read.refused)) == (1199, 1)
    assert read.entries[7].id == "ckan:p0007"


def test_a_data_json_is_fetched(site: str) -> None:
    with httpx2.Client() as client:
        read = fetch_catalogue(f"{site}/data.json", client=client, origin="us")
    assert [entry.id for entry in read.entries] == ["us:1"]


def test_a_vanished_catalogue_is_refused(site: str) -> None:
    with httpx2.Client() as client, pytest.raises(RefusedError) as refusal:
        fetch_catalogue(f"{site}/nothing.ttl", client=client, origin="us")
    assert refusal.value.code == "share.catalogue_gone"
    assert refusal.value.next_step == "Check the address; what was harvested before is kept."
