"""Runs the examples of a pack, each in a city of its own: SQLite, a real lake, every wing at work.

What an example gives goes in by the doors that a city has: rows through a source and its contract,
deeds through the verbs of cases, time through the clock.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from shuzhi.act import cases
from shuzhi.act.cases import Act, Actor, CaseFile, CaseId, EvidenceKind, Order, Report, Upload
from shuzhi.app.city import City
from shuzhi.app.running import catching_up
from shuzhi.app.running.catching_up import NoProgress
from shuzhi.app.wired import lake_of
from shuzhi.decide.indicators import Value
from shuzhi.decide.models import State as ModelState
from shuzhi.decide.rules import Warning
from shuzhi.gather.contracts import register
from shuzhi.kernel.control import open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.migrations import migrate
from shuzhi.packs import Pack, needed_packs
from shuzhi.packs.examples import Difference, Example, Seen, Step, differences
from shuzhi.packs.examples.model import Deed, File, Person, ReportGiven
from shuzhi.packs.examples.tables import TextTable
from shuzhi.packs.messages import LANGUAGES
from shuzhi.settings import CITY_FILE, load_settings

_STORE = "control.db"
_MOST = 500
_NOT_COPIED = ("__pycache__", "examples", "README.md", "pack.yaml")
# The least that is a file of each kind of evidence.
_EVIDENCE: Mapping[EvidenceKind, Upload] = {
    EvidenceKind.PHOTO: Upload("photo.png", b"\x89PNG\r\n\x1a\n"),
    EvidenceKind.DOCUMENT: Upload("document.pdf", b"%PDF-1.7\n"),
    EvidenceKind.RECORD: Upload("record.txt", "办理记录 record of what was done\n".encode()),
}


@dataclass(frozen=True)
class Ran:
    """An example that was run: what its city came to, and what is not as it says."""

    file: str
    number: int
    example: Example
    seen: Seen
    differences: tuple[Difference, ...]


def run_examples(
    pack: Pack, *, only: str | None = None, numbers: Container[int] | None = None
) -> Iterator[Ran]:
    """Run the examples of `pack`, in order, all or those of the file called `only`.

    `numbers` takes some of each file, counted from 1. One that cannot be run differs, and stops
    no other.
    """
    files, needed = pack.declared.examples.values(), needed_packs(pack)
    for file in (each for each in files if only in (None, each.name)):
        for number, example in enumerate(file.examples, start=1):
            if numbers is not None and number not in numbers:
                continue
            seen = _run(pack, needed, example)
            yield Ran(file.name, number, example, seen, differences(example, seen))


def _run(pack: Pack, needed: tuple[str, ...], example: Example) -> Seen:
    with TemporaryDirectory(prefix="shuzhi-example-") as folder:
        return _Play(pack, needed, example, Path(folder)).seen()


class _Play:
    """One example in its city, with a clock that it sets by hand."""

    def __init__(self, pack: Pack, needed: tuple[str, ...], example: Example, folder: Path) -> None:
        self._pack, self._example, self._folder = pack, example, folder
        self._now = example.begins
        self._troubles: list[str] = []
        self._kept_out: dict[str, int] = {}
        self._files = 0
        self._judged = catching_up.Seen()
        _lay_out(pack, needed, example, folder)
        settings = load_settings(folder, {})
        control = open_control(settings.control_url)
        self._city = City(settings, control, lake_of(settings), lambda: self._now)

    def seen(self) -> Seen:
        """Play the example to its end and tell what is there."""
        self._tried("given", self._begin)
        for number, step in enumerate(self._example.when, start=1):
            self._tried(f"step {number}", partial(self._step, step))
        seen = self._tried("then", self._look_around) or Seen()
        self._city.control.engine.dispose()
        return seen

    def _tried(self, where: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except RefusedError as error:
            problem = f"{error.code}: {error.message} {error.next_step}".strip()
            self._troubles.append(f"{where}: {problem}")
            return None

    def _begin(self) -> None:
        """Lay down what is given before any rule watches."""
        for contract in self._city.declared.contracts.values():
            register(self._city.control, contract, now=self._now)
        self._store(self._example.given.rows)
        self._city.build(NoProgress())
        self._city.register()

    def _step(self, step: Step) -> None:
        if step.at is not None:
            self._now = self._example.instant(step.at)
            self._turn()
        if self._happens(step):
            self._turn()

    def _happens(self, step: Step) -> bool:
        """Let the one thing of a step happen; tell whether there is one."""
        self._store(step.rows)
        if step.file is not None:
            self._arrive(step.file)
        if step.report is not None:
            cases.open_case(self._city.office, self._report(step.report))
        if step.do is not None:
            self._do(step.do)
        return bool(step.rows or step.file or step.report or step.do)

    def _turn(self) -> None:
        """Let the city do what it does all the time: build, judge, look, forecast, tick."""
        city = self._city
        for run in city.build(NoProgress()):
            if run.state is ModelState.FAILED:
                self._troubles.append(f"model {run.model}: {run.reason}")
        catching_up.judge(city, self._judged)
        city.look()
        city.forecast()
        cases.tick(city.office)

    def _store(self, rows: Mapping[str, TextTable]) -> None:
        for dataset, table in rows.items():
            self._files += 1
            folder = self._folder / "incoming" / _given(dataset)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self._files:04}.csv").write_text(table.as_csv(), encoding="utf-8")
            self._gather(_given(dataset))

    def _arrive(self, file: File) -> None:
        source = self._city.sources()[file.source]
        pattern = self._folder / "sources" / getattr(source, "path", "")
        pattern.parent.mkdir(parents=True, exist_ok=True)
        (pattern.parent / file.name).write_text(file.text, encoding="utf-8")
        self._gather(file.source)

    def _gather(self, source: str) -> None:
        report = self._city.gather(source, NoProgress())
        kept_out = self._kept_out.get(report.dataset, 0) + report.outcome.quarantined
        self._kept_out[report.dataset] = kept_out

    def _report(self, given: ReportGiven) -> Report:
        return Report(
            given.kind,
            given.severity,
            _actor(given.by),
            None if given.responsible is None else PartyId(given.responsible),
            given.title,
            given.text,
            given.merge_key,
            due={clock: self._example.instant(due) for clock, due in given.due.items()},
        )

    def _do(self, deed: Deed) -> None:
        office = self._city.office
        opened = [file.case.id for file in self._cases()]
        if len(opened) < deed.case:
            self._troubles.append(f"{deed.verb}: there is no case {deed.case}")
            return
        try:
            cases.act(office, _act(deed, opened[deed.case - 1], office.evidence_folder))
        except RefusedError as error:
            if error.code != deed.refused:
                raise
        else:
            if deed.refused is not None:
                self._troubles.append(f"{deed.verb}: was done, and not refused ({deed.refused})")

    def _look_around(self) -> Seen:
        mine = {*self._pack.declared.rules, *self._pack.declared.forecasters}
        found = self._city.warnings(limit=None)
        return Seen(
            warnings=tuple(w for w in reversed(found) if w.rule_id in mine),
            messages={language: partial(self._message, language) for language in LANGUAGES},
            cases=(opened := tuple(self._cases())),
            candidates={file.case.id: self._candidates(file.case.id) for file in opened},
            rows={name: self._rows(name) for name in self._example.then.rows},
            quarantined=dict(self._kept_out),
            indicators=self._indicators(),
            troubles=(*self._troubles, *self._switched_off()),
        )

    def _cases(self) -> Iterator[CaseFile]:
        page = cases.cases(self._city.office, limit=_MOST)
        ids: list[CaseId] = [case.id for case in reversed(page.cases)]
        return (cases.case(self._city.office, case_id) for case_id in ids)

    def _candidates(self, case_id: CaseId) -> tuple[str, ...]:
        return tuple(c.id for each in self._city.causes(case_id) for c in each.candidates)

    def _rows(self, dataset: str) -> tuple[Mapping[str, Any], ...]:
        if not self._city.lake.exists(dataset):
            return ()
        with self._city.lake.duck(only=[dataset]) as connection:
            return tuple(connection.table(dataset).to_arrow_table().to_pylist())

    def _indicators(self) -> Mapping[str, Mapping[str, Any]]:
        names = self._example.then.indicators
        runs = self._city.compute_indicators(tuple(names)) if names else ()
        return {run.indicator: {_group(v): v.value for v in run.values} for run in runs}

    def _message(self, language: str, warning: Warning) -> str:
        return self._city.says(warning.rule_id, warning.facts, language)

    def _switched_off(self) -> Iterator[str]:
        for standing in self._city.standings().values():
            if not standing.is_on:
                yield f"rule {standing.id} is switched off: {standing.off_reason}"


def _lay_out(pack: Pack, needed: tuple[str, ...], example: Example, folder: Path) -> None:
    """Make a city's folder that declares what the pack declares, and a source for what is given."""
    ignore = shutil.ignore_patterns(*_NOT_COPIED)
    shutil.copytree(pack.declared.folder, folder, ignore=ignore, dirs_exist_ok=True)
    city = {
        "name": pack.id,
        "title_zh": pack.manifest.title.zh,
        "title_en": pack.manifest.title.en,
        "zone": example.zone,
        "packs": list(needed),
    }
    (folder / CITY_FILE).write_text(yaml.safe_dump(city, allow_unicode=True), encoding="utf-8")
    (folder / "sources").mkdir(exist_ok=True)
    given = {*example.given.rows, *(name for step in example.when for name in step.rows)}
    for dataset in sorted(given):
        source = {
            "name": _given(dataset),
            "dataset": dataset,
            "provider": "city",
            "kind": "file",
            "path": f"../incoming/{_given(dataset)}/*.csv",
            "format": "csv",
        }
        path = folder / "sources" / f"{_given(dataset)}.yaml"
        path.write_text(yaml.safe_dump(source), encoding="utf-8")
    (folder / _STORE).write_bytes(_empty_store())


@cache
def _empty_store() -> bytes:
    """Return a control store with every table and nothing in it: migrated once, then copied."""
    with TemporaryDirectory(prefix="shuzhi-example-") as folder:
        path = Path(folder) / _STORE
        control = open_control(f"sqlite:///{path}")
        migrate(control)
        control.engine.dispose()
        return path.read_bytes()


def _group(value: Value) -> str:
    return "whole" if value.group is None else " / ".join(map(str, value.group))


def _given(dataset: str) -> str:
    return f"given_{dataset}"


def _actor(person: Person) -> Actor:
    return Actor(person.person, PartyId(person.party), frozenset({person.role}))


def _act(deed: Deed, case: CaseId, folder: Path) -> Act:
    kept = (cases.keep_evidence(folder, _EVIDENCE[kind]) for kind in deed.evidence)
    return Act(
        case,
        deed.verb,
        _actor(deed.by),
        text=deed.text,
        orders=tuple(Order(PartyId(to), i == 0) for i, to in enumerate(deed.to)),
        evidence=tuple(kept),
        asked_by=deed.asked_by,
        is_good=deed.is_good,
        outcome=deed.outcome,
        stars=deed.stars,
    )
