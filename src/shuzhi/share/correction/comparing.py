"""One source per datum (一数一源): what several departments hold, and whether they say the same.

A comparison reads both data sets inside of what the asker may see of them, and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Allowed, Refusal, ask
from shuzhi.share.correction.errors import CorrectionError
from shuzhi.share.forms import Source, all_sources, column_datum, meaning_datum
from shuzhi.share.forms.holdings import Held, holdings
from shuzhi.share.forms.sources import Standing

_DIALECT = "duckdb"
_HERE, _THERE = "here", "there"


@dataclass(frozen=True)
class Conflict:
    """A datum that more than one department holds or collects; `lead` is None until one is named.

    `held` are the columns of that meaning with their providers.
    """

    datum: str
    held: tuple[Held, ...]
    sources: tuple[Source, ...]
    lead: PartyId | None

    @property
    def parties(self) -> tuple[PartyId, ...]:
        """Everybody who holds or collects it, once each."""
        providers = [held.provider for held in self.held if held.provider is not None]
        return tuple(dict.fromkeys([*providers, *(s.party for s in self.sources)]))


def conflicts(control: Control) -> tuple[Conflict, ...]:
    """Return every datum that has more than one source, those without a lead first."""
    held: dict[str, list[Held]] = {}
    for column in holdings(control).columns:
        datum = column_datum(column.dataset, column.column)
        datum = datum if column.meaning is None else meaning_datum(column.meaning)
        held.setdefault(datum, []).append(column)
    registered: dict[str, list[Source]] = {}
    for source in all_sources(control):
        registered.setdefault(source.datum, []).append(source)
    found = [
        Conflict(datum, tuple(held.get(datum, ())), tuple(known), _lead(known))
        for datum in sorted(held.keys() | registered.keys())
        for known in [registered.get(datum, [])]
    ]
    several = [conflict for conflict in found if len(conflict.parties) > 1]
    return tuple(sorted(several, key=lambda c: (c.lead is not None, c.datum)))


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a column, found by `key`, inside of what is allowed."""

    allowed: Allowed
    key: tuple[str, ...]
    column: str


@dataclass(frozen=True)
class Example:
    """A key under which the two differ, or that one of them lacks; values as texts."""

    key: tuple[str | None, ...]
    here: str | None
    there: str | None


@dataclass(frozen=True)
class Comparison:
    """How two columns stand to each other, counted in keys, with examples of what is not equal.

    `here_version` and `there_version` are the versions that were compared.
    """

    equal: int
    differs: int
    only_here: int
    only_there: int
    here_version: int
    there_version: int
    differing: tuple[Example, ...]
    lacking: tuple[Example, ...]


def compare(lake: Lake, here: Side, there: Side, *, examples: int = 20) -> Comparison | Refusal:
    """Compare two columns key by key. Missing values count as values; missing keys are left out.

    Of a key that stands twice in a data set every row counts.

    Raises:
        CorrectionError: `share.not_comparable` for keys of unequal length or one data set.
        BrokenError: as `access.ask`.
    """
    if len(here.key) != len(there.key) or here.allowed.dataset == there.allowed.dataset:
        raise CorrectionError(
            "share.not_comparable",
            "Two data sets are compared, by keys of as many columns.",
            next_step="Name two data sets and as many columns of a key for each.",
        )
    names = [str(side.allowed.dataset) for side in (here, there)]
    versions = {name: lake.version(name) for name in names}
    answers = [
        ask(lake, [here.allowed, there.allowed], sql, city_key=b"", versions=versions)
        for sql in _questions(here, there, examples)
    ]
    counted, *lists = answers
    if isinstance(counted, Refusal):
        return counted
    counts = dict(zip(*(counted.column(i).to_pylist() for i in range(2)), strict=True))
    numbers = [counts.get(what, 0) for what in ("equal", "differs", "only_here", "only_there")]
    shown: list[tuple[Example, ...]] = []
    for answer in lists:
        if isinstance(answer, Refusal):
            return answer
        shown.append(_examples(answer, len(here.key)))
    return Comparison(*numbers, *versions.values(), *shown)


def _lead(known: Sequence[Source]) -> PartyId | None:
    return next((s.party for s in known if s.standing is Standing.LEAD), None)


def _questions(here: Side, there: Side, examples: int) -> tuple[str, ...]:
    """Return the SQL that counts, and that which shows what differs and what is lacking."""
    outcome = _outcome(here, there)
    both = _joined(here, there, [exp.alias_(outcome, "outcome")])
    counting = (
        exp.select("outcome", exp.alias_(exp.Count(this=exp.Star()), "n"))
        .from_(both.subquery("compared"))
        .group_by("outcome")
    )
    shown = [
        exp.alias_(exp.Coalesce(this=_text(_HERE, a), expressions=[_text(_THERE, b)]), f"k{place}")
        for place, (a, b) in enumerate(zip(here.key, there.key, strict=True))
    ]
    shown += [exp.alias_(_text(_HERE, here.column), "here_value")]
    shown += [exp.alias_(_text(_THERE, there.column), "there_value")]
    listing = _joined(here, there, [*shown, exp.alias_(outcome.copy(), "outcome")])
    keys = [f"k{place}" for place in range(len(here.key))]

    def those(*outcomes: str) -> exp.Select:
        is_one = exp.column("outcome").isin(*(exp.Literal.string(o) for o in outcomes))
        columns = [*keys, "here_value", "there_value"]
        listed = exp.select(*columns).from_(listing.copy().subquery("compared")).where(is_one)
        return listed.order_by(*keys).limit(examples)

    asked = (counting, those("differs"), those("only_here", "only_there"))
    return tuple(query.sql(_DIALECT) for query in asked)


def _joined(here: Side, there: Side, shown: Sequence[exp.Expr]) -> exp.Select:
    is_same = exp.and_(
        *(
            exp.EQ(this=_text(_HERE, a), expression=_text(_THERE, b))
            for a, b in zip(here.key, there.key, strict=True)
        )
    )
    return (
        exp.select(*shown)
        .from_(_table(here, _HERE))
        .join(_table(there, _THERE), on=is_same, join_type="full outer")
    )


def _outcome(here: Side, there: Side) -> exp.Case:
    value_here, value_there = _text(_HERE, here.column), _text(_THERE, there.column)
    same = exp.NullSafeEQ(this=value_here, expression=value_there)
    return (
        exp.case()
        .when(_is_null(_HERE, here.key[0]), exp.Literal.string("only_there"))
        .when(_is_null(_THERE, there.key[0]), exp.Literal.string("only_here"))
        .when(same, exp.Literal.string("equal"))
        .else_(exp.Literal.string("differs"))
    )


def _is_null(table: str, column: str) -> exp.Expr:
    return exp.Is(this=_column(table, column), expression=exp.Null())


def _text(table: str, column: str) -> exp.Expr:
    return exp.cast(_column(table, column), "TEXT")


def _column(table: str, column: str) -> exp.Expr:
    return exp.column(exp.to_identifier(column, quoted=True), table=table)


def _table(side: Side, alias: str) -> exp.Expr:
    name = exp.to_identifier(str(side.allowed.dataset), quoted=True)
    return exp.alias_(exp.Table(this=name), alias, table=True)


def _examples(answer: pa.Table, width: int) -> tuple[Example, ...]:
    rows = zip(*(column.to_pylist() for column in answer.columns), strict=True)
    return tuple(Example(tuple(row[:width]), *row[width:]) for row in rows)
