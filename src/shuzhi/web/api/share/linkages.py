"""`/linkages`: models, runs, what was asked, pairs that wait, why a pair is one, and subjects.

All of it is for who manages sharing for the city, but the file of a subject is for who uses data
by an agreement. Keys may name people, so that they stand in bodies, and never in an address.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.app import City
from shuzhi.share import linkage as room
from shuzhi.share.accounts import Right
from shuzhi.share.linkage import Asker, Record, Verdict, WorkKind
from shuzhi.web.api.frame.acting import Origin, VisitorHere
from shuzhi.web.api.frame.answers import Given, Name, Words
from shuzhi.web.api.frame.asking import CityHere, asks, changes, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.frame.siding import Manager
from shuzhi.web.api.share.delivery_given import ForPurpose, Said
from shuzhi.web.api.share.linkage_answers import (
    LinkageAnswer,
    LinkageRunAnswer,
    LinkageRuns,
    Linkages,
    LinkageWorkAnswer,
    LinkageWorks,
    ModelAnswer,
    Models,
)
from shuzhi.web.api.share.pair_answers import (
    DecidedAnswer,
    SampleAnswer,
    WaitingAnswer,
    WaitingPairs,
    WaterfallAnswer,
)
from shuzhi.web.api.share.subject_answers import SubjectFileAnswer
from shuzhi.web.problems import WebError

TAG = {
    "name": "linkages",
    "description": "关联 · Linkage: the same person, company or place across departments.",
}
router = APIRouter(prefix="/linkages", tags=["linkages"])
LinkageName = Annotated[Name, InPath(description="The id of the linkage.")]
_Text = Annotated[Words, Field(min_length=1, max_length=300)]


class Begin(Given):
    """That something shall be done: there is nothing more to say."""


class RecordGiven(Given):
    """A row of a data set that takes part."""

    dataset: _Text
    """Of which data set."""
    key: _Text
    """Its key, as text."""

    def record(self) -> Record:
        """Return it as the room of linkage takes it."""
        return Record(self.dataset, self.key)


class PairGiven(Given):
    """Two records."""

    one: RecordGiven
    """One of them."""
    other: RecordGiven
    """The other."""

    def records(self) -> tuple[Record, Record]:
        """Return them as the room of linkage takes them."""
        return self.one.record(), self.other.record()


class NewVerdict(PairGiven):
    """What somebody who looked at two records says of them."""

    verdict: Verdict
    """What they are."""
    reason: Annotated[Words, Field(min_length=1)]
    """What was looked at."""


class FileAsked(ForPurpose):
    """Whose file somebody wants to see, and for what."""

    subject: Said | None = None
    """The id of the subject, unless a record is named."""
    record: RecordGiven | None = None
    """A record of the subject, which one may see oneself."""

    def whose(self) -> str | Record:
        """Return whose file it is; WebError `web.bad_words` unless exactly one is named."""
        if self.subject is not None and self.record is None:
            return self.subject
        if self.record is not None and self.subject is None:
            return self.record.record()
        raise WebError(
            "web.bad_words",
            "A file is asked for by the id of a subject or by a record of it.",
            next_step="Send one of subject and record.",
        )


@router.get("", **reads(Right.OVERSEE))
def list_linkages(city: CityHere, _manager: Manager, page: PageAsked) -> Linkages:
    """List what is linked, by id, with the model in use and the newest run."""
    office, after = city.linkage_office, page.name
    names = sorted(name for name in office.linkages if after is None or name > after)
    shown, following = page.cut(names, lambda name: name)
    items = tuple(
        LinkageAnswer.told(
            office.linkage(name), room.models(office, name), room.last_run(office, name)
        )
        for name in shown
    )
    return Linkages(items=items, next=following)


@router.get("/{linkage}/models", **reads(Right.OVERSEE))
def list_models(city: CityHere, _manager: Manager, linkage: LinkageName, page: PageAsked) -> Models:
    """List the models of a linkage with what each would link, the newest first."""
    before, office = page.number, city.linkage_office
    declared = office.linkage(linkage)
    found = [
        kept for kept in room.models(office, linkage) if before is None or kept.number < before
    ]
    shown, following = page.cut(found, lambda one: one.number)
    items = tuple(ModelAnswer.told(declared, kept) for kept in shown)
    return Models(items=items, next=following)


@router.post("/{linkage}/models", status_code=202, **changes(Right.OVERSEE))
def train_model(
    city: CityHere,
    manager: Manager,
    linkage: LinkageName,
    _given: Begin,
    origin: Origin,
    response: Response,
) -> LinkageWorkAnswer:
    """Have a model trained on the data of then, beside the one in use; it waits to be accepted.

    The running city does that: what is answered is the work, to be looked at until it has ended.
    """
    return _asked(city, linkage, WorkKind.TRAINING, manager, origin, response)


@router.post("/{linkage}/models/{model}/acceptances", **changes(Right.OVERSEE))
def accept_model(
    city: CityHere,
    manager: Manager,
    linkage: LinkageName,
    model: Annotated[int, InPath(ge=1, lt=2**31, description="The number of the model.")],
    _given: Begin,
) -> ModelAnswer:
    """Use a trained model from now on."""
    office = city.linkage_office
    kept = room.accept(office, linkage, model, by=manager)
    return ModelAnswer.told(office.linkage(linkage), kept)


@router.get("/{linkage}/runs", **reads(Right.OVERSEE))
def list_linkage_runs(
    city: CityHere, _manager: Manager, linkage: LinkageName, page: PageAsked
) -> LinkageRuns:
    """List the runs of a linkage and what came of each, the newest first."""
    found = room.runs(city.linkage_office, linkage, before=page.number, limit=page.limit + 1)
    shown, following = page.cut(found, lambda one: one.id)
    return LinkageRuns(items=tuple(map(LinkageRunAnswer.about, shown)), next=following)


@router.post("/{linkage}/runs", status_code=202, **changes(Right.OVERSEE))
def run_linkage(
    city: CityHere,
    manager: Manager,
    linkage: LinkageName,
    _given: Begin,
    origin: Origin,
    response: Response,
) -> LinkageWorkAnswer:
    """Have the data of then linked with the model in use; subjects keep their ids.

    The running city does that: what is answered is the work, to be looked at until it has ended.
    """
    return _asked(city, linkage, WorkKind.RUN, manager, origin, response)


@router.get("/{linkage}/works", **reads(Right.OVERSEE))
def list_linkage_works(
    city: CityHere, _manager: Manager, linkage: LinkageName, page: PageAsked
) -> LinkageWorks:
    """List the trainings and runs that were asked for and how each stands, the newest first."""
    found = room.works(city.linkage_office, linkage, before=page.number, limit=page.limit + 1)
    shown, following = page.cut(found, lambda one: one.id)
    return LinkageWorks(items=tuple(map(LinkageWorkAnswer.about, shown)), next=following)


@router.get("/{linkage}/works/{work}", **reads(Right.OVERSEE))
def show_linkage_work(
    city: CityHere,
    _manager: Manager,
    linkage: LinkageName,
    work: Annotated[int, InPath(ge=1, lt=2**62, description="The number of the work.")],
) -> LinkageWorkAnswer:
    """Show how a training or a run stands: waiting, running, done or failed."""
    return LinkageWorkAnswer.about(room.work(city.linkage_office, linkage, work))


@router.get("/{linkage}/review", **reads(Right.OVERSEE))
def list_waiting_pairs(
    city: CityHere, _manager: Manager, linkage: LinkageName, page: PageAsked
) -> WaitingPairs:
    """List the pairs that somebody should look at: disputed ones, then the most telling first."""
    after, limit = page.name or "", page.limit + 1
    found = room.review(city.linkage_office, linkage, after=after, limit=limit)
    shown, following = page.cut(found, lambda one: one.turn)
    return WaitingPairs(items=tuple(map(WaitingAnswer.told, shown)), next=following)


@router.get("/{linkage}/sample", **reads(Right.OVERSEE))
def draw_links(
    city: CityHere,
    _manager: Manager,
    linkage: LinkageName,
    size: Annotated[int, Query(ge=1, le=500, description="How many links are drawn.")] = 100,
    seed: Annotated[int, Query(ge=0, lt=2**31, description="Draws the same again.")] = 1,
) -> SampleAnswer:
    """Draw links at random: how right they are, and which of them nobody has looked at."""
    return SampleAnswer.told(*room.sample(city.linkage_office, linkage, size=size, seed=seed))


@router.post("/{linkage}/decisions", **changes(Right.OVERSEE))
def decide_pair(
    city: CityHere, manager: Manager, linkage: LinkageName, given: NewVerdict
) -> DecidedAnswer:
    """Say what a pair is; it takes the place of what one said before, and later runs keep to it."""
    done = room.decide(
        city.linkage_office,
        linkage,
        *given.records(),
        given.verdict,
        by=manager,
        reason=given.reason,
    )
    return DecidedAnswer.told(done)


@router.post("/{linkage}/explanations", **asks(Right.OVERSEE))
def explain_pair(
    city: CityHere, manager: Manager, linkage: LinkageName, given: PairGiven
) -> WaterfallAnswer:
    """Say why two records are linked or not: levels and weights, and never a value.

    The look is in the audit log.
    """
    shown = room.why(city.linkage_office, linkage, *given.records(), by=manager)
    city.record()
    return WaterfallAnswer.told(shown)


@router.post("/{linkage}/subject-files", **asks(Right.QUERY))
def show_subject_file(
    city: CityHere,
    visitor: VisitorHere,
    linkage: LinkageName,
    given: FileAsked,
) -> SubjectFileAnswer:
    """Show what one's own agreements show of a subject, source by source, at this moment.

    The look is in the audit log, and each data set that shows a row has its receipt.
    """
    asker = Asker(given.user(visitor), given.role, given.purpose)
    shown = city.subject_file(linkage, given.whose(), asker=asker)
    # Nothing is known outside before it is in the audit log.
    city.record()
    return SubjectFileAnswer.told(shown)


def _asked(
    city: City, linkage: str, kind: WorkKind, by: str, origin: str, response: Response
) -> LinkageWorkAnswer:
    made = room.ask(city.linkage_office, linkage, kind, by=by, origin=origin)
    response.headers["Location"] = f"/api/v1/linkages/{linkage}/works/{made.id}"
    return LinkageWorkAnswer.about(made)
