"""Holds what an example expects against what a city came to, and says every difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from shuzhi.act.cases import CaseFile, CaseId
from shuzhi.decide.rules import Warning
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, to_instant
from shuzhi.packs.examples.model import Example, ExpectedCase, ExpectedWarning
from shuzhi.packs.examples.tables import TextTable

Wanted = TypeVar("Wanted")
Found = TypeVar("Found")
# Sums of floats differ in their last digits with the order of their terms.
_CLOSE = Decimal("1e-9")


@dataclass(frozen=True)
class Seen:
    """What a city came to: its warnings and cases in order, rows, what was kept out, values.

    `messages` tells what a warning says, by language; `refused` the acts that were refused (or not)
    otherwise than the example expects, in words.
    """

    warnings: tuple[Warning, ...] = ()
    messages: Mapping[str, Callable[[Warning], str]] = field(default_factory=dict)
    cases: tuple[CaseFile, ...] = ()
    candidates: Mapping[CaseId, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    indicators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the example says; None where there is nothing on that side."""

    what: str
    expected: str | None
    found: str | None

    def __str__(self) -> str:
        return (
            f"{self.what}: expected {self.expected or 'nothing'}, found {self.found or 'nothing'}"
        )


def differences(example: Example, seen: Seen) -> tuple[Difference, ...]:
    """Return everything that is not as the example says."""
    then = example.then
    found: list[Difference] = [Difference("run", None, trouble) for trouble in seen.troubles]
    if then.warnings is not None:
        found += _warnings(example, then.warnings, seen)
    if then.cases is not None:
        found += _cases(example, then.cases, seen)
    for name, table in then.rows.items():
        found += _rows(example, name, table, seen.rows.get(name, ()))
    for name, count in then.quarantined.items():
        found += _values(f"quarantined.{name}", count, seen.quarantined.get(name, 0), example.zone)
    for name, groups in then.indicators.items():
        found += _groups(example, name, groups, seen.indicators.get(name, {}))
    return tuple(found)


def same(expected: Any, found: Any, zone: str) -> bool:
    """Tell whether two values mean the same: numbers by value, times as instants, else as texts.

    A time without an offset is one of `zone`.
    """
    if expected is None or found is None:
        return expected is found
    for read in (_flag, _number, lambda value: _time(value, zone)):
        left, right = read(expected), read(found)
        if left is not None and right is not None:
            return left == right or _is_close(left, right)
    return str(expected) == str(found)


def _is_close(left: object, right: object) -> bool:
    if not isinstance(left, Decimal) or not isinstance(right, Decimal):
        return False
    return abs(left - right) <= _CLOSE * max(abs(left), abs(right))


def _flag(value: Any) -> bool | None:
    text = str(value).lower()
    return text == "true" if text in ("true", "false") else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, (date, bool)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _time(value: Any, zone: str) -> datetime | None:
    try:
        moment = (
            value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        )
        return to_instant(moment, zone=zone)
    except (ValueError, RefusedError):
        return None


def _values(what: str, expected: Any, found: Any, zone: str) -> Iterator[Difference]:
    if not same(expected, found, zone):
        yield Difference(what, _shown(expected), _shown(found))


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return "no value" if value is None else str(value)


def _warnings(
    example: Example, expected: Sequence[ExpectedWarning], seen: Seen
) -> Iterator[Difference]:
    def unlike(wanted: ExpectedWarning, found: Warning) -> list[Difference]:
        return list(_of_warning(example, wanted, found, seen.messages))

    yield from _paired(
        expected,
        seen.warnings,
        unlike,
        lambda e, w: e.rule == w.rule_id,
        lambda e: f"warning of {e.rule} {_plain(e.facts)}",
        lambda w: f"warning of {w.rule_id} {_plain(w.facts)} ({w.severity.value})",
    )


def _of_warning(
    example: Example,
    wanted: ExpectedWarning,
    found: Warning,
    messages: Mapping[str, Callable[[Warning], str]],
) -> Iterator[Difference]:
    what = f"warning of {wanted.rule}"
    pairs: list[tuple[str, Any, Any]]
    pairs = [("severity", wanted.severity, found.severity), ("count", wanted.count, found.count)]
    pairs += [("at", _instant(example, wanted.at), found.at)]
    pairs += [("party", wanted.party, found.party)] if "party" in wanted.model_fields_set else []
    for name, left, right in pairs:
        if left is not None or name == "party":
            yield from _values(f"{what}: {name}", left, right, example.zone)
    for name, value in wanted.facts.items():
        yield from _values(f"{what}: {name}", value, found.facts.get(name), example.zone)
    for language in ("zh", "en") if wanted.message else ():
        said = messages[language](found)
        yield from _values(
            f"{what}: message.{language}", getattr(wanted.message, language), said, example.zone
        )


def _cases(example: Example, expected: Sequence[ExpectedCase], seen: Seen) -> Iterator[Difference]:
    yield from _paired(
        expected,
        seen.cases,
        lambda e, f: [*_of_case(example, e, f), *_causes(e, seen.candidates.get(f.case.id, ()))],
        lambda e, f: e.kind == f.case.kind,
        lambda e: f"case of {e.kind}",
        lambda f: f"case {f.case.id} of {f.case.kind} ({f.case.stage}, {f.case.title})",
    )


def _of_case(example: Example, wanted: ExpectedCase, file: CaseFile) -> Iterator[Difference]:
    case, what = file.case, f"case of {wanted.kind}"
    names = ("stage", "severity", "responsible", "escalated_to", "reports", "title", "outcome")
    for name in names:
        if name in wanted.model_fields_set:
            yield from _values(
                f"{what}: {name}", getattr(wanted, name), getattr(case, name), example.zone
            )
    texts = [str(step.facts.get("text", "")) for step in file.steps]
    if wanted.told is not None and not any(wanted.told in text for text in texts):
        yield Difference(f"{what}: told", wanted.told, " / ".join(filter(None, texts)))
    readings = {reading.clock: reading for reading in file.readings if reading.round == case.round}
    for clock, expected in wanted.clocks.items():
        reading = readings.get(clock)
        if reading is None:
            yield Difference(f"{what}: clock {clock}", "to have run", "that it never ran")
            continue
        if expected.due is not None:
            due = example.instant(expected.due)
            yield from _values(f"{what}: clock {clock} due", due, reading.due_at, example.zone)
        if expected.is_late is not None:
            yield from _values(
                f"{what}: clock {clock} late", expected.is_late, reading.is_late, example.zone
            )


def _causes(wanted: ExpectedCase, found: tuple[str, ...]) -> Iterator[Difference]:
    if wanted.candidates is not None and wanted.candidates != found:
        what = f"case of {wanted.kind}: candidates"
        yield Difference(what, ", ".join(wanted.candidates), ", ".join(found))


def _groups(
    example: Example, name: str, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Difference]:
    for group, value in expected.items():
        number, there = _number(value), found.get(group)
        if number is not None and isinstance(there, Decimal):
            # A value is stated to as many places as matter.
            there = round(there, max(0, -int(number.as_tuple().exponent)))
        yield from _values(f"indicators.{name}: {group}", value, there, example.zone)


def _rows(
    example: Example, name: str, expected: TextTable, found: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    def unlike(wanted: tuple[str | None, ...], row: Mapping[str, Any]) -> list[Difference]:
        cells = zip(expected.columns, wanted, strict=True)
        return [
            d
            for c, value in cells
            for d in _values(f"rows.{name}.{c}", value, row.get(c), example.zone)
        ]

    def shown(row: Mapping[str, Any]) -> str:
        return ", ".join(_shown(row.get(c)) for c in expected.columns)

    yield from _paired(
        expected.rows,
        found,
        unlike,
        lambda wanted, row: same(wanted[0], row.get(expected.columns[0]), example.zone),
        lambda wanted: f"row of {name}: {', '.join(c or '' for c in wanted)}",
        lambda row: f"row of {name}: {shown(row)}",
    )


def _paired(
    expected: Sequence[Wanted],
    found: Sequence[Found],
    unlike: Callable[[Wanted, Found], list[Difference]],
    is_kin: Callable[[Wanted, Found], bool],
    name_wanted: Callable[[Wanted], str],
    name_found: Callable[[Found], str],
) -> Iterator[Difference]:
    """Pair what agrees, then what is of one kind; say how pairs differ and what has no pair."""
    left, rest = list(found), list[Wanted]()
    for wanted in expected:
        twin = next((f for f in left if is_kin(wanted, f) and not unlike(wanted, f)), None)
        if twin is None:
            rest.append(wanted)
        else:
            left.remove(twin)
    for wanted in rest:
        kin = next((f for f in left if is_kin(wanted, f)), None)
        if kin is None:
            yield Difference(name_wanted(wanted), "it", None)
        else:
            left.remove(kin)
            yield from unlike(wanted, kin)
    for extra in left:
        yield Difference(name_found(extra), None, "it")


def _instant(example: Example, moment: datetime | None) -> Instant | None:
    return None if moment is None else example.instant(moment)


def _plain(facts: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {_shown(value)}" for name, value in facts.items()) + "}"
