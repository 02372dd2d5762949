"""Whether a new version of a contract is numbered as its changes ask (SemVer 2.0.0)."""

from __future__ import annotations

import re

from shuzhi.gather.contracts.diff import Bump, Change, diff, required_bump
from shuzhi.gather.contracts.model import Contract
from shuzhi.kernel.errors import RefusedError

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_UNPROMISED = ("proposed", "draft")
_MOST_LISTED = 6
_Numbers = tuple[int, int, int]


def require_rising(old: Contract, new: Contract) -> None:
    """Refuse `new` where its version does not rise as the changes since `old` ask.

    What is only proposed or a draft promises nothing yet. Before 1.0.0 a new minor version is
    enough for everything (SemVer 2.0.0 clause 4).

    Raises:
        RefusedError: `gather.contract_version_old`, `gather.contract_breaking_needs_major`,
            `gather.contract_change_needs_minor`.
    """
    before, after = _numbers(old), _numbers(new)
    if after < before:
        raise RefusedError(
            "gather.contract_version_old",
            f"Version {new.version} of contract {new.name!r} is older than {old.version}, which "
            "is registered.",
            next_step=f"Give it a version above {old.version}.",
        )
    if old.status in _UNPROMISED:
        return
    changes = diff(old, new)
    needed = required_bump(changes)
    if before[0] == 0:
        needed = min(needed, Bump.MINOR)
    if _bump(before, after) < needed and needed > Bump.PATCH:
        raise _too_low(old, new, changes, needed)


def _numbers(contract: Contract) -> _Numbers:
    matched = _VERSION.fullmatch(contract.version)
    if matched is None:
        return (0, 0, 0)
    major, minor, patch = (int(part or 0) for part in matched.groups())
    return (major, minor, patch)


def _bump(before: _Numbers, after: _Numbers) -> Bump:
    for place, bump in enumerate((Bump.MAJOR, Bump.MINOR, Bump.PATCH)):
        if after[place] != before[place]:
            return bump
    return Bump.NONE


def _too_low(
    old: Contract, new: Contract, changes: tuple[Change, ...], needed: Bump
) -> RefusedError:
    major, minor, _ = _numbers(old)
    if needed is Bump.MAJOR:
        code, wanted = "gather.contract_breaking_needs_major", f"{major + 1}.0.0"
        told = [c for c in changes if c.is_breaking]
    else:
        code, wanted = "gather.contract_change_needs_minor", f"{major}.{minor + 1}.0"
        told = [c for c in changes if c.impact.name != "WORDS"]
    listed = "; ".join(f"{c.where} {c.kind.value}: {c.why_en}" for c in told[:_MOST_LISTED])
    more = f"; and {len(told) - _MOST_LISTED} more" if len(told) > _MOST_LISTED else ""
    return RefusedError(
        code,
        f"Contract {new.name!r} goes from version {old.version} to {new.version}, but changed "
        f"more than that says: {listed}{more}.",
        next_step=f"Give it version {wanted}, or take these changes back.",
    )
