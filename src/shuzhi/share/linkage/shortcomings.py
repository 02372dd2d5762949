"""What a training could not do, and what to do about it, in the words of who uses the model.

A model keeps short codes of it (`session_none: birth`, `name: similar 0.92: m`); they are told here
and nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.levels import OTHER, asked, label
from shuzhi.share.linkage.model import Linkage, Part, Title, Trained
from shuzhi.share.linkage.presets import Presets, presets
from shuzhi.share.linkage.titles import block_title, part_title
from shuzhi.share.linkage.waterfall import meaning

# With fewer rows a share that is learnt says little.
FEW_ROWS = 100


@dataclass(frozen=True)
class Shortcoming:
    """Something that a training could not do, and what to do about it."""

    code: str
    said: Title
    advice: Title


def shortcomings(linkage: Linkage, trained: Trained) -> tuple[Shortcoming, ...]:
    """Return what a model lacks, what matters the most first."""
    few = [f"few_rows: {n}: {rows}" for n, rows in trained.rows.items() if rows < FEW_ROWS]
    left_out = [f"left_out: {each}" for each in trained.left_out]
    told = (_told(linkage, each) for each in (*few, *trained.problems, *left_out))
    return (*told, *_unlearnt(linkage, trained.untrained))


def by_advice(lacking: Iterable[Shortcoming]) -> tuple[tuple[Title, tuple[Title, ...]], ...]:
    """Return each advice with all in a row that it is given for."""
    groups = groupby(lacking, lambda each: each.advice)
    return tuple((advice, tuple(each.said for each in those)) for advice, those in groups)


def untrainable(linkage: Linkage, problems: Sequence[str]) -> LinkageError:
    """Return why no model could be learnt at all."""
    # Without a model there is no share of matches to speak of.
    told = [_told(linkage, each) for each in problems if not each.startswith("certain_")]
    return LinkageError(
        "share.linkage_untrainable",
        f"No model of {linkage.id} could be learnt: {' '.join(each.said.en for each in told)}",
        next_step=" ".join(dict.fromkeys(each.advice.en for each in told)),
    )


def _told(linkage: Linkage, problem: str) -> Shortcoming:
    code, _, rest = problem.partition(": ")
    if code not in presets().lacks:
        # It was kept before there were codes.
        return _lack("other", Title(problem, problem))
    about, _, count = rest.partition(": ")
    return _lack(code, _block(linkage, about), f"{int(count):,}" if count.isdecimal() else count)


def _lack(code: str, about: Title, more: str | Title = "") -> Shortcoming:
    lack = presets().lacks[code]
    both = more if isinstance(more, Title) else Title(more, more)
    said = Title(lack.said.zh.format(about.zh, both.zh), lack.said.en.format(about.en, both.en))
    return Shortcoming(code, said, lack.advice)


def _block(linkage: Linkage, text: str) -> Title:
    """Return what is called `text` in a model, a block or a data set, by the titles of parts."""
    training = linkage.training
    found = (b for b in (*training.sessions, *linkage.blocks) if str(b) == text)
    block = next(found, None)
    return Title(text, text) if block is None else block_title(linkage, block)


def _unlearnt(linkage: Linkage, untrained: Sequence[str]) -> Iterator[Shortcoming]:
    """Yield, part by part, which findings could not be learnt."""
    sides: dict[str, dict[str, str]] = defaultdict(lambda: defaultdict(str))
    for each in untrained:
        name, finding, side = each.split(": ")
        sides[name][finding] += side
    for part in linkage.parts:
        if part.name in sides:
            yield _of_part(linkage, part, sides[part.name])


def _of_part(linkage: Linkage, part: Part, sides: Mapping[str, str]) -> Shortcoming:
    known, title = presets(), part_title(linkage, part.name)
    findings = _findings(linkage, part, known)
    if all("m" in sides.get(each, "") for each in findings):
        return _lack("part", title)
    if "u" in sides.get(OTHER, ""):
        return _lack("constant", title)
    zh, en = [], []
    for side in ("mu", "m", "u"):
        those = [findings[each] for each, of in sides.items() if of == side and each in findings]
        if those:
            says = known.says[f"unseen_{side}"]
            zh.append(says.zh.format("；".join(t.zh for t in those)))
            en.append(says.en.format("; ".join(t.en for t in those)))
    return _lack("findings", title, Title("".join(zh), " ".join(en)))


def _findings(linkage: Linkage, part: Part, known: Presets) -> dict[str, Title]:
    """Return what each level of a part means, by what a model calls it."""
    levels = asked(known.forms[part.form], {p.name for p in linkage.parts})
    return {label(each): meaning(each, known) for each in levels} | {OTHER: known.says["other"]}
