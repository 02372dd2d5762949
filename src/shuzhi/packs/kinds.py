"""The kinds of file that a pack may hold: one table of where they stand and who reads them.

A new kind is one row here and one field of `Declared` under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shuzhi.act.cases import CaseKind, parse_case_kind
from shuzhi.act.evaluation import read_scheme
from shuzhi.act.services import read_matter
from shuzhi.decide.indicators import read_goal
from shuzhi.decide.models import read_model
from shuzhi.decide.rules import read_rule
from shuzhi.decide.tracing import read_tracing
from shuzhi.decide.warnings import read_forecaster
from shuzhi.gather.contracts import read_contract
from shuzhi.gather.sources import read_source
from shuzhi.packs.examples.reading import read_examples
from shuzhi.packs.messages import LANGUAGES
from shuzhi.share.forms import read_form
from shuzhi.share.linkage import read_linkage

MANIFEST = "pack.yaml"
PARTIES = "parties.yaml"
FUNCTIONS = "functions.py"
LAW = "law"
MESSAGES = "messages"


@dataclass(frozen=True)
class Kind:
    """Files of one kind: where they stand, who reads one, and what it is called by then."""

    pattern: str
    read: Callable[[Path], Any]
    name: Callable[[Any], str]


def _read_case_kind(path: Path) -> CaseKind:
    return parse_case_kind(path.read_bytes(), file=str(path))


KINDS: Mapping[str, Kind] = {
    "contracts": Kind("contracts/*.odcs.yaml", read_contract, lambda c: str(c.name)),
    "sources": Kind("sources/*.yaml", read_source, lambda s: str(s.name)),
    "models": Kind("models/*.sql", read_model, lambda m: str(m.name)),
    "indicators": Kind("indicators/*.yaml", read_goal, lambda g: str(g.id)),
    "forecasters": Kind("warnings/*.yaml", read_forecaster, lambda f: str(f.id)),
    "rules": Kind("rules/*.yaml", read_rule, lambda r: str(r.id)),
    "tracings": Kind("tracings/*.yaml", read_tracing, lambda t: str(t.id)),
    "case_kinds": Kind("cases/*.yaml", _read_case_kind, lambda k: str(k.id)),
    "schemes": Kind("evaluation/*.yaml", read_scheme, lambda s: str(s.id)),
    "forms": Kind("forms/*.yaml", read_form, lambda f: str(f.id)),
    "matters": Kind("services/*.yaml", read_matter, lambda m: str(m.id)),
    "linkages": Kind("linkages/*.yaml", read_linkage, lambda each: str(each.id)),
    "examples": Kind("examples/*.yaml", read_examples, lambda e: str(e.name)),
}
# What is read in another way, or by people.
ALSO_THERE = (
    MANIFEST,
    PARTIES,
    f"{LAW}/*.yaml",
    *(f"{MESSAGES}/{language}.yaml" for language in LANGUAGES),
    FUNCTIONS,
    "README.md",
    "__init__.py",
)
