"""Who reacts to what: the one table by which the wings meet.

Every reaction may be told the same fact twice, after a crash, and does nothing the second time:
what it makes carries the `origin` of the fact. What was not told at all is caught up by `running`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shuzhi.act.cases import SYSTEM, CaseKind, Report, Title, open_case
from shuzhi.app.share.verifying import origin_of_finding
from shuzhi.decide.models import ModelBuilt
from shuzhi.decide.rules import (
    Rule,
    RuleSwitchedOff,
    Severity,
    WarningId,
    WarningRaised,
    WarningWorsened,
)
from shuzhi.decide.tracing import Found
from shuzhi.gather.quality.model import CheckFailed
from shuzhi.gather.sources import RowsStored
from shuzhi.kernel.events import Reactions
from shuzhi.kernel.ids import PartyId
from shuzhi.packs.messages import LANGUAGES
from shuzhi.share.agreements import SharingClockBroken, hand_over
from shuzhi.share.correction import CorrectionOverdue
from shuzhi.share.duties import DutyBroken, duty_list
from shuzhi.share.verification import FishingSuspected
from shuzhi.share.verification.fishing import Suspicion

if TYPE_CHECKING:
    from shuzhi.app.city import City

# The case kinds of the pack `platform`, which every city runs.
DATA_DEFECT, RULE_DEFECT = "data_defect", "rule_defect"
SHARING_OVERDUE, DUTY_BROKEN = "sharing_overdue", "duty_broken"
VERIFICATION_MISUSE = "verification_misuse"
_OF_WARNING = "warning:"
_MOST_TITLE = 200
_GRAVEST = max(severity.rank for severity in Severity)


def reactions(city: City) -> Reactions:
    """Return the table for a city."""

    def given(react: Callable[[City, Any], None]) -> Callable[[Any], None]:
        return lambda event: react(city, event)

    table: dict[type, Sequence[Callable[[City, Any], None]]] = {
        RowsStored: [judge_rows, keep_index_current, provide_held],
        ModelBuilt: [judge_rows, provide_held],
        WarningRaised: [open_warned_case],
        WarningWorsened: [open_warned_case],
        RuleSwitchedOff: [open_rule_defect],
        CheckFailed: [open_data_defect],
        SharingClockBroken: [open_sharing_overdue],
        FishingSuspected: [open_verification_misuse],
        DutyBroken: [open_duty_broken],
        CorrectionOverdue: [open_correction_overdue],
    }
    return {event: [given(react) for react in reacts] for event, reacts in table.items()}


def judge_rows(city: City, stored: RowsStored | ModelBuilt) -> None:
    """Let the rules over a data set judge what is new in it."""
    city.judge(stored.dataset)


def keep_index_current(city: City, stored: RowsStored) -> None:
    """Let verification answer as the rows have it that were stored."""
    city.keep_verification(stored.dataset)


def provide_held(city: City, stored: RowsStored | ModelBuilt) -> None:
    """Provide what was agreed on before the platform held it."""
    hand_over(city.sharing_office, stored.dataset)


def open_warned_case(city: City, warning: WarningRaised) -> None:
    """Open the case that a warning asks for, or let it join one; seek what caused it, once."""
    if warning.case_kind is None:
        return
    office = city.office
    kind = office.clocks(warning.case_kind).kind
    declared = city.declared
    rule = declared.rules.get(warning.rule_id) or declared.forecasters.get(warning.rule_id)
    title = _title(rule, warning.facts)
    report = Report(
        kind.id,
        severity_of_case(kind, warning.severity),
        SYSTEM,
        warning.party,
        title.zh,
        _told(city, warning),
        warning.merge_key,
        origin_of_warning(warning.warning_id, warning.severity),
        title_en=title.en,
    )
    opened = open_case(office, report)
    city.seek_causes(opened.case_id, warning.rule_id, Found(warning.at, warning.facts))


def open_rule_defect(city: City, off: RuleSwitchedOff) -> None:
    """Tell the owner of a rule that it is off, as a case that somebody has to close."""
    kind = city.office.clocks(RULE_DEFECT).kind
    _open(
        city,
        kind,
        off.owner,
        _about(kind.title, off.rule_id),
        f"{off.code}: {off.reason}",
        off.rule_id,
        f"rule:{off.rule_id}:{off.rule_version}:{off.occurred_at.isoformat()}",
    )


def open_data_defect(city: City, failed: CheckFailed) -> None:
    """Make a broken promise of a contract a case of the department that provides the data."""
    check, ratio = failed.check, failed.ratio
    kind = city.office.clocks(DATA_DEFECT).kind
    matter = f"{check.dataset}:{check.id}"
    _open(
        city,
        kind,
        city.provider(check.dataset),
        _about(kind.title, check.dataset),
        f"{check.id}: {ratio.satisfied:,} / {ratio.checked:,}",
        matter,
        f"check:{failed.run_id}:{check.id}",
    )


def open_sharing_overdue(city: City, broken: SharingClockBroken) -> None:
    """Make a duty of sharing that was not done in time a case of the party that is late."""
    kind = city.office.clocks(SHARING_OVERDUE).kind
    matter = f"{broken.kind.value}:{broken.matter}"
    _open(
        city,
        kind,
        broken.party,
        _about(kind.title, f"{matter} {broken.clock.value}"),
        f"{broken.clock.value} · {broken.due_at.isoformat()}",
        f"{matter}:{broken.clock.value}",
        f"sharing:{matter}:{broken.step}",
    )


def open_duty_broken(city: City, broken: DutyBroken) -> None:
    """Make a duty that is not kept a case of the party that owes it, unless it is one already."""
    duty = duty_list().duty(broken.duty)
    if not duty.opens_case:
        return
    kind = city.office.clocks(DUTY_BROKEN).kind
    _open(
        city,
        kind,
        broken.party,
        _about(Title(duty.title.zh, duty.title.en), broken.subject),
        f"{duty.title.zh} {duty.title.en}\n{broken.subject} · {broken.since.isoformat()}",
        f"{broken.duty}:{broken.subject}",
        f"duty:{broken.breach}",
    )


def open_correction_overdue(city: City, late: CorrectionOverdue) -> None:
    """Make a doubt that was not verified and corrected in time a case of the party that is late."""
    kind = city.office.clocks(SHARING_OVERDUE).kind
    matter = f"doubt:{late.doubt}"
    _open(
        city,
        kind,
        late.party,
        _about(kind.title, matter),
        f"{matter} · {late.due_at.isoformat()}",
        f"{matter}:{late.party}",
        f"correction:{matter}:{late.step}",
    )


def _open(
    city: City,
    kind: CaseKind,
    party: PartyId | None,
    title: Title,
    text: str,
    merge_key: str,
    origin: str,
) -> None:
    """Let the platform itself report something, in the mildest severity of its kind."""
    severity = kind.severities[0]
    report = Report(
        kind.id,
        severity,
        SYSTEM,
        party,
        title.zh,
        text,
        merge_key,
        origin,
        title_en=title.en,
    )
    open_case(city.office, report)


def _about(title: Title, matter: str) -> Title:
    """Return a title with what its case is about, in both languages."""
    return Title(f"{title.zh}: {matter}", f"{title.en}: {matter}")


def origin_of_warning(warning: WarningId, severity: Severity) -> str:
    """Return the origin of a report that a warning makes when it is of that severity."""
    return f"{_OF_WARNING}{warning}:{severity.value}"


def open_objection_overdue(city: City, objection: int, receipt: int, provider: PartyId) -> None:
    """Make an objection that was not answered in time a case of the provider."""
    kind = city.office.clocks(SHARING_OVERDUE).kind
    matter = f"objection:{objection}"
    _open(
        city,
        kind,
        provider,
        _about(kind.title, matter),
        f"receipt:{receipt}",
        matter,
        f"{matter}:overdue",
    )


def open_verification_misuse(city: City, suspected: FishingSuspected) -> None:
    """Make questions that look like fishing a case of the party that manages sharing."""
    open_misuse(city, suspected.finding, suspected)


def open_misuse(city: City, finding: int, suspected: FishingSuspected | Suspicion) -> None:
    """Make a finding of misuse a case, or let it join one."""
    kind = city.office.clocks(VERIFICATION_MISUSE).kind
    matter = f"agreement:{suspected.agreement}"
    _open(
        city,
        kind,
        city.sharing_office.authority,
        _about(kind.title, matter),
        f"{suspected.kind.value} · {suspected.measured} · {suspected.action.value}",
        f"{matter}:{suspected.kind.value}",
        origin_of_finding(finding),
    )


def warning_of(origin: str | None) -> WarningId | None:
    """Return the warning that an origin of a report names; None where it names another thing."""
    if origin is None or not origin.startswith(_OF_WARNING):
        return None
    return WarningId(int(origin.removeprefix(_OF_WARNING).partition(":")[0]))


def severity_of_case(kind: CaseKind, severity: Severity) -> str:
    """Return which of a kind's own severities stands for one of the four colours."""
    steps = len(kind.severities) - 1
    return kind.severities[(severity.rank * steps + _GRAVEST // 2) // _GRAVEST]


def _title(rule: Rule | None, facts: Mapping[str, Any]) -> Title:
    """Return the title of a rule with what its findings merge by, which tells its cases apart."""
    if rule is None:
        return Title("", "")
    matter = [str(facts[name]) for name in rule.merge_by if facts.get(name) is not None]
    if not matter:
        return Title(rule.title_zh, rule.title_en)
    zh, en = f"{rule.title_zh}：{'，'.join(matter)}", f"{rule.title_en}: {', '.join(matter)}"
    return Title(zh[:_MOST_TITLE], en[:_MOST_TITLE])


def _told(city: City, warning: WarningRaised) -> str:
    """Return what the pack says of a warning in each language, and the facts behind it."""
    rule_id, facts = warning.rule_id, warning.facts
    said = (city.says(rule_id, facts, language) for language in LANGUAGES)
    shown = json.dumps(facts, ensure_ascii=False, indent=1)
    source = f"{warning.rule_id} · {warning.dataset} · {warning.at.isoformat()}"
    return "\n".join([*(text for text in said if text), source, shown])[:4_000]
