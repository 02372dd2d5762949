"""Forms that act: counted once however often they are sent, refused by the field.

A page hands over what to do with what was typed, and how to show itself again when that is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from shuzhi.kernel.errors import RefusedError
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.statuses import status_of

_MOST_FIELDS = 700
_UNPROCESSABLE = 422


@dataclass(frozen=True)
class Typed:
    """What a form held, with the content of its files; empty for a page that nobody sent."""

    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def asked(cls, request: Request) -> Typed:
        """Return what a form asked for in the address of a page, the last of each field."""
        return cls({name: (value,) for name, value in request.query_params.items()})

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a field."""
        return next(iter(self.held.get(name, ())), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return self.held.get(name, ())

    def lines(self, name: str) -> tuple[str, ...]:
        """Return what stands on the lines of a field, each once and none empty."""
        return tuple(
            dict.fromkeys(t for each in self.one(name).splitlines() if (t := each.strip()))
        )

    def number(self, name: str) -> int | None:
        """Return a whole number, None for an empty field; FieldError for anything else."""
        text = self.one(name).strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise FieldError("web.bad_number", name, "This is no whole number.")
        return int(text) if text else None

    def day(self, name: str) -> date | None:
        """Return a date, None for an empty field; FieldError for anything else."""
        text = self.one(name).strip()
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise FieldError("web.bad_day", name, "This is no date.") from None


class FieldError(WebError):
    """What was typed into one field cannot be taken."""

    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(code, message, next_step="Correct it and send the form again.")
        self.field = name


@dataclass(frozen=True)
class Once:
    """A page that is shown this once, as one with a new secret; sent again, the form leads on."""

    page: Callable[[], Response]
    led_to: str


Do = Callable[[Typed], str | Once]
Again = Callable[[Typed, RefusedError], Response]


async def send(
    site: Site, request: Request, do: Do, again: Again, *, most_files: int = 0
) -> Response:
    """Do what a form asks, once, and lead on; answer a refusal with the page `again`.

    Raises:
        WebError: `web.not_allowed`, for which no page is shown again.
    """
    async with request.form(max_files=most_files, max_fields=_MOST_FIELDS) as form:
        typed = await _typed(form)
        try:
            site.forms.require_ours(request, form)
        except WebError as error:
            return await run_in_threadpool(again, typed, error)
    return await run_in_threadpool(_answer, site, typed, do, again)


async def _typed(form: FormData) -> Typed:
    files = {n: await each.read() for n, each in form.items() if isinstance(each, UploadFile)}
    names = form.keys() - files.keys()
    return Typed({name: tuple(str(each) for each in form.getlist(name)) for name in names}, files)


def shown(
    site: Site,
    request: Request,
    template: str,
    typed: Typed | None,
    error: RefusedError | None,
    fields: Mapping[str, str],
    **context: Any,
) -> Response:
    """Return a page with forms; `fields` says by which field a refusal stands, by its code."""
    name = getattr(error, "field", "") or (fields.get(error.code, "") if error else "")
    ours = site.forms.fields(request)
    status = 200 if error is None else _UNPROCESSABLE if name else status_of(error)
    held = {"typed": typed or Typed(), "error": error, "field": name, **ours}
    answer = site.page(request, template, status=status, **held, **context)
    site.forms.give(answer, ours["cookie"])
    return answer


def _answer(site: Site, typed: Typed, do: Do, again: Again) -> Response:
    key = typed.one("key")
    led_to = site.forms.done(key)
    if led_to is None:
        try:
            done = do(typed)
        except RefusedError as error:
            if error.code == "web.not_allowed":
                raise
            return again(typed, error)
        led_to = done if isinstance(done, str) else done.led_to
        site.city.record()
        site.forms.note(key, led_to)
        if isinstance(done, Once):
            return done.page()
    return RedirectResponse(led_to, 303)
