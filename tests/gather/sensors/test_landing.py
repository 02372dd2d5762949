"""What was spooled is in the lake exactly once, with every revision, whatever is cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from frames import frame
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.sensors.landing import Landing, ValuesRevised, landed_until
from shuzhi.gather.sensors.records import Kind, Refused
from shuzhi.gather.sensors.spool import SpoolWriter
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.events import Event

RECEIVED = int(datetime(2024, 3, 1, 0, 0, 5, tzinfo=UTC).timestamp() * 1e6)
Row = tuple[Any, ...]


class Place:
    """A spool and a lake that it is landed into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = open_lake(folder / "lake")
        self.spool = SpoolWriter(folder / "spool")
        self.events: list[Event] = []

    def receive(self, *frames: bytes, kind: Kind = Kind.FRAME) -> None:
        raws = [raw.removesuffix(b"\r\n") for raw in frames]
        self.spool.write([(RECEIVED + i, 7, int(kind), raw) for i, raw in enumerate(raws)])

    def landing(self, lake: Lake | None = None) -> Landing:
        return Landing(lake or self.lake, self.folder / "spool", dict, publish=self.events.append)

    def land(self, *frames: bytes) -> None:
        self.receive(*frames)
        landing = self.landing()
        landing.land()
        landing.keep_marks()

    def rows(self, table: str, *columns: str) -> list[Row]:
        with self.lake.duck(only=[table]) as connection:
            return connection.sql(
                f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL"
            ).fetchall()

    def values(self) -> list[Row]:
        return self.rows("observations", "epoch(data_time)::BIGINT", "factor", "revision", "text")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def at(hour: int, minute: int = 0) -> str:
    return f"20240301{hour:02d}{minute:02d}00"


def test_a_frame_becomes_observations(place: Place) -> None:
    place.land(frame(values={"a21026": 12.5, "a21002": 33}))
    wanted = ("mn", "st", "cn", "factor", "field", "number", "text", "unit", "mark", "qn", "record")
    assert place.rows("observations", *wanted) == [
        ("ST0001", "31", "2011", "a21002", "Rtd", 33.0, "33", "mg/m3", "N", "20240301080000123", 0),
        (
            "ST0001",
            "31",
            "2011",
            "a21026",
            "Rtd",
            12.5,
            "12.5",
            "mg/m3",
            "N",
            "20240301080000123",
            0,
        ),
    ]
    assert place.rows("frames", "mn", "cn", "flag", "connection") == [("ST0001", "2011", 5, 7)]


def test_what_is_sent_again_is_stored_once(place: Place) -> None:
    again = frame(qn="20240301080005000")
    place.land(frame(), frame(), again)
    place.land(frame(), again)
    assert [row[2:] for row in place.values()] == [(0, "12.5")]
    assert len(place.rows("frames", "record")) == 5
    assert place.events == []


def test_another_value_is_a_revision_and_both_stay(place: Place) -> None:
    place.land(frame(values={"a21026": 12.5, "a21002": 1}))
    place.land(frame(values={"a21026": 9.9, "a21002": 1}, qn="20240301090000000"))
    kept = [row[1:] for row in place.values()]
    assert kept == [("a21002", 0, "1"), ("a21026", 0, "12.5"), ("a21026", 1, "9.9")]
    (event,) = place.events
    assert isinstance(event, ValuesRevised)
    (told,) = event.revisions
    assert (told.factor, told.before, told.text, told.revision) == ("a21026", "12.5", "9.9", 1)
    assert told.data_time == datetime(2024, 3, 1, tzinfo=UTC)


def test_another_mark_is_a_revision_and_another_spelling_is_none(place: Place) -> None:
    place.land(frame(values={"a21026": "12.5"}))
    place.land(frame(values={"a21026": "12.50"}, qn="20240301090000000"))
    place.land(frame(values={"a21026": "12.5"}, mark="D", qn="20240301100000000"))
    kept = place.rows("observations", "revision", "text", "mark")
    assert kept == [(0, "12.5", "N"), (1, "12.5", "D")]


def test_a_value_that_comes_back_is_a_revision_but_an_old_frame_is_not(place: Place) -> None:
    old, new = frame(values={"a21026": 1}), frame(values={"a21026": 2}, qn="20240301090000000")
    back = frame(values={"a21026": 1}, qn="20240301100000000")
    place.land(old)
    place.land(new, old)
    assert [row[2:] for row in place.values()] == [(0, "1"), (1, "2")]
    place.land(back)
    assert [row[2:] for row in place.values()] == [(0, "1"), (1, "2"), (2, "1")]


def test_frames_of_2005_without_a_number_are_told_apart_by_their_values(place: Place) -> None:
    one, two = (frame(values={"a21026": n}, qn="", flag=None) for n in (1, 2))
    place.land(one, two, one)
    place.land(one)
    assert [row[2:] for row in place.values()] == [(0, "1"), (1, "2"), (2, "1")]


@pytest.mark.parametrize("together", [True, False])
def test_back_fill_in_any_order_is_stored_once(place: Place, together: bool) -> None:
    hours = [8, 11, 10, 9, 11, 9, 12]
    frames = [frame(at=at(h), qn=f"{at(h)}000", values={"a21026": h}) for h in hours]
    batches = [frames] if together else [[f] for f in frames]
    for batch in batches:
        place.land(*batch)
    assert [row[2:] for row in place.values()] == [(0, str(h)) for h in (8, 9, 10, 11, 12)]


@pytest.mark.parametrize("together", [True, False])
def test_parts_of_one_packet_are_stored_each(place: Place, together: bool) -> None:
    parts = [
        frame(values={f"a2102{n}": n}, qn=f"2024030108000012{n}", pnum=3, pno=n, flag=7)
        for n in (1, 2, 3)
    ]
    for batch in [parts] if together else [[p] for p in parts]:
        place.land(*batch)
    assert [row[1:] for row in place.values()] == [(f"a2102{n}", 0, str(n)) for n in (1, 2, 3)]


def test_a_clock_that_runs_years_ahead_doubles_nothing(place: Place) -> None:
    ahead = frame(at="20990101000000")
    place.land(ahead)
    place.land(ahead, frame())
    place.land(frame(), frame(at=at(9)))
    assert [row[2:] for row in place.values()] == [(0, "12.5")] * 3


def test_several_times_in_one_frame_are_told_apart(place: Place) -> None:
    areas = [
        f"DataTime={at(8)};a21026-Rtd=1;DataTime={at(9)};a21026-Rtd=2",
        f"DataTime={at(9)};a21026-Rtd=2",
    ]
    place.land(*(frame(area=a, qn=f"{at(10)}00{i}") for i, a in enumerate(areas)))
    place.land(frame(area=areas[1], qn=f"{at(10)}009"))
    assert [row[2:] for row in place.values()] == [(0, "1"), (0, "2")]


def test_site_information_lands_as_items_once(place: Place) -> None:
    said = frame(cn="3020", area=f"DataTime={at(8)};PolId=a21026;i13008-Info=1.02")
    place.land(said, said)
    assert place.rows("observation_items", "factor", "about", "field", "revision", "text") == [
        ("a21026", "i13008", "Info", 0, "1.02")
    ]


def test_what_was_refused_is_kept_with_its_reason(place: Place) -> None:
    refused = Refused("password_wrong", b"##0001", "10.0.0.9", "ST0009")
    place.receive(refused.body(), kind=Kind.REFUSED)
    place.land(frame().replace(b"12.5", b"12.6"))
    wanted = ("code", "mn", "peer", "record")
    assert place.rows("frames_quarantine", *wanted) == [
        ("checksum_wrong", "ST0001", "", 1),
        ("password_wrong", "ST0009", "10.0.0.9", 0),
    ]


def test_numbers_of_a_new_spool_go_on_where_the_lake_stands(place: Place, tmp_path: Path) -> None:
    place.land(frame(), frame(at=at(9)))
    place.spool.close()
    assert landed_until(place.lake) == 2
    fresh = SpoolWriter(tmp_path / "other", floor=landed_until(place.lake))
    fresh.write([(RECEIVED, 7, 0, frame(at=at(10))[:-2])])
    Landing(place.lake, tmp_path / "other", dict).land()
    assert [row[2] for row in place.values()] == [0, 0, 0]


class FailingLake:
    """A lake that dies before or after its `nth` commit."""

    def __init__(self, lake: Lake, nth: int, *, after: bool) -> None:
        self._lake, self._left, self._after = lake, nth, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lake, name)

    def append(self, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise BrokenError("test.died", "before")
        done = self._lake.append(*args, **kwargs)
        if self._left == 0:
            raise BrokenError("test.died", "after")
        return done


Sent = tuple[int, int, int]
SENT = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 2)), max_size=14)


def expected(sent: Iterable[Sent]) -> list[Row]:
    """The rules in plain words of Python: by key, in order of arrival."""
    told: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, (hour, factor, value) in enumerate(sent):
        line = told.setdefault((hour, factor), [])
        if not line or line[-1][1] != value:
            line.append((number, value))
    return sorted(
        (hour, f"a2102{factor}", revision, str(value))
        for (hour, factor), line in told.items()
        for revision, (_, value) in enumerate(line)
    )


@settings(max_examples=30, deadline=None)
@given(sent=SENT, cuts=st.sets(st.integers(1, 13)), dies=st.lists(st.integers(1, 9), max_size=4))
def test_any_order_any_batches_and_any_deaths_give_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    sent: Sequence[Sent],
    cuts: set[int],
    dies: Sequence[int],
) -> None:
    place = Place(tmp_path_factory.mktemp("landing"))
    frames = [
        frame(at=at(h), qn=f"20240301120000{n:03d}", values={f"a2102{f}": v})
        for n, (h, f, v) in enumerate(sent)
    ]
    bounds = [0, *sorted(c for c in cuts if c < len(sent)), len(sent)]
    deaths = list(dies)
    for first, end in pairwise(b for b in bounds if sent):
        place.receive(*frames[first:end])
        _land_through(place, deaths)
    landing = place.landing()
    while landing.land(512):
        landing.keep_marks()
    stored = [] if not sent else place.values()
    start = int(datetime(2024, 2, 29, 16, tzinfo=UTC).timestamp())
    assert [((t - start) // 3600, *rest) for t, *rest in stored] == expected(sent)
    assert len(sent) == (len(place.rows("frames", "record")) if sent else 0)


def _land_through(place: Place, deaths: list[int]) -> None:
    nth = deaths.pop() if deaths else 99
    landing = place.landing(FailingLake(place.lake, nth, after=nth % 2 == 0))  # type: ignore[arg-type]
    with pytest.raises((BrokenError, StopIteration)):
        _until_nothing_is_left(landing.land)


def _until_nothing_is_left(land: Callable[[int], object]) -> None:
    while land(1024) is not None:
        pass
    raise StopIteration
