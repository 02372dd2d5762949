"""Whatever text a city holds, a page shows it as text."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Template

from shuzhi.app import City
from shuzhi.web import assets
from shuzhi.web.drawing import charts
from shuzhi.web.drawing.hexagons import Cell, hexagons
from shuzhi.web.drawing.svg import shortened
from shuzhi.web.live import Live
from shuzhi.web.pages.frame.forms import local_path
from shuzhi.web.pages.frame.languages import read_words
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.site import Site

_SIGNS = st.sampled_from(
    ["<", ">", "&", '"', "'", "{{", "}}", "{%", "</script>", "<img onerror=x>", "\x00", "\x0b",
     "]]>", "javascript:", "字", "\u202e", "<!--", "\ud800"]
)  # fmt: skip
hostile = st.lists(_SIGNS | st.text(max_size=4), max_size=8).map("".join)
_PAGE = """{% import 'parts.html' as parts with context %}
<div title="{{ text }}" data-x='{{ text }}'>{{ text }}
{{ parts.tile(text, text, '/' ~ text, 'x', text) }}{{ parts.nothing(text) }}
{{ r.json({text: text}) }}{{ charts.bar(0.5, text) }}{{ r.marked(marked) }}
{{ charts.line([(text, 1), (text, 2)], text, unit=text) }}</div>"""


@dataclass(frozen=True)
class Marked:
    text: str
    marks: tuple[tuple[int, int], ...]


class Tags(HTMLParser):
    """Collects the tags and the names of attributes, which texts must never add to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))


def tags(text: str) -> list[tuple[str, ...]]:
    reader = Tags()
    reader.feed(text)
    reader.close()
    return reader.found


@pytest.fixture(scope="module")
def shown(city: City) -> tuple[Template, Reader]:
    site = Site(city, assets.read_assets(), Live(city))
    return site.environment.from_string(_PAGE), Reader(city, read_words(), "en")


@settings(max_examples=60)
@given(text=hostile.filter(bool))
def test_no_text_adds_an_element_or_attribute_to_a_page(
    shown: tuple[Template, Reader], text: str
) -> None:
    template, reader = shown

    def made(what: str) -> list[tuple[str, ...]]:
        marked = Marked(what, ((0, 1),))
        return tags(template.render(r=reader, t=reader.t, text=what, marked=marked))

    assert made(text) == made("plain")


@given(text=hostile)
def test_no_text_breaks_a_drawing(text: str) -> None:
    cells = [Cell(text, "calm", text, text, f"/{text}")]
    for drawn in (hexagons(cells, text), charts.bar(0.3, text), charts.spark([1, 2], text)):
        made = ElementTree.fromstring(str(drawn))  # noqa: S314  (our own)
        assert made.tag == "svg"
        assert all(not name.startswith("on") for each in made.iter() for name in each.attrib)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_a_line_is_drawn_through_whatever_there_is(values: list[float | None]) -> None:
    drawn = charts.line([(str(i), value) for i, value in enumerate(values)], "title")
    made = ElementTree.fromstring(str(drawn))  # noqa: S314  (our own)
    assert len(made.findall("circle")) == sum(value is not None for value in values)


@given(st.text(max_size=60), st.integers(4, 40))
def test_a_shortened_text_is_no_wider_than_asked(text: str, most: int) -> None:
    width = sum(2 if ord(sign) > 0x2E80 else 1 for sign in shortened(text, most))
    assert width <= most + 1


@given(hostile | st.sampled_from(["//evil.example", "/\\evil", "https://evil.example", "/\t/evil"]))
def test_a_way_back_never_leads_elsewhere(text: str) -> None:
    path = local_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert "\n" not in path
