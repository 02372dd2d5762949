"""What must agree between the files of a pack: names that are used are declared somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from shuzhi.decide.models import ordered
from shuzhi.kernel.documents import Finding
from shuzhi.kernel.errors import RefusedError
from shuzhi.packs.model import Pack


def cross_findings(pack: Pack) -> tuple[Finding, ...]:
    """Return where one file of the pack contradicts another."""
    return (*_folder_name(pack), *_writes(pack), *_sources(pack), *_models(pack))


def _finding(pack: Pack, file: str, path: str, problem: str) -> Finding:
    return Finding(str(pack.declared.folder / file), 1, path, problem)


def _folder_name(pack: Pack) -> Iterator[Finding]:
    folder = pack.declared.folder.name
    if folder != pack.id:
        problem = f"is {pack.id!r}, but the folder is named {folder!r}; one name for one thing"
        yield _finding(pack, "pack.yaml", "id", problem)


def _writes(pack: Pack) -> Iterator[Finding]:
    made = {str(t.name) for c in pack.declared.contracts.values() for t in c.tables}
    made |= set(pack.declared.models)
    for name in sorted(made - set(pack.manifest.writes)):
        yield _finding(pack, "pack.yaml", "writes", f"lacks {name!r}, which the pack declares")
    for name in sorted(set(pack.manifest.writes) - made):
        yield _finding(pack, "pack.yaml", "writes", f"has {name!r}, which no file declares")


def _sources(pack: Pack) -> Iterator[Finding]:
    known = {*pack.manifest.writes, *pack.manifest.reads}
    for source in pack.declared.sources.values():
        if source.dataset not in known:
            problem = f"loads {source.dataset!r}, which pack.yaml neither writes nor reads"
            yield _finding(pack, f"sources/{source.name}.yaml", "dataset", problem)


def _models(pack: Pack) -> Iterator[Finding]:
    known = {*pack.manifest.writes, *pack.manifest.reads}
    for model in pack.declared.models.values():
        for dataset in sorted(set(model.reads) - known):
            problem = f"reads {dataset!r}, which pack.yaml neither writes nor reads"
            yield _finding(pack, f"models/{model.name}.sql", "", problem)
    try:
        ordered(pack.declared.models.values())
    except RefusedError as error:
        yield _finding(pack, "models", "", f"{error.message} {error.next_step}")
