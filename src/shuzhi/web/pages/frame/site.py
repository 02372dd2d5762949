"""What every page is made with: the city, the templates, the texts, and who looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shuzhi.act.services import Blank
from shuzhi.app import City
from shuzhi.web.assets import Asset
from shuzhi.web.drawing import charts
from shuzhi.web.live import Live
from shuzhi.web.pages.frame.forms import Forms
from shuzhi.web.pages.frame.languages import language_of, read_words
from shuzhi.web.pages.frame.lately import Lately
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.tiles import Tiles
from shuzhi.web.visitors import visitor_of

_FRESH = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Cookie"}


@dataclass(frozen=True)
class Site:
    """The pages of a city."""

    city: City
    assets: Mapping[str, Asset]
    live: Live
    forms: Forms = field(default_factory=Forms)
    tiles: Tiles = field(default_factory=Tiles)

    @cached_property
    def blanks(self) -> Lately[Blank]:
        """The forms of services that were filled in lately: loading one again is no other use."""
        return Lately(self.city.clock)

    @cached_property
    def environment(self) -> Environment:
        """The templates; whatever is put into one is escaped."""
        made = Environment(
            loader=PackageLoader("shuzhi.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.globals.update(
            asset=lambda name: self.assets[name].address,
            charts=charts,
            query=lambda **pairs: urlencode({k: v for k, v in pairs.items() if v}, doseq=True),
        )
        return made

    def reader(self, request: Request) -> Reader:
        """Return how who asks reads."""
        return self.reader_in(language_of(request))

    def reader_in(self, language: str) -> Reader:
        """Return how one reads in `language`."""
        return Reader(self.city, read_words(), language)

    def render(self, template: str, reader: Reader, **context: Any) -> Markup:
        """Return what a template makes of `context`."""
        shown = self.environment.get_template(template).render(
            r=reader, t=reader.t, language=reader.language, **context
        )
        return Markup(shown)  # noqa: S704  (the template has escaped it)

    def page(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> Response:
        """Return a page in the visitor's language."""
        reader = context.pop("reader", None) or self.reader(request)
        place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        shown = self.render(
            template,
            reader,
            city=self.city.settings.city,
            path=request.url.path,
            place=place,
            visitor=visitor_of(request),
            **context,
        )
        return HTMLResponse(shown, status, headers=_FRESH)
