"""The verbs of evaluation: score a period, publish, look into a score, appeal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from shuzhi.act import evaluation
from shuzhi.act.evaluation import (
    Appeal,
    AppealId,
    Behind,
    Body,
    Correction,
    Evaluating,
    Fact,
    FactKind,
    League,
    Person,
    Scheme,
    Score,
    Scored,
    ScoredPeriod,
    Window,
)
from shuzhi.app.act.score_facts import Witnesses, burden_facts
from shuzhi.app.share.duties import LooksAfterDuties, duty_facts
from shuzhi.app.share.sharing import Shares
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level
from shuzhi.share.parties import tree


class Scores(LooksAfterDuties, Shares):
    """How a city tells its parties what they have done."""

    @property
    def evaluating(self) -> Evaluating:
        """Where periods are scored: see the verbs of `shuzhi.act.evaluation`."""
        return Evaluating(
            self.control,
            self.declared.schemes,
            self.declared.law,
            self.working_days,
            self.settings.city.zone,
            self.clock,
        )

    def score(self, scheme: str, period: str, *, by: str) -> Scored:
        """Score a period from what the stores hold, as a draft that replaces an earlier draft.

        Raises:
            RefusedError: `app.unknown_case_kind`; as `evaluation.score`.
        """
        # What was done while the facts are gathered belongs to a later look.
        at = self.clock()
        evaluating = replace(self.evaluating, clock=lambda: at)
        chosen = evaluating.scheme(scheme)
        self._refuse_unknown(chosen)
        window = evaluating.window(chosen, evaluating.period(chosen, period))
        witnesses = Witnesses(self.office, self.declared.sources, self.provider)
        kinds = frozenset(measure.of for measure in chosen)
        duties = duty_facts(self.duties_office, window) if FactKind.DUTIES in kinds else ()
        found = chain(witnesses.facts(window, kinds), duties, self._burdens(window, kinds))
        return evaluation.score(evaluating, scheme, period, found, self._bodies(), by=by)

    def _burdens(self, window: Window, kinds: frozenset[FactKind]) -> Iterator[Fact]:
        if FactKind.BURDEN in kinds:
            yield from burden_facts(self.forms_office, window, self.settings.city.zone)

    def publish_score(self, scheme: str, period: str, *, by: str) -> int:
        """Publish the draft of a period; return its version. Raises as `evaluation.publish`."""
        return evaluation.publish(self.evaluating, scheme, period, by=by)

    def scored_periods(self) -> tuple[ScoredPeriod, ...]:
        """What was scored, by scheme, the newest period first."""
        return evaluation.scored_periods(self.evaluating)

    def league(
        self, scheme: str, period: str, level: Level, *, version: int | None = None
    ) -> League:
        """The league of a level. Raises as `evaluation.league`."""
        return evaluation.league(self.evaluating, scheme, period, level=level, version=version)

    def behind(
        self,
        scheme: str,
        period: str,
        party: PartyId,
        measure: str,
        *,
        version: int | None = None,
    ) -> Behind:
        """Every fact behind a number. Raises as `evaluation.behind`."""
        return evaluation.behind(
            self.evaluating, scheme, period, party=party, measure_id=measure, version=version
        )

    def appeal_score(
        self,
        scheme: str,
        period: str,
        measure: str,
        *,
        by: Person,
        facts: Sequence[str],
        reason: str,
    ) -> Appeal:
        """Appeal a number of one's own party. Raises as `evaluation.appeal`."""
        return evaluation.appeal(
            self.evaluating, scheme, period, measure, by=by, facts=facts, reason=reason
        )

    def decide_appeal(
        self,
        appeal: AppealId,
        *,
        by: Person,
        is_upheld: bool,
        reason: str,
        corrections: Sequence[Correction] = (),
    ) -> Appeal:
        """Decide an appeal of another party. Raises as `evaluation.decide_appeal`."""
        return evaluation.decide_appeal(
            self.evaluating,
            appeal,
            by=by,
            is_upheld=is_upheld,
            reason=reason,
            corrections=corrections,
        )

    def appeals(self, scheme: str | None = None, period: str | None = None) -> tuple[Appeal, ...]:
        """The appeals of a scored period, or all. Raises as `evaluation.appeals`."""
        return evaluation.appeals(self.evaluating, scheme, period)

    def recompute_score(
        self, scheme: str, period: str, *, version: int | None = None
    ) -> tuple[Score, ...]:
        """Compute a version again from its stored facts. Raises as `evaluation.recompute`."""
        return evaluation.recompute(self.evaluating, scheme, period, version)

    def _bodies(self) -> dict[PartyId, Body]:
        organisation = tree(self.control)
        return {
            party.id: Body(party.level, tuple(p.id for p in organisation.superiors(party.id)))
            for party in organisation
        }

    def _refuse_unknown(self, scheme: Scheme) -> None:
        kinds = self.declared.case_kinds
        for measure in scheme:
            named = measure.only if measure.of is FactKind.CASES else ()
            for kind in named:
                if kind not in kinds:
                    raise RefusedError(
                        "app.unknown_case_kind",
                        f"{measure.id} of {scheme.id} is about cases of {kind[:60]!r}, which this "
                        "city does not have.",
                        next_step=f"Choose some of: {', '.join(sorted(kinds)) or 'none yet'}.",
                    )
