"""A linkage in YAML, read strictly; the file is explained in docs/linkage.md.

What a file leaves out comes from the presets of its kind of subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    parse_document,
    read_document,
)
from shuzhi.kernel.documents import shape as shaped
from shuzhi.share.linkage.model import (
    Block,
    Kind,
    Linkage,
    Member,
    Part,
    Piece,
    Thresholds,
    Title,
    Training,
)
from shuzhi.share.linkage.presets import KindPreset, Presets, presets

_BAD = "share.bad_linkage"
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)]
_Share = Annotated[float, Field(gt=0, lt=1)]


class _TitleShape(StrictModel):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def title(self) -> Title:
        return Title(self.zh, self.en)


class _MemberShape(StrictModel):
    dataset: str
    key: str
    parts: dict[_Name, str] = Field(min_length=1)
    is_clean: bool = False
    seen_at: str | None = None

    def member(self) -> Member:
        return Member(self.dataset, self.key, self.parts, self.is_clean, self.seen_at)


class _PieceShape(StrictModel):
    part: _Name
    first: int = Field(ge=1, le=20)


class BlockShape(StrictModel):
    """`equal`: parts (or their first characters); or `rare`: a part whose rare words count."""

    equal: tuple[_Name | _PieceShape, ...] = ()
    rare: _Name | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 0.01

    @model_validator(mode="after")
    def _is_one(self) -> BlockShape:
        if bool(self.equal) == (self.rare is not None):
            raise ValueError("name either equal parts or the part whose rare words are shared")
        return self

    def block(self) -> Block:
        """Return the block."""
        pieces = (Piece(p) if isinstance(p, str) else Piece(p.part, p.first) for p in self.equal)
        return Block(tuple(pieces), self.rare, self.share)


class _FormShape(StrictModel):
    form: _Name
    is_strong: bool = False


class _ThresholdShape(StrictModel):
    link: _Share
    review: _Share

    @model_validator(mode="after")
    def _is_ordered(self) -> _ThresholdShape:
        if self.review > self.link:
            raise ValueError("review must not lie above link")
        return self


class _TrainingShape(StrictModel):
    sessions: tuple[BlockShape, ...] = ()
    certain: tuple[BlockShape, ...] = ()
    recall: Annotated[float, Field(gt=0, le=1)] = 0.8
    expected: Annotated[float, Field(gt=0, le=1)] = 0.5
    is_local: bool = False
    max_pairs: int = Field(default=1_000_000, ge=1_000, le=100_000_000)
    seed: int = Field(default=1, ge=0)


class _LinkageShape(StrictModel):
    id: _Name
    title: _TitleShape
    kind: Kind
    purpose: _TitleShape
    data: tuple[_MemberShape, ...] = Field(min_length=1)
    forms: dict[_Name, _FormShape] = Field(default_factory=dict)
    blocking: tuple[BlockShape, ...] = ()
    thresholds: _ThresholdShape | None = None
    training: _TrainingShape = _TrainingShape()
    support: float = Field(default=0.2, ge=0, le=1)
    most_pairs: int = Field(default=2_000_000, ge=1_000, le=1_000_000_000)


def read_linkage(path: Path) -> Linkage:
    """Return the linkage in a file. Raises as `parse_linkage`."""
    return _linkage(read_document(path))


def parse_linkage(raw: bytes, *, file: str) -> Linkage:
    """Return the linkage in the bytes of a YAML file.

    Raises:
        DocumentError: `kernel.bad_document`, or `share.bad_linkage` with file and line of
            everything that is wrong.
    """
    return _linkage(parse_document(raw, file=file))


def _linkage(document: Document) -> Linkage:
    held = shaped(document, _LinkageShape, code=_BAD)
    known = presets()
    preset = known.kinds[held.kind]
    parts = tuple(_parts(held, preset))
    names = {p.name for p in parts}
    made = Linkage(
        held.id,
        held.title.title(),
        held.kind,
        held.purpose.title(),
        tuple(m.member() for m in held.data),
        parts,
        tuple(b.block() for b in held.blocking) or _fitting(preset.blocks, names),
        _training(held.training, preset, names),
        _thresholds(held.thresholds),
        held.support,
        held.most_pairs,
    )
    if findings := tuple(_findings(document, made, held, known)):
        raise DocumentError(_BAD, findings)
    return made


def _parts(held: _LinkageShape, preset: KindPreset) -> Iterator[Part]:
    """Yield the parts that all data sets have, in the order of the first."""
    shared = [p for p in held.data[0].parts if all(p in m.parts for m in held.data)]
    for name in shared:
        given = held.forms.get(name)
        if given is not None:
            yield Part(name, given.form, given.is_strong)
        elif name in preset.parts:
            yield preset.parts[name]


def _training(held: _TrainingShape, preset: KindPreset, names: set[str]) -> Training:
    return Training(
        tuple(b.block() for b in held.sessions) or _fitting(preset.sessions, names),
        tuple(b.block() for b in held.certain) or _fitting(preset.certain, names),
        held.recall,
        held.expected,
        held.is_local,
        held.max_pairs,
        held.seed,
    )


def _thresholds(held: _ThresholdShape | None) -> Thresholds:
    return Thresholds() if held is None else Thresholds(held.link, held.review)


def _fitting(blocks: tuple[Block, ...], names: set[str]) -> tuple[Block, ...]:
    return tuple(b for b in blocks if used(b) <= names)


def used(block: Block) -> set[str]:
    """Return the parts that a block looks at."""
    return {p.part for p in block.pieces} | ({block.rare} if block.rare else set())


def _findings(
    document: Document, made: Linkage, held: _LinkageShape, known: Presets
) -> Iterator[Finding]:
    names = {p.name: p for p in made.parts}
    for i, member in enumerate(held.data):
        for part in member.parts:
            if part not in known.kinds[held.kind].parts and part not in held.forms:
                yield document.finding(
                    ("data", i, "parts", part), "has no form; declare one under `forms`"
                )
        if member.dataset in {m.dataset for m in held.data[:i]}:
            yield document.finding(("data", i, "dataset"), "is named twice")
    for name, form in held.forms.items():
        if form.form not in known.forms:
            choice = ", ".join(known.forms)
            yield document.finding(("forms", name, "form"), f"is none of: {choice}")
    if len(made.parts) < 2:
        yield document.finding(("data",), "the data sets share fewer than two parts")
    yield from _block_findings(document, made, names, known)


def _block_findings(
    document: Document, made: Linkage, names: dict[str, Part], known: Presets
) -> Iterator[Finding]:
    places: tuple[tuple[tuple[str, ...], tuple[Block, ...]], ...] = (
        (("blocking",), made.blocks),
        (("training", "sessions"), made.training.sessions),
        (("training", "certain"), made.training.certain),
    )
    for where, blocks in places:
        if not blocks and where[-1] != "certain":
            yield document.finding(where, "is missing, and the presets have none for these parts")
        for i, block in enumerate(blocks):
            at: tuple[Any, ...] = (*where, i)
            for part in sorted(used(block) - set(names)):
                yield document.finding(at, f"{part} is no part that all data sets have")
            rare = None if block.rare is None else names.get(block.rare)
            if rare is not None and (form := known.forms.get(rare.form)) and not form.tokens:
                yield document.finding(at, f"{rare.name} has no words: its form is {rare.form}")
