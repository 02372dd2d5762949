"""audit: a log of what was done that nobody can alter unseen."""

from shuzhi.audit.errors import AuditError, BrokenLogError
from shuzhi.audit.model import Entry
from shuzhi.audit.outbox import flush, queue

__all__ = ["AuditError", "BrokenLogError", "Entry", "flush", "queue"]
