"""What answers and requests of the interface are made of: their common shapes and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

# No text holds a NUL: some stores cannot keep it.
_NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=120)]
Words = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=4_000)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00\r\n]*$", max_length=200)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[StrictInt, Field(ge=1, lt=2**62)]
Count = Annotated[StrictInt, Field(ge=0, lt=2**31)]
YesNo = StrictBool


class Answer(BaseModel):
    """Base of what is answered: made of what the rooms answer, under the same names."""

    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)

    @classmethod
    def of(cls, thing: object, **more: Any) -> Self:
        """Return the answer that tells `thing`, with `more` where it has no such attribute."""
        names = cls.model_fields.keys() - more.keys()
        return cls.model_validate({**{name: getattr(thing, name) for name in names}, **more})


class Given(BaseModel):
    """Base of what is sent: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Listed(Answer):
    """Base of a page of a list."""

    next: str | None
    """The `cursor` of the next page; null on the last one. The header `Link` has its address."""


class Title(Answer):
    """The same words in Chinese and in English; empty where there are none."""

    zh: str
    """In Chinese."""
    en: str
    """In English."""

    @classmethod
    def both(cls, thing: Any) -> Self:
        """Return the title of something that has one in each language."""
        return cls(zh=thing.title_zh, en=thing.title_en)


class Wrong(Answer):
    """One thing that is wrong in a request."""

    pointer: str
    """Where: a JSON pointer into the body (RFC 6901), or `query`, `path` or `header` and a name."""
    code: str
    """What kind of fault it is."""
    detail: str
    """What is wrong."""


class Problem(Answer):
    """Why a request was refused (RFC 9457)."""

    type: str
    """The kind of problem, for good: `urn:shuzhi:error:` and a code."""
    title: str
    """What such a problem is, in the language that was asked for."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong this time; in English."""
    next_step: str
    """What can be done about it; in English, empty where nothing can."""
    errors: tuple[Wrong, ...]
    """Each part of the request that cannot be used."""


Facts = Mapping[str, Any]
