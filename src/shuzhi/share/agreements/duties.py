"""What law asks of applications and refusals, read from `duties.yaml`: data with their source."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import Field, StrictBool

from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.kernel.law import Description
from shuzhi.share.agreements.errors import AgreementError, require_text
from shuzhi.share.agreements.model import Asked
from shuzhi.share.catalogue.model import LegalBasis, Rank

_FILE = Path(__file__).with_name("duties.yaml")
# Each says what is asked for: a data set of the catalogue, or words for one that is not there.
WHAT = "dataset"


class Requirement(StrictModel):
    """One thing that an application must state, and the article that says so."""

    item: str
    article: str
    title: Description


class RankRow(StrictModel):
    """A rank of legal text, and whether it is enough to refuse data."""

    rank: Rank
    may_refuse: StrictBool
    title: Description


class Duties(StrictModel):
    """The whole file; `is_verified` is true only when somebody compared it with the law."""

    source: str
    is_verified: StrictBool = Field(alias="verified")
    requirements: tuple[Requirement, ...]
    ranks: tuple[RankRow, ...]


@cache
def duties() -> Duties:
    """Return what law asks."""
    return shape(read_document(_FILE), Duties, code="share.bad_duties")


def missing(asked: Asked) -> tuple[str, ...]:
    """Return the items that law asks for and `asked` does not state."""
    return tuple(_missing(asked))


def _missing(asked: Asked) -> Iterator[str]:
    if asked.dataset is None and not asked.wanted.strip():
        yield WHAT
    for requirement in duties().requirements:
        value = getattr(asked, requirement.item)
        is_said = value is not None if requirement.item == "rows" else bool(value)
        if not is_said:
            yield requirement.item


def require_basis(basis: LegalBasis | None) -> LegalBasis:
    """Return the text on which data are refused.

    Raises:
        AgreementError: `share.basis_missing`, `share.rank_too_low`.
    """
    if basis is None or not (basis.title.strip() and basis.article.strip()):
        raise AgreementError(
            "share.basis_missing",
            "Data are refused only on a legal text, named with its article.",
            next_step="Name title, rank and article, or agree.",
        )
    for text in (basis.title, basis.article):
        require_text(text, "The legal text")
    enough = [row for row in duties().ranks if row.may_refuse]
    if basis.rank not in {row.rank for row in enough}:
        raise AgreementError(
            "share.rank_too_low",
            f"{basis.title[:80]} is of the rank {basis.rank.value}, which is not enough to refuse "
            "data (政务数据共享条例, articles 14 and 15).",
            next_step=f"Name a text of one of: {', '.join(row.rank.value for row in enough)}.",
        )
    return basis
