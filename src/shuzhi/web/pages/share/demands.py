"""Forms that departments have others fill in: what is held of them already, and what they cost."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.instant import day_of
from shuzhi.share.forms import (
    Axis,
    FormId,
    asked_twice,
    declared_minutes,
    form_file,
    forms,
    saved_minutes,
)
from shuzhi.web.pages.frame.sending import FieldError
from shuzhi.web.pages.frame.site import Site

_YEAR = timedelta(days=365)


def routes(site: Site) -> APIRouter:
    """Return the routes of forms and their burden."""
    router = APIRouter()

    @router.get("/forms")
    def listed(request: Request) -> Response:
        city, asked = site.city, request.query_params
        office, today = city.forms_office, day_of(city.clock(), city.settings.city.zone)
        start = _day(asked.get("start", ""), "start", today - _YEAR)
        end = _day(asked.get("end", ""), "end", today)
        by = asked.get("by") or Axis.OWNER.value
        axis = Axis(by) if by in {each.value for each in Axis} else Axis.OWNER
        found = forms(office)
        return site.page(
            request,
            "forms.html",
            found=[(each, declared_minutes(each), saved_minutes(each)) for each in found],
            titles={each.form.id: each.form.title for each in found},
            twice=asked_twice(office),
            burden=city.burden(start, end, by=axis),
            axes=tuple(Axis),
            axis=axis,
            start=start,
            end=end,
        )

    @router.get("/forms/{form}")
    def show(request: Request, form: str) -> Response:
        file = form_file(site.city.forms_office, FormId(form))
        held = file.held
        return site.page(
            request,
            "form.html",
            file=file,
            held=held,
            judged={each.field: each for each in held.judgements},
            minutes=declared_minutes(held),
            saved=saved_minutes(held),
        )

    return router


def _day(text: str, name: str, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise FieldError("web.bad_day", name, "This is no date.") from None
