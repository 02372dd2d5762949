"""What each field of a form meets: held or not, to be had or not, asked or not.

Pure: what is held, what its owner may have, and who said what of candidates come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue import Sharing
from shuzhi.share.forms.holdings import Held, Holdings
from shuzhi.share.forms.model import Candidate, Form, FormField, Judgement, Reach, Verdict, Way


@dataclass(frozen=True)
class Terms:
    """On what terms the owner of a form may have one column.

    Of `conditional` an application may be under way; `due_at` is when its answer is due, or would
    be if it came now.
    """

    reach: Reach
    agreement: int | None = None
    application: int | None = None
    due_at: Instant | None = None
    basis: str = ""
    is_verified: bool | None = None


@dataclass(frozen=True)
class Same:
    """What a person said of a candidate: it is the same as the field, or it is not."""

    field: str
    dataset: str
    column: str
    is_same: bool


def carried(same: Iterable[Same], before: Form, form: Form) -> tuple[Same, ...]:
    """Return what was said of fields that bear another name in `form`, under that name.

    A field is known by its title: to rename it makes nothing of what was said of it.
    """
    gone = {f.name: f.title for f in before.fields if form.field(f.name) is None}
    fresh = {f.title: f.name for f in form.fields if before.field(f.name) is None}
    known = ((each, gone.get(each.field)) for each in same)
    return tuple(replace(each, field=fresh[title]) for each, title in known if title in fresh)


@dataclass(frozen=True)
class Evidence:
    """What fields are held against, on `day`."""

    held: Holdings
    terms: Callable[[Held], Terms]
    candidates: Callable[[FormField, frozenset[tuple[str, str]]], tuple[Candidate, ...]]
    same: tuple[Same, ...]
    day: date


_ORDER = tuple(Reach)
_HAD = frozenset({Reach.OWN, Reach.AGREEMENT, Reach.UNCONDITIONAL})


def terms_of(
    held: Held, owner: PartyId, agreement: int | None, waiting: Callable[[], Terms]
) -> Terms:
    """Return the terms of a column for `owner`, who has `agreement` about it, if any.

    `waiting` says what is under way where one has to apply first.
    """
    if held.provider == owner:
        return Terms(Reach.OWN)
    if agreement is not None:
        return Terms(Reach.AGREEMENT, agreement)
    if held.sharing is Sharing.UNCONDITIONAL:
        return Terms(Reach.UNCONDITIONAL)
    if held.sharing is Sharing.WITHHELD:
        return Terms(Reach.NONE)
    return waiting()


def judged(form: Form, evidence: Evidence) -> tuple[Judgement, ...]:
    """Return what becomes of each field of `form`, in their order."""
    return tuple(_judged(field, evidence) for field in form.fields)


def _judged(field: FormField, evidence: Evidence) -> Judgement:
    way, found = _found(field, evidence)
    if not found:
        denied = frozenset(
            (s.dataset, s.column) for s in evidence.same if s.field == field.name and not s.is_same
        )
        near = evidence.candidates(field, denied)
        return Judgement(field.name, Verdict.COLLECT, candidates=near)
    held, terms = min(
        ((each, evidence.terms(each)) for each in found),
        key=lambda pair: (_ORDER.index(pair[1].reach), pair[0].name),
    )
    met = Judgement(
        field.name,
        _verdict(field, terms),
        way,
        held.dataset,
        held.column,
        held.provider,
        terms.reach,
        terms.agreement,
        terms.application,
        terms.due_at,
        terms.basis,
        terms.is_verified,
    )
    return _excepted(field, met, evidence.day)


def _found(field: FormField, evidence: Evidence) -> tuple[Way | None, tuple[Held, ...]]:
    """Return where a field is held: by its meaning, by its column, or as a person said."""
    if field.meaning is not None and (found := evidence.held.meaning(field.meaning)):
        return Way.MEANING, found
    if field.column is not None and (found := evidence.held.named(field.column)):
        return Way.COLUMN, found
    said = [s for s in evidence.same if s.field == field.name and s.is_same]
    confirmed = [held for s in said for held in evidence.held.named(f"{s.dataset}.{s.column}")]
    return (Way.CONFIRMED, tuple(confirmed)) if confirmed else (None, ())


def _verdict(field: FormField, terms: Terms) -> Verdict:
    if terms.reach in _HAD:
        return Verdict.CONFIRM if field.must_confirm else Verdict.TAKE
    return Verdict.APPLY if terms.reach is Reach.CONDITIONAL else Verdict.WITHHELD


def _excepted(field: FormField, met: Judgement, day: date) -> Judgement:
    """Return `met`, or of a field that may be asked until a day all the same, that."""
    exception = field.exception
    if exception is None or met.verdict.is_asked or day > exception.until:
        return met
    basis = f"{exception.basis.title} {exception.basis.article}"
    return replace(
        met,
        verdict=Verdict.EXCEPTED,
        basis=basis,
        is_verified=exception.is_verified,
        until=exception.until,
    )


@dataclass(frozen=True)
class Repeat:
    """The same datum asked by more than one form; `datum` is a meaning or a column.

    `asks` are form, its owner and the field.
    """

    datum: str
    asks: tuple[tuple[str, PartyId, str], ...]


def repeats(forms: Iterable[tuple[Form, Mapping[str, Judgement]]]) -> tuple[Repeat, ...]:
    """Return what several forms ask, the most often asked first.

    The same is what has the same meaning, is held in the same column, or bears the same titles in
    both languages. Fields that are not asked do not count.
    """
    asks: dict[str, list[tuple[str, PartyId, str]]] = {}
    for form, judgements in forms:
        for field in form.fields:
            met = judgements[field.name]
            if met.verdict.is_asked:
                asks.setdefault(_datum(field, met), []).append((form.id, form.owner, field.name))
    several = [
        Repeat(datum, tuple(found))
        for datum, found in asks.items()
        if len({form for form, _, _ in found}) > 1
    ]
    return tuple(sorted(several, key=lambda repeat: (-len(repeat.asks), repeat.datum)))


def _datum(field: FormField, met: Judgement) -> str:
    if field.meaning is not None:
        return field.meaning
    if met.dataset is not None:
        return f"{met.dataset}.{met.column}"
    return field.column or f"{field.title.zh} / {field.title.en}"
