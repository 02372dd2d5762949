"""Why two records are linked: from the odds before anything is known to those after all parts.

It speaks of levels and weights and never of values, which only a governed view shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp2, log2

from shuzhi.share.linkage.levels import asked
from shuzhi.share.linkage.model import Linkage, Pair, Place, Title, Trained
from shuzhi.share.linkage.presets import Form, Level, Presets, presets
from shuzhi.share.linkage.titles import named


@dataclass(frozen=True)
class Bar:
    """What one part adds: its match weight (log2), and the weight and probability after it."""

    part: str
    title: Title
    finding: Title
    weight: float
    total: float
    probability: float


@dataclass(frozen=True)
class Waterfall:
    """How a pair came to its probability, from the `prior` weight through the bars."""

    pair: Pair
    place: Place
    model: int
    prior: float
    bars: tuple[Bar, ...]

    @property
    def total(self) -> float:
        """The match weight after all parts."""
        return self.bars[-1].total if self.bars else self.prior


def waterfall(
    linkage: Linkage, trained: Trained, number: int, pair: Pair, place: Place
) -> Waterfall:
    """Return why `pair` has its probability under the model with that number."""
    known = presets()
    names = {p.name for p in linkage.parts}
    prior = log2(trained.prior / (1 - trained.prior))
    total, bars = prior, list[Bar]()
    for part in linkage.parts:
        weight = pair.weights.get(part.name, 0.0)
        total += weight
        form = known.forms[part.form]
        finding = _finding(pair.levels.get(part.name, -1), form, names, known)
        bars.append(Bar(part.name, form.title, finding, weight, total, probability(total)))
    return Waterfall(pair, place, number, prior, tuple(bars))


def probability(weight: float) -> float:
    """Return the probability that a match weight stands for."""
    return 1 / (1 + exp2(-max(-1000.0, min(1000.0, weight))))


def _finding(level: int, form: Form, names: set[str], known: Presets) -> Title:
    """Return what a level means; Splink numbers the weakest, `ELSE`, as 0."""
    if level < 0:
        return known.says["missing"]
    levels = asked(form, names)
    if level == 0:
        return known.says["other"]
    return meaning(levels[len(levels) - level], known)


def meaning(level: Level, known: Presets) -> Title:
    """Return what it means that two values are as alike as a level asks."""
    said, value = known.says[level.name], level.value
    if level.name == "swapped":
        other = known.forms[str(value)].title
        return Title(said.zh.format(other.zh), said.en.format(other.en))
    told = f"{value:g}" if isinstance(value, float) else value
    return Title(said.zh.format(told), said.en.format(told))


def lines(shown: Waterfall, language: str) -> tuple[str, ...]:
    """Return the waterfall in plain words, in `zh` or `en`."""
    is_zh = language == "zh"
    words = _ZH if is_zh else _EN
    first = words["prior"].format(probability(shown.prior), shown.prior)
    bars = (
        words["bar"].format(
            named(bar.title, bar.part).zh if is_zh else named(bar.title, bar.part).en,
            bar.finding.zh if is_zh else bar.finding.en,
            bar.weight,
            bar.probability,
        )
        for bar in shown.bars
    )
    return (first, *bars, words["end"].format(shown.pair.probability, shown.total))


_ZH = {
    "prior": "起点：任意两条记录同属一个主体的概率为 {0:.3g}（权重 {1:+.2f}）",
    "bar": "{0}{1}：权重 {2:+.2f}，至此概率 {3:.4f}",
    "end": "结果：概率 {0:.4f}（总权重 {1:+.2f}）",
}
_EN = {
    "prior": "To begin with, two records are of one subject with probability {0:.3g} "
    "(weight {1:+.2f})",
    "bar": "{0}: {1}; weight {2:+.2f}, probability so far {3:.4f}",
    "end": "In the end, probability {0:.4f} (weight {1:+.2f} in all)",
}
