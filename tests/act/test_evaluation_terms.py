"""Appeals that notices date or move: once, alike by every way there, and never into the past."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.act.test_evaluation_appeals import Hall, facts

from shuzhi.act.evaluation import appeals, date_appeals
from shuzhi.act.evaluation.scheme import Term
from shuzhi.act.evaluation.terms import deadline
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, day_of, end_of_day, parse_instant
from shuzhi.kernel.workdays import Notice, WorkingDays, china_working_days

# A year suffices, and is counted faster than twenty.
CHINA = replace(china_working_days(), first_year=china_working_days().last_year)
ZONE = "Asia/Shanghai"
NEXT = CHINA.last_year + 1
EMPTY = Notice(NEXT, "", frozenset({date(NEXT, 1, 1)}), frozenset())


def _at(text: str) -> Instant:
    return parse_instant(f"{CHINA.last_year}-{text}", zone=ZONE)


PUBLISHED = _at("12-21 10:00")
# When neither term of an appeal ends within the year.
LATE = _at("12-29 10:00")
_DAY = timedelta(days=1)
_gaps = st.timedeltas(timedelta(0), timedelta(days=6))
# Days that a notice of the next year may speak of, about New Year.
_days = st.integers(0, 40).map(lambda n: date(CHINA.last_year, 12, 22) + timedelta(days=n))
_Notices = list[tuple[timedelta, frozenset[date]]]
_notices = st.lists(st.tuples(_gaps, st.frozensets(_days, max_size=5)), min_size=1, max_size=4)


def _noticed(before: WorkingDays, since: Instant, days: frozenset[date]) -> WorkingDays:
    """The calendar after the notice of the next year, or its amendment, with other days off."""
    off = frozenset(day for day in days if day.weekday() < 5)
    made = before.with_notice(replace(EMPTY, holidays=EMPTY.holidays | off))
    return made.after(before, since, f"{len(off)} days off")


def _known(notices: _Notices, start: Instant = PUBLISHED) -> list[WorkingDays]:
    """The calendar as each notice leaves it, from the one that ends with its year."""
    calendar, since, found = CHINA, start, [CHINA]
    for gap, days in notices:
        since = Instant(since + gap)
        calendar = _noticed(calendar, since, days)
        found.append(calendar)
    return found


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    """A score published in the last days that the calendar knows."""
    return _hall(tmp_path / "control.db")


def _hall(file: Path, now: Instant = PUBLISHED) -> Hall:
    control = open_control(f"sqlite:///{file}")
    metadata.create_all(control.engine)
    hall = Hall(control, now)
    hall.published(facts())
    return hall


def _dated(hall: Hall) -> list[dict[str, Any]]:
    return [e["facts"] for e in hall.entries() if e["kind"] == "evaluation.appeal_dated"]


def _noticed_in(hall: Hall, at: str, *days: date) -> None:
    hall.now = _at(at)
    hall.calendar = _noticed(hall.calendar, hall.now, frozenset(days))


def test_a_notice_that_changes_days_moves_what_waits_and_says_so(hall: Hall) -> None:
    _noticed_in(hall, "12-21 11:00")
    raised = hall.appealed("case:3bridge0/1")
    _noticed_in(hall, "12-23 09:00", date(CHINA.last_year, 12, 24))
    assert (date_appeals(hall.evaluating), date_appeals(hall.evaluating)) == (1, 0)
    (moved,) = appeals(hall.evaluating)
    assert raised.due_at is not None
    assert moved.due_at == raised.due_at + timedelta(days=1)
    (told,) = _dated(hall)
    assert (told["due_at"], told["instead_of"], told["source"], told["is_raised_late"]) == (
        moved.due_at.isoformat(),
        raised.due_at.isoformat(),
        "1 days off",
        False,
    )


def test_what_is_decided_or_overdue_stays(hall: Hall) -> None:
    _noticed_in(hall, "12-21 11:00")
    decided, overdue = (hall.appealed(f"case:3bridge{n}/1") for n in range(2))
    hall.decided(decided.id, is_upheld=False)
    assert overdue.due_at is not None
    hall.now = overdue.due_at
    late = Instant(hall.now + timedelta(hours=1))
    day = date(CHINA.last_year, 12, 24)
    hall.now, hall.calendar = late, _noticed(hall.calendar, late, frozenset({day}))
    assert date_appeals(hall.evaluating) == 0
    assert [a.due_at for a in appeals(hall.evaluating)] == [decided.due_at, overdue.due_at]


def test_another_term_of_the_law_is_no_change_of_days(hall: Hall) -> None:
    _noticed_in(hall, "12-21 11:00")
    raised = hall.appealed("case:3bridge0/1")
    other = hall.calendar.with_notice(replace(EMPTY, holidays=EMPTY.holidays | {date(NEXT, 1, 4)}))
    # The package or the law said something else, of which the city kept no trace.
    hall.calendar = replace(other, before=CHINA, since=_at("12-22 09:00"))
    assert date_appeals(hall.evaluating) == 0
    assert appeals(hall.evaluating)[0].due_at == raised.due_at


def test_one_raised_too_late_while_nobody_could_count_is_marked_for_who_decides(
    tmp_path: Path,
) -> None:
    hall = _hall(tmp_path / "late.db", _at("12-29 10:00"))
    in_time = hall.appealed("case:3bridge0/1")
    hall.now = parse_instant(f"{NEXT}-01-20 10:00", zone=ZONE)
    late = hall.appealed("case:3bridge1/1")
    assert [(a.raise_until, a.is_raised_late) for a in (in_time, late)] == [(None, False)] * 2
    hall.calendar = _noticed(CHINA, hall.now, frozenset())
    assert date_appeals(hall.evaluating) == 2
    found = appeals(hall.evaluating)
    assert [a.is_raised_late for a in found] == [False, True]
    assert found[0].raise_until == found[1].raise_until is not None
    assert [told["is_raised_late"] for told in _dated(hall)] == [False, True]
    # It is decided as any other one.
    assert hall.decided(late.id, is_upheld=False).decision is not None


def test_two_processes_at_once_date_an_appeal_once(hall: Hall) -> None:
    hall.now = _at("12-22 10:00")
    for n in range(4):
        hall.appealed(f"case:3bridge{n}/1")
    _noticed_in(hall, "12-23 09:00")
    both = Barrier(2)

    def dated(_: int) -> int:
        both.wait(timeout=60)
        return date_appeals(hall.evaluating)

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(dated, range(2))) == 4
    assert len(_dated(hall)) == 4


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[Instant, Path]:
    """The stores of halls whose score was just published, by when."""
    folder = tmp_path_factory.mktemp("halls")
    files = {start: folder / f"{start:%d}.db" for start in (PUBLISHED, LATE)}
    for start, file in files.items():
        _hall(file, start).control.engine.dispose()
    return files


def _lived(
    file: Path, start: Instant, raised: Sequence[timedelta], notices: _Notices, *, is_eager: bool
) -> Hall:
    """A hall where appeals and notices come in; the eager one dates after each of them."""
    hall, calendars = Hall(open_control(f"sqlite:///{file}"), start), _known(notices, start)
    hall.calendar = CHINA
    comings: list[tuple[Instant, int, Any]] = [
        (Instant(start + gap), 1, f"case:3bridge{n}/1") for n, gap in enumerate(raised)
    ]
    comings += [(each.since, 0, each) for each in calendars if each.since is not None]
    for at, is_appeal, what in sorted(comings, key=lambda coming: coming[:2]):
        hall.now = at
        if not is_appeal:
            hall.calendar = what
        else:
            _raise(hall, what)
        if is_eager:
            date_appeals(hall.evaluating)
    hall.now = max(hall.now, calendars[-1].since or hall.now)
    return hall


def _raise(hall: Hall, fact: str) -> None:
    try:
        hall.appealed(fact)
    except RefusedError as refused:
        assert refused.code == "act.appeal_too_late"


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from((PUBLISHED, LATE)),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=12)), max_size=4),
    _notices,
)
# Dated after the second notice alone, or after the first one too.
@example(LATE, [timedelta(0)], [(_DAY, frozenset()), (_DAY, frozenset({date(NEXT, 1, 4)}))])
def test_an_appeal_has_one_deadline_however_often_it_is_dated(
    published: dict[Instant, Path], start: Instant, raised: list[timedelta], notices: _Notices
) -> None:
    with TemporaryDirectory() as folder:
        ends = []
        for is_eager in (True, False):
            file = Path(folder) / f"{is_eager}.db"
            shutil.copy(published[start], file)
            hall = _lived(file, start, raised, notices, is_eager=is_eager)
            date_appeals(hall.evaluating)
            assert date_appeals(hall.evaluating) == 0
            found = appeals(hall.evaluating)
            told = _dated(hall)
            assert None not in {a.due_at for a in found}
            for each in found:
                mine = [t for t in told if t["appeal"] == each.id]
                # Each dating tells another deadline than before, the last one the present one.
                times = [t["due_at"] for t in mine]
                assert all(before != after for before, after in pairwise(times))
                assert not times or times[-1] == each.due_at.isoformat()  # type: ignore[union-attr]
            ends.append([(a.raised_at, a.due_at, a.raise_until) for a in found])
            hall.control.engine.dispose()
        assert ends[0] == ends[1]


# Days that are off or worked by each of several notices, all of one morning.
_changes = st.lists(st.frozensets(_days, max_size=4), min_size=2, max_size=4)


def _changed(before: WorkingDays, since: Instant, days: frozenset[date]) -> WorkingDays:
    """The calendar after a notice that lets people work at weekends, and not on other days."""
    weekend = frozenset(day for day in days if day.weekday() > 4)
    made = replace(
        before,
        holidays=before.holidays | (days - weekend),
        working_weekends=before.working_weekends | weekend,
    )
    return made.after(before, since, f"{len(days)} days")


@settings(max_examples=20, deadline=None)
@given(_changes, st.data())
def test_the_deadline_is_the_same_in_whatever_order_notices_arrive(
    published: dict[Instant, Path], changes: list[frozenset[date]], data: st.DataObject
) -> None:
    orders = [changes, data.draw(st.permutations(changes))]
    with TemporaryDirectory() as folder:
        ends = []
        for number, order in enumerate(orders):
            file = Path(folder) / f"{number}.db"
            shutil.copy(published[PUBLISHED], file)
            hall = Hall(open_control(f"sqlite:///{file}"), PUBLISHED)
            # One waits for the notice of its year, the other was dated when it was raised.
            hall.calendar = CHINA
            hall.appealed("case:3bridge0/1")
            hall.calendar = _noticed(CHINA, Instant(PUBLISHED + timedelta(minutes=1)), frozenset())
            hall.now = Instant(PUBLISHED + timedelta(minutes=2))
            hall.appealed("case:3bridge1/1")
            for turn, days in enumerate(order):
                hall.now = Instant(PUBLISHED + timedelta(hours=1 + turn))
                hall.calendar = _changed(hall.calendar, hall.now, days)
                if data.draw(st.booleans()):
                    date_appeals(hall.evaluating)
            date_appeals(hall.evaluating)
            found = appeals(hall.evaluating)
            assert None not in {each.due_at for each in found}
            ends.append([(each.due_at, each.raise_until) for each in found])
            hall.control.engine.dispose()
        assert ends[0] == ends[1]


@settings(max_examples=50)
@given(_notices, st.integers(1, 15), _gaps)
def test_no_notice_makes_late_what_was_not_when_it_came(
    notices: _Notices, days: int, gap: timedelta
) -> None:
    start = Instant(PUBLISHED + gap)
    # The one that was known at the start, and those that came after it.
    known = _known(notices)
    while len(known) > 1 and known[1].since <= start:  # type: ignore[operator]
        known.pop(0)
    term, dues = Term(days), list[Instant | None]()
    for calendar in known:
        evaluating = replace(Hall(None, PUBLISHED).evaluating, calendar=calendar)  # type: ignore[arg-type]
        due, _ = deadline(evaluating, term, start, max(start, calendar.since or start))
        before = dues[-1] if dues else None
        dues.append(due)
        if before is None or calendar.since is None:
            continue
        assert due is not None
        today = end_of_day(day_of(calendar.since, ZONE), ZONE)
        assert due == before if before <= calendar.since else due >= min(before, today)
