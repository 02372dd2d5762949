"""The way of a case: the stages of its kind in order, what was done, where it stands now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from markupsafe import Markup

from shuzhi.act.cases import CaseKind, Stage, Step
from shuzhi.act.cases.kind import leads_to
from shuzhi.web.drawing.boxes import ACROSS, ARCH, DOWN, HIGH, PAD, WIDE, box, edge
from shuzhi.web.drawing.svg import drawing, markup

_LOW = 10.0
# The main line; what leads off it stands below.
_MAIN = (
    Stage.NEW, Stage.VERIFIED, Stage.FILED, Stage.DISPATCHED, Stage.IN_HAND, Stage.FED_BACK,
    Stage.CHECKED, Stage.CLOSED, Stage.RATED,
)  # fmt: skip
_BESIDE = {Stage.RETURNED: Stage.DISPATCHED, Stage.SUSPENDED: Stage.IN_HAND,
           Stage.REOPENED: Stage.CLOSED}  # fmt: skip


def way(
    kind: CaseKind,
    steps: Sequence[Step],
    title: str,
    name: Callable[[Stage], str],
    moment: Callable[[Step], str],
) -> Markup:
    """Return the way that a case took; `name` says a stage and `moment` when a step was."""
    now = steps[-1].stage
    reached = {step.stage: step for step in steps}
    possible = {end for way in kind.ways for end in leads_to(way)} | {Stage.NEW, *reached}
    main = [stage for stage in _MAIN if stage in possible]
    beside = [stage for stage in _BESIDE if stage in reached]
    done = {(a.stage, b.stage) for a, b in pairwise(steps) if a.stage is not b.stage}
    top = _LOW if done <= set(pairwise(main)) else ARCH
    places = {stage: (PAD + i * (WIDE + ACROSS), top) for i, stage in enumerate(main)}
    for stage in beside:
        anchor = _BESIDE[stage] if _BESIDE[stage] in places else main[-1]
        places[stage] = (places[anchor][0], top + HIGH + DOWN)
    width = len(main) * (WIDE + ACROSS) - ACROSS + 2 * PAD
    height = top + HIGH + (DOWN + HIGH if beside else 0) + 30
    made = drawing(width, height, "way", title, " → ".join(name(s.stage) for s in _moves(steps)))
    for start, end in pairwise(main):
        if (start, end) not in done:
            edge(made, places[start], places[end], "ahead")
    for start, end in sorted(done):
        edge(made, places[start], places[end], "done")
    for stage, place in places.items():
        state = "now" if stage is now else "done" if stage in reached else "ahead"
        box(made, place, name(stage), state, moment(reached[stage]) if stage in reached else "")
    return markup(made)


def _moves(steps: Sequence[Step]) -> list[Step]:
    return [steps[0], *(b for a, b in pairwise(steps) if a.stage is not b.stage)]
