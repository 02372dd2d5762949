"""The city folder's `parties.yaml`, read strictly.

A mapping with one key `parties`: a list of `id`, `title: {zh, en}`, `level` (nation, city,
district, town), and where there are any `credit_code` and `superior` (a party's id).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from shuzhi.kernel.documents import Document, DocumentError, Finding, StrictModel, read_document
from shuzhi.kernel.documents import shape as shaped
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId, party_id
from shuzhi.kernel.party import Level, Party
from shuzhi.share.parties.model import Organisation

_BAD = "share.parties_bad"


class _Title(StrictModel):
    zh: str
    en: str


class _PartyShape(StrictModel):
    id: str
    title: _Title
    level: Literal["nation", "city", "district", "town"]
    credit_code: str | None = None
    superior: str | None = None

    def party(self) -> Party:
        superior = None if self.superior is None else PartyId(self.superior)
        level = Level[self.level.upper()]
        title = self.title
        return Party(PartyId(self.id), title.zh, title.en, level, self.credit_code, superior)


class _PartiesShape(StrictModel):
    parties: tuple[_PartyShape, ...]


def read_parties_file(path: Path, *, known: Iterable[Party] = ()) -> tuple[Party, ...]:
    """Return the parties of the file, checked together with the `known` ones.

    Raises:
        DocumentError: `share.parties_bad` with file and line of everything that is wrong.
    """
    document = read_document(path)
    parties = tuple(p.party() for p in shaped(document, _PartiesShape, code=_BAD).parties)
    findings = _findings(document, parties, Organisation.of((*known, *parties)))
    if findings:
        raise DocumentError(_BAD, findings)
    return parties


def _findings(
    document: Document, parties: tuple[Party, ...], everybody: Organisation
) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    seen: set[str] = set()
    for i, party in enumerate(parties):
        where = ("parties", i)
        problems = [_bad_id(party.id), everybody.problem(party)]
        problems += [f"the id {party.id!r} is used twice"] if party.id in seen else []
        seen.add(party.id)
        findings += [document.finding(where, p) for p in problems if p]
    return tuple(findings)


def _bad_id(text: str) -> str | None:
    try:
        party_id(text)
    except RefusedError as error:
        return f"{error.message} {error.next_step}"
    return None
