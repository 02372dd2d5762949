"""`/catalogue`: which data there are, whose, and who may have them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from pydantic import StringConstraints

from shuzhi.share.accounts import Right
from shuzhi.share.catalogue import FACETS, CatalogueForm, Cycle, Grade, Hit, Sharing, Sort
from shuzhi.share.catalogue.model import Format, Openness, SharingMethod
from shuzhi.web.api.frame.answers import Answer, Line, Listed, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.pages.frame.languages import language_of

TAG = {"name": "catalogue", "description": "目录 · Catalogue: the data sets that there are."}
router = APIRouter(prefix="/catalogue", tags=["catalogue"])
DatasetId = Annotated[
    str, InPath(pattern=r"^[^\x00]+$", max_length=500, description="Its id in the catalogue.")
]


class Text(Title):
    """The same words in Chinese, in English, or in another language."""

    other: str
    """In a third language, or one that nobody declared."""


class ProviderAnswer(Answer):
    """Who answers for data."""

    id: str | None
    """Its id; null for bodies outside of this city."""
    title: Text
    """What it is called."""


class DatasetLine(Answer):
    """A data set of the catalogue, in short."""

    id: str
    """Its id in the catalogue."""
    title: Text
    """What it is called."""
    abstract: Text
    """What it holds."""
    provider: ProviderAnswer
    """Who answers for it."""
    sharing: Sharing | None
    """To whom inside government it may go (共享属性)."""
    openness: Openness | None
    """Whether society may have it (开放属性)."""
    cycle: Cycle | None
    """How often it is brought up to date (更新周期)."""
    grade: Grade | None
    """Its grade (Data Security Law, Art 21)."""
    themes: tuple[str, ...]
    """What it is about."""
    quality_score: float | None
    """The share of quality checks that held, 0 to 1; null before the first."""
    row_count: int | None
    """How many rows it has; null where nobody has counted."""
    data_at: datetime | None
    """When its newest rows were stored."""

    @classmethod
    def found(cls, hit: Hit) -> DatasetLine:
        """Return a hit of a search."""
        facts = {name: getattr(hit, name) for name in ("quality_score", "row_count", "data_at")}
        return cls.about(hit.entry, **facts)


class FacetValue(Answer):
    """A value by which a search can be narrowed."""

    value: str
    """The value, as it is sent."""
    label: Text
    """What people call it; empty for words of our own."""
    count: int
    """How many data sets choosing it would show."""
    is_selected: bool
    """Whether it was chosen."""


class Found(Listed):
    """A page of data sets."""

    items: tuple[DatasetLine, ...]
    """The data sets, in order."""
    total: int
    """How many there are on all pages."""
    facets: Mapping[str, tuple[FacetValue, ...]]
    """By what the search can be narrowed, with the 50 most frequent values of each."""


class ItemAnswer(Answer):
    """A column, as the catalogue tells it."""

    name: str
    """Its name."""
    title: Text
    """What people call it."""
    type: str | None
    """Its type, by the letters of the guide of 2017."""
    length: int | None
    """How many characters or digits it has."""


class BasisAnswer(Answer):
    """The text of law that holds data back or conditions them."""

    title: str
    """What it is called."""
    rank: str
    """Its rank."""
    article: str
    """Its article."""


class FindingAnswer(Answer):
    """Something that the guide wants of an entry and that it lacks."""

    code: str
    """What is lacking, for good."""
    field: str
    """Where."""
    message: str
    """What is lacking."""
    severity: str
    """How grave that is."""


class EntryAnswer(DatasetLine):
    """Everything that the catalogue tells of a data set."""

    origin: str
    """`local`, or the foreign catalogue that it was taken from."""
    keywords: tuple[Text, ...]
    """Words by which it is found."""
    items: tuple[ItemAnswer, ...]
    """Its columns."""
    format: Format | None
    """In what form the provider keeps it."""
    sharing_condition: Text
    """On what condition it may go."""
    sharing_method: SharingMethod | None
    """How it goes."""
    legal_basis: BasisAnswer | None
    """What holds it back or conditions it."""
    open_condition: Text
    """On what condition society may have it."""
    license: str | None
    """Its licence."""
    landing_page: str | None
    """Where more is told of it."""
    published_on: date | None
    """Since when it stands in the catalogue of its origin."""
    modified_at: datetime | None
    """When its description changed."""
    contract_name: str | None
    """The data contract that answers for it."""
    contract_version: str | None
    """The version of that contract."""
    version: int
    """How often the entry changed, from 1."""
    is_withdrawn: bool
    """Whether it was taken out of the catalogue."""
    findings: tuple[FindingAnswer, ...]
    """What its description lacks."""


_TYPES = {
    CatalogueForm.TURTLE: "text/turtle; charset=utf-8",
    CatalogueForm.JSON_LD: "application/ld+json",
}
_SCHEMAS = {"text/turtle": {"type": "string"}, "application/ld+json": {"type": "object"}}
_CHOICE = rf"^({'|'.join(FACETS)}):[^\x00\r\n]+$"
Choice = Annotated[str, StringConstraints(pattern=_CHOICE, max_length=300)]


@router.get("", **reads(Right.READ))
def search_catalogue(
    request: Request,
    city: CityHere,
    page: PageAsked,
    q: Annotated[Line, Query(description="Words that all must occur.")] = "",
    sort: Annotated[Sort, Query(description="In which order.")] = Sort.RELEVANCE,
    facet: Annotated[
        list[Choice],
        Query(max_length=50, description="`NAME:VALUE`; values of one name are alternatives."),
    ] = [],  # noqa: B006  (FastAPI copies it)
) -> Found:
    """Search the catalogue by words and facets.

    Facets that are named several times are alternatives, different ones hold together.
    """
    chosen: dict[str, list[str]] = {}
    for name, _, value in (each.partition(":") for each in facet):
        chosen.setdefault(name, []).append(value)
    found = city.search(
        q,
        facets=chosen,
        sort=sort,
        after=page.name,
        limit=page.limit,
        language=language_of(request),
    )
    return Found(
        items=tuple(DatasetLine.found(hit) for hit in found.hits),
        total=found.total,
        facets={
            name: tuple(FacetValue.about(value) for value in values)
            for name, values in found.facets.items()
        },
        next=page.goes_on(found.next),
    )


@router.get(
    "/export",
    response_class=Response,
    **reads(Right.READ, types=_SCHEMAS),
)
def export_catalogue(
    city: CityHere,
    form: Annotated[CatalogueForm, Query(description="In which syntax.")] = CatalogueForm.TURTLE,
) -> Response:
    """Take the whole catalogue as DCAT-AP 3.0.1."""
    return Response(city.export_catalogue(form), media_type=_TYPES[form])


@router.get("/entries/{dataset:path}", **reads(Right.READ))
def show_entry(city: CityHere, dataset: DatasetId) -> EntryAnswer:
    """Show what the catalogue tells of a data set."""
    record = city.entry(dataset)
    names = DatasetLine.model_fields.keys() - {"quality_score", "row_count", "data_at"}
    facts = {name: getattr(record.entry, name) for name in names}
    own = EntryAnswer.model_fields.keys() - DatasetLine.model_fields.keys()
    more = {n: getattr(record.entry if hasattr(record.entry, n) else record, n) for n in own}
    return EntryAnswer.about(record, **facts, **more)
