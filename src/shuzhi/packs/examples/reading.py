"""Reads `examples/*.yaml` strictly: the examples of one matter, and what is given to all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    Where,
    read_document,
    shape,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, named_zone
from shuzhi.packs.examples.model import Example, Given, Title

_CODE = "packs.bad_example"


@dataclass(frozen=True)
class ExampleFile:
    """The examples of one matter; `name` is that of the file."""

    name: str
    title: Title
    examples: tuple[Example, ...]


class _Shape(StrictModel):
    title: Title
    given: Given = Given()
    examples: tuple[Example, ...] = Field(min_length=1)

    def file(self, name: str) -> ExampleFile:
        together = (e.model_copy(update={"given": self._given(e.given)}) for e in self.examples)
        return ExampleFile(name, self.title, tuple(together))

    def _given(self, own: Given) -> Given:
        both = {**self.given.rows, **own.rows}
        return Given.model_construct(
            now=own.now or self.given.now, zone=own.zone or self.given.zone, rows=both
        )


def read_examples(path: Path) -> ExampleFile:
    """Return the examples in the file at `path`.

    Raises:
        DocumentError: `kernel.bad_document`; `packs.bad_example` with every finding.
    """
    document = read_document(path)
    read = shape(document, _Shape, code=_CODE)
    file = read.file(path.stem)
    findings = tuple(
        f for i, example in enumerate(file.examples) for f in _of(document, i, example)
    )
    if findings:
        raise DocumentError(_CODE, findings)
    return file


def _of(document: Document, number: int, example: Example) -> Iterator[Finding]:
    where: Where = ("examples", number)
    try:
        named_zone(example.zone)
    except RefusedError as error:
        yield document.finding((*where, "given", "zone"), f"{error.message} {error.next_step}")
        return
    if example.given.now is None:
        yield document.finding((*where, "given"), "lacks `now`, the time at which it begins")
        return
    before = example.begins
    for i, step in enumerate(example.when):
        at: Instant = before if step.at is None else example.instant(step.at)
        if at < before:
            problem = f"{at.isoformat()} lies before {before.isoformat()}; time does not go back"
            yield document.finding((*where, "when", i, "at"), problem)
        before = max(before, at)
