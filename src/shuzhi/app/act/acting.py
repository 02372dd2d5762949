"""The verbs of act (治) and of the audit log: cases, and the record of what was done."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache, reduce
from pathlib import Path

from shuzhi.act.cases import Office
from shuzhi.app.store import JobRun, job_runs
from shuzhi.app.wired import Wired
from shuzhi.audit import BrokenLogError, flush, keep_log, queued
from shuzhi.kernel.files import put_whole
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import day_of
from shuzhi.kernel.notices import load_notice
from shuzhi.kernel.workdays import Notice, WorkingDays, china_working_days

# Longer than any clock of the packs that counts working days.
_SOON = timedelta(days=60)


class Acts(Wired):
    """What a city does about what it knows."""

    @property
    def working_days(self) -> WorkingDays:
        """The calendar that deadlines count by: the package's, and each notice in `calendar/`.

        A notice that another process takes counts from the next question on.

        Raises:
            DocumentError: as `load_notice`; RefusedError `kernel.notice_leaves_gap`.
        """
        files = tuple(sorted(self._notices.glob("*.yaml")))
        return _calendar(files, tuple(_mark(file) for file in files))

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

        What waited for it gets its deadline by `date_clocks` and `date_appeals`. Raises
        as `working_days`; a notice that is refused changes nothing.
        """
        notice = load_notice(file)
        self.working_days.with_notice(notice)
        self._notices.mkdir(exist_ok=True)
        put_whole(self._notices / f"{notice.year}.yaml", file.read_bytes())
        return notice

    @property
    def _notices(self) -> Path:
        return self.settings.folder / "calendar"

    @property
    def office(self) -> Office:
        """Where cases are opened, acted on and closed: see the verbs of `shuzhi.act.cases`."""
        settings = self.settings
        return Office(
            self.control,
            self.declared.case_kinds,
            self.working_days,
            settings.city.zone,
            PartyId(settings.city.desk),
            settings.folder / "evidence",
            self.clock,
            self.publish,
        )

    def record(self) -> int:
        """Move what was done since into the audit log, each entry exactly once; return how many.

        While another process moves entries, these are left to it.

        Raises:
            AuditError: as `keep_log`; BrokenLogError: as `keep_log` and `flush`.
        """
        if not queued(self.control):
            return 0
        settings = self.settings
        settings.audit_key.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            with keep_log(
                settings.audit_folder, settings.audit_key, f"audit.{settings.city.name}"
            ) as log:
                return flush(self.control, log)
        except BrokenLogError as error:
            if error.code != "audit.log_busy":
                raise
            return 0

    def jobs(self) -> tuple[JobRun, ...]:
        """How each job of the running city went last."""
        return job_runs(self.control)

    @property
    def up_file(self) -> Path:
        """The file that the process which runs the city holds locked."""
        return self.settings.folder / ".up"

    def is_up(self) -> bool:
        """Whether a process runs the city now."""
        if not self.up_file.exists():
            return False
        with self.up_file.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False


def _mark(file: Path) -> tuple[int, int]:
    """Return what changes when a notice takes the place of another."""
    found = file.stat()
    return found.st_mtime_ns, found.st_ino


# Every clock asks; to count the years anew takes longer than most of what is asked.
@lru_cache(maxsize=4)
def _calendar(files: tuple[Path, ...], _marks: tuple[tuple[int, int], ...]) -> WorkingDays:
    return reduce(WorkingDays.with_notice, _read(files), china_working_days())


def _read(files: Iterable[Path]) -> tuple[Notice, ...]:
    return tuple(sorted(map(load_notice, files), key=lambda notice: notice.year))
