"""What a scenario pack is: one folder that declares one public problem and how it is met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from shuzhi.act.cases import CaseKind
from shuzhi.act.evaluation import Scheme
from shuzhi.act.services import Matter
from shuzhi.decide.indicators import Goal
from shuzhi.decide.models import Model
from shuzhi.decide.rules import Rule
from shuzhi.decide.tracing import Tracing
from shuzhi.decide.warnings import Forecaster
from shuzhi.gather.contracts import Contract
from shuzhi.gather.sources import Source
from shuzhi.kernel.documents import StrictModel
from shuzhi.kernel.law import Law
from shuzhi.packs.examples.reading import ExampleFile
from shuzhi.packs.functions import Function
from shuzhi.packs.messages import Message
from shuzhi.share.forms import Form
from shuzhi.share.linkage import Linkage


class Title(StrictModel):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Manifest(StrictModel):
    """The shape of `pack.yaml`.

    `reads` are data sets of other packs or of the city that this one needs; `writes` those that it
    answers for: every contract and model of the pack, and nothing else.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)
    title: Title
    description: Title
    version: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")
    owner: str | None = None
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """Everything that a folder declares: a pack's, or a city's own.

    Each mapping is by the name that the rest of the platform uses. `parties` are files that are
    read together with what is registered already; `files` says where a thing stands, by the key of
    its kind (`kinds.KINDS`) and its name.
    """

    folder: Path
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    indicators: Mapping[str, Goal] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    tracings: Mapping[str, Tracing] = field(default_factory=dict)
    forecasters: Mapping[str, Forecaster] = field(default_factory=dict)
    case_kinds: Mapping[str, CaseKind] = field(default_factory=dict)
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    matters: Mapping[str, Matter] = field(default_factory=dict)
    linkages: Mapping[str, Linkage] = field(default_factory=dict)
    examples: Mapping[str, ExampleFile] = field(default_factory=dict)
    messages: Mapping[str, Message] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    files: Mapping[tuple[str, str], Path] = field(default_factory=dict)
    law: Law = field(default_factory=lambda: Law({}))
    parties: tuple[Path, ...] = ()

    def over(self, below: Declared) -> Declared:
        """Return both together; what bears the same name here counts, not what lies below.

        Law is the exception: a parameter has one dated history, whoever declares it.
        """
        together: dict[str, Any] = {
            each.name: {**getattr(below, each.name), **getattr(self, each.name)}
            for each in fields(self)
            if isinstance(getattr(self, each.name), Mapping)
        }
        return replace(
            self,
            **together,
            law=self.law.over(below.law),
            parties=(*below.parties, *self.parties),
        )

    def says(self, key: str, language: str, facts: Mapping[str, Any], zone: str) -> str | None:
        """Return the message under `key` (`rules.pm10_high`) about `facts`; None without one.

        Times in it are those of `zone`.
        """
        message = self.messages.get(key)
        return None if message is None else message.says(language, facts, self.functions, zone)

    @property
    def datasets(self) -> frozenset[str]:
        """The data sets that are made here: those of the contracts and those of the models."""
        tables = (str(table.name) for each in self.contracts.values() for table in each.tables)
        return frozenset((*tables, *self.models))


@dataclass(frozen=True)
class Pack:
    """A pack that was read whole and found in order."""

    manifest: Manifest
    declared: Declared

    @property
    def id(self) -> str:
        """The name by which cities and other packs ask for it."""
        return self.manifest.id
