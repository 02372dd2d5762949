"""How grave, how soon, how sure: China's four colours and the words of CAP for the same.

OASIS Common Alerting Protocol 1.2, section 3.2.2 (`severity`, `urgency`, `certainty`).
"""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """The four colours of a warning, the mildest first (蓝 黄 橙 红)."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def cap(self) -> str:
        """CAP's word for it."""
        return _CAP[self]

    @property
    def rank(self) -> int:
        """0 for the mildest, 3 for the gravest."""
        return _RANKS[self]


_CAP = {
    Severity.BLUE: "Minor",
    Severity.YELLOW: "Moderate",
    Severity.ORANGE: "Severe",
    Severity.RED: "Extreme",
}
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_WORDS = {s.value: s for s in Severity} | {cap.lower(): s for s, cap in _CAP.items()}


class Urgency(StrEnum):
    """When somebody has to act (CAP `urgency`)."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """How sure it is (CAP `certainty`)."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


def severity_of(text: object) -> Severity | None:
    """Return the severity that a colour or a word of CAP names; None for anything else."""
    return _WORDS.get(text.strip().lower()) if isinstance(text, str) else None
