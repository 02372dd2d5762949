"""The verbs of act (治) and of the audit log: cases, and the record of what was done."""

from __future__ import annotations

import fcntl
from pathlib import Path

from shuzhi.act.cases import Office
from shuzhi.app.act.calendar import Counts
from shuzhi.app.store import JobRun, job_runs
from shuzhi.audit import BrokenLogError, flush, keep_log, queued
from shuzhi.kernel.ids import PartyId


class Acts(Counts):
    """What a city does about what it knows."""

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
