"""Applications for data: the list by clock, one with everything about it, and filing one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share import agreements as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import (
    Act,
    Actor,
    Application,
    ApplicationFile,
    ClockRun,
    Verb,
    duties,
)
from shuzhi.share.agreements.clocks import Clock, live
from shuzhi.share.catalogue import Record
from shuzhi.share.catalogue.model import LegalBasis, Rank
from shuzhi.web.drawing.states import Plan, Reached, states
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.sending import FieldError, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.asked import CONDITIONS, asked_of, chosen, typed_of
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import seen_application, sharing_sight
from shuzhi.web.sides import Possible, actor, possible
from shuzhi.web.visitors import Visitor, visitor_of

Number = Annotated[int, Path(ge=1, lt=2**62)]
_A_PAGE, _MOST_OPEN = 50, 500
# By which field of the form each refusal stands.
FIELDS = {
    "share.bad_text": "text",
    "share.basis_missing": "title",
    "share.entry_unknown": "dataset",
    "share.extension_not_allowed": "days",
    "share.party_unknown": "provider",
    "share.rank_too_low": "rank",
    "share.reason_missing": "text",
    "share.receipt_missing": "method",
}
_WAYS = (
    ("incomplete", "waiting"), ("waiting", "agreed"), ("waiting", "refused"),
    ("refused", "negotiating"), ("negotiating", "mediating"), ("mediating", "deciding"),
    ("deciding", "upheld"),
)  # fmt: skip
_DISPUTE = ("refused", "negotiating", "mediating", "deciding", "upheld")


def routes(site: Site) -> APIRouter:
    """Return the routes of applications."""
    router = APIRouter()

    @router.get("/applications")
    def listed(request: Request, state: str = "open", before: int = 0) -> Response:
        return _listed(site, request, state, before)

    @router.get("/applications/new")
    def new(request: Request, dataset: str = "") -> Response:
        _require_applicant(visitor_of(request))
        return _blank(site, request, Typed({"dataset": (dataset,)}) if dataset else None)

    @router.post("/applications/new")
    async def filed(request: Request) -> Response:
        visitor = visitor_of(request)
        _require_applicant(visitor)

        def do(typed: Typed) -> str:
            return f"/applications/{_file(site, visitor, typed)}"

        return await send(
            site, request, do, lambda typed, error: _blank(site, request, typed, error)
        )

    _one(router, site)
    return router


def _one(router: APIRouter, site: Site) -> None:
    @router.get("/applications/{number}")
    def show(request: Request, number: Number) -> Response:
        return _page(site, request, number)

    @router.post("/applications/{number}")
    async def act(request: Request, number: Number) -> Response:
        def do(typed: Typed) -> str:
            version = _act(site, visitor_of(request), number, typed)
            return f"/applications/{number}#step-{version}"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, number, typed, error)

        return await send(site, request, do, again)


def nearest(runs: Iterable[ClockRun]) -> ClockRun | None:
    """Return the clock that runs out first, or ran out, of those that were not done with."""
    left = [run for run in runs if run.ended_at is None]
    known = [(run.due_at, run.clock, run) for run in left if run.due_at is not None]
    return min(known, key=lambda each: each[:2])[-1] if known else next(iter(left), None)


def _listed(site: Site, request: Request, state: str, before: int) -> Response:
    if state not in ("open", "all"):
        raise WebError("web.not_found", "There is no such list of applications.")
    party, is_all = request.query_params.get("party") or None, state == "all"
    most = _A_PAGE if is_all else _MOST_OPEN
    found = room.applications(
        site.city.sharing_office,
        party=None if party is None else PartyId(party),
        is_open=None if is_all else True,
        seen_by=sharing_sight(visitor_of(request), site.city).parties,
        before=before if before > 0 else None,
        limit=most,
    )
    clocked = [(each, nearest(each.runs)) for each in found]
    if not is_all:
        clocked.sort(key=lambda each: _urgency(*each))
    return site.page(
        request,
        "applications.html",
        found=clocked,
        state=state,
        party=party or "",
        parties=sorted(each.id for each in site.city.organisation()),
        next=found[-1].id if len(found) == most else None,
        may_apply=visitor_of(request).may(Right.APPLY),
        answers=room.refusal_statistics(site.city.sharing_office),
    )


def _urgency(application: Application, run: ClockRun | None) -> tuple[bool, str, int]:
    due = None if run is None else run.due_at
    return due is None, "" if due is None else due.isoformat(), -application.id


def _require_applicant(visitor: Visitor) -> None:
    if not visitor.may(Right.APPLY):
        raise WebError(
            "web.not_allowed",
            "Your roles do not let you apply for data.",
            next_step="Sign in as a data user of the party that needs them.",
        )


def _blank(
    site: Site, request: Request, typed: Typed | None, error: RefusedError | None = None
) -> Response:
    standing = visitor_of(request).standing
    parties = sorted(standing.parties(Right.APPLY)) if standing else []
    dataset = (typed or Typed()).one("dataset").strip()
    record = _record(site, dataset)
    return shown(
        site, request, "apply.html", typed, error, FIELDS, parties=parties,
        record=record, dataset=dataset, **_choices(site, record),
    )  # fmt: skip


def _record(site: Site, dataset: str) -> Record | None:
    return site.city.entry(dataset) if dataset else None


def _choices(site: Site, record: Record | None) -> dict[str, Any]:
    """Return what the form of an application lets one choose from."""
    law = duties()
    return {
        "conditions": CONDITIONS,
        "types": {} if record is None else _types(site, record.entry.id),
        "demanded": {each.item: each for each in law.requirements},
        "ranks": law.ranks,
        "is_verified": law.is_verified,
    }


def _types(site: Site, dataset: str) -> dict[str, str]:
    """Return the columns of a data set and their types, as far as a contract tells."""
    try:
        table = site.city.contract(dataset)[1]
    except RefusedError:
        return {item.name: "string" for item in site.city.entry(dataset).entry.items}
    return {each.name: each.logical_type for each in table.fields}


def _file(site: Site, visitor: Visitor, typed: Typed) -> int:
    party = typed.one("party")
    if visitor.account is None or not visitor.may(Right.APPLY, PartyId(party)):
        raise FieldError("web.not_your_party", "party", "You do not apply for this party.")
    dataset = typed.one("dataset").strip()
    asked = asked_of(typed, _types(site, dataset) if dataset else {})
    by = Actor(visitor.account, PartyId(party))
    origin = f"page:{visitor.account}:{typed.one('key')}"
    return room.submit(site.city.sharing_office, asked, by=by, origin=origin).application.id


def _page(
    site: Site,
    request: Request,
    number: int,
    typed: Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    city, reader = site.city, site.reader(request)
    visitor = visitor_of(request)
    file = seen_application(visitor, city, number)
    held = file.application
    record = _record(site, held.asked.dataset or "")
    return shown(
        site, request, "application.html", typed, error, FIELDS,
        reader=reader, file=file, held=held, record=record, drawn=_drawn(reader, file),
        ways=[each for each in possible(visitor, held) if _is_open(held, each)],
        asked_now=typed if typed and typed.one("verb") == "complete" else typed_of(held.asked),
        since=[s for s in file.steps if s.number > int(_seen(typed) or s.number)],
        parties=sorted(each.id for each in city.organisation()), **_choices(site, record),
    )  # fmt: skip


def _seen(typed: Typed | None) -> str:
    """Return the version that a form was made for, in digits, or nothing."""
    text = "" if typed is None else typed.one("seen")
    return text if text.isascii() and text.isdecimal() and len(text) < 10 else ""


def _is_open(held: Application, way: Possible) -> bool:
    """Whether a verb leads anywhere as things are; what it refuses else is not offered."""
    pending = held.extension is not None and held.extension.is_granted is None
    run = live(held.runs, Clock.ANSWER)
    match way.verb:
        case Verb.GRANT_EXTENSION | Verb.DENY_EXTENSION:
            return pending
        case Verb.ASK_EXTENSION:
            most = run.term.extendable_by - run.extended_by if run and run.term else 0
            return most > 0 and not pending and run is not None and run.broken_at is None
        case Verb.ASSIGN | Verb.DECLINE:
            return held.is_demand and not held.is_ordered
        case Verb.REFUSE:
            return not held.is_ordered
        case Verb.DISPUTE:
            is_late = run is not None and run.broken_at is not None
            return held.refused is not None or bool(held.returned) or is_late
    return True


def _act(site: Site, visitor: Visitor, number: int, typed: Typed) -> int:
    office = site.city.sharing_office
    held = seen_application(visitor, site.city, number).application
    verb, seen = chosen(Verb, typed, "verb"), _seen(typed)
    if verb is None or not seen:
        raise WebError("web.bad_form", "The form does not say what is done, and to which version.")
    by = actor(visitor, held, verb, typed.one("party"))
    if verb is Verb.AGREE:
        dataset = typed.one("dataset").strip() or None
        text = typed.one("text")
        room.agree(office, held.id, by=by, dataset=dataset, text=text, seen=int(seen))
        return held.version + 1
    return room.act(office, held.id, _wish(site, held, verb, by, typed)).version


def _wish(site: Site, held: Application, verb: Verb, by: Actor, typed: Typed) -> Act:
    asked, rank = None, chosen(Rank, typed, "rank")
    if verb is Verb.COMPLETE:
        asked = asked_of(typed, _types(site, held.asked.dataset) if held.asked.dataset else {})
    basis = LegalBasis(typed.one("title"), rank, typed.one("article")) if rank else None
    return Act(
        verb,
        by,
        int(_seen(typed)),
        typed.one("text"),
        asked=asked,
        days=typed.number("days") or 0,
        provider=PartyId(typed.one("provider")) if typed.one("provider") else None,
        basis=basis,
        is_ordered=typed.one("is_ordered") == "yes" if verb is Verb.DECIDE else None,
    )


def _drawn(reader: Reader, file: ApplicationFile) -> Any:
    """Return the diagram of an application; what its data rule out is left away."""
    held, reached = file.application, reached_of(reader, file.steps)
    seen = {each.state for each in reached}
    is_docked = held.is_demand or "docking" in seen
    first = ("incomplete", *(("docking",) if is_docked else ()), "waiting", "agreed")
    at = len(first) - 2
    places = {state: (column, 0) for column, state in enumerate(first)}
    places |= {state: (at + column, 1) for column, state in enumerate(_DISPUTE)}
    if "withdrawn" in seen:
        places["withdrawn"] = (0, 1)
    between = (("incomplete", "docking"), ("docking", "waiting")) if is_docked else _WAYS[:1]
    plan = Plan(places, (*between, *_WAYS[1:]))
    title = reader.t("application.way")
    return states(plan, reached, title, lambda s: reader.word("application_state", s))


def reached_of(reader: Reader, steps: Iterable[room.Step]) -> list[Reached]:
    """Return the states that steps went through, as diagrams take them."""
    return [Reached(s.state, reader.local(s.at).strftime("%m-%d %H:%M")) for s in steps]
