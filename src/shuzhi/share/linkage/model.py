"""What is linked, by what, and what came of it, as frozen values.

A *linkage* is declared once for one kind of subject. It names data sets, and which of their columns
play which *part* (name, birth, address …); rows that speak of one subject get one subject id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shuzhi.kernel.instant import Instant


class Kind(StrEnum):
    """What a subject is."""

    PERSON = "person"
    COMPANY = "company"
    PLACE = "place"
    THING = "thing"  # a product, a publication: only the parts that are declared with a form


@dataclass(frozen=True)
class Title:
    """A name in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Member:
    """A data set that takes part: its key column, and its columns by the parts they play.

    With `is_clean` no two of its rows speak of one subject. `seen_at` is the column that says when
    a row was true last; it orders what contradicts itself.
    """

    dataset: str
    key: str
    parts: Mapping[str, str]
    is_clean: bool = False
    seen_at: str | None = None


@dataclass(frozen=True)
class Piece:
    """A part that a block needs to be equal, or only its first characters."""

    part: str
    first: int | None = None


@dataclass(frozen=True)
class Block:
    """Which pairs are compared at all: those equal in all pieces, or that share a rare word.

    Words are rare that stand in at most that `share` of all rows, and always those in a few.
    """

    pieces: tuple[Piece, ...] = ()
    rare: str | None = None
    share: float = 0.01

    def __str__(self) -> str:
        if self.rare is not None:
            return f"rare words of {self.rare}"
        return ", ".join(
            p.part if p.first is None else f"{p.part}[:{p.first}]" for p in self.pieces
        )


@dataclass(frozen=True)
class Thresholds:
    """From which probability on a pair is linked, and from which on somebody looks at it."""

    link: float = 0.95
    review: float = 0.5


@dataclass(frozen=True)
class Training:
    """How the model is trained.

    `sessions` are the blocks in which EM looks for matches. `certain` are blocks in which nearly
    all pairs match, which find `recall` of all matches: from them follows the share of matches
    among all pairs. Without them, `expected` of the rows of the smaller side are taken to match.
    With `is_local`, how often things agree by chance is learnt from the compared pairs and not
    from random ones: right where blocks share rare words. At most `max_pairs` are looked at.
    """

    sessions: tuple[Block, ...]
    certain: tuple[Block, ...] = ()
    recall: float = 0.8
    expected: float = 0.5
    is_local: bool = False
    max_pairs: int = 1_000_000
    seed: int = 1


@dataclass(frozen=True)
class Part:
    """A part with the form in which it is cleaned and compared.

    Two rows whose `is_strong` parts differ are never of one subject, whatever else agrees.
    """

    name: str
    form: str
    is_strong: bool = False


@dataclass(frozen=True)
class Linkage:
    """A linkage as it is declared."""

    id: str
    title: Title
    kind: Kind
    purpose: Title
    members: tuple[Member, ...]
    parts: tuple[Part, ...]
    blocks: tuple[Block, ...]
    training: Training
    thresholds: Thresholds = Thresholds()
    # The share of possible links between two groups that must be there before they are one.
    support: float = 0.2
    # A block that would let more pairs through is left out, and the model says so.
    most_pairs: int = 2_000_000

    def member(self, dataset: str) -> Member | None:
        """Return what is declared of a data set; None when it takes no part."""
        return next((m for m in self.members if m.dataset == dataset), None)

    @property
    def strong(self) -> tuple[str, ...]:
        """The parts that must not differ within a subject."""
        return tuple(p.name for p in self.parts if p.is_strong)


class Record(NamedTuple):
    """One row of one data set, by its key as text; it orders pairs and chooses ids."""

    dataset: str
    key: str


@dataclass(frozen=True)
class Pair:
    """Two records that were compared, the lesser first: how likely they are of one subject.

    `weight` is the whole match weight (log2 of the odds), which still tells pairs apart whose
    probability is nearly 1. `levels` and `weights` give, part by part, what was found (the number
    of the level; -1 where a value is missing) and what it counted.
    """

    left: Record
    right: Record
    probability: float
    weight: float
    levels: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


class Verdict(StrEnum):
    """What somebody who looked at a pair says."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Decision:
    """What `by` says of a pair, and why; a later one of the same person takes its place."""

    left: Record
    right: Record
    verdict: Verdict
    by: str
    at: Instant
    reason: str


class ModelState(StrEnum):
    """Whether a trained model is used."""

    TRAINED = "trained"
    ACCEPTED = "accepted"
    RETIRED = "retired"


@dataclass(frozen=True)
class Trained:
    """A model that was trained, with everything it stands on.

    `splink` are its parameters as Splink keeps them. `untrained` names what EM could not estimate,
    which stands at Splink's guess (`name: similar 0.92: m`), `problems` what else went wrong
    (`session_none: birth`) and `left_out` blocks with too many pairs: `shortcomings` tells them.
    `versions` and `rows` are by data set; `prior_from` says what the share of matches follows from
    (`certain` or `expected`).
    """

    splink: Mapping[str, object]
    declared_sha256: str
    versions: Mapping[str, int]
    rows: Mapping[str, int]
    seed: int
    software: Mapping[str, str]
    prior: float
    prior_from: str
    untrained: tuple[str, ...]
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """What a model would link, to be compared with the model before it."""

    pairs: int
    linked: int
    to_review: int
    subjects: int
    largest: int
    refused: Mapping[str, int]


@dataclass(frozen=True)
class Kept:
    """A trained model as it is kept: under its number, with what it would link."""

    id: int
    linkage: str
    number: int
    state: ModelState
    trained_at: Instant
    trained_by: str
    trained: Trained
    figures: Figures
    accepted_at: Instant | None = None
    accepted_by: str | None = None


class Place(StrEnum):
    """What became of a pair: linked, to be looked at, or likely enough but not joined (why)."""

    LINKED = "linked"
    REVIEW = "review"
    CLEAN = "clean"
    STRONG = "strong"
    DIFFERENT = "different"
    CHAIN = "chain"


@dataclass(frozen=True)
class Placed:
    """A pair with what became of it."""

    pair: Pair
    place: Place


@dataclass(frozen=True)
class Run:
    """One run of a linkage with its accepted model, over these versions of the data sets."""

    id: int
    linkage: str
    model: int
    at: Instant
    by: str
    versions: Mapping[str, int]
    figures: Figures


class WorkKind(StrEnum):
    """What is asked of a linkage that takes long."""

    TRAINING = "training"
    RUN = "run"


class WorkState(StrEnum):
    """How what was asked stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Work:
    """A training or a run that was asked for, and is done beside whoever asked.

    `starts` counts how often it was begun; `made` is the number of the model or the run that
    came of it, and `failure` says why nothing did.
    """

    id: int
    linkage: str
    kind: WorkKind
    state: WorkState
    asked_at: Instant
    asked_by: str
    begun_at: Instant | None = None
    ended_at: Instant | None = None
    starts: int = 0
    failure: str = ""
    made: int | None = None
    figures: Figures | None = None
