"""The verbs of rules (用): what runs on new rows and by the clock, and what that finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shuzhi.app.wired import Wired
from shuzhi.decide import rules
from shuzhi.decide.rules import (
    Change,
    Evaluation,
    Registered,
    Rehearsal,
    Replayed,
    Rule,
    RuleId,
    Standing,
    Warning,
    WarningId,
    Watch,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


class Judges(Wired):
    """What a city's rules find."""

    @property
    def watch(self) -> Watch:
        """What running rules needs: see the verbs of `shuzhi.decide.rules`."""
        settings = self.settings
        return Watch(
            self.control,
            self.lake,
            self.declared.law,
            settings.city.zone,
            self.clock,
            self.publish,
            settings.memory_limit,
        )

    def rules(self) -> tuple[Rule, ...]:
        """The rules that are declared, by id."""
        return tuple(rule for _, rule in sorted(self.declared.rules.items()))

    def rule(self, rule_id: str) -> Rule:
        """The rule with this id. Raises `app.no_such_rule`."""
        found = self.declared.rules.get(rule_id)
        if found is None:
            raise RefusedError(
                "app.no_such_rule",
                f"There is no rule {rule_id[:60]!r} in this city.",
                next_step=f"Choose one of: {', '.join(r.id for r in self.rules()) or 'none yet'}.",
            )
        return found

    def register_rules(self) -> tuple[Registered, ...]:
        """Take the declared rules into service; one that cannot run is off and its owner told."""
        return rules.register_rules(self.watch, self.rules(), by=self.settings.city.name)

    def standings(self) -> dict[RuleId, Standing]:
        """Every rule that is registered, as it stands."""
        return {standing.id: standing for standing in rules.registered(self.watch)}

    def judge(self, dataset: str) -> Evaluation:
        """Judge what is new in a data set. Raises as `rules.evaluate`."""
        return rules.evaluate(self.watch, self.rules(), dataset)

    def look(self) -> Evaluation:
        """Look at the silences that are due. Raises as `rules.look`."""
        return rules.look(self.watch, self.rules())

    def warnings(
        self,
        *,
        rule_id: str | None = None,
        dataset: str | None = None,
        since: Instant | None = None,
        seen_by: frozenset[PartyId] | None = None,
        before: WarningId | None = None,
        limit: int | None = 100,
    ) -> tuple[Warning, ...]:
        """Warnings that were still true at `since` or later, the newest first.

        At most `limit` of those before the one numbered `before`; with `seen_by`, of those for
        which one of these parties answers.
        """
        return rules.warnings(
            self.watch,
            rule_id=rule_id,
            dataset=dataset,
            since=since,
            seen_by=seen_by,
            before=before,
            limit=limit,
        )

    def says(self, rule_id: str, facts: Mapping[str, Any], language: str) -> str:
        """What the pack says of a warning of a rule; empty where it says nothing."""
        key = f"rules.{rule_id}"
        return self.declared.says(key, language, facts, self.settings.city.zone) or ""

    def replay(
        self, since: Instant, until: Instant, only: Sequence[str] = ()
    ) -> tuple[Replayed, ...]:
        """What the rules, all or `only` those named, make of a stretch of history; stores nothing.

        Raises:
            RefusedError: `app.no_such_rule`.
        """
        return rules.replay(self.watch, self._chosen(only), since, until)

    def keep_replayed(self, replayed: Iterable[Replayed]) -> int:
        """Store and tell those warnings of a replay that are not there yet; return how many."""
        return rules.keep_replayed(self.watch, replayed)

    def rehearse(
        self, since: Instant, until: Instant, change: Change, only: Sequence[str] = ()
    ) -> Rehearsal:
        """Compare a stretch of history as it is judged with how it would be. As `rules.rehearse`.

        Raises also: RefusedError `app.no_such_rule`.
        """
        return rules.rehearse(self.watch, self._chosen(only), since, until, change)

    def switch_rule(self, rule_id: str, *, is_on: bool, by: str, reason: str = "") -> None:
        """Switch a rule on or off. Raises `app.no_such_rule`; as `rules.switch_on`."""
        if is_on:
            rules.switch_on(self.watch, self.rule(rule_id), by=by)
        else:
            rules.switch_off(self.watch, self.rule(rule_id).id, reason=reason, by=by)

    def _chosen(self, only: Sequence[str]) -> tuple[Rule, ...]:
        return tuple(self.rule(rule_id) for rule_id in only) or self.rules()
