"""sql: what rules and indicators share of asking the lake with SQL that a pack wrote."""

from shuzhi.decide.sql.by_date import Dated, by_day, by_instant, dated, moment
from shuzhi.decide.sql.facts import fact
from shuzhi.decide.sql.reading import parsed, problem_of, require_reads
from shuzhi.gather.lake.asking import UNREADABLE, Asker, Failure, ask, failure_of
from shuzhi.kernel.spans import parse_span, span_text

__all__ = [
    "UNREADABLE",
    "Asker",
    "Dated",
    "Failure",
    "ask",
    "by_day",
    "by_instant",
    "dated",
    "fact",
    "failure_of",
    "moment",
    "parse_span",
    "parsed",
    "problem_of",
    "require_reads",
    "span_text",
]
