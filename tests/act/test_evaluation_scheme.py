"""The YAML of a scheme: what is declared, and what is refused with file and line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.act.evaluation import EvaluationError, Scheme, Term, parse_scheme, read_scheme
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Law
from shuzhi.kernel.party import Level

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "src/shuzhi_packs/city_evaluation/evaluation"
SCHEME = """
id: closing
title: {zh: 结案, en: Closing}
period: month
levels: [town]
least_weight: 0.5
measures:
  - id: closing_rate
    title: {zh: 结案率, en: Closing rate}
    formula: {zh: 结案数 ÷ 应结案数, en: closed / due}
    of: cases
    only: [river_pollution]
    numerator: closed
    denominator: due
    weight: 1
    best: 1
    worst: 0.6
    least: 2
    gaming: {zh: 草率结案, en: closing without care}
    beside: [reopening_rate]
beside:
  - id: reopening_rate
    title: {zh: 重开率, en: Reopening rate}
    formula: {zh: 重开数 ÷ 结案数, en: reopened / closed}
    of: cases
    numerator: reopened
    denominator: closed_in_period
appeal:
  raise_within: {working_days: 5, verified: false, note: our own}
  decide_within: {law: appeal_decision}
"""
LAW = """
title: Appeals
source: a rule of the city, not checked
parameters:
  - id: appeal_decision
    legal_basis: {law: City rule, article: "7"}
    description: {zh: 申诉答复期限, en: Time to decide an appeal}
    unit: working_days
    values:
      - {from: 2025-01-01, value: 15, verified: false, note: nobody has read it}
      - {from: 2026-01-01, value: 10, verified: true}
  - id: retention
    legal_basis: {law: City rule, article: "8"}
    description: {zh: 保存期, en: Time to keep}
    unit: years
    values: [{from: 2025-01-01, value: 3, verified: true}]
"""


def _refused(text: str) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        parse_scheme(text.encode(), file="closing.yaml")
    assert refused.value.code in ("act.bad_scheme", "kernel.bad_document")
    return [str(finding) for finding in refused.value.findings]


@pytest.fixture
def law(tmp_path: Path) -> Law:
    (tmp_path / "appeals.yaml").write_text(LAW, encoding="utf-8")
    return Law.load(tmp_path / "appeals.yaml")


def test_a_scheme_says_measures_weights_anchors_and_counter_numbers() -> None:
    scheme = parse_scheme(SCHEME.encode(), file="closing.yaml")
    rate = scheme.measure("closing_rate")
    assert (scheme.levels, scheme.text) == ((Level.TOWN,), SCHEME)
    assert (rate.weight, rate.best, rate.worst, rate.least) == (
        1,
        1,
        Decimal("0.6"),
        2,
    )
    assert (rate.only, rate.beside) == (("river_pollution",), ("reopening_rate",))
    assert not scheme.measure("reopening_rate").is_scored


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("numerator: closed", "numerator: done", ":13: measures.0.numerator: 'done' is no count"),
        ("of: cases\n    only", "of: smells\n    only", ":11: measures.0.of"),
        ("denominator: closed_in_period", "denominator: x", ":27: beside.0.denominator"),
        ("worst: 0.6", "worst: 1", ":16: measures.0.best: is the same as worst"),
        ("beside: [reopening_rate]", "beside: [x]", ":20: measures.0.beside: x is no counter"),
        ("    beside: [reopening_rate]\n", "", ":8: measures.0.beside: Field required"),
        ("    gaming: {zh: 草率结案, en: closing without care}\n", "", "measures.0.gaming"),
        ("    beside: [reopening_rate]", "    beside: []", "measures.0.beside"),
        ("id: reopening_rate", "id: closing_rate", ":22: beside.0.id: closing_rate is used twice"),
        ("weight: 1", "weight: 0", ":15: measures.0.weight"),
        ("least: 2", "least: 0", ":18: measures.0.least"),
        ("levels: [town]", "levels: [town, town]", ":5: levels: names one twice"),
        ("levels: [town]", "levels: [village]", ":5: levels.0"),
        ("period: month", "period: day", ":4: period"),
        ("period: month", "period: month\ncolour: red", ":5: colour: unknown key"),
        ("working_days: 5, ", "", "appeal.raise_within: needs either working_days or law"),
        (", note: our own", "", "appeal.raise_within: is unverified without a note"),
        ("verified: false, note: our own", "verified: true", "without a legal_basis"),
        (", verified: false, note: our own", "", "must say verified"),
        ("{law: appeal_decision}", "{law: a, working_days: 3}", "needs either"),
        ("{law: appeal_decision}", "{law: a, verified: true}", "says basis and verified itself"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, finding: str) -> None:
    assert old in SCHEME
    findings = _refused(SCHEME.replace(old, new))
    assert any(finding in each for each in findings), findings


def test_a_counter_number_that_nobody_shows_is_named() -> None:
    head, tail = SCHEME.split("appeal:")
    extra = head[head.index("  - id: reopening_rate") :].replace("reopening_rate", "unseen")
    assert ":28: beside.1.id: no measure shows it" in _refused(f"{head}{extra}appeal:{tail}")[0]


def test_the_schemes_of_the_pack_are_read_and_each_measure_says_how_it_is_gamed() -> None:
    schemes = [read_scheme(path) for path in sorted(PACK.glob("*.yaml"))]
    assert [s.id for s in schemes] == ["case_handling", "data_duties"]
    measures = [m for s in schemes for m in s.measures]
    assert all(m.gaming and m.gaming.zh and m.gaming.en and m.beside for m in measures)
    assert not any(t.is_verified for s in schemes for t in (s.raise_within, s.decide_within))


def test_a_term_of_law_is_that_of_its_day(law: Law) -> None:
    term = parse_scheme(SCHEME.encode(), file="closing.yaml").decide_within
    before, now = term.on(date(2025, 12, 31), law), term.on(date(2026, 1, 1), law)
    assert (before.days, before.is_verified) == (15, False)
    assert (now.days, now.is_verified, now.legal_basis) == (10, True, "City rule 7")


def test_a_law_that_counts_no_working_days_is_refused(law: Law) -> None:
    with pytest.raises(EvaluationError) as refused:
        Term(None, "retention").on(date(2026, 1, 1), law)
    assert refused.value.code == "act.bad_scheme"
    with pytest.raises(RefusedError) as unknown:
        Term(None, "nothing").on(date(2026, 1, 1), law)
    assert unknown.value.code == "kernel.law_unknown"


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(SCHEME.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        scheme = parse_scheme(bytes(raw), file="closing.yaml")
    except DocumentError as error:
        assert error.findings
    else:
        assert isinstance(scheme, Scheme)
        assert parse_scheme(scheme.text.encode(), file="closing.yaml") == scheme
