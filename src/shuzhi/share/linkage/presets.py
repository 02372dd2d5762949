"""The presets: forms of cleaning and comparing, and what each kind of subject takes by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shuzhi.kernel.documents import StrictModel, parse_document, shape
from shuzhi.share.linkage.model import Block, Kind, Part, Piece, Title

_FILE = "presets.yaml"
_BAD = "share.bad_linkage"
_PLAIN = (
    "half_width", "lower", "no_accents", "letters", "letters_digits", "digits", "joined",
    "hyphens", "numeric",
)  # fmt: skip
_WITH_WORDS = ("without_prefix", "without_suffix", "replace")
_LEVELS = (
    "similar", "edits", "swapped", "first", "last", "before", "overlap", "shares", "contains",
    "near",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step of cleaning, with the table of words that it takes, if any."""

    name: str
    words: str | None = None


@dataclass(frozen=True)
class Level:
    """One level of a comparison: what it asks, and with which number or word."""

    name: str
    value: float | str | None = None


@dataclass(frozen=True)
class Form:
    """How one sort of value is cleaned and compared, from the strongest level to the weakest."""

    name: str
    title: Title
    clean: tuple[Step, ...]
    levels: tuple[Level, ...]
    holds: str
    tokens: str | None
    by_frequency: bool


@dataclass(frozen=True)
class KindPreset:
    """What a kind of subject takes where a linkage says nothing."""

    parts: Mapping[str, Part]
    blocks: tuple[Block, ...]
    sessions: tuple[Block, ...]
    certain: tuple[Block, ...]


@dataclass(frozen=True)
class Lack:
    """What a training may lack, and what to do about it."""

    said: Title
    advice: Title


@dataclass(frozen=True)
class Presets:
    """All tables of `presets.yaml`."""

    words: Mapping[str, Mapping[str, str]]
    forms: Mapping[str, Form]
    kinds: Mapping[Kind, KindPreset]
    says: Mapping[str, Title]
    lacks: Mapping[str, Lack]


class _Text(StrictModel):
    zh: str
    en: str

    def title(self) -> Title:
        return Title(self.zh, self.en)


class _LackShape(StrictModel):
    said: _Text
    advice: _Text


class _FormShape(StrictModel):
    title: _Text
    clean: tuple[str | dict[str, str], ...]
    levels: tuple[str | dict[str, float | str], ...]
    holds: Literal["text", "number"] = "text"
    tokens: Literal["words_or_pairs", "triples", "codes"] | None = None
    by_frequency: bool = False

    @model_validator(mode="after")
    def _is_known(self) -> _FormShape:
        for given, plain, valued in (
            (self.clean, _PLAIN, _WITH_WORDS),
            (self.levels, ("same",), _LEVELS),
        ):
            for each in given:
                names = [each] if isinstance(each, str) else list(each)
                if len(names) != 1 or names[0] not in (plain if isinstance(each, str) else valued):
                    raise ValueError(f"there is no {each}")
        return self


class _PieceShape(StrictModel):
    part: str
    first: Annotated[int, Field(ge=1)]


class _BlockShape(StrictModel):
    equal: tuple[str | _PieceShape, ...] = ()
    rare: str | None = None

    def block(self) -> Block:
        pieces = (Piece(p) if isinstance(p, str) else Piece(p.part, p.first) for p in self.equal)
        return Block(tuple(pieces), self.rare)


class _PartShape(StrictModel):
    form: str
    is_strong: bool = False


class _KindShape(StrictModel):
    parts: dict[str, _PartShape]
    blocking: tuple[_BlockShape, ...]
    sessions: tuple[_BlockShape, ...]
    certain: tuple[_BlockShape, ...]


class _Shape(StrictModel):
    words: dict[str, tuple[str, ...] | dict[str, str]]
    forms: dict[str, _FormShape]
    kinds: dict[Kind, _KindShape]
    says: dict[str, _Text]
    lacks: dict[str, _LackShape]


@cache
def presets() -> Presets:
    """Return what the platform brings."""
    raw = files("shuzhi.share.linkage").joinpath(_FILE).read_bytes()
    held = shape(parse_document(raw, file=_FILE), _Shape, code=_BAD)
    return Presets(
        {n: w if isinstance(w, dict) else dict.fromkeys(w, "") for n, w in held.words.items()},
        {name: _form(name, form) for name, form in held.forms.items()},
        {kind: _kind(preset) for kind, preset in held.kinds.items()},
        {name: text.title() for name, text in held.says.items()},
        {code: Lack(lack.said.title(), lack.advice.title()) for code, lack in held.lacks.items()},
    )


def _form(name: str, held: _FormShape) -> Form:
    steps = (Step(s) if isinstance(s, str) else Step(*next(iter(s.items()))) for s in held.clean)
    levels = (
        Level(s) if isinstance(s, str) else Level(*next(iter(s.items()))) for s in held.levels
    )
    title = held.title.title()
    return Form(
        name, title, tuple(steps), tuple(levels), held.holds, held.tokens, held.by_frequency
    )


def _kind(held: _KindShape) -> KindPreset:
    return KindPreset(
        {name: Part(name, part.form, part.is_strong) for name, part in held.parts.items()},
        *(
            tuple(b.block() for b in blocks)
            for blocks in (held.blocking, held.sessions, held.certain)
        ),
    )
