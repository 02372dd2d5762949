"""`/audit`: what was done, the proof that each entry is in the log, and the newest checkpoint."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from shuzhi.audit import Logged
from shuzhi.audit.base64_text import encoded
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Facts, Listed
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.seeing import seen_entries, seen_entry

TAG = {"name": "audit", "description": "审计 · Audit: what was done, with proof."}
router = APIRouter(prefix="/audit", tags=["audit"])
Index = Annotated[int, InPath(ge=0, lt=2**62, description="The place of the entry in the log.")]
_PLAIN = "text/plain; charset=utf-8"


class LoggedAnswer(Answer):
    """Something that was done."""

    index: int
    """Its place in the log, from 0."""
    entry: Facts | None
    """What was done, when, by whom, about what; null for what is no entry of ours."""


class Entries(Listed):
    """A page of the log, the newest first."""

    items: tuple[LoggedAnswer, ...]
    """The entries."""


class ProvenAnswer(LoggedAnswer):
    """Something that was done, with the proof of it."""

    raw: str
    """The entry as it is hashed."""
    proof: str
    """The proof that it is in the log (C2SP tlog-proof)."""


class VerificationAnswer(Answer):
    """Whether the log is whole."""

    is_whole: bool
    """Whether every entry that was ever signed for is there, as it was."""
    entries: int
    """How many entries were compared with the signed root."""
    problems: tuple[str, ...]
    """What is wrong, and in which file of the log."""
    unfinished: tuple[str, ...]
    """Files of a commit that is under way or was cut short; no checkpoint speaks of them."""


class CheckpointAnswer(Answer):
    """How large the log is, signed."""

    origin: str
    """Which log it is."""
    size: int
    """How many entries it has."""
    root: str
    """The hash of its tree, in Base64."""
    note: str
    """The signed note (C2SP signed-note), as verifiers read it."""
    witnesses: tuple[str, ...]
    """Who else signed it."""


@router.get("/verification", **reads(Right.READ_AUDIT))
def verify_log(city: CityHere) -> VerificationAnswer:
    """Read the log from its files, and tell whether every entry is there as it was signed for.

    Of a long log that takes a while; who trusts nobody does it with a copy of their own.
    """
    report = city.verify_audit()
    return VerificationAnswer.about(report, problems=tuple(map(str, report.problems)))


@router.get("/entries", **reads(Right.READ_AUDIT))
def list_entries(city: CityHere, visitor: VisitorHere, page: PageAsked) -> Entries:
    """List what was done, the newest first; empty before anything was."""
    if not city.has_audit_log():
        return Entries(items=(), next=None)
    size, before = city.audit_head().checkpoint.size, page.number
    end = size if before is None else min(before, size)
    found = seen_entries(visitor, city, end, page.limit)
    return Entries(items=tuple(map(_told, found.entries)), next=page.goes_on(found.older))


@router.get("/entries/{index}", **reads(Right.READ_AUDIT))
def show_entry_of_log(city: CityHere, visitor: VisitorHere, index: Index) -> ProvenAnswer:
    """Show what was done, with the proof that it is in the log."""
    found, proof = seen_entry(visitor, city, index)
    raw = found.raw.decode(errors="replace")
    return ProvenAnswer(index=index, entry=found.content, raw=raw, proof=f"{proof}")


@router.get(
    "/entries/{index}/proof",
    response_class=Response,
    **reads(Right.READ_AUDIT, types={_PLAIN: {"type": "string"}}),
)
def prove_entry(city: CityHere, visitor: VisitorHere, index: Index) -> Response:
    """Download the proof that an entry is in the log (C2SP tlog-proof)."""
    _, proof = seen_entry(visitor, city, index)
    headers = {"Content-Disposition": f'attachment; filename="entry-{index}.tlog-proof"'}
    return Response(str(proof), media_type=_PLAIN, headers=headers)


@router.get("/checkpoint", **reads(Right.READ_AUDIT))
def show_checkpoint(city: CityHere) -> CheckpointAnswer:
    """Show how large the log is now, signed by it and its witnesses."""
    head = city.audit_head()
    return CheckpointAnswer.about(
        head.checkpoint,
        root=encoded(head.checkpoint.root),
        note=bytes(head.note).decode(),
        witnesses=tuple(signed.key.name for signed in head.witnesses),
    )


def _told(logged: Logged) -> LoggedAnswer:
    return LoggedAnswer(index=logged.index, entry=logged.content)
