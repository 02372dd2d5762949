"""Acting on a case from its page: one form for each verb, refused by the field, counted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from shuzhi.act.cases import (
    Act,
    Actor,
    CaseId,
    CaseRole,
    Order,
    Upload,
    Verb,
    act,
    keep_evidence,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.web.pages.act.case_file import RIGHT_OF, file_context
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import seen_case
from shuzhi.web.statuses import status_of
from shuzhi.web.visitors import Visitor, visitor_of

Word = TypeVar("Word")
_UNPROCESSABLE = 422
_MOST_FILES = 20
# By which field of the form each refusal stands.
_FIELDS = {
    "act.approver_is_asker": "asked_by",
    "act.bad_merge": "into",
    "act.bad_rating": "stars",
    "act.bad_text": "text",
    "act.check_not_independent": "party",
    "act.evidence_missing": "evidence",
    "act.evidence_refused": "evidence",
    "act.no_such_party": "lead",
    "act.not_your_role": "role",
    "act.not_your_task": "party",
    "act.one_lead": "lead",
    "act.reason_missing": "text",
    "web.no_name": "person",
    "web.no_party": "party",
    "web.not_your_role": "party",
}


def routes(site: Site) -> APIRouter:
    """Return the route by which acts come."""
    router = APIRouter()

    @router.post("/cases/{case_id}")
    async def do(request: Request, case_id: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
        if not visitor_of(request).may_act:
            raise WebError(
                "web.read_only",
                "Nobody can act from this page: the server does not know who you are.",
                next_step="Sign in, use `shuzhi case do`, or a server started with --acting.",
            )
        async with request.form(max_files=_MOST_FILES, max_fields=40) as form:
            uploads = [
                Upload(each.filename or "", await each.read())
                for each in form.getlist("evidence")
                if isinstance(each, UploadFile) and each.filename
            ]
            return await run_in_threadpool(_done, site, request, CaseId(case_id), form, uploads)

    return router


def _done(
    site: Site, request: Request, case_id: CaseId, form: FormData, uploads: list[Upload]
) -> Response:
    typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    visitor = visitor_of(request)
    seen_case(visitor, site.city, case_id)
    if visitor.account:
        # Whoever signed in acts as nobody else.
        typed["person"] = visitor.account
    key = f"{case_id}:{typed.get('key', '')}"
    try:
        site.forms.require_ours(request, form)
        led_to = site.forms.done(key)
        if led_to is None:
            wanted = _act(case_id, typed, form.getlist("help"))
            _require_role(visitor, wanted.by)
            if wanted.into is not None:
                seen_case(visitor, site.city, wanted.into)
            office = site.city.office
            most = office.most_evidence_bytes
            kept = [keep_evidence(office.evidence_folder, u, most_bytes=most) for u in uploads]
            after = act(office, replace(wanted, evidence=tuple(kept)))
            site.city.record()
            led_to = f"/cases/{case_id}#step-{after.version}"
            site.forms.note(key, led_to)
        return RedirectResponse(led_to, 303)
    except RefusedError as error:
        return _refused(site, request, case_id, typed, error)


def _refused(
    site: Site, request: Request, case_id: CaseId, typed: Mapping[str, str], error: RefusedError
) -> Response:
    """Show the case again with what was typed, and the refusal by its field."""
    file = seen_case(visitor_of(request), site.city, case_id)
    reader = site.reader(request)
    field = _FIELDS.get(error.code, "")
    context = file_context(site, request, reader, file, typed=typed, error=error, field=field)
    status = status_of(error)
    status = _UNPROCESSABLE if field else status
    answer = site.page(request, "case.html", status=status, reader=reader, **context)
    site.forms.give(answer, context["cookie"])
    return answer


def _require_role(visitor: Visitor, by: Actor) -> None:
    """Refuse (`web.not_your_role`) who acts in a role, or for a party, that is not theirs."""
    for role in by.roles:
        if not visitor.may(RIGHT_OF[role], by.party):
            raise WebError(
                "web.not_your_role",
                f"You are no {role.value} for this party.",
                next_step="Choose a party and role of yours; /account shows them.",
            )


def _act(case_id: CaseId, typed: Mapping[str, str], helpers: Sequence[object]) -> Act:
    seen = _number(typed.get("seen", ""))
    if seen is None:
        raise WebError("web.bad_form", "The form does not say which version of the case it is for.")
    verb = _one_of(Verb, typed.get("verb", ""), "act")
    party = PartyId(_given(typed, "party"))
    role = _one_of(CaseRole, typed.get("role", ""), "role")
    lead = typed.get("lead", "").strip()
    orders = [Order(PartyId(lead), is_lead=True)] if lead else []
    orders += [
        Order(PartyId(str(each)), is_lead=False) for each in helpers if each and each != lead
    ]
    return Act(
        case_id,
        verb,
        Actor(_given(typed, "person"), party, frozenset({role})),
        seen=seen,
        text=typed.get("text", ""),
        orders=tuple(orders),
        asked_by=typed.get("asked_by", "").strip() or None,
        is_good=typed.get("is_good", "yes") == "yes",
        outcome=typed.get("outcome", "").strip() or "resolved",
        stars=_number(typed.get("stars", "")),
        into=_case(typed.get("into", "")),
    )


def _given(typed: Mapping[str, str], name: str) -> str:
    text = typed.get(name, "").strip()
    if text:
        return text
    code = "web.no_name" if name == "person" else "web.no_party"
    raise WebError(code, f"Say who acts: the {name} is empty.", next_step="Fill it in.")


def _one_of(words: Callable[[str], Word], text: str, what: str) -> Word:
    try:
        return words(text)
    except ValueError:
        raise WebError("web.bad_form", f"There is no {what} {text[:40]!r}.") from None


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def _case(text: str) -> CaseId | None:
    number = _number(text)
    return None if number is None else CaseId(number)
