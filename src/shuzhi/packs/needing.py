"""Which other packs a pack needs: those that bring data sets, law, kinds or parties it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shuzhi.packs.installed import installed_packs
from shuzhi.packs.kinds import LAW, PARTIES
from shuzhi.packs.model import Pack
from shuzhi.packs.names import Others


def needed_packs(pack: Pack) -> tuple[str, ...]:
    """Return the ids of the installed packs that `pack` needs beside it, in order of name."""
    own, named = pack.declared, _named(pack)
    lacking = {
        LAW: named[LAW] - own.law.parameters.keys() - own.law.tables.keys(),
        PARTIES: named[PARTIES],
        "case_kinds": named["case_kinds"] - own.case_kinds.keys(),
    }
    return tuple(
        pack_id
        for pack_id, folder in installed_packs().items()
        if folder != own.folder and _brings(Others([folder]), lacking, pack.manifest.reads)
    )


def _brings(other: Others, lacking: Mapping[str, set[str]], reads: tuple[str, ...]) -> bool:
    has_data = not other.datasets.isdisjoint(reads)
    return has_data or any(names & other.named(key).keys() for key, names in lacking.items())


def _named(pack: Pack) -> Mapping[str, set[str]]:
    declared = pack.declared
    rules = declared.rules.values()
    of_rules = {rule.legal_basis for rule in rules if rule.legal_basis is not None}
    models = declared.models.values()
    return {
        LAW: of_rules | {law for model in models for law in model.law},
        PARTIES: set(_parties(pack)),
        "case_kinds": {rule.case_kind for rule in rules if rule.case_kind is not None},
    }


def _parties(pack: Pack) -> Iterator[str]:
    yield from (source.provider for source in pack.declared.sources.values())
    for rule in pack.declared.rules.values():
        yield rule.owner
        if isinstance(rule.party, str):
            yield rule.party
