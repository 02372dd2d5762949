"""Tells the house what is stored: warnings, those that grew graver, rules that are off.

What was stored and not told, as after a crash, is told by the next call; told twice is possible,
lost is not.
"""

from __future__ import annotations

from shuzhi.decide.rules import store
from shuzhi.decide.rules.events import RuleSwitchedOff, WarningRaised, WarningWorsened
from shuzhi.decide.rules.model import Warning, WarningId
from shuzhi.decide.rules.watch import Watch
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.events import Event

_BATCH = 2_000


def tell(watch: Watch) -> int:
    """Publish everything that was not told yet and return how much that was.

    What somebody's reaction fails at holds up nothing else: it is told again by the next call, and
    the first such error is raised at the end.
    """
    errors: list[ShuzhiError] = []
    told = _tell_switched_off(watch, errors) + _tell_warnings(watch, errors)
    if errors:
        raise errors[0]
    return told


def _tell_warnings(watch: Watch, errors: list[ShuzhiError]) -> int:
    told, last, is_more = 0, WarningId(0), True
    while is_more:
        found = _untold(watch, last)
        done: list[Warning] = []
        try:
            for warning, was_told in found:
                if _publish(watch, _event(watch, warning, was_told=was_told), errors):
                    done.append(warning)
        finally:
            if done:
                with watch.control.transaction() as connection:
                    store.mark_told(connection, done)
        told += len(done)
        is_more = len(found) == _BATCH
        last = found[-1][0].id if found else last
    return told


def _untold(watch: Watch, after: WarningId) -> tuple[tuple[Warning, bool], ...]:
    with watch.control.transaction() as connection:
        return store.untold(connection, after, _BATCH)


def _tell_switched_off(watch: Watch, errors: list[ShuzhiError]) -> int:
    with watch.control.transaction() as connection:
        found = store.untold_switched_off(connection)
    told = 0
    for rule in found:
        code, reason = rule.off_code or "", rule.off_reason or ""
        event = RuleSwitchedOff(watch.clock(), rule.id, rule.version, rule.owner, code, reason)
        if _publish(watch, event, errors):
            _note_told(watch, rule)
            told += 1
    return told


def _note_told(watch: Watch, rule: store.Standing) -> None:
    with watch.control.transaction() as connection:
        # One that was switched on and off again meanwhile is still to be told.
        if store.standings(connection, [rule.id], lock=True).get(rule.id) == rule:
            store.save_standing(connection, rule.id, {"off_is_told": True})


def _publish(watch: Watch, event: Event, errors: list[ShuzhiError]) -> bool:
    try:
        watch.publish(event)
    except ShuzhiError as error:
        errors.append(error)
        return False
    return True


def _event(watch: Watch, warning: Warning, *, was_told: bool) -> WarningRaised:
    kind = WarningWorsened if was_told else WarningRaised
    return kind(
        watch.clock(),
        warning_id=warning.id,
        rule_id=warning.rule_id,
        severity=warning.severity,
        at=warning.at,
        party=warning.party,
        case_kind=warning.case_kind,
        merge_key=f"{warning.rule_id}:{warning.merge_key}",
        dataset=warning.dataset,
        facts=warning.facts,
    )
