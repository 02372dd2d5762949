"""The way of a case as a Mermaid state diagram, with what was done marked and timed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from shuzhi.act.cases.kind import CaseKind, Way, leads_to
from shuzhi.act.cases.model import ENDED, Stage, Step, Verb
from shuzhi.kernel.instant import Instant, named_zone

_STAGES = {
    Stage.NEW: ("发现", "new"),
    Stage.VERIFIED: ("核实", "verified"),
    Stage.FILED: ("立案", "filed"),
    Stage.DISPATCHED: ("派遣", "dispatched"),
    Stage.IN_HAND: ("处置", "in hand"),
    Stage.RETURNED: ("退回", "returned"),
    Stage.SUSPENDED: ("挂起", "suspended"),
    Stage.FED_BACK: ("反馈", "fed back"),
    Stage.CHECKED: ("核查", "checked"),
    Stage.CLOSED: ("结案", "closed"),
    Stage.RATED: ("评价", "rated"),
    Stage.REOPENED: ("重开", "reopened"),
}
_STYLES = (
    "classDef done fill:#dff3e4,stroke:#2e7d4f,color:#14361f",
    "classDef now fill:#1f5fbf,stroke:#123a75,color:#ffffff",
    "classDef ahead fill:#ffffff,stroke:#9aa4b2,color:#4a5565,stroke-dasharray:4 3",
)


def draw_kind(kind: CaseKind, *, language: str = "en") -> str:
    """Return the life of a kind of case, with who may do each step (`language`: zh or en)."""
    edges = dict.fromkeys(_edges(kind))
    stages = {stage for start, end, _ in edges for stage in (start, end)} | {Stage.NEW}
    lines = [_state(stage, language) for stage in Stage if stage in stages]
    lines += [_arrow(start, end, label) for start, end, label in edges]
    return _diagram(lines, stages)


def draw_case(kind: CaseKind, steps: Sequence[Step], *, zone: str, language: str = "en") -> str:
    """Return the way that a case took, step by step, and what is possible next.

    Times are those of `zone`. Steps done are solid, numbered and timed; steps ahead are dashed.
    """
    moves = [(a, b) for a, b in pairwise(steps) if a.stage is not b.stage]
    done = {step.stage for step in steps}
    now = steps[-1].stage
    lines = [_arrow(a.stage, b.stage, _label(b, zone)) for a, b in moves]
    ahead = {(w.verb, end) for w in kind.ways_from(now) for end in leads_to(w)}
    for verb, end in sorted(ahead):
        lines.append(_arrow(now, end, f"{verb} ?"))
    stages = done | {end for _, end in ahead}
    lines = [_state(stage, language) for stage in Stage if stage in stages] + lines
    marks = (("done", done - {now}), ("now", {now}), ("ahead", stages - done))
    lines += [f"class {','.join(sorted(names))} {mark}" for mark, names in marks if names]
    return _diagram([*lines, *_STYLES], done)


def _edges(kind: CaseKind) -> Iterator[tuple[Stage, Stage, str]]:
    for way in kind.ways:
        label = f"{way.verb} ({' / '.join(sorted(way.roles))})"
        for start in sorted(way.starts):
            for end in sorted(_ends(kind, way)):
                yield start, end, label
            if way.verb is Verb.CHECK:
                for end in sorted(_starts(kind, Verb.FEED_BACK)):
                    yield start, end, f"{label}, not good"


def _ends(kind: CaseKind, way: Way) -> frozenset[Stage]:
    return _starts(kind, Verb.SUSPEND) if way.verb is Verb.RESUME else leads_to(way)


def _starts(kind: CaseKind, verb: Verb) -> frozenset[Stage]:
    return frozenset(start for way in kind.ways if way.verb is verb for start in way.starts)


def _label(step: Step, zone: str) -> str:
    return f"{step.number}. {step.verb} {_when(step.at, zone)}"


def _when(at: Instant, zone: str) -> str:
    # Mermaid ends a label at a colon; the full-width one is no colon to it.
    return at.astimezone(named_zone(zone)).strftime("%Y-%m-%d %H：%M")


def _state(stage: Stage, language: str) -> str:
    zh, en = _STAGES[stage]
    return f'state "{zh if language == "zh" else en}" as {stage}'


def _arrow(start: Stage, end: Stage, label: str) -> str:
    return f"{start} --> {end} : {label}"


def _diagram(lines: Iterable[str], stages: Iterable[Stage]) -> str:
    ends = [f"{stage} --> [*]" for stage in sorted(set(stages) & ENDED)]
    body = ("direction LR", f"[*] --> {Stage.NEW}", *lines, *ends)
    return "\n".join(("stateDiagram-v2", *(f"    {line}" for line in body))) + "\n"
