"""The verbs of the audit log: what was done, the proof of it, and whether the log is whole."""

from __future__ import annotations

from shuzhi import audit
from shuzhi.app.wired import Wired
from shuzhi.audit import Head, Logged, Proof, Report, VerifierKey
from shuzhi.audit.errors import no_log
from shuzhi.kernel.instant import Instant


class Audits(Wired):
    """What a city can show of what was done."""

    def has_audit_log(self) -> bool:
        """Tell whether anything was recorded yet: a log begins with the first thing done."""
        return self.settings.audit_key.with_name("audit.pub").is_file()

    def audit_head(self) -> Head:
        """The newest signed checkpoint. Raises as `audit.read_head`."""
        return audit.read_head(self.settings.audit_folder, self._audit_keys)

    def audit_entries(self, start: int, end: int) -> list[Logged]:
        """Entries by their indexes. Raises as `audit.logged`."""
        return audit.logged(self.settings.audit_folder, self._audit_keys, start, end)

    def find_entries(self, subject: str, since: Instant, until: Instant) -> list[Logged]:
        """Entries about a subject (`case:7`) of a time; none without a log. As `audit.find`."""
        if not self.has_audit_log():
            return []
        return audit.find(
            self.settings.audit_folder,
            self._audit_keys,
            subject=subject,
            since=since,
            until=until,
        )

    def prove_entry(self, index: int) -> tuple[bytes, Proof]:
        """An entry and the proof that it is in the log. Raises as `audit.prove`."""
        return audit.prove(self.settings.audit_folder, index, self._audit_keys)

    def verify_audit(self) -> Report:
        """Whether anything in the log was altered, from its files alone."""
        return audit.verify_folder(self.settings.audit_folder, self._audit_keys)

    @property
    def _audit_keys(self) -> tuple[VerifierKey, ...]:
        if not self.has_audit_log():
            raise no_log(self.settings.audit_folder)
        public = self.settings.audit_key.with_name("audit.pub")
        return audit.read_keys(public.read_text(encoding="utf-8").splitlines())
