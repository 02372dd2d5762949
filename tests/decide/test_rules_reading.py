"""A rule's file: read strictly, refused with the line of everything that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.decide.rules import OfColumn, RowRule, Severity, SilenceRule, parse_rule
from shuzhi.decide.rules.row_sql import bound
from shuzhi.kernel.documents import DocumentError

_OF_ALL_RULES = ("id", "title", "dataset", "event_time", "severity", "merge_within", "owner")
NEW = "SELECT station, value FROM new"
PAST = (
    "SELECT station FROM new WHERE value > (SELECT {} FROM past{} WHERE past.station = new.station)"
)


def problems(bench: Any, name: str = "high_value", **changes: str) -> list[str]:
    with pytest.raises(DocumentError) as refusal:
        bench.rule(name, **changes)
    assert refusal.value.code == "decide.bad_rule"
    return [finding.problem for finding in refusal.value.findings]


def test_a_rule_over_rows_is_read(bench: Any) -> None:
    rule = bench.rule("over_limit", responsible="{column: station}", severity="{column: value}")
    assert isinstance(rule, RowRule)
    assert (rule.legal_basis, rule.case_kind, rule.look_back) == ("air_limit", "pollution", None)
    assert (rule.party, rule.severity) == (OfColumn("station"), OfColumn("value"))


def test_a_rule_over_silence_is_read(bench: Any) -> None:
    rule = bench.rule("dead_station", severity="Moderate")
    assert isinstance(rule, SilenceRule)
    assert (rule.per, rule.value, rule.severity) == (("station",), "value", Severity.YELLOW)


def test_another_wording_is_another_digest(bench: Any) -> None:
    one, same = bench.rule("high_value"), bench.rule("high_value")
    other = bench.rule("high_value", values="{most: 101}")
    assert one.digest == same.digest
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT station FROM secrets", "it reads secrets, which is not declared"),
        ("SELECT station FROM past", "it reads past, which is not declared"),
        (f"{NEW} JOIN other ON true", "it reads other, which is not declared"),
        ("SELECT station FROM main.new", "which is not declared"),
        ("SELECT a FROM read_csv('/etc/passwd')", ""),
        ("SELECT getenv('HOME') AS home FROM new", "the function getenv"),
        (f"{NEW}; DROP TABLE new", "one SELECT is needed"),
        ("DELETE FROM new", "one SELECT is needed"),
        (f"{NEW} WHERE value > :least", "no value is called :least"),
        (f"{NEW} WHERE value > :limit", "no value is called :limit"),
        (f"{NEW} GROUP BY station, value", "it has GROUP BY"),
        (f"{NEW} ORDER BY value", "it has ORDER BY"),
        (f"{NEW} LIMIT 5", "it has LIMIT"),
        ("SELECT DISTINCT station FROM new", "it has DISTINCT"),
        (f"WITH a AS ({NEW}) SELECT station FROM a", "it does not read FROM new"),
        (f"{NEW} UNION ALL {NEW}", "it is a union of queries"),
        ("SELECT COUNT(*) AS n FROM new", "depends on other new rows"),
        ("SELECT LAG(value) OVER (ORDER BY value) AS v FROM new", "depends on other new rows"),
        (f"{NEW} WHERE value = (SELECT MAX(value) FROM new)", "it reads new twice"),
        ("SELECT a.station FROM new AS a JOIN new AS b ON true", "it reads new twice"),
        ("SELECT * FROM new", "is no named column"),
        ("SELECT value + 1 FROM new", "is no named column"),
        ("SELECT station, value AS station FROM new", "two columns are called station"),
        ("SELECT value FROM new", "'station' is no column of the answer: value"),
    ],
)
def test_sql_that_does_not_judge_row_by_row_is_refused(bench: Any, sql: str, problem: str) -> None:
    assert any(problem in found for found in problems(bench, sql=sql))


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT station FROM new JOIN past ON true", "past stands outside a sub-query"),
        (PAST.format("MAX(past.value)", " LEFT JOIN past AS b ON true"), "past stands in an outer"),
        (PAST.format("ROW_NUMBER() OVER (ORDER BY past.value)", ""), "depends on other new rows"),
        (PAST.format("past.value", "") + " ORDER BY station", "it has ORDER BY"),
    ],
)
def test_the_past_is_asked_in_one_way(bench: Any, sql: str, problem: str) -> None:
    assert any(problem in found for found in problems(bench, sql=sql, look_back="1 hour"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"severity": "purple"}, "'purple' is no severity"),
        ({"severity": "{column: colour}"}, "'colour' is no column of the answer"),
        ({"merge_within": "soon"}, "'soon' is no span of time"),
        ({"merge_within": "0 hours"}, "is no span of time"),
        ({"dataset": "Not a name"}, ""),
        ({"owner": "Not a party"}, ""),
        ({"colour": "red"}, "unknown key; remove it or correct its spelling"),
        ({"values": "{limit: 3}", "legal_basis": "x"}, "is the name of what `legal_basis` sets"),
        ({"limits": "{max_seconds: 3600}"}, ""),
        ({"silence": "{after: 1h, every: 1h}"}, "a rule has either `sql` or `silence`"),
    ],
)
def test_a_key_that_means_nothing_is_refused(
    bench: Any, changes: dict[str, str], problem: str
) -> None:
    assert any(problem in found for found in problems(bench, **changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"merge_within": "5 minutes"}, "is shorter than silence.every"),
        ({"look_back": "1 hour"}, "belongs to `sql`; a silence has `after`"),
        ({"values": "{a: 1}"}, "takes neither `legal_basis` nor `values`"),
        ({"silence": "{per: [station], after: 1h, every: 1h}"}, "is missing: a query that lists"),
        ({"reads": "[]"}, "it reads stations, which is not declared"),
        (
            {
                "silence": "{per: [station], expected: SELECT district FROM stations, "
                "after: 1h, every: 1h}"
            },
            "and station must be among them",
        ),
    ],
)
def test_a_silence_that_means_nothing_is_refused(
    bench: Any, changes: dict[str, str], problem: str
) -> None:
    assert any(problem in found for found in problems(bench, "dead_station", **changes))


def test_a_finding_stands_at_the_line_of_the_sql(bench: Any) -> None:
    text = bench.rule_text("high_value", sql="|\n  SELECT station, value\n  FROM new, secrets")
    with pytest.raises(DocumentError) as refusal:
        parse_rule(text.encode(), file="rules/it.yaml")
    (finding,) = refusal.value.findings
    assert text.splitlines()[finding.line - 1] == "  FROM new, secrets"
    assert (finding.file, finding.path) == ("rules/it.yaml", "sql")


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=80))
def test_a_text_of_any_kind_is_taken_as_a_value_and_not_as_sql(text: str) -> None:
    rule = parse_rule(
        b"id: it\ntitle: {zh: a, en: a}\ndataset: d\nevent_time: t\nseverity: red\n"
        b"values: {word: x}\nmerge_within: 1h\nowner: city\n"
        b"sql: SELECT station FROM new WHERE station = :word\n",
        file="it.yaml",
    )
    assert isinstance(rule, RowRule)
    other = replace(rule, values={"word": text})
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE new (station VARCHAR, __time TIMESTAMPTZ)")
        connection.execute("INSERT INTO new VALUES (?, NULL)", [text])
        assert connection.execute(bound(other, None)).fetchone() == (text, None)


def test_the_example_in_the_manual_is_a_rule() -> None:
    manual = Path(__file__).parents[2] / "docs" / "rules.md"
    head, silence = manual.read_text(encoding="utf-8").split("```yaml\n")[1:3]
    example = head.partition("```")[0]
    assert isinstance(parse_rule(example.encode(), file="rules.md"), RowRule)
    kept = [line for line in example.splitlines() if line.split(":")[0] in _OF_ALL_RULES]
    text = "\n".join([*kept, "reads: [air_stations]", silence.partition("```")[0]])
    assert isinstance(parse_rule(text.encode(), file="rules.md"), SilenceRule)
