"""A matter as its owner declares it: a strict YAML file, `services/NAME.yaml` of a pack or city."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, StrictBool

from shuzhi.act.services.model import Audience, Matter, MatterId
from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.kernel.ids import PartyId
from shuzhi.share.catalogue.model import LegalBasis, Rank, Text
from shuzhi.share.forms import FormId

_CODE = "act.bad_matter"
_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
DEFAULT_KIND = "service_request"


class _Words(StrictModel):
    zh: str = Field(min_length=1, max_length=1_000)
    en: str = Field(min_length=1, max_length=1_000)

    def text(self) -> Text:
        return Text(self.zh, self.en)


class _Basis(StrictModel):
    title: str = Field(min_length=1)
    rank: Rank
    article: str = Field(min_length=1)


class _Matter(StrictModel):
    id: str = Field(pattern=_NAME, max_length=60)
    title: _Words
    about: _Words
    result: _Words
    owner: str = Field(min_length=1, max_length=120)
    audience: Audience = Field(alias="for")
    form: str = Field(pattern=_NAME, max_length=60)
    case_kind: str = Field(default=DEFAULT_KIND, pattern=_NAME, max_length=60)
    basis: _Basis
    is_verified: StrictBool = Field(alias="verified")


def read_matter(path: Path) -> Matter:
    """Return the matter in the file at `path`.

    Raises:
        DocumentError: `act.bad_matter` with line and reason; `kernel.bad_document`.
    """
    given = shape(read_document(path), _Matter, code=_CODE)
    return Matter(
        MatterId(given.id),
        given.title.text(),
        given.about.text(),
        given.result.text(),
        PartyId(given.owner),
        given.audience,
        FormId(given.form),
        given.case_kind,
        LegalBasis(given.basis.title, given.basis.rank, given.basis.article),
        given.is_verified,
    )
