"""What is told of linkages: what is declared, trained models, and what runs made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shuzhi.share.linkage import (
    Kept,
    Linkage,
    ModelState,
    Run,
    WorkKind,
    WorkState,
    shortcomings,
)
from shuzhi.share.linkage.model import Kind
from shuzhi.web.api.frame.answers import Answer, Listed, Title


class FiguresAnswer(Answer):
    """What a model links."""

    pairs: int
    """How many pairs are likely enough to be kept."""
    linked: int
    """How many of them are linked."""
    to_review: int
    """How many of them somebody should look at."""
    subjects: int
    """How many subjects have more than one record."""
    largest: int
    """How many records the largest of them has."""
    refused: Mapping[str, int]
    """How many likely pairs were not joined, by why."""


class LackAnswer(Answer):
    """Something that a training could not do."""

    code: str
    """What, for good, such as `few_rows` or `session_none`."""
    said: Title
    """What, of which part, block or data set."""
    advice: Title
    """What to do about it."""


class ModelAnswer(Answer):
    """A trained model, with what it stands on."""

    number: int
    """Its number within the linkage."""
    state: ModelState
    """Whether it is used."""
    trained_at: datetime
    """When it was trained."""
    trained_by: str
    """By whom."""
    accepted_at: datetime | None
    """When it was accepted; null before that."""
    accepted_by: str | None
    """By whom."""
    figures: FiguresAnswer
    """What it would link."""
    versions: Mapping[str, int]
    """On which version of each data set it was trained."""
    rows: Mapping[str, int]
    """How many rows of each there were."""
    seed: int
    """The seed of what was drawn at random."""
    software: Mapping[str, str]
    """With which version of what it was trained."""
    prior: float
    """How likely any two records are of one subject, before anything is known of them."""
    prior_from: str
    """What that follows from."""
    lacking: tuple[LackAnswer, ...]
    """What its training could not do, what matters the most first."""

    @classmethod
    def told(cls, declared: Linkage, kept: Kept) -> ModelAnswer:
        """Return a model of what is declared."""
        trained, lacking = kept.trained, shortcomings(declared, kept.trained)
        named = ("versions", "rows", "seed", "software", "prior", "prior_from")
        told = {name: getattr(trained, name) for name in named}
        return cls.about(kept, **told, lacking=tuple(map(LackAnswer.about, lacking)))


class Models(Listed):
    """A page of the models of a linkage, the newest first."""

    items: tuple[ModelAnswer, ...]
    """The models."""


class LinkageWorkAnswer(Answer):
    """A training or a run that was asked for."""

    id: int
    """Its number."""
    kind: WorkKind
    """What was asked."""
    state: WorkState
    """How it stands: one that was begun and whose process died waits to be taken up again."""
    asked_at: datetime
    """When it was asked."""
    asked_by: str
    """By whom."""
    begun_at: datetime | None
    """When it was begun last; null before that."""
    starts: int
    """How often it was begun."""
    ended_at: datetime | None
    """When it ended; null before that."""
    failure: str
    """Why it failed; empty where it did not."""
    made: int | None
    """The number of the model that was trained, or the id of the run; null before it is done."""
    figures: FiguresAnswer | None
    """What that links; null before it is done."""


class LinkageWorks(Listed):
    """A page of what was asked of a linkage, the newest first."""

    items: tuple[LinkageWorkAnswer, ...]
    """The works."""


class LinkageRunAnswer(Answer):
    """One run of a linkage."""

    id: int
    """Its number."""
    at: datetime
    """When it ended."""
    by: str
    """Who let it run."""
    versions: Mapping[str, int]
    """Over which version of each data set."""
    figures: FiguresAnswer
    """What came of it."""


class LinkageRuns(Listed):
    """A page of the runs of a linkage, the newest first."""

    items: tuple[LinkageRunAnswer, ...]
    """The runs."""


class MemberAnswer(Answer):
    """A data set that takes part."""

    dataset: str
    """Which."""
    key: str
    """The column by which its rows are known."""
    parts: Mapping[str, str]
    """Which column plays which part."""
    is_clean: bool
    """Whether no two of its rows speak of one subject."""
    seen_at: str | None
    """The column that says when a row was true last."""


class ComparedAnswer(Answer):
    """A part that is compared."""

    name: str
    """Which."""
    form: str
    """How it is cleaned and compared."""
    is_strong: bool
    """Whether two rows in which it differs are never of one subject."""


class ThresholdsAnswer(Answer):
    """From which probability on something is done."""

    link: float
    """From here on a pair is linked."""
    review: float
    """From here on somebody looks at it."""


class LinkageAnswer(Answer):
    """A linkage: what it links, by which model, and what the newest run did."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    purpose: Title
    """What it is for."""
    kind: Kind
    """What a subject is."""
    members: tuple[MemberAnswer, ...]
    """The data sets that take part."""
    parts: tuple[ComparedAnswer, ...]
    """What is compared."""
    blocks: tuple[str, ...]
    """Which pairs are compared: those equal in one of these."""
    thresholds: ThresholdsAnswer
    """From which probability on something is done."""
    model: int | None
    """The number of the model in use; null before one was accepted."""
    run: LinkageRunAnswer | None
    """The newest run; null before the first."""

    @classmethod
    def told(cls, linkage: Linkage, models: tuple[Kept, ...], run: Run | None) -> LinkageAnswer:
        """Return a linkage as it stands."""
        in_use = (kept.number for kept in models if kept.state is ModelState.ACCEPTED)
        blocks = tuple(map(str, linkage.blocks))
        return cls.about(linkage, blocks=blocks, model=next(in_use, None), run=run)


class Linkages(Listed):
    """A page of linkages, by id."""

    items: tuple[LinkageAnswer, ...]
    """The linkages."""
