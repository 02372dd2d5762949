"""The map of the operations centre: schematic, or by the boundaries that were imported."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from shuzhi.app import City
from shuzhi.cli.commands import app
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level, Party
from shuzhi.share.parties import register_party
from shuzhi.web import make_app

_DISTRICTS = ("东城区", "西城区", "港口区", "北城区")


@pytest.fixture(scope="module")
def city(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    return build(tmp_path_factory.mktemp("map") / "city")


@pytest.fixture
def client(city: City) -> Iterator[TestClient]:
    with TestClient(make_app(city), base_url="http://127.0.0.1") as made:
        yield made


@pytest.fixture
def boundaries(tmp_path: Path) -> Path:
    """Boundaries that are made up: sectors of a circle."""
    features = []
    for number, name in enumerate(_DISTRICTS):
        turns = [math.radians(90 * number + step) for step in range(0, 91, 5)]
        rim = [[106.5 + 0.4 * math.cos(a), 29.5 + 0.3 * math.sin(a)] for a in turns]
        ring = [[106.5, 29.5], *rim, [106.5, 29.5]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"name": name}, "geometry": geometry})
    path = tmp_path / "districts.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def shell(*words: str) -> str:
    done = CliRunner().invoke(app, ["map", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_boundaries_replace_the_schematic_map_and_can_be_taken_back(
    city: City, client: TestClient, boundaries: Path
) -> None:
    folder = str(city.settings.folder)
    assert "不表示地理位置" in client.get("/operations").text
    said = shell("import", str(boundaries), "--city", folder)
    assert "3 territories (WGS 84" in said
    assert "北城区" in said
    page = client.get("/operations").text
    assert 'class="drawing territories"' in page
    assert "districts.geojson（WGS 84），等距圆柱投影，标准纬线 29.5°" in page
    assert 'href="/operations/west"' in page
    # A party without boundaries is not lost: it is counted.
    organisation = city.organisation()
    [root] = organisation.inferiors(None)
    assert f"另有 {len(organisation.inferiors(root.id)) - 3} 个。" in page
    # A party without any below it on the map is shown as before.
    assert "不表示地理位置" in client.get("/operations/west").text
    assert "schematic again" in shell("remove", "--city", folder)
    assert "There were no boundaries" in shell("remove", "--city", folder)
    assert "不表示地理位置" in client.get("/operations").text


def test_the_shell_tells_programs_what_was_imported(city: City, boundaries: Path) -> None:
    said = json.loads(
        shell("import", str(boundaries), "--json", "--city", str(city.settings.folder))
    )
    assert said == {
        "source": "districts.geojson",
        "reference": "WGS 84",
        "parties": ["east", "west", "harbour"],
        "unmatched": ["北城区"],
    }
    shell("remove", "--city", str(city.settings.folder))


def test_a_city_with_several_roots_shows_them_with_what_is_below_them(
    city: City, client: TestClient, boundaries: Path
) -> None:
    for name, level, superior in (
        ("federal", Level.NATION, None),
        ("port_authority", Level.CITY, None),
        ("quay", Level.DISTRICT, "port_authority"),
        ("island", Level.DISTRICT, None),
        ("cove", Level.TOWN, "island"),
    ):
        register_party(
            city.control, Party(PartyId(name), f"{name} 单位", name, level, superior_id=superior)
        )
    page = client.get("/operations").text
    for party in ("city_government", "east", "federal", "port_authority", "quay", "island"):
        assert f'href="/operations/{party}"' in page
    # The greatest of the roots stands first, in the middle, and districts come before offices.
    assert page.index("/operations/city_government") < page.index("/operations/port_authority")
    assert page.index("/operations/east") < page.index("/operations/hotline_centre")
    # Towns have the map of their district.
    assert "/operations/cove" not in page
    assert 'href="/operations/cove"' in client.get("/operations/island").text
    shell("import", str(boundaries), "--city", str(city.settings.folder))
    assert 'class="drawing territories"' in client.get("/operations").text
    shell("remove", "--city", str(city.settings.folder))
