"""The burden meter: how many minutes each demand costs whom, measured or as declared.

Pure arithmetic over forms as they stood, fillings and parties. A filling that was started and
handed in counts with the minutes that it took; everything else with the minutes that the form
declares for the fields which it asks, and is told apart as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shuzhi.kernel.ids import PartyId
from shuzhi.share.forms.model import Filling, FormField, FormId, Registered, Verdict

# A filling that lay open longer than a working day was not worked on all the time.
MOST_MINUTES = 480.0


class Axis(StrEnum):
    """By what demands are added up."""

    FORM = "form"
    OWNER = "owner"
    PARTY = "party"
    MONTH = "month"


@dataclass(frozen=True)
class Version:
    """A form as it stood from a day on."""

    since: date
    held: Registered


@dataclass(frozen=True)
class Record:
    """Everything about one form that its burden follows from: versions in order, the first first.

    `parties` fill it in; `fillings` are those of the days that count. `ends_on` is the first day
    on which it is not due any more, None while it stands.
    """

    versions: tuple[Version, ...]
    parties: tuple[PartyId, ...]
    fillings: tuple[Filling, ...] = ()
    ends_on: date | None = None


@dataclass(frozen=True)
class Demand:
    """A form that is due once from one party, or from `times` citizens or companies (no party).

    `minutes` is what it costs, of which `measured` were taken from fillings; `saved` is what the
    form would cost more if it asked what the platform holds. Saved minutes are always declared.
    """

    form: FormId
    owner: PartyId
    party: PartyId | None
    due_on: date
    times: int
    minutes: float
    measured: float
    saved: float


@dataclass(frozen=True)
class Burden:
    """The demands of one form, owner, party or month, added up; minutes as in `Demand`."""

    key: str
    times: int
    minutes: float
    measured: float
    saved: float

    @property
    def measured_share(self) -> float | None:
        """Which part of the minutes was measured, 0 to 1; None where there are none."""
        return self.measured / self.minutes if self.minutes else None


_KEYS: Mapping[Axis, Callable[[Demand], str]] = {
    Axis.FORM: lambda d: d.form,
    Axis.OWNER: lambda d: d.owner,
    # What citizens and companies do is nobody's in the organisation.
    Axis.PARTY: lambda d: d.party or "",
    Axis.MONTH: lambda d: f"{d.due_on:%Y-%m}",
}


def declared_minutes(held: Registered) -> float:
    """Return how long the form takes, by what it declares of the fields that it asks."""
    asked = sum(_asked_minutes(held, field) for field in held.form.fields)
    return asked + sum(paper.minutes for paper in held.form.attachments)


def saved_minutes(held: Registered) -> float:
    """Return how much longer the form would take if it asked what the platform holds."""
    form = held.form
    return sum(form.minutes_of(f) - _asked_minutes(held, f) for f in form.fields)


def demands(record: Record, start: date, end: date) -> Iterator[Demand]:
    """Yield what a form demands from `start` to before `end`, day by day and party by party."""
    schedule = record.versions[-1].held.form.schedule
    last = end if record.ends_on is None else min(end, record.ends_on)
    filled: dict[tuple[date, PartyId | None], list[float]] = {}
    for filling in record.fillings:
        minutes = filling.minutes
        if minutes is not None and minutes <= MOST_MINUTES:
            filled.setdefault((filling.due_on, filling.party), []).append(minutes)
    for day in schedule.due_days(start, last):
        held = _standing(record.versions, day)
        for party, times in _askers(record, held):
            yield _demand(held, party, day, times, filled.get((day, party), []))


def added_up(found: Iterable[Demand], axis: Axis) -> tuple[Burden, ...]:
    """Return demands added up along an axis: the most costly first, months in their order."""
    sums: dict[str, list[float]] = {}
    for demand in found:
        key = _KEYS[axis](demand)
        new = (demand.times, demand.minutes, demand.measured, demand.saved)
        sums[key] = [a + b for a, b in zip(sums.get(key, [0.0] * 4), new, strict=True)]
    burdens = [Burden(key, int(times), *rest) for key, (times, *rest) in sums.items()]
    if axis is Axis.MONTH:
        return tuple(sorted(burdens, key=lambda b: b.key))
    return tuple(sorted(burdens, key=lambda b: (-b.minutes, b.key)))


def _asked_minutes(held: Registered, field: FormField) -> float:
    verdict = held.judgement(field.name).verdict
    if not verdict.is_asked:
        return 0.0
    whole = held.form.minutes_of(field)
    # Where nobody said how long it takes to confirm a value, nothing is claimed to be saved.
    is_shorter = verdict is Verdict.CONFIRM and field.confirm_minutes is not None
    return min(whole, field.confirm_minutes or 0.0) if is_shorter else whole


def _standing(versions: Sequence[Version], day: date) -> Registered:
    """Return the form as it stood on `day`; before its first registration, as it stood then."""
    return next((v.held for v in reversed(versions) if v.since <= day), versions[0].held)


def _askers(record: Record, held: Registered) -> Iterator[tuple[PartyId | None, int]]:
    if held.form.filled_by.expected:
        yield None, held.form.filled_by.expected
    else:
        yield from ((party, 1) for party in record.parties)


def _demand(
    held: Registered, party: PartyId | None, day: date, times: int, measured: Sequence[float]
) -> Demand:
    form = held.form
    # More may have come than were expected.
    times = max(times, len(measured))
    declared = declared_minutes(held) * (times - len(measured))
    taken = sum(measured)
    saved = saved_minutes(held) * times
    return Demand(form.id, form.owner, party, day, times, declared + taken, taken, saved)
