"""Case kinds: what their YAML may say, and what is refused with file and line."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.act.cases import CaseKind, CaseRole, Span, SpanUnit, Stage, Verb, draw_kind
from shuzhi.act.cases.kind_yaml import parse_case_kind
from shuzhi.act.cases.spans import parse_office_hours, parse_span
from shuzhi.kernel.documents import DocumentError


def _refusal(raw: str) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        parse_case_kind(raw.encode(), file="kind.yaml")
    assert refused.value.code == "act.bad_case_kind"
    return [str(finding) for finding in refused.value.findings]


def test_a_kind_says_steps_roles_clocks_and_what_closing_needs(kind: CaseKind) -> None:
    (take,) = (way for way in kind.ways if way.verb is Verb.TAKE)
    assert (take.starts, take.roles) == ({Stage.DISPATCHED, Stage.IN_HAND}, {CaseRole.HANDLER})
    handle = kind.clock("handle")
    assert handle is not None
    assert handle.limits == {
        "ordinary": Span(5, SpanUnit.WORKING_DAYS), "urgent": Span(1440, SpanUnit.MINUTES),
    }  # fmt: skip
    assert handle.escalate_every == Span(1, SpanUnit.WORKING_DAYS)
    assert dict(kind.evidence) == {"photo": 1}
    assert kind.office_hours == ((time(9), time(12)), (time(14), time(18)))


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            "verify: {from: [NEW, REOPENED]",
            "verify: {from: [NEW, CLOSED]",
            "kind.yaml:6: steps.verify: cannot start from CLOSED; it can from NEW, REOPENED",
        ),
        (
            "  rate:",
            "  escalate: {from: CLOSED, by: desk}\n  rate:",
            "kind.yaml:18: steps.escalate: happens by itself; remove it",
        ),
        (
            "resume: {from: SUSPENDED, by: dispatcher}",
            "# nothing resumes",
            "kind.yaml:5: steps: no step leads out of SUSPENDED",
        ),
        (
            "take: {from: [DISPATCHED, IN_HAND]",
            "take: {from: [DISPATCHED, IN_HAND, VANISHED]",
            "kind.yaml:9: steps.take.0.from.2: Input should be 'NEW', 'VERIFIED', 'FILED', "
            "'DISPATCHED', 'IN_HAND', 'RETURNED', 'SUSPENDED', 'FED_BACK', 'CHECKED', 'CLOSED', "
            "'RATED' or 'REOPENED'",
        ),
        (
            "by: rater}",
            "by: mayor}",
            "kind.yaml:18: steps.rate.0.by.0: Input should be 'reporter', 'desk', 'dispatcher', "
            "'handler', 'checker' or 'rater'",
        ),
        (
            "limit: 30 minutes",
            "limit: 3 days",
            "kind.yaml:25: clocks.0.limit: '3 days' is no span of time; write it as 30 minutes, "
            "24 hours, 8 working hours or 5 working days",
        ),
        (
            "{ordinary: 5 working days, urgent: 24 hours}",
            "{ordinary: 5 working days, grave: 24 hours}",
            "kind.yaml:30: clocks.1.limit: grave is no severity of this kind",
        ),
        (
            "{ordinary: 5 working days, urgent: 24 hours}",
            "{ordinary: 5 working days}",
            "kind.yaml:30: clocks.1.limit: urgent is missing",
        ),
        (
            "over: [NEW, VERIFIED]",
            "over: [NEW, SUSPENDED]",
            "kind.yaml:23: clocks.0.over: a clock does not run in SUSPENDED",
        ),
        ("id: handle", "id: answer", "kind.yaml:26: clocks.1.id: answer is used twice"),
        (
            '["09:00-12:00", "14:00-18:00"]',
            '["09:00-12:00", "11:00-18:00"]',
            "kind.yaml:35: working_hours.1: starts before the one above has ended",
        ),
        (
            '["09:00-12:00", "14:00-18:00"]',
            "[9-12]",
            "kind.yaml:35: working_hours.0: '9-12': write it as 09:00-12:00",
        ),
        (
            "[ordinary, urgent]",
            "[ordinary, urgent, urgent]",
            "kind.yaml:4: severities: names one twice",
        ),
        (
            "evidence: {photo: 1}",
            "evidence: {}",
            "kind.yaml:34: closing.evidence: Dictionary should have at least 1 item after "
            "validation, not 0",
        ),
        (
            "legal_basis",
            "legalbasis",
            "kind.yaml:32: clocks.1.legalbasis: unknown key; did you mean legal_basis?",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(town: Any, old: str, new: str, finding: str) -> None:
    assert old in town.kind_yaml
    assert finding in _refusal(town.kind_yaml.replace(old, new))


def test_a_stage_that_no_case_reaches_is_named(town: Any) -> None:
    findings = _refusal(town.kind_yaml.replace("  file: {from: VERIFIED, by: desk}\n", ""))
    assert findings[0] == (
        "kind.yaml:7: steps.dispatch: starts from DISPATCHED, where no case of this kind can ever "
        "be"
    )
    assert "kind.yaml:5: steps: no step leads out of VERIFIED" in findings


def test_there_is_no_way_around_the_check(town: Any) -> None:
    old, new = "close: {from: CHECKED,", "close: {from: FED_BACK,"
    assert "kind.yaml:17: steps.close: cannot start from FED_BACK; it can from CHECKED" in _refusal(
        town.kind_yaml.replace(old, new)
    )


def test_working_hours_must_be_said_where_they_are_counted(town: Any) -> None:
    lines = [line for line in town.kind_yaml.splitlines() if "working_hours" not in line]
    raw = "\n".join(lines).replace("limit: 30 minutes", "limit: 90 working minutes")
    assert _refusal(raw) == [
        "kind.yaml:25: clocks.0.limit: 90 working minutes need working_hours in this file"
    ]


@given(
    st.integers(1, 99_999), st.sampled_from(["minute", "hour", "working minute", "working hour"])
)
def test_spans_are_read_and_written(amount: int, unit: str) -> None:
    span = parse_span(f"{amount} {unit}s")
    assert span is not None
    assert parse_span(str(span)) == span
    assert span.amount == amount * (60 if unit.endswith("hour") else 1)


@given(st.text(max_size=30))
def test_other_texts_are_no_spans(text: str) -> None:
    assert parse_span(f"x{text}") is None
    assert parse_office_hours(f"x{text}") is None


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(town: Any, data: st.DataObject) -> None:
    lines = town.kind_yaml.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    words = st.sampled_from(["[]", "{}", "NEW", "CLOSED", "null", "-1", "escalate:", "stated", ""])
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(lines[at]))] * 2)))
    lines[at] = lines[at][:start] + data.draw(words | st.text(max_size=5)) + lines[at][end:]
    with suppress(DocumentError):
        kind = parse_case_kind("\n".join(lines).encode(), file="kind.yaml")
        assert draw_kind(kind).startswith("stateDiagram-v2")
        assert any(kind.ways_from(Stage.NEW))


def test_the_life_of_a_kind_is_drawn(kind: CaseKind) -> None:
    drawing = draw_kind(kind, language="zh").splitlines()
    assert drawing[:3] == ["stateDiagram-v2", "    direction LR", "    [*] --> NEW"]
    assert '    state "发现" as NEW' in drawing
    assert "    NEW --> VERIFIED : verify (desk)" in drawing
    assert "    FED_BACK --> IN_HAND : check (checker), not good" in drawing
    assert "    SUSPENDED --> IN_HAND : resume (dispatcher)" in drawing
    assert drawing[-2:] == ["    CLOSED --> [*]", "    RATED --> [*]"]


def test_the_page_on_cases_shows_a_kind_that_is_read_and_drawn() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "cases.md").read_text(encoding="utf-8")
    (raw,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (drawing,) = re.findall(r"```mermaid\n(.*?)```", page, re.DOTALL)
    assert drawing == draw_kind(parse_case_kind(raw.encode(), file="cases.md"))
