"""A city's masks in YAML, read strictly; the file is explained in docs/access.md."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shuzhi.kernel.documents import Document, StrictModel, parse_document, read_document
from shuzhi.kernel.documents import shape as shaped
from shuzhi.share.access.masks import (
    KEEP,
    AddressTo,
    DateTo,
    Hashed,
    Mask,
    MaskRule,
    MaskTable,
    Nothing,
    NumberTo,
    Partial,
)

_BAD = "share.masks_bad"
_Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
_WordsOrAny = Literal["any"] | _Words
_Count = Annotated[int, Field(ge=0, le=20)]


class _Text(StrictModel):
    zh: str
    en: str


class _PartialShape(StrictModel):
    first: _Count
    last: _Count


class _MaskShape(StrictModel):
    partial: _PartialShape | None = None
    date_to: Literal["year", "quarter", "month", "day"] | None = None
    number_to: Annotated[Decimal, Field(gt=0)] | None = None
    address_to: _Words | None = None

    @model_validator(mode="after")
    def _is_one(self) -> _MaskShape:
        if len(self.model_fields_set) != 1 or None in self._given():
            raise ValueError("name one mask: partial, date_to, number_to or address_to")
        return self

    def _given(self) -> list[object]:
        return [getattr(self, name) for name in self.model_fields_set]

    def mask(self) -> Mask:
        if self.partial is not None:
            return Partial(self.partial.first, self.partial.last)
        if self.date_to is not None:
            return DateTo(self.date_to)
        if self.number_to is not None:
            return NumberTo(self.number_to)
        return AddressTo(self.address_to or ())


_PLAIN: dict[str, Mask] = {"keep": KEEP, "hash": Hashed(), "nothing": Nothing()}


class _RuleShape(StrictModel):
    grades: _WordsOrAny
    kinds: _WordsOrAny
    roles: _WordsOrAny
    purposes: _WordsOrAny
    mask: Literal["keep", "hash", "nothing"] | _MaskShape

    def rule(self) -> MaskRule:
        mask = _PLAIN[self.mask] if isinstance(self.mask, str) else self.mask.mask()
        return MaskRule(
            mask, _set(self.grades), _set(self.roles), _set(self.purposes), _set(self.kinds)
        )


class _MasksShape(StrictModel):
    id: Annotated[str, Field(min_length=1)]
    title: _Text
    source: Annotated[str, Field(min_length=1)]
    verified: bool
    rules: Annotated[tuple[_RuleShape, ...], Field(min_length=1)]


def read_masks_file(path: Path) -> MaskTable:
    """Return the masks in the file at `path`.

    Raises:
        DocumentError: `share.masks_bad` with file and line of all that is wrong;
            `kernel.bad_document`.
    """
    return _table(read_document(path))


def parse_masks(raw: bytes, *, file: str) -> MaskTable:
    """Return the masks in the bytes of a file called `file`. Raises as `read_masks_file`."""
    return _table(parse_document(raw, file=file))


def _table(document: Document) -> MaskTable:
    read = shaped(document, _MasksShape, code=_BAD)
    return MaskTable(read.id, tuple(rule.rule() for rule in read.rules))


def _set(words: Literal["any"] | tuple[str, ...]) -> frozenset[str] | None:
    return None if words == "any" else frozenset(words)
