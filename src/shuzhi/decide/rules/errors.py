"""Refusals of rules."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class RuleError(RefusedError):
    """A rule, or what was asked of one, cannot be used."""


def unknown_rule(rule_id: str) -> RuleError:
    """Return the refusal of a rule that nobody registered."""
    return RuleError(
        "decide.rule_unknown",
        f"There is no rule {rule_id[:60]!r}.",
        next_step="See `shuzhi rules list`.",
    )
