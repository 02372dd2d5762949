"""Which names a pack may use: those that it declares, and those that other packs bring along.

Whatever is used and unknown is said with the name that was probably meant, and with its line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from shuzhi.decide.sql import parsed
from shuzhi.gather.contracts import Contract
from shuzhi.kernel.documents import DocumentError, Finding, Where, read_document
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Law, LawParameter, LawTable
from shuzhi.packs.kinds import KINDS, LAW, MANIFEST, PARTIES
from shuzhi.packs.model import Pack
from shuzhi.share.parties.parties_yaml import read_parties_file

_MOST_SHOWN = 12
# The party that answers in a city where nobody else does; every city has one.
DESK = "city"


def meant(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of an unknown name."""
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(names[:_MOST_SHOWN]) or "nothing is there yet"
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"{hint}Choose one of: {shown}{more}."


def answered(sql: str, values: Collection[str] = ()) -> frozenset[str]:
    """Return the names of the columns that a query answers with, in lower case."""
    return frozenset(node.alias_or_name.lower() for node in parsed(sql, names=values).selects)


def _columns(contracts: Iterable[Contract]) -> dict[str, frozenset[str]]:
    tables = (table for contract in contracts for table in contract.tables)
    return {str(t.name): frozenset(field.name.lower() for field in t.fields) for t in tables}


class Others:
    """What the other installed packs declare, read when it is first asked for.

    A pack that cannot be read brings nothing; its own check says why.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._read: dict[str, Mapping[str, Any]] = {}

    def named(self, key: str) -> Mapping[str, Any]:
        """Return the things of one kind by name; of law parameters and tables, and the parties."""
        if key not in self._read:
            self._read[key] = dict(self._things(key))
        return self._read[key]

    @cached_property
    def datasets(self) -> frozenset[str]:
        """The data sets that other packs make."""
        contracts = self.named("contracts").values()
        return frozenset(
            (*(str(t.name) for c in contracts for t in c.tables), *self.named("models"))
        )

    def _things(self, key: str) -> Iterator[tuple[str, Any]]:
        for folder in self._folders:
            try:
                yield from _things(folder, key)
            except RefusedError:
                continue


def _things(folder: Path, key: str) -> Iterator[tuple[str, Any]]:
    if key == LAW:
        law = Law.load(folder / LAW) if (folder / LAW).is_dir() else Law({})
        yield from (*law.parameters.items(), *law.tables.items())
    elif key == PARTIES:
        file = folder / PARTIES
        yield from ((str(p.id), p) for p in (read_parties_file(file) if file.is_file() else ()))
    else:
        for path in sorted(folder.glob(KINDS[key].pattern)):
            thing = KINDS[key].read(path)
            yield KINDS[key].name(thing), thing


@dataclass(frozen=True)
class Names:
    """A pack, what stands around it, and the files of it that cannot be read (kind and stem)."""

    pack: Pack
    others: Others
    unread: Collection[tuple[str, str]]

    def own(self, key: str) -> frozenset[str]:
        """Return the names of one kind that the pack declares, or that its unread files bear."""
        return frozenset((*getattr(self.pack.declared, key), *self._unread(key)))

    def unknown(self, key: str, name: str, what: str) -> str | None:
        """Say that no `what` of that kind and name is declared, here or elsewhere; None if so."""
        if name in self.own(key) or name in self.others.named(key):
            return None
        known = self.own(key).union(self.others.named(key))
        return f"there is no {what} {name!r}. {meant(name, known)}"

    def unknown_rule(self, name: str) -> str | None:
        """Say that no rule or forecaster raises warnings under that name; None when one does."""
        known = self.own("rules") | self.own("forecasters")
        return None if name in known else f"there is no rule {name!r}. {meant(name, known)}"

    def law(self, id: str) -> LawParameter | LawTable | None:  # noqa: A002  (the word of the file)
        """Return the parameter or table of law with that id, of this pack or of another."""
        own = self.pack.declared.law
        found = own.parameters.get(id) or own.tables.get(id) or self.others.named(LAW).get(id)
        return found if isinstance(found, (LawParameter, LawTable)) else None

    def unknown_law(
        self, name: str, kind: type[LawParameter | LawTable] = LawParameter
    ) -> str | None:
        """Say that no law file has a parameter (or table) of that name; None when one has."""
        if isinstance(self.law(name), kind) or self._is_unread(LAW):
            return None
        own = self.pack.declared.law
        named = {**own.parameters, **own.tables, **self.others.named(LAW)}
        known = {each for each, law in named.items() if isinstance(law, kind)}
        what = "law parameter" if kind is LawParameter else "table of law"
        return f"there is no {what} {name!r}. {meant(name, known)}"

    def unknown_party(self, party: str) -> str | None:
        """Say that no party bears that id; None when one does. The city's desk always is there."""
        if party == DESK or party in self.parties or self._is_unread(PARTIES):
            return None
        if party in self.others.named(PARTIES):
            return None
        known = {DESK, *self.parties, *self.others.named(PARTIES)}
        return f"there is no party {party!r} in parties.yaml. {meant(party, known)}"

    def unknown_dataset(self, name: str, verb: str = "reads") -> str | None:
        """Say that pack.yaml names no such data set; None when it does."""
        if name in self.datasets:
            return None
        how = meant(name, self.datasets)
        return f"{verb} {name!r}, which pack.yaml neither writes nor reads. {how}"

    @cached_property
    def datasets(self) -> frozenset[str]:
        """The data sets that the pack may use: those that pack.yaml writes and reads."""
        return frozenset((*self.pack.manifest.writes, *self.pack.manifest.reads))

    def columns_of(self, dataset: str) -> frozenset[str]:
        """Return the columns of a data set, in lower case; none where nothing here states them."""
        if dataset in self._columns:
            return self._columns[dataset]
        if dataset in self.made:
            return frozenset()
        return _columns(self.others.named("contracts").values()).get(dataset, frozenset())

    @cached_property
    def made(self) -> frozenset[str]:
        """The data sets that files of the pack make."""
        unread = (*self._unread("contracts"), *self._unread("models"))
        return self.pack.declared.datasets.union(unread)

    @cached_property
    def parties(self) -> frozenset[str]:
        """The parties of the pack's own file."""
        files = self.pack.declared.parties
        return frozenset(str(party.id) for file in files for party in read_parties_file(file))

    def finding(self, file: Path, where: Where, problem: str) -> Finding:
        """Return a finding at the line of `where` in a file of the pack."""
        try:
            return read_document(file).finding(where, problem)
        except DocumentError:
            return Finding(str(file), 1, ".".join(map(str, where)), problem)

    def of_manifest(self, where: Where, problem: str) -> Finding:
        """Return a finding in `pack.yaml`."""
        return self.finding(self.pack.declared.folder / MANIFEST, where, problem)

    def of(self, key: str, name: str, where: Where, problem: str) -> Finding:
        """Return a finding in the file that declares the thing of that kind and name."""
        return self.finding(self.pack.declared.files[key, name], where, problem)

    @cached_property
    def _columns(self) -> Mapping[str, frozenset[str]]:
        declared = self.pack.declared
        made = {
            name: answered(model.sql, {p.name for p in model.parameters}) - {"*"}
            for name, model in declared.models.items()
        }
        return {**made, **_columns(declared.contracts.values())}

    def _unread(self, key: str) -> Iterator[str]:
        return (stem for kind, stem in self.unread if kind == key)

    def _is_unread(self, key: str) -> bool:
        return any(kind == key for kind, _ in self.unread)
