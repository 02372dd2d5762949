"""What a source is (its YAML) and what a reader of a source hands over (its parts).

A source says where rows come from and to which data set of a contract they go; a reader cuts it
into parts, each of which is stored whole and once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import pyarrow as pa
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shuzhi.gather.sources.dotted_path import steps
from shuzhi.kernel.documents import StrictModel
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import dataset_name, source_name
from shuzhi.kernel.instant import named_zone
from shuzhi.kernel.spans import parse_span, span_text

Cursor: TypeAlias = str  # opaque text: only the reader that wrote it understands it
# A tab or a space means what it is where cells are cut and compared.
Verbatim = Annotated[str, StringConstraints(strip_whitespace=False)]


@dataclass(frozen=True)
class Unreadable:
    """A piece of a source that is no row: a ragged line, a bad quote, a record that is no object.

    `row_number` counts from 1 as a person does who opens the source (a file's header counts too).
    """

    origin: str
    row_number: int
    text: str
    reason_code: str
    reason_en: str
    reason_zh: str


@dataclass(frozen=True)
class DuckScan:
    """A part that DuckDB reads by itself, as often as it is asked.

    `sql` is what may stand behind FROM, its values bound to `parameters` in order; `columns` are
    the names it yields, all of the types in `types` (DuckDB names). Scanned in order, the n-th row
    is row `first_row + n - 1` of the origin, not counting what DuckDB rejected.
    """

    sql: str
    parameters: tuple[Any, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...]
    first_row: int = 1
    stores_rejects: bool = False


def nothing_unreadable() -> Sequence[Unreadable]:
    """Say that all of a part could be read as rows."""
    return ()


def nothing_to_require() -> None:
    """Let a part pass whose rows were taken when it was made."""


@dataclass(frozen=True)
class Part:
    """One file, one group of pages, one window of a query: what is stored in one commit.

    `origin` is shown to people and holds no secret; `fingerprint` changes when the content does;
    `cursor` is where the next run goes on once this part is stored (None: from the start);
    `unreadable` is asked once, after the last row was read, and `require_same` before anything is
    stored: it raises RefusedError when the origin is no longer what the fingerprint was taken of.
    `size_bytes` is how much there is to read, where that is known.
    """

    origin: str
    fingerprint: str
    rows: pa.RecordBatchReader | DuckScan
    cursor: Cursor | None = None
    unreadable: Callable[[], Sequence[Unreadable]] = nothing_unreadable
    first_row: int = 1
    require_same: Callable[[], None] = nothing_to_require
    size_bytes: int | None = None


class Reader(Protocol):
    """Reads one source."""

    def parts(self, since: Cursor | None) -> Iterator[Part]:
        """Yield what is new after `since`, oldest first.

        Raises:
            RefusedError: `gather.source_gone` when there is nothing to read from.
        """
        ...


class Write(StrEnum):
    """What loading a part does to the rows already there."""

    APPEND = "append"
    UPSERT = "upsert"
    REPLACE = "replace"


def _source_name(text: str) -> str:
    return _as_value_error(source_name, text)


def _dataset_name(text: str) -> str:
    return _as_value_error(dataset_name, text)


def _span(text: str) -> str:
    _as_value_error(lambda given: span_text(parse_span(given)), text)
    return text


def _as_value_error(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except RefusedError as error:
        raise ValueError(error.message) from None


def _zone(text: str) -> str:
    return _as_value_error(lambda name: named_zone(name).key, text)


class Melt(StrictModel):
    """Wide to long: every column not in `keep` becomes rows of its name and its value.

    Cells without a value become rows too, unless `skip_missing`; those are counted apart.
    """

    keep: tuple[str, ...] = Field(min_length=1)
    name: str
    value: str
    skip_missing: bool = False


class SourceBase(StrictModel):
    """What every source says, whatever its kind.

    `columns` maps the source's own column names to fields; those it does not name are matched by
    the field's name or the contract's source columns. `missing` lists the texts that mean no value.
    Times without an offset are read in `zone` (an IANA name), or else as the contract says.
    `every` is how often a running platform reads it (`15 minutes`, `1 day`); without, by hand only.
    """

    name: Annotated[str, AfterValidator(_source_name)]
    dataset: Annotated[str, AfterValidator(_dataset_name)]
    provider: str
    title: str = ""
    missing: tuple[Verbatim, ...] = ("",)
    write: Write | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Verbatim] = Field(default_factory=dict)
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    on_broken_rule: Literal["quarantine", "keep"] = "quarantine"
    melt: Melt | None = None
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    every: Annotated[str, AfterValidator(_span)] | None = None

    @property
    def rereads(self) -> bool:
        """Whether a run may hand over rows that an earlier run handed over, as other parts."""
        return False

    def write_mode(self, key: Sequence[str]) -> Write:
        """Return how rows are written to a table with this key, when the source leaves it open."""
        return self.write or (Write.UPSERT if key else Write.APPEND)


class CsvOptions(StrictModel):
    """How the text of a CSV file is cut into cells (RFC 4180 unless said otherwise)."""

    delimiter: Verbatim = Field(default=",", min_length=1, max_length=4)
    quote: Verbatim = Field(default='"', max_length=1)
    escape: Verbatim = Field(default='"', max_length=1)
    header: bool = True
    names: tuple[str, ...] = ()
    skip_rows: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _names_stand_in_for_a_header(self) -> CsvOptions:
        if self.header == bool(self.names):
            raise ValueError("give `names` exactly when `header` is false")
        return self


class ExcelOptions(StrictModel):
    """Which sheet, and in which row (from 1) its column names stand."""

    sheet: str | None = None
    header_row: int = Field(default=1, ge=1)


class FileSource(SourceBase):
    """Files on disk: `path` is a glob, absolute or relative to the folder of the YAML."""

    kind: Literal["file"]
    path: str
    format: Literal["csv", "excel", "jsonl", "parquet"]
    encoding: Literal["utf-8", "gb18030", "utf-16"] = "utf-8"
    csv: CsvOptions = CsvOptions()
    excel: ExcelOptions = ExcelOptions()


class SqlSource(SourceBase):
    """A table or query of a database that SQLAlchemy reaches.

    `url` is `${NAME}`, a secret that is handed to the reader, or a URL whose password is one; a
    SQLite path is relative to the folder of the YAML. `table` may be `schema.table`.

    With `cursor_column` a run reads what is new. Its rows that equal the last value are read
    again, and so are those up to an overlap before it (for rows committed late), which only an
    upsert can take; with `cursor_is_unique` (a sequence that never repeats and is committed in
    order) they are not. At most `batch_rows` are in memory; about `part_rows` are one commit.
    """

    kind: Literal["sql"]
    url: str
    table: str | None = None
    query: str | None = None
    cursor_column: str | None = None
    cursor_is_unique: bool = False
    overlap_seconds: int = Field(default=0, ge=0)
    overlap_steps: int = Field(default=0, ge=0)
    batch_rows: int = Field(default=10_000, ge=1)
    part_rows: int = Field(default=500_000, ge=1)

    @property
    def rereads(self) -> bool:
        """Whether a run may hand over rows that an earlier run handed over."""
        return self.cursor_column is None or not self.cursor_is_unique

    @model_validator(mode="after")
    def _one_of_table_and_query(self) -> SqlSource:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either `table` or `query`")
        return self

    @model_validator(mode="after")
    def _cursor_hangs_together(self) -> SqlSource:
        overlaps = (self.overlap_seconds > 0) + (self.overlap_steps > 0)
        if overlaps > 1 or (overlaps and (self.cursor_is_unique or self.cursor_column is None)):
            raise ValueError("give one overlap, with a `cursor_column` that is not unique")
        if self.cursor_column and self.rereads and self.write is Write.APPEND:
            raise ValueError("rows are read again here: set `cursor_is_unique` or write: upsert")
        if self.cursor_column and self.write is Write.REPLACE:
            raise ValueError("write: replace needs all rows, so it goes without `cursor_column`")
        return self


def _dotted_path(text: str) -> str:
    steps(text)
    return text


DottedPath = Annotated[str, AfterValidator(_dotted_path)]


class Paging(StrictModel):
    """How an API hands out its pages.

    `page` and `offset` count in `parameter` (default: `page`, `offset`) from `start` (1, 0), and
    ask for `size` records in `size_parameter`; `cursor` sends back, as `parameter`, what stands at
    `next`; `link` follows the Link header (RFC 8288) or the URL at `next`. `total` is where an
    answer states how many records there are in all.
    """

    style: Literal["none", "page", "offset", "cursor", "link"] = "none"
    parameter: str | None = None
    start: int | None = Field(default=None, ge=0)
    size_parameter: str | None = None
    size: int | None = Field(default=None, ge=1)
    next: DottedPath | None = None
    total: DottedPath | None = None
    most_pages: int = Field(default=10_000, ge=1)

    @property
    def counter(self) -> str:
        """The name of the query parameter that says which page is meant."""
        return self.parameter or self.style

    @property
    def first(self) -> int:
        """The number at which `page` and `offset` start to count."""
        if self.start is not None:
            return self.start
        return 1 if self.style == "page" else 0

    @model_validator(mode="after")
    def _says_where_the_next_page_is(self) -> Paging:
        if self.style == "cursor" and not self.next:
            raise ValueError("style cursor needs `next`, the path of the next page's token")
        if self.next and self.style not in {"cursor", "link"}:
            raise ValueError("`next` belongs to the styles cursor and link")
        return self


class HttpSource(SourceBase):
    """A JSON API. `records` is the dotted path of the list of records; empty for the body itself.

    `${NAME}` in `url`, `query` and `headers` stands for a secret that is handed to the reader.
    With `cursor_field` and `cursor_parameter` a run asks for what is new: it sends the greatest
    value seen. Links and redirects may lead to the URL's own origin and to `allow_origins`
    (`https://host:port`), which then receive the same headers.
    """

    kind: Literal["http"]
    url: str
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    records: DottedPath = ""
    paging: Paging = Paging()
    cursor_field: DottedPath | None = None
    cursor_parameter: str | None = None
    allow_origins: tuple[str, ...] = ()
    timeout_seconds: float = Field(default=30.0, gt=0)
    page_seconds: float = Field(default=300.0, gt=0)
    most_page_bytes: int = Field(default=16_000_000, ge=1)
    most_tries: int = Field(default=5, ge=1, le=20)
    most_wait_seconds: float = Field(default=120.0, gt=0)
    part_rows: int = Field(default=50_000, ge=1)
    part_bytes: int = Field(default=64_000_000, ge=1)

    @property
    def rereads(self) -> bool:
        """Whether a run may hand over records that an earlier run handed over."""
        return True

    @model_validator(mode="after")
    def _cursor_is_whole(self) -> HttpSource:
        if (self.cursor_field is None) != (self.cursor_parameter is None):
            raise ValueError("give `cursor_field` and `cursor_parameter` together")
        if self.cursor_field and self.write is Write.REPLACE:
            raise ValueError("write: replace needs all records, so it goes without `cursor_field`")
        return self


Source = Annotated[FileSource | SqlSource | HttpSource, Field(discriminator="kind")]
