"""A scored period as the store holds it: its basis, its versions, and what was corrected when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, RowMapping

from shuzhi.act.evaluation import store
from shuzhi.act.evaluation.appeals import Appeal, AppealId, Correction
from shuzhi.act.evaluation.arithmetic import Body
from shuzhi.act.evaluation.counts import Window
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.scheme import Scheme
from shuzhi.act.evaluation.scheme_yaml import parse_scheme
from shuzhi.kernel.ids import PartyId


@dataclass(frozen=True)
class Held:
    """What is held of a period: its basis and the versions of its scores, the first one first."""

    basis: RowMapping
    scorings: Sequence[RowMapping]

    @property
    def newest(self) -> RowMapping:
        """The newest version."""
        return self.scorings[-1]

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme as it was when the period was scored."""
        return parse_scheme(self.basis["scheme_text"].encode(), file=self.basis["scheme"])

    @cached_property
    def bodies(self) -> dict[PartyId, Body]:
        """The parties as they were then."""
        return store.bodies_of(self.basis)

    @property
    def window(self) -> Window:
        """The period as instants."""
        return Window(self.basis["starts_at"], self.basis["ends_at"], self.scheme.due)

    def version(self, number: int | None) -> RowMapping:
        """Return a version, the newest where `number` is None.

        Raises:
            EvaluationError: `act.no_such_score`.
        """
        if number is None:
            return self.newest
        if 1 <= number <= len(self.scorings):
            return self.scorings[number - 1]
        raise _no_score(self.basis["scheme"], f"{self.basis['period']} version {number}")


def held(connection: Connection, scheme_id: str, period: str) -> Held:
    """Return what is held of a period.

    Raises:
        EvaluationError: `act.no_such_score`.
    """
    found = found_or_none(connection, scheme_id, period)
    if found is None:
        raise _no_score(scheme_id, period)
    return found


def found_or_none(connection: Connection, scheme_id: str, period: str) -> Held | None:
    """Return what is held of a period; None when it was never scored."""
    basis = store.find_basis(connection, scheme_id, period)
    return None if basis is None else Held(basis, store.scorings_of(connection, basis["id"]))


def corrections_until(
    connection: Connection, basis_id: int, version: int
) -> tuple[Correction, ...]:
    """Return the corrections that stand in `version`, in the order in which they were decided."""
    decisions = [a.decision for a in store.read_appeals(connection, basis_id=basis_id)]
    upheld = {d.version_after: d.corrections for d in decisions if d and d.version_after}
    return tuple(c for made in sorted(upheld) if made <= version for c in upheld[made])


def appeal_named(connection: Connection, appeal_id: AppealId) -> Appeal:
    """Return an appeal.

    Raises:
        EvaluationError: `act.no_such_appeal`.
    """
    for found in store.read_appeals(connection, appeal_id=appeal_id):
        return found
    raise EvaluationError(
        "act.no_such_appeal",
        f"There is no appeal {appeal_id}.",
        next_step="Correct the number.",
    )


def _no_score(scheme_id: str, what: str) -> EvaluationError:
    return EvaluationError(
        "act.no_such_score",
        f"There is no score of {scheme_id[:60]} for {what[:60]}.",
        next_step="Score the period first, or correct its name.",
    )
