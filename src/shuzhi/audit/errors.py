"""What the audit room refuses, and what it finds broken."""

from __future__ import annotations

from shuzhi.kernel.errors import BrokenError, RefusedError


class AuditError(RefusedError):
    """Something that was handed to the log, or asked of it, cannot be used."""


class BrokenLogError(BrokenError):
    """The log's files are not what its checkpoint says they are, or cannot be written."""


def bad_note(why: str) -> AuditError:
    """Refuse a text that is no signed note."""
    return AuditError(
        "audit.bad_note",
        f"This is no signed note: {why}.",
        next_step="Fetch it again, byte by byte as it was published.",
    )


def bad_key(why: str) -> AuditError:
    """Refuse a text that is no key of a log or witness; never repeats it, for it may be secret."""
    return AuditError(
        "audit.bad_key",
        f"This cannot be used as a key: {why}.",
        next_step="Copy the whole line name+hash+key from whoever holds the key.",
    )


def bad_checkpoint(why: str) -> AuditError:
    """Refuse the text of a note that is no checkpoint."""
    return AuditError(
        "audit.bad_checkpoint",
        f"This note is no checkpoint: {why}.",
        next_step="Fetch the log's checkpoint again.",
    )


def bad_proof(why: str) -> AuditError:
    """Refuse a proof that cannot be read, or proves nothing."""
    return AuditError(
        "audit.bad_proof",
        f"This proof is not accepted: {why}.",
        next_step="Ask for a new proof of the entry, and compare the entry's bytes.",
    )


def no_such_entry(index: int, size: int) -> AuditError:
    """Refuse an index, or a size, that the log has not reached."""
    return AuditError(
        "audit.no_such_entry",
        f"The log holds {size:,} entries; there is no number {index:,}.",
        next_step="Count from 0, and ask for one that the checkpoint covers.",
    )


def no_log(folder: object) -> AuditError:
    """Refuse a folder that holds no log."""
    return AuditError(
        "audit.no_log",
        f"There is no checkpoint in {folder}: this is no audit log, or its checkpoint was taken "
        "away.",
        next_step="Name the log's folder, or restore it from a copy; a new log never takes the "
        "place of an old one.",
    )


def log_exists(folder: object) -> AuditError:
    """Refuse to found a log where there is something already."""
    return AuditError(
        "audit.log_exists",
        f"{folder} is not empty; a log is founded in a folder of its own.",
        next_step="Open the log that is there, or name another folder.",
    )


def log_busy(folder: object) -> BrokenLogError:
    """Another process writes to the log."""
    return BrokenLogError(
        "audit.log_busy",
        f"The log in {folder} is being written by another process.",
        next_step="Let that process move the queued entries; there is one writer.",
    )


def altered(file: str, why: str) -> BrokenLogError:
    """A file of the log is not what it was when it was written."""
    return BrokenLogError(
        "audit.altered",
        f"{file} is not what the log wrote: it {why}.",
        next_step="Run `shuzhi audit verify`, keep the folder as evidence, and restore a copy.",
    )


def not_stored(why: str) -> BrokenLogError:
    """The disk refused; what was to be appended is not acknowledged."""
    return BrokenLogError(
        "audit.not_stored",
        f"The entries could not be stored: {why}.",
        next_step="Make room or mend the disk; queued entries stay queued and are moved then.",
    )
