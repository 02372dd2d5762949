"""What answers and requests of the interface are made of: their common shapes and words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

# No text holds a NUL: some stores cannot keep it.
_NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=120)]
Words = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=4_000)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00\r\n]*$", max_length=200)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[StrictInt, Field(ge=1, lt=2**62)]
Count = Annotated[StrictInt, Field(ge=0, lt=2**31)]
YesNo = StrictBool
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _written(value: Any) -> Any:
    # A number would be read as seconds since 1970.
    if isinstance(value, str) and _DAY.match(value):
        return value
    raise ValueError("write it as in RFC 3339, with its offset: 2026-03-02T09:30:00+08:00")


def _written_day(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("write it as a day: 2026-03-02")


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
Day = Annotated[date, BeforeValidator(_written_day)]


class Described(BaseModel):
    """Base of both: what stands below a field is its description."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe also those fields that are models; by itself pydantic does not."""
        schema = handler(core_schema)
        for name, field in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if "$ref" in field and name in cls.model_fields:
                field["description"] = cls.model_fields[name].description
        return schema


class Answer(Described):
    """Base of what is answered: made of what the rooms answer, under the same names."""

    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)

    @classmethod
    def about(cls, thing: object, **more: Any) -> Self:
        """Return the answer that tells `thing`, with `more` where it has no such attribute."""
        names = cls.model_fields.keys() - more.keys()
        return cls.model_validate({**{name: getattr(thing, name) for name in names}, **more})


class Given(Described):
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
