"""Cases: the list with clocks, the board by stage, and one case with everything about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from shuzhi.act.cases import CaseId, Stage, Wanted, cases, read_evidence, tally
from shuzhi.kernel.ids import PartyId
from shuzhi.web.pages.act.case_file import file_context
from shuzhi.web.pages.frame.clocked import clocked
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import case_sight, seen_case
from shuzhi.web.visitors import visitor_of

Number = Annotated[int, Path(ge=1, lt=2**62)]
_SOON = timedelta(hours=24)
_A_PAGE, _MOST_ON_BOARD = 50, 300
COLUMNS = (
    ("waiting", (Stage.NEW, Stage.VERIFIED, Stage.FILED, Stage.REOPENED, Stage.RETURNED)),
    ("in_hand", (Stage.DISPATCHED, Stage.IN_HAND, Stage.SUSPENDED)),
    ("checking", (Stage.FED_BACK, Stage.CHECKED)),
)


def routes(site: Site) -> APIRouter:
    """Return the routes of cases."""
    router = APIRouter()

    @router.get("/cases")
    def listed(request: Request, state: str = "open", after: int = 0) -> Response:
        city, asked = site.city, request.query_params
        wanted = _wanted(state, asked.get("kind"), asked.get("party"))
        seen_by = case_sight(visitor_of(request), city).parties
        wanted = replace(wanted, seen_by=seen_by)
        page = cases(city.office, wanted, after=CaseId(after) if after > 0 else None, limit=_A_PAGE)
        return site.page(
            request,
            "cases.html",
            tally=tally(city.office, soon=_SOON, seen_by=seen_by),
            found=clocked(city, page.cases),
            next=page.after,
            state=state,
            kind=asked.get("kind") or "",
            party=asked.get("party") or "",
            kinds=sorted(city.office.kinds.values(), key=lambda kind: kind.id),
            parties=sorted(party.id for party in city.organisation()),
        )

    @router.get("/cases/board")
    def board(request: Request) -> Response:
        city = site.city
        seen_by = case_sight(visitor_of(request), city).parties
        wanted = Wanted(is_open=True, seen_by=seen_by)
        page = cases(city.office, wanted, limit=_MOST_ON_BOARD)
        found = clocked(city, page.cases)
        columns = [(name, [c for c in found if c.case.stage in of]) for name, of in COLUMNS]
        return site.page(
            request, "board.html", columns=columns, is_cut=page.after is not None,
            tally=tally(city.office, soon=_SOON, seen_by=seen_by),
        )  # fmt: skip

    _one(router, site)
    return router


def _one(router: APIRouter, site: Site) -> None:
    @router.get("/cases/{case_id}")
    def show(request: Request, case_id: Number) -> Response:
        reader = site.reader(request)
        file = seen_case(visitor_of(request), site.city, case_id)
        context = file_context(site, request, reader, file)
        answer = site.page(request, "case.html", reader=reader, **context)
        if visitor_of(request).may_act:
            site.forms.give(answer, context["cookie"])
        return answer

    @router.get("/cases/{case_id}/evidence/{sha256}")
    def evidence(request: Request, case_id: Number, sha256: str) -> Response:
        file = seen_case(visitor_of(request), site.city, case_id)
        held = [f for s in file.steps for f in s.facts.get("evidence", ()) if f["sha256"] == sha256]
        if not held:
            raise WebError("web.not_found", "This case has no such file.")
        raw = read_evidence(site.city.office.evidence_folder, sha256)
        # Whatever somebody sent is handed on as a file, never shown as a page of ours.
        headers = {"Content-Disposition": f'attachment; filename="{sha256[:16]}"'}
        return Response(raw, media_type=held[0]["media_type"], headers=headers)


def _wanted(state: str, kind: str | None, party: str | None) -> Wanted:
    known = {
        "open": Wanted(is_open=True),
        "late": Wanted(is_open=True, is_late=True),
        "closed": Wanted(is_open=False),
        "all": Wanted(),
    }
    if state not in known:
        raise WebError("web.not_found", "There is no such list of cases.")
    chosen = known[state]
    return Wanted(
        kind=kind or None,
        party=PartyId(party) if party else None,
        is_open=chosen.is_open,
        is_late=chosen.is_late,
    )
