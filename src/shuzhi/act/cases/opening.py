"""How a report becomes a case, or joins the one that is open already.

Pure: `opened` and `joined` answer with the step that would be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shuzhi.act.cases.errors import MOST_NAME, CaseError, require_text
from shuzhi.act.cases.escalation import Ladder
from shuzhi.act.cases.kind import CaseKind
from shuzhi.act.cases.model import Actor, Case, CaseId, Stage, Step, Verb
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

_MOST_TITLE = 500
_MOST_TEXT = 4_000
_MOST_KEY = 200


@dataclass(frozen=True)
class Report:
    """What somebody or a rule found.

    `origin` names it for good (`warning:…`, `call:…`), so that it is never taken twice;
    `merge_key` is the same for reports of one matter; `due` states deadlines by clock, where
    the kind has a clock whose limit is stated. `title` stays empty for the kind's own;
    `title_en` is for those who read English, where the reporter knows it in both languages.
    """

    kind: str
    severity: str
    by: Actor
    party: PartyId | None = None
    title: str = ""
    text: str = ""
    merge_key: str | None = None
    origin: str | None = None
    due: Mapping[str, Instant] = field(default_factory=dict)
    title_en: str = ""


@dataclass(frozen=True)
class Opened:
    """Where a report went: to a new case, into an open one, or where it had gone before."""

    case_id: CaseId
    is_new: bool
    is_repeat: bool = False


def opened(kind: CaseKind, report: Report, ladder: Ladder, case_id: CaseId, at: Instant) -> Step:
    """Return the step that opens a case; without a known party it goes to the city's desk.

    Raises:
        CaseError: `act.unknown_severity`, `act.due_not_stated`, `act.bad_text`.
    """
    refuse(kind, report)
    stated = {clock.id for clock in kind.clocks if clock.limits is None}
    if set(report.due) != stated:
        raise CaseError(
            "act.due_not_stated",
            f"A case of {kind.id} states the deadlines {', '.join(sorted(stated)) or 'none'}; "
            f"the report states {', '.join(sorted(report.due)) or 'none'}.",
            next_step="State those that the kind asks for.",
        )
    facts: dict[str, Any] = {
        "kind": kind.id,
        "title": report.title.strip(),
        "severity": report.severity,
        "merge_key": report.merge_key,
        "due": {clock: due.isoformat() for clock, due in report.due.items()},
        **_party(report.party, ladder),
        **({"title_en": report.title_en.strip()} if report.title_en.strip() else {}),
        **({"text": report.text.strip()} if report.text.strip() else {}),
    }
    return _step(report, case_id, 1, Verb.OPEN, at, Stage.NEW, facts)


def joined(kind: CaseKind, report: Report, case: Case, at: Instant) -> Step:
    """Return the step by which a report joins an open case; the graver severity holds.

    Raises:
        CaseError: `act.unknown_severity`, `act.bad_text`.
    """
    refuse(kind, report)
    known = [s for s in kind.severities if s in (case.severity, report.severity)]
    text = report.text.strip()
    facts: dict[str, Any] = {"severity": known[-1], **({"text": text} if text else {})}
    return _step(report, case.id, case.version + 1, Verb.JOIN, at, case.stage, facts)


def taken_in(kind: CaseKind, case: Case, into: Case, by: Actor, at: Instant) -> Step:
    """Return the step by which `into` takes in the reports of `case`; the graver severity holds."""
    known = [s for s in kind.severities if s in (case.severity, into.severity)]
    facts = {"severity": known[-1], "reports": case.reports, "merged": case.id}
    number, party = into.version + 1, by.party
    return Step(into.id, number, Verb.JOIN, at, by.person, party, into.stage, facts)


def refuse(kind: CaseKind, report: Report) -> None:
    """Refuse a report whose severity the kind does not know, or that is too long."""
    if report.severity not in kind.severities:
        raise CaseError(
            "act.unknown_severity",
            f"{report.severity[:40]!r} is no severity of {kind.id}.",
            next_step=f"Choose one of: {', '.join(kind.severities)}.",
        )
    require_text(report.title, _MOST_TITLE, "of the title")
    require_text(report.title_en, _MOST_TITLE, "of the title in English")
    require_text(report.text, _MOST_TEXT, "of the report")
    require_text(report.merge_key or "", _MOST_KEY, "of the merge key")
    require_text(report.origin or "", _MOST_KEY, "of the origin")
    require_text(report.by.person, MOST_NAME, "of the reporter's id")


def _party(party: PartyId | None, ladder: Ladder) -> dict[str, str]:
    if party in ladder.organisation:
        return {"responsible": str(party)}
    why = "nobody was named" if party is None else f"{party!r} is not registered"
    return {"responsible": ladder.desk, "at_desk_because": why}


def _step(
    report: Report,
    case_id: CaseId,
    number: int,
    verb: Verb,
    at: Instant,
    stage: Stage,
    facts: Mapping[str, Any],
) -> Step:
    by = report.by
    return Step(case_id, number, verb, at, by.person, by.party, stage, facts, report.origin)
