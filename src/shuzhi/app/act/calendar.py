"""The working days that a city counts by: how far they are known, since when, and by what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache, reduce
from importlib.metadata import version
from pathlib import Path

from shuzhi.app.act.calendar_store import known_calendar, note_calendar
from shuzhi.app.wired import Wired
from shuzhi.kernel.control import Control
from shuzhi.kernel.files import put_whole
from shuzhi.kernel.instant import day_of
from shuzhi.kernel.notices import load_notice
from shuzhi.kernel.workdays import Notice, WorkingDays, china_working_days

# Longer than any clock of the packs that counts working days.
_SOON = timedelta(days=60)
_PACKAGE = "chinesecalendar"
_Files = tuple[Path, ...]
_Marks = tuple[tuple[int, int], ...]


class Counts(Wired):
    """How a city counts days."""

    @property
    def working_days(self) -> WorkingDays:
        """The calendar that deadlines count by: the package's, and each notice in `calendar/`.

        A notice that another process takes counts from the next question on; what the city counted
        by before is kept with it.

        Raises:
            DocumentError: as `load_notice`; RefusedError `kernel.notice_leaves_gap`.
        """
        files, marks = self._held()
        found, is_noted = _known(self.control, files, marks)
        if is_noted:
            return found
        # A file that was laid into the folder by hand: the job `date` notes it within a minute.
        _known.cache_clear()
        if found.before is None:
            return found
        return found.after(found.before, self.clock(), self._source(found.before, found))

    def calendar_ends(self) -> date | None:
        """The last day that the calendar knows, where it comes within 60 days; else None.

        Until the next notice is loaded, cases whose deadline lies beyond open without one.
        """
        today, last = day_of(self.clock(), self.settings.city.zone), self.working_days.ends_at
        return last if last - today <= _SOON else None

    def notices(self) -> tuple[Notice, ...]:
        """The holiday notices in `calendar/`, the earliest year first. Raises as `load_notice`."""
        return _read(self._notices.glob("*.yaml"))

    def take_notice(self, file: Path) -> Notice:
        """Keep the holiday notice in `file`, in the place of another for its year.

        What waited for it gets its deadline, and what it moves another one, by `City.date`. Raises
        as `working_days`; a notice that is refused changes nothing.
        """
        notice = load_notice(file)
        self.working_days.with_notice(notice)
        self._notices.mkdir(exist_ok=True)
        put_whole(self._notices / f"{notice.year}.yaml", file.read_bytes())
        self.note_calendar()
        return notice

    def note_calendar(self) -> None:
        """Note the days that are known now, if they are others than those noted last.

        They are when a notice was taken, or a later package is installed. Raises as `working_days`.
        """
        if not _known(self.control, *self._held())[1]:
            note_calendar(self.control, lambda: _counted(*self._held()), self._source, self.clock())
            _known.cache_clear()

    def _source(self, before: WorkingDays, counted: WorkingDays) -> str:
        """Return what says that days are others: notices by their names, or the package."""
        changed = before.holidays ^ counted.holidays
        changed |= before.working_weekends ^ counted.working_weekends
        named = [n.legal_reference for n in self.notices() if any(map(n.covers, changed))]
        return "; ".join(named) or f"{_PACKAGE} {version(_PACKAGE)}"

    def _held(self) -> tuple[_Files, _Marks]:
        files = tuple(sorted(self._notices.glob("*.yaml")))
        return files, tuple(_mark(file) for file in files)

    @property
    def _notices(self) -> Path:
        return self.settings.folder / "calendar"


def _mark(file: Path) -> tuple[int, int]:
    """Return what changes when a notice takes the place of another."""
    found = file.stat()
    return found.st_mtime_ns, found.st_ino


# Every clock asks; to count the years anew takes longer than most of what is asked.
@lru_cache(maxsize=16)
def _known(control: Control, files: _Files, marks: _Marks) -> tuple[WorkingDays, bool]:
    """Return the days with those known before, and whether they are noted as the newest."""
    noted, counted = known_calendar(control), _counted(files, marks)
    if noted is None or counted.has_days_of(noted):
        return noted or counted, noted is not None
    return WorkingDays(
        counted.first_year, counted.last_year, counted.holidays, counted.working_weekends, noted
    ), False


@lru_cache(maxsize=4)
def _counted(files: _Files, _marks: _Marks) -> WorkingDays:
    return reduce(WorkingDays.with_notice, _read(files), china_working_days())


def _read(files: Iterable[Path]) -> tuple[Notice, ...]:
    return tuple(sorted(map(load_notice, files), key=lambda notice: notice.year))
