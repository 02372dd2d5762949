"""What the page of a case shows, also after an act on it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from shuzhi.act.cases import CaseFile, CaseRole, Step
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.share.accounts import Right
from shuzhi.web.drawing.way import way
from shuzhi.web.pages.frame.forms import new_key
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import seen_of
from shuzhi.web.visitors import Visitor, visitor_of

# In which role of a case one acts by which right.
RIGHT_OF: Mapping[CaseRole, Right] = {
    CaseRole.REPORTER: Right.CASE_REPORT,
    CaseRole.DESK: Right.CASE_DESK,
    CaseRole.DISPATCHER: Right.CASE_DISPATCH,
    CaseRole.HANDLER: Right.CASE_HANDLE,
    CaseRole.CHECKER: Right.CASE_CHECK,
    CaseRole.RATER: Right.CASE_RATE,
}


def file_context(
    site: Site,
    request: Request,
    reader: Reader,
    file: CaseFile,
    *,
    typed: Mapping[str, str] | None = None,
    error: ShuzhiError | None = None,
    field: str = "",
) -> dict[str, Any]:
    """Return what the template of a case needs; `typed` is what a refused form held."""
    city, held = site.city, file.case
    kind = city.office.kinds[held.kind]
    cookie, visitor = site.forms.cookie(request), visitor_of(request)
    parties = sorted(city.organisation(), key=lambda party: party.id)
    return {
        "file": file,
        "case": held,
        "kind": kind,
        "drawn": way(
            kind,
            file.steps,
            reader.t("case.way"),
            lambda stage: reader.word("stage", stage),
            lambda step: reader.local(step.at).strftime("%m-%d %H:%M"),
        ),
        "report": _report(file.steps),
        "causes": [(site.city.tracings().get(s.tracing), s) for s in site.city.causes(held.id)],
        "entries": _entries(site, visitor, file),
        "ways": [way for way in file.ways if any(visitor.may(RIGHT_OF[r]) for r in way.roles)],
        "held_roles": {role for role, right in RIGHT_OF.items() if visitor.may(right)},
        "parties": parties,
        "mine": [p for p in parties if any(visitor.may(r, p.id) for r in RIGHT_OF.values())],
        "typed": dict(typed or {}),
        "error": error,
        "field": field,
        "since": _since(file, typed),
        "key": new_key(),
        "cookie": cookie,
        "token": site.forms.token(cookie),
    }


def _report(steps: tuple[Step, ...]) -> str:
    return str(steps[0].facts.get("text", ""))


def _entries(site: Site, visitor: Visitor, file: CaseFile) -> dict[int, int]:
    """Return where in the audit log each step stands, by its number; those that may be seen."""
    first, last = file.steps[0].at, file.steps[-1].at
    found = site.city.find_entries(f"case:{file.case.id}", first, last)
    found = seen_of(visitor, site.city, found)
    return {
        entry.content["facts"]["step"]: entry.index
        for entry in found
        if entry.content and "step" in entry.content.get("facts", {})
    }


def _since(file: CaseFile, typed: Mapping[str, str] | None) -> tuple[Step, ...]:
    """Return what happened after the version that a form was made for."""
    seen = (typed or {}).get("seen", "")
    return tuple(s for s in file.steps if seen.isdecimal() and s.number > int(seen))
