"""`/cases`: what somebody must close, everything that is done about it, and its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from pydantic import Field, StrictInt

from shuzhi.act import cases as room
from shuzhi.act.cases import (
    Act,
    CaseFile,
    CaseId,
    EvidenceFile,
    Office,
    Order,
    Report,
    Stage,
    Upload,
    Verb,
    Wanted,
    case,
    keep_evidence,
    read_evidence,
)
from shuzhi.act.cases.evidence import evidence_path
from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import to_instant
from shuzhi.share.accounts import Right
from shuzhi.web.api.act.case_answers import (
    CaseAnswer,
    Cases,
    ClockRuleAnswer,
    FileAnswer,
    KindAnswer,
    Kinds,
    OpenedAnswer,
    TallyAnswer,
    lines,
)
from shuzhi.web.api.frame.acting import CASE_RIGHTS, Acting, Origin, VisitorHere, case_actor
from shuzhi.web.api.frame.answers import Given, Line, Moment, Name, Number, Sha256, Words, YesNo
from shuzhi.web.api.frame.asking import (
    CityHere,
    Seen,
    changes,
    etag,
    reads,
    require_seen,
    require_type,
)
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import case_sight, seen_case

TAG = {"name": "cases", "description": "案件 · Cases: what somebody must close, under clocks."}
router = APIRouter(prefix="/cases", tags=["cases"])
CaseNumber = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the case.")]
_RAW = "application/octet-stream"
_BINARY = {"type": "string", "format": "binary"}
_UPLOADS = changes(Right.CASE_HANDLE, is_json=False)
_UPLOADS["openapi_extra"]["requestBody"] = {
    "required": True,
    "content": {_RAW: {"schema": _BINARY}},
}


class State(StrEnum):
    """Which cases are listed."""

    OPEN = "open"
    LATE = "late"
    CLOSED = "closed"
    ALL = "all"


_STATES: Mapping[State, tuple[bool | None, bool | None]] = {
    State.OPEN: (True, None),
    State.LATE: (True, True),
    State.CLOSED: (False, None),
    State.ALL: (None, None),
}


class CaseVerb(StrEnum):
    """What people can do to a case that is there."""

    VERIFY = "verify"
    FILE = "file"
    DISPATCH = "dispatch"
    TAKE = "take"
    FEED_BACK = "feed_back"
    RETURN = "return"
    SUSPEND = "suspend"
    RESUME = "resume"
    CHECK = "check"
    CLOSE = "close"
    RATE = "rate"
    REOPEN = "reopen"
    MERGE = "merge"


class NewCase(Acting):
    """A report of something that somebody should deal with."""

    kind: Name
    """Which kind of case it is."""
    severity: Name
    """How grave it is, in a word of its kind."""
    title: Annotated[Words, Field(max_length=500)] = ""
    """What it is about; empty for the title of its kind."""
    title_en: Annotated[Words, Field(max_length=500)] = ""
    """The same in English, for those who read it."""
    text: Words = ""
    """What was found."""
    responsible: Name | None = None
    """Who answers for it; the city's desk decides where nobody is named."""
    merge_key: Annotated[Line, Field(min_length=1)] | None = None
    """What reports of one matter have in common: they become one case."""
    due: Annotated[dict[Name, Moment], Field(max_length=20, default_factory=dict)]
    """Deadlines by clock, where the kind has clocks whose deadline is stated."""


class OrderGiven(Given):
    """A part of a case for one party."""

    party: Name
    """Who has to do it."""
    is_lead: YesNo
    """Whether that party answers for the whole; one of them does."""
    text: Words = ""
    """What it has to do."""


class FileNamed(Given):
    """A file that was uploaded before."""

    sha256: Sha256
    """What the upload was answered with."""
    name: Annotated[Line, Field(min_length=1)]
    """What it is called."""


class CaseAct(Acting):
    """What somebody does to a case; which of the fields count depends on the verb."""

    verb: CaseVerb
    """What is done."""
    text: Words = ""
    """A note, or the reason: of return, suspend, reopen and merge."""
    orders: Annotated[tuple[OrderGiven, ...], Field(max_length=50)] = ()
    """dispatch: who has to do what."""
    evidence: Annotated[tuple[FileNamed, ...], Field(max_length=20)] = ()
    """feed_back: the files that prove it."""
    asked_by: Annotated[Line, Field(min_length=1, max_length=120)] | None = None
    """suspend: who asked for it; somebody else than who approves."""
    is_good: YesNo = True
    """check: whether it was done well."""
    outcome: Annotated[Line, Field(min_length=1)] = "resolved"
    """close: how it ended."""
    stars: Annotated[StrictInt, Field(ge=1, le=5)] | None = None
    """rate: how well it was done."""
    into: Number | None = None
    """merge: the older case that takes it in."""


async def _raw(request: Request) -> bytes:
    require_type(request, _RAW)
    return await request.body()


@router.get("", **reads(Right.READ))
def list_cases(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    state: Annotated[State, Query(description="Which cases.")] = State.OPEN,
    kind: Annotated[Name | None, Query(description="Of this kind.")] = None,
    stage: Annotated[Stage | None, Query(description="In this stage.")] = None,
    party: Annotated[
        Name | None, Query(description="For which this party answers, or has a part of.")
    ] = None,
) -> Cases:
    """List the cases that concern one's party, the newest first."""
    is_open, is_late = _STATES[state]
    wanted = Wanted(
        kind=kind,
        stages=None if stage is None else (stage,),
        party=None if party is None else PartyId(party),
        is_open=is_open,
        is_late=is_late,
        seen_by=case_sight(visitor, city).parties,
    )
    after = None if page.number is None else CaseId(page.number)
    found = room.cases(city.office, wanted, after=after, limit=page.limit)
    return Cases(items=lines(found.cases), next=page.goes_on(found.after))


@router.post("", status_code=201, **changes(Right.CASE_REPORT))
def open_case(
    city: CityHere, visitor: VisitorHere, given: NewCase, origin: Origin, response: Response
) -> OpenedAnswer:
    """Open a case for a report, or let the report join the case that is open on the matter."""
    by = case_actor(visitor, given)
    report = Report(
        given.kind,
        given.severity,
        by,
        None if given.responsible is None else PartyId(given.responsible),
        given.title,
        given.text,
        given.merge_key,
        origin,
        {clock: to_instant(due) for clock, due in given.due.items()},
        given.title_en,
    )
    opened = room.open_case(city.office, report)
    response.headers["Location"] = f"/api/v1/cases/{opened.case_id}"
    return OpenedAnswer(case=opened.case_id, is_new=opened.is_new)


@router.get("/kinds", **reads(Right.READ, Right.CASE_REPORT))
def list_case_kinds(city: CityHere) -> Kinds:
    """List the kinds of case that the city has."""
    found = sorted(city.office.kinds.values(), key=lambda kind: kind.id)
    items = tuple(
        KindAnswer.about(
            kind,
            clocks=tuple(ClockRuleAnswer.about(c, is_stated=c.limits is None) for c in kind.clocks),
        )
        for kind in found
    )
    return Kinds(items=items)


@router.get("/tally", **reads(Right.READ))
def count_open_cases(
    city: CityHere,
    visitor: VisitorHere,
    soon_hours: Annotated[
        int, Query(ge=1, le=8_760, description="A clock runs out soon with less left than this.")
    ] = 24,
) -> TallyAnswer:
    """Count the open cases that concern one's party: by stage, by clock and by party."""
    whose = case_sight(visitor, city).parties
    soon = timedelta(hours=soon_hours)
    return TallyAnswer.about(room.tally(city.office, soon=soon, seen_by=whose))


@router.get("/{case_id}", **reads(Right.READ, Right.CASE_HANDLE))
def show_case(
    city: CityHere, visitor: VisitorHere, case_id: CaseNumber, response: Response
) -> CaseAnswer:
    """Show a case with its clocks, its history, and what can be done now."""
    return _told(city, seen_case(visitor, city, case_id), response)


@router.post("/{case_id}/acts", **changes(*CASE_RIGHTS, versioned=True))
def act_on_case(
    city: CityHere,
    visitor: VisitorHere,
    case_id: CaseNumber,
    seen: Seen,
    given: CaseAct,
    response: Response,
) -> CaseAnswer:
    """Do something to a case: verify, file, dispatch, take, feed back, check, close and so on.

    Who may do what depends on its kind; `ways` of the case tells it.
    """
    office, by = city.office, case_actor(visitor, given)
    held = seen_case(visitor, city, case_id).case
    if given.into is not None:
        seen_case(visitor, city, given.into)
    require_seen(seen, held.version)
    asked = Act(
        CaseId(case_id),
        Verb(given.verb),
        by,
        seen,
        given.text,
        tuple(Order(PartyId(o.party), is_lead=o.is_lead, text=o.text) for o in given.orders),
        tuple(_file(office, named) for named in given.evidence),
        given.asked_by,
        given.is_good,
        given.outcome,
        given.stars,
        None if given.into is None else CaseId(given.into),
    )
    room.act(office, asked)
    return _told(city, case(office, CaseId(case_id)), response)


@router.post("/{case_id}/evidence", status_code=201, **_UPLOADS)
def upload_evidence(
    city: CityHere,
    visitor: VisitorHere,
    case_id: CaseNumber,
    raw: Annotated[bytes, Depends(_raw)],
    name: Annotated[Line, Query(min_length=1, description="What the file is called.")],
) -> FileAnswer:
    """Upload a file that proves what was done: JPEG, PNG, WebP, PDF, CSV or text, to 20 MB.

    It becomes part of the case when somebody feeds back with it.
    """
    office = city.office
    seen_case(visitor, city, case_id)
    kept = keep_evidence(
        office.evidence_folder, Upload(name, raw), most_bytes=office.most_evidence_bytes
    )
    return FileAnswer.about(kept)


@router.get(
    "/{case_id}/evidence/{sha256}",
    response_class=Response,
    **reads(Right.READ, types={"*/*": _BINARY}),
)
def download_evidence(
    city: CityHere,
    visitor: VisitorHere,
    case_id: CaseNumber,
    sha256: Annotated[Sha256, InPath(description="What the file is known by.")],
) -> Response:
    """Download a file that proves what was done."""
    office, file = city.office, seen_case(visitor, city, case_id)
    held = [f for s in file.steps for f in s.facts.get("evidence", ()) if f["sha256"] == sha256]
    if not held:
        raise WebError(
            "web.not_found",
            "This case has no such file.",
            next_step="See its steps for the files that it has.",
        )
    raw = read_evidence(office.evidence_folder, sha256)
    # Whatever somebody sent is handed on as a file, never shown as a page of ours.
    headers = {"Content-Disposition": f'attachment; filename="{sha256[:16]}"'}
    return Response(raw, media_type=held[0]["media_type"], headers=headers)


def _told(city: City, file: CaseFile, response: Response) -> CaseAnswer:
    response.headers.update(etag(file.case.version))
    return CaseAnswer.told(file, city.causes(file.case.id))


def _file(office: Office, named: FileNamed) -> EvidenceFile:
    """Return what a step says of a file that was uploaded before; `web.no_evidence` if not."""
    if not evidence_path(office.evidence_folder, named.sha256).is_file():
        raise WebError(
            "web.no_evidence",
            f"No file {named.sha256} was uploaded.",
            next_step="Upload it, and name it by what the upload is answered with.",
        )
    raw = read_evidence(office.evidence_folder, named.sha256)
    folder, most = office.evidence_folder, office.most_evidence_bytes
    return keep_evidence(folder, Upload(named.name, raw), most_bytes=most)
