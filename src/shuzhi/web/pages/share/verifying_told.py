"""What was answered at a window, kept for the visit that asked so that it can be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ConfigDict, TypeAdapter, with_config

from shuzhi.app import City
from shuzhi.share.accounts import Standing
from shuzhi.share.receipts import ReceiptId
from shuzhi.share.verification import (
    Aside,
    Asking,
    Question,
    Receipted,
    Told,
    Verdict,
    held_shown,
    keep_shown,
    plain_verdict,
)
from shuzhi.share.verification.model import AsOf
from shuzhi.web.pages.frame.forms import new_key


@dataclass(frozen=True)
class Single:
    """A question that was answered, as its asker sees it again; a verdict for each column."""

    asking: Asking
    subject: str
    told: Told
    verdicts: tuple[tuple[str, Verdict], ...]
    receipt: ReceiptId
    as_of: AsOf

    @classmethod
    def of(cls, asking: Asking, question: Question, result: Receipted) -> Single:
        """Return what is shown of an answer."""
        told, verdicts, as_of = result.answer
        columns = [claim.column for claim in question.claims]
        each = tuple(zip(columns, verdicts, strict=True))
        return cls(asking, question.subject, told, each, result.receipt, as_of)

    @property
    def shown(self) -> list[tuple[str, dict[str, str]]]:
        """What is told of each claim, with the reason in both languages."""
        return [(column, plain_verdict(verdict)) for column, verdict in self.verdicts]


@with_config(ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
@dataclass(frozen=True)
class Listed:
    """The answers to a list: how many of each, the lines set aside, and all of it as a file."""

    asking: Asking
    told: Mapping[str, int]
    aside: tuple[Aside, ...]
    receipt: ReceiptId | None
    as_of: AsOf
    content: bytes = field(repr=False)


_KEPT: TypeAdapter[Single | Listed] = TypeAdapter(Single | Listed)


def keep_told(city: City, standing: Standing, what: Single | Listed) -> str:
    """Keep an answer for a visit; return its name."""
    name, office = new_key(), city.verification_desk.office
    keep_shown(office, _visit(standing), name, _KEPT.dump_json(what))
    return name


def held_told(city: City, standing: Standing, name: str) -> Single | Listed | None:
    """Return an answer that is kept for a visit under a name, if there is any."""
    content = held_shown(city.verification_desk.office, _visit(standing), name)
    return None if content is None else _KEPT.validate_json(content)


def _visit(standing: Standing) -> str:
    return f"{standing.account}:{standing.session.id if standing.session else ''}"
