"""The words of delivery: who asks, for which part, in what form; the answer with its receipt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from shuzhi.share.access import User
from shuzhi.share.agreements import AgreementId, RowTerm
from shuzhi.share.receipts import Receipt

MOST_PAGE_ROWS = 10_000


class MediaType(StrEnum):
    """The forms in which rows leave, as IANA media types."""

    JSON = "application/json"
    CSV = "text/csv; charset=utf-8; header=present"
    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True)
class Asker:
    """Somebody who asks by an agreement, acting in `role` for `purpose`."""

    user: User
    role: str
    purpose: str


@dataclass(frozen=True)
class Wanted:
    """What part of an agreement's rows is asked for: `columns` None is all that may be seen.

    `rows` narrows them, all terms together, on columns that are shown as they are.
    """

    agreement: AgreementId
    columns: tuple[str, ...] | None = None
    rows: tuple[RowTerm, ...] = ()
    media: MediaType = MediaType.JSON


@dataclass(frozen=True)
class Answer:
    """What leaves: `content` is the bytes that the receipt has the hash of, to be read once.

    `next_cursor` asks for the next page; None on the last one, and where there are no pages.
    """

    receipt: Receipt
    content: BinaryIO
    media: MediaType
    next_cursor: str | None = None
