"""What the audit room refuses, and what it finds broken."""

from __future__ import annotations

from shuzhi.kernel.errors import BrokenError, RefusedError


class AuditError(RefusedError):
    """Something that was handed to the log, or asked of it, cannot be used."""


class BrokenLogError(BrokenError):
    """The log's files are not what its checkpoint says they are."""
