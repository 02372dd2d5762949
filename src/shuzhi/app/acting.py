"""The verbs of act (治) and of the audit log: cases, and the record of what was done."""

from __future__ import annotations

from shuzhi.act.cases import Office
from shuzhi.app.wired import Wired
from shuzhi.audit import flush, keep_log
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.workdays import china_working_days


class Acts(Wired):
    """What a city does about what it knows."""

    @property
    def office(self) -> Office:
        """Where cases are opened, acted on and closed: see the verbs of `shuzhi.act.cases`."""
        settings = self.settings
        return Office(
            self.control,
            self.declared.case_kinds,
            china_working_days(),
            settings.city.zone,
            PartyId(settings.city.desk),
            settings.folder / "evidence",
            self.clock,
            self.publish,
        )

    def record(self) -> int:
        """Move what was done since into the audit log, each entry exactly once; return how many.

        Raises:
            AuditError: `audit.log_busy` when another process moves them; as `keep_log`.
        """
        settings = self.settings
        settings.audit_key.parent.mkdir(mode=0o700, exist_ok=True)
        origin = f"audit.{settings.city.name}"
        with keep_log(settings.audit_folder, settings.audit_key, origin) as log:
            return flush(self.control, log)
