"""rules: what must not be, as SQL over new rows or as silence; what they find are warnings."""

from shuzhi.decide.rules.cap import Certainty, Severity, Urgency
from shuzhi.decide.rules.errors import RuleError
from shuzhi.decide.rules.events import RuleSwitchedOff, WarningRaised, WarningWorsened
from shuzhi.decide.rules.keeping import Judged, State
from shuzhi.decide.rules.model import (
    Finding,
    OfColumn,
    Outcome,
    RowRule,
    Rule,
    RuleId,
    SilenceRule,
    TimedRule,
    Warning,
    WarningId,
)
from shuzhi.decide.rules.registering import (
    Registered,
    Taken,
    check_rule,
    register_rules,
    switch_off,
    switch_on,
)
from shuzhi.decide.rules.rehearsing import Change, Compared, DayCount, Rehearsal, rehearse
from shuzhi.decide.rules.replaying import Replayed, keep_replayed, replay
from shuzhi.decide.rules.rule_yaml import parse_rule, read_rule
from shuzhi.decide.rules.store import Standing
from shuzhi.decide.rules.telling import tell
from shuzhi.decide.rules.use_cases import (
    Changes,
    Evaluation,
    evaluate,
    look,
    registered,
    warning_changes,
    warnings,
)
from shuzhi.decide.rules.watch import Watch

__all__ = [
    "Certainty",
    "Change",
    "Changes",
    "Compared",
    "DayCount",
    "Evaluation",
    "Finding",
    "Judged",
    "OfColumn",
    "Outcome",
    "Registered",
    "Rehearsal",
    "Replayed",
    "RowRule",
    "Rule",
    "RuleError",
    "RuleId",
    "RuleSwitchedOff",
    "Severity",
    "SilenceRule",
    "Standing",
    "State",
    "Taken",
    "TimedRule",
    "Urgency",
    "Warning",
    "WarningId",
    "WarningRaised",
    "WarningWorsened",
    "Watch",
    "check_rule",
    "evaluate",
    "keep_replayed",
    "look",
    "parse_rule",
    "read_rule",
    "register_rules",
    "registered",
    "rehearse",
    "replay",
    "switch_off",
    "switch_on",
    "tell",
    "warning_changes",
    "warnings",
]
