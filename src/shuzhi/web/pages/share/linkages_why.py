"""Why a pair is one, as a page shows it: a drawing of weights, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2

from markupsafe import Markup

from shuzhi.share.linkage import Linkage, Waterfall, lines
from shuzhi.web.drawing.waterfalls import Line, Step, waterfall
from shuzhi.web.pages.frame.reading import Reader


@dataclass(frozen=True)
class Explained:
    """How a pair came to its probability, and the drawing of it."""

    shown: Waterfall
    drawn: Markup


def explained(shown: Waterfall, declared: Linkage, reader: Reader) -> Explained:
    """Return why a pair is one, in the reader's language, under the thresholds of the linkage."""
    said = "; ".join(lines(shown, reader.language))
    limits = tuple(_limits(declared, reader))
    drawn = waterfall(tuple(_steps(shown, reader)), limits, reader.t("linkages.why"), said)
    return Explained(shown, drawn)


def _steps(shown: Waterfall, reader: Reader) -> Iterator[Step]:
    yield Step(reader.t("linkages.prior"), _signed(shown.prior), 0, shown.prior, is_whole=True)
    before = shown.prior
    for bar in shown.bars:
        yield Step(reader.both(bar.title), _signed(bar.weight), before, bar.total)
        before = bar.total
    yield Step(reader.t("linkages.total"), _signed(shown.total), 0, shown.total, is_whole=True)


def _limits(declared: Linkage, reader: Reader) -> Iterator[Line]:
    named = (
        (reader.t("linkages.from_review"), declared.thresholds.review),
        (reader.t("linkages.from_link"), declared.thresholds.link),
    )
    yield from (Line(name, log2(p / (1 - p))) for name, p in named if 0 < p < 1)


def _signed(weight: float) -> str:
    # Nothing is neither for nor against: there is no -0.0.
    return f"{round(weight, 1) + 0.0:+.1f}"
