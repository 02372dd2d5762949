"""The texts of the pages: each in both languages, each used, none missing."""

from __future__ import annotations

import re
import string
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

import pytest

from shuzhi.act.cases import CaseRole, EvidenceKind, Stage, TaskState, Verb
from shuzhi.act.services import Audience, Progress, Unfit, Way
from shuzhi.decide.indicators import Colour
from shuzhi.decide.rules import Outcome, Severity
from shuzhi.gather.sources import State
from shuzhi.kernel.party import Role as DutyRole
from shuzhi.share.access import Form, Operator
from shuzhi.share.accounts import AccountState, LoginWay, Right, Role
from shuzhi.share.agreements import AgreementState, ApplicationState
from shuzhi.share.agreements import Clock as SharingClock
from shuzhi.share.agreements import Verb as SharingVerb
from shuzhi.share.catalogue import Cycle, Grade, Sharing
from shuzhi.share.catalogue.model import Format, Openness, Rank, SharingMethod
from shuzhi.share.correction import DecisionKind, DoubtState, Nearness, Review
from shuzhi.share.correction import Verb as DoubtVerb
from shuzhi.share.forms import Axis, Filler, Verdict
from shuzhi.share.linkage import ModelState, Place, WorkKind, WorkState
from shuzhi.share.linkage import Verdict as PairVerdict
from shuzhi.share.linkage.model import Kind as LinkageKind
from shuzhi.share.receipts import Left, ObjectionState, Reach
from shuzhi.share.verification import Action as Measure
from shuzhi.share.verification import How, Told
from shuzhi.share.verification import Kind as Fishing
from shuzhi.web.pages.frame.languages import LANGUAGES, read_words
from shuzhi.web.pages.gather.feeds import Health

WEB = Path(str(files("shuzhi.web")))
_DOMAIN: dict[str, type[StrEnum]] = {
    "colour": Colour, "stage": Stage, "verb": Verb, "role": CaseRole, "task": TaskState,
    "evidence": EvidenceKind, "outcome": Outcome, "sharing": Sharing, "openness": Openness,
    "grade": Grade, "cycle": Cycle, "format": Format, "health": Health, "run": State,
    "audience": Audience, "progress": Progress, "service_way": Way, "field_problem": Unfit,
    "fishing": Fishing, "measure": Measure, "told": Told, "compared": How,
    "left": Left, "reach": Reach, "objection": ObjectionState,
    "account_role": Role, "account_state": AccountState, "right": Right, "login_way": LoginWay,
    "application_state": ApplicationState, "agreement_state": AgreementState,
    "sharing_verb": SharingVerb, "sharing_clock": SharingClock, "sharing_method": SharingMethod,
    "burden_axis": Axis, "filler": Filler, "form_verdict": Verdict, "doubt_state": DoubtState,
    "doubt_verb": DoubtVerb, "decision_kind": DecisionKind, "nearness": Nearness,
    "review_state": Review, "duty_role": DutyRole,
    "pair_verdict": PairVerdict, "pair_place": Place, "linkage_kind": LinkageKind,
    "model_state": ModelState, "linkage_work": WorkKind, "work_state": WorkState,
    "answer_form": Form, "operator": Operator, "rank": Rank,
}  # fmt: skip


def _sources() -> dict[str, str]:
    found = [*WEB.rglob("*.html"), *WEB.rglob("*.py")]
    return {path.name: path.read_text(encoding="utf-8") for path in found}


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for key, text in read_words().items():
        assert set(text) == set(LANGUAGES), key
        assert all(isinstance(said, str) and said.strip() for said in text.values()), key
        assert _places(text["zh"]) == _places(text["en"]), key


def test_chinese_texts_are_chinese_and_english_ones_are_not() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, text in read_words().items():
        assert not chinese.search(text["en"]), key
        assert chinese.search(re.sub(r"\{\w+\}", "", text["zh"])), key


def test_every_text_that_pages_ask_for_exists_and_none_is_left_over() -> None:
    whole = re.compile(r"""\bt\(\s*['"](\w+\.\w+)['"]""")
    asked = {key for text in _sources().values() for key in whole.findall(text)}
    choices = re.compile(r"'(\w+\.\w+)'")
    asked |= {k for text in _sources().values() for k in choices.findall(text) if k in read_words()}
    begun = re.compile(r"""\bt\(\s*['"](\w+\.)['"]\s*~""")
    parts = {start for text in _sources().values() for start in begun.findall(text)}
    by_name = re.compile(r"""\bf"(time\.)\{""")
    parts |= {start for text in _sources().values() for start in by_name.findall(text)}
    parts |= {f"{name}." for name in (*_DOMAIN, "severity", "theme", "unit", "period", "origin",
                                      "level", "lack", "finding", "error", "time",
                                      "which_rows", "form_step", "staffing_way",
                                      "prior_from")}  # fmt: skip
    known = set(read_words())
    assert {key for key in asked if key.partition(".")[0] in _sections()} <= known
    assert {k for k in known - asked if not k.startswith(tuple(parts))} == set()


def _sections() -> set[str]:
    return {key.partition(".")[0] for key in read_words()}


@pytest.mark.parametrize("section", sorted(_DOMAIN))
def test_every_word_of_the_domain_has_a_text(section: str) -> None:
    assert {f"{section}.{word.value}" for word in _DOMAIN[section]} <= set(read_words())


def test_every_severity_of_a_warning_has_its_colour() -> None:
    assert {f"colour.{severity.value}" for severity in Severity} <= set(read_words())


def test_no_template_puts_text_in_unescaped() -> None:
    for path in WEB.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape", text), path.name


def test_no_template_holds_a_script_or_style_of_its_own() -> None:
    for path in WEB.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", text), path.name
