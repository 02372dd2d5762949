"""Maps of tracing: true to coordinates where there are some, readable where there are none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.decide.tracing import (
    AirSource,
    Assumptions,
    Exceedance,
    Outfall,
    Place,
    Reach,
    RiverTrace,
    Wind,
    attribute,
    network,
    trace_river,
)
from shuzhi.kernel.instant import Instant
from shuzhi.web.drawing.marks import RADIUS, Mark, draw_marks
from shuzhi.web.drawing.names import Box, text_box
from shuzhi.web.drawing.river_schema import along_schema, schema
from shuzhi.web.drawing.rivers import RiverMap, Words, river_map
from shuzhi.web.drawing.svg import drawing
from shuzhi.web.drawing.winds import Words as WindWords
from shuzhi.web.drawing.winds import rose, source_map

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
WORDS = Words("t", "about", "station", lambda r, h: f"{r.id} {h:.1f}", lambda c: c.title or c.id)
POINTS = WindWords("t", "about", ("N", "E", "S", "W"))
FAR = Assumptions(most_hours=1e9)


def traced(reaches: list[Reach], station: str, outfalls: list[Outfall]) -> RiverTrace:
    asked = Exceedance("w21003", station, NOON, 3.0, 1.0)
    return trace_river(network(reaches), asked, outfalls, FAR)


def read(drawn: object) -> ElementTree.Element:
    return ElementTree.fromstring(str(drawn))  # noqa: S314  (our own)


def lines(made: RiverMap) -> dict[str, list[tuple[float, float]]]:
    """Return the points of each reach, by the title that it bears."""
    found = {}
    for group in read(made.drawn).iter("g"):
        path = group.find("path[@stroke-width]")
        if path is not None:
            pairs = re.findall(r"([-\d.]+) ([-\d.]+)", path.get("d") or "")
            found[(group.findtext("title") or "").split()[0]] = [
                (float(x), float(y)) for x, y in pairs
            ]
    return found


def centres(made: RiverMap) -> dict[str, tuple[float, float]]:
    return {
        mark.get("id") or "": (float(c.get("cx") or 0), float(c.get("cy") or 0))
        for mark in read(made.drawn).iter("a")
        for c in mark.iter("circle")
    }


def located(name: str, start: str, end: str, *points: tuple[float, float]) -> Reach:
    return Reach(name, start, end, 2.0, flow_m3_s=4.0, line=tuple(Place(*p) for p in points))


def test_with_coordinates_north_is_up_and_a_mark_stands_where_its_outfall_does() -> None:
    reaches = [
        located("up", "1", "2", (106.5, 29.6), (106.5, 29.5)),
        located("down", "2", "3", (106.5, 29.5), (106.6, 29.5)),
    ]
    here, on_the_reach = Place(106.52, 29.58), Outfall("w", "", "up", 1.0)
    made = river_map(traced(reaches, "down", [Outfall("p", "", "up", place=here)]), WORDS)
    assert (made.middle, made.left_out, made.marked) == (pytest.approx(29.55), 0, {1})
    drawn = lines(made)
    (top_x, top), (x, bottom) = drawn["up"]
    assert (top_x, drawn["down"][0]) == (x, (x, bottom))
    assert top < bottom
    mark_x, mark_y = centres(made)["mark-1"]
    assert mark_x > x
    assert (mark_y - top) / (bottom - top) == pytest.approx(0.2, abs=0.01)
    # Without a place of its own it stands on its reach, halfway up.
    half = centres(river_map(traced(reaches, "down", [on_the_reach]), WORDS))["mark-1"]
    assert half == pytest.approx((x, (top + bottom) / 2), abs=0.1)


def test_reaches_without_coordinates_are_counted_or_drawn_as_a_schema() -> None:
    down = located("down", "2", "3", (106.5, 29.5), (106.6, 29.5))
    up = located("up", "1", "2", (106.5, 29.6), (106.5, 29.5))
    few = river_map(traced([Reach("bare", "0", "2", 1.0), up, down], "down", []), WORDS)
    assert (few.middle is None, few.left_out) == (False, 1)
    many = [Reach("bare", "0", "2", 1.0), Reach("bare2", "9", "2", 1.0), down]
    most = river_map(traced(many, "down", []), WORDS)
    assert (most.middle, most.left_out, len(lines(most))) == (None, 0, 3)


def test_the_wider_the_more_water_and_dashed_where_speed_is_assumed() -> None:
    reaches = [
        Reach("small", "1", "3", 2.0, speed_m_s=0.5, flow_m3_s=1.0),
        Reach("large", "2", "3", 2.0, flow_m3_s=9.0),
        Reach("out", "3", "4", 2.0, speed_m_s=0.5, flow_m3_s=10.0),
    ]
    made = read(river_map(traced(reaches, "out", []), WORDS).drawn)
    paths = {
        (g.findtext("title") or "").split()[0]: path
        for g in made.iter("g")
        if (path := g.find("path[@stroke-width]")) is not None
    }
    wide = {name: float(path.get("stroke-width") or 0) for name, path in paths.items()}
    assert wide["small"] < wide["large"] < wide["out"]
    assert [n for n, p in paths.items() if "assumed" in (p.get("class") or "")] == ["large"]


def test_many_reaches_are_drawn_together() -> None:
    chain = [Reach(str(i), str(i), str(i + 1), 1.0, flow_m3_s=1.0) for i in range(200)]
    made = read(river_map(traced(chain, "199", []), WORDS).drawn)
    assert len(list(made.iter("path"))) < 10
    assert sum((path.get("d") or "").count("M") for path in made.iter("path")) >= 200


@st.composite
def rivers(draw: st.DrawFn) -> tuple[list[Reach], list[Outfall]]:
    """A river of up to 25 reaches without divergences, with outfalls on it."""
    count = draw(st.integers(1, 25))
    ends = [draw(st.integers(0, i)) for i in range(count)]
    flows = st.one_of(st.none(), st.floats(0, 50))
    reaches = [
        Reach(str(i), str(i + 1), str(end), draw(st.floats(0, 20)), flow_m3_s=draw(flows))
        for i, end in enumerate(ends)
    ]
    spots = draw(st.lists(st.integers(0, count - 1), max_size=12))
    return reaches, [Outfall(f"o{n}", "", str(i), 0.1) for n, i in enumerate(spots)]


@settings(max_examples=60)
@given(rivers())
def test_in_a_schema_water_runs_to_the_right_and_nothing_is_lost(
    river: tuple[list[Reach], list[Outfall]],
) -> None:
    reaches, outfalls = river
    trace = traced(reaches, "0", outfalls)
    drawn, _ = schema(trace)
    assert drawn.keys() == {"0", *(up.reach.id for up in trace.searched)}
    for reach_id, line in drawn.items():
        assert all(one[0] <= other[0] + 1e-6 for one, other in pairwise(line)), reach_id
        assert along_schema(line, 0.0)[0] == pytest.approx(line[-1][0])
    starts = {r.from_node: drawn[r.id][0] for r in reaches if r.id in drawn}
    assert all(
        drawn[r.id][-1] == starts[r.to_node]
        for r in reaches
        if r.id in drawn and r.to_node in starts
    )
    made = river_map(trace, WORDS)
    assert made.marked == frozenset(range(1, len(trace.candidates) + 1))
    _all_are_whole(made)


def test_forty_marks_at_the_edge_of_a_small_river_are_whole_and_apart() -> None:
    works = [Outfall(f"o{n}", "", "0", 0.0) for n in range(40)]
    made = river_map(traced([Reach("0", "1", "0", 0.0)], "0", works), WORDS)
    _all_are_whole(made)
    assert min(apart(list(centres(made).values()))) >= 2 * RADIUS


def names(made: RiverMap) -> dict[str, Box]:
    """Return the boxes of the names of reaches on a map."""
    return {
        text.text or "": text_box((float(text.get("x") or 0), float(text.get("y") or 0)), text.text)
        for text in read(made.drawn).iter("text")
        if text.get("class") == "tick" and text.text and not text.text.endswith(" km")
    }


@settings(max_examples=60)
@given(rivers())
def test_no_mark_covers_the_name_of_a_reach_and_no_name_another(
    river: tuple[list[Reach], list[Outfall]],
) -> None:
    reaches, outfalls = river
    # Names as rivers have them, longer than numbers.
    longer = [replace(each, id=f"reach {each.id}") for each in reaches]
    moved = [replace(each, reach_id=f"reach {each.reach_id}") for each in outfalls]
    made = river_map(traced(longer, "reach 0", moved), WORDS)
    boxes = list(names(made).values())
    for left, top, right, bottom in boxes:
        for x, y in centres(made).values():
            near = (min(max(x, left), right), min(max(y, top), bottom))
            assert math.dist((x, y), near) >= RADIUS
    for i, one in enumerate(boxes):
        assert all(
            one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
            for other in boxes[:i]
        )


def test_a_name_gives_way_to_a_mark_and_is_still_there() -> None:
    reach = Reach("Long River", "1", "0", 4.0)
    bare = names(river_map(traced([reach], "Long River", []), WORDS))
    beside = Outfall("works", "", "Long River", 2.0)
    marked = names(river_map(traced([reach], "Long River", [beside]), WORDS))
    assert bare.keys() == marked.keys() == {"Long River"}
    assert bare != marked


def _all_are_whole(made: RiverMap) -> None:
    width, height = (float(read(made.drawn).get(side) or 0) for side in ("width", "height"))
    for x, y in centres(made).values():
        assert RADIUS <= x <= width - RADIUS
        assert RADIUS <= y <= height - RADIUS


def apart(places: list[tuple[float, float]]) -> Iterator[float]:
    for i, one in enumerate(places):
        yield from (math.dist(one, other) for other in places[:i])


def test_marks_at_one_place_stand_beside_each_other_tied_to_it() -> None:
    made = drawing(200, 200, "river", "t")
    draw_marks(made, [Mark(rank, (100.0, 100.0), "works") for rank in range(1, 8)])
    places = [
        (float(c.get("cx") or 0), float(c.get("cy") or 0))
        for c in made.iter("circle")
        if c.get("class") != "tie"
    ]
    assert len(places) == 7
    assert min(apart(places)) >= 2 * RADIUS
    assert len(list(made.iter("line"))) == 6


def test_sources_stand_in_their_direction_and_a_side_is_as_long_as_its_share() -> None:
    station = Place(106.5, 29.5)
    hours = [Wind(200 if i % 2 else 10, 3.0, 90.0) for i in range(40)]
    hours += [Wind(200 if i % 4 == 0 else 10, 3.0, 180.0) for i in range(40)]
    hours += [Wind(200, 3.0, 270.0)] * 3
    east = AirSource("east", "", Place(106.6, 29.5))
    trace = attribute(station, hours, [east], threshold=150)
    made = read(source_map(trace, POINTS, "1001A", lambda c: c.id))
    (circle,) = [c for a in made.iter("a") for c in a.iter("circle")]
    x, y = float(circle.get("cx") or 0), float(circle.get("cy") or 0)
    assert (x > 240, y) == (True, pytest.approx(240, abs=1))
    drawn = read(rose(trace, POINTS, lambda s: f"{s.middle_degrees:g}"))
    radius = {
        path.findtext("title"): float((path.get("d") or "").partition("A")[2].split()[0])
        for path in drawn.iter("path")
    }
    assert radius["90"] / radius["180"] == pytest.approx(2.0, rel=0.01)
    few = [p.findtext("title") for p in drawn.iter("path") if p.get("class") == "wedge few"]
    assert few == ["270"]


@given(st.text(max_size=20))
def test_no_text_breaks_a_map(text: str) -> None:
    trace = traced([Reach(text, "1", "2", 1.0)], text, [Outfall("o", text, text, 0.5)])
    words = Words(text, text, text, lambda r, _: r.id, lambda c: c.title)
    assert read(river_map(trace, words).drawn).tag == "svg"
