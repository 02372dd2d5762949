"""What goes wrong with a spool: always the machine's fault, never the sender's."""

from __future__ import annotations

from pathlib import Path

from shuzhi.kernel.errors import BrokenError


def spool_busy(folder: Path) -> BrokenError:
    """Another process writes there."""
    return BrokenError(
        "gather.spool_busy",
        f"Another process writes the spool in {folder}.",
        next_step="Stop the other gateway of this city first.",
    )


def spool_full(folder: Path, most_bytes: int) -> BrokenError:
    """The spool may not grow, and nothing in it has been landed and can go."""
    return BrokenError(
        "gather.spool_full",
        f"The spool in {folder} holds {most_bytes:,} bytes, as many as it may.",
        next_step="See why its records are not landed, or raise `gateway.spool_bytes`; stations "
        "keep what is not acknowledged.",
    )


def spool_broken(folder: Path, error: OSError) -> BrokenError:
    """The disk refused to write or to sync."""
    return BrokenError(
        "gather.spool_broken",
        f"The spool in {folder} could not be written: {error.strerror or error}.",
        next_step="Make room or mend the disk; nothing of this was acknowledged.",
    )


def spool_gone() -> BrokenError:
    """The process that writes the spool for others has ended."""
    return BrokenError(
        "gather.spool_gone",
        "The process that writes the spool is gone.",
        next_step="It is started again; nothing of this was acknowledged.",
    )


def not_a_spool(path: Path) -> BrokenError:
    """A segment does not begin as one."""
    return BrokenError(
        "gather.spool_torn",
        f"{path} does not begin as a segment of a spool.",
        next_step="Restore it from a backup, or move it away: its records are then lost.",
    )
