"""Two processes that act on the same application at once: one of them is heard, and only one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.beside import url_of

from shuzhi.share.agreements import (
    ApplicationState,
    MatterKind,
    Verb,
    agreements,
    application,
    replayed,
)

# Waits for a word, then does its act on each of several applications, and says how it went.
OTHER = """
import sys
from shuzhi.kernel.control import open_control
from shuzhi.share.agreements import *
from conftest import LAW, Exchange

town = Exchange(open_control(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in map(int, sys.argv[3:]):
    try:
        if sys.argv[2] == "agree":
            agree(town.office, number, by=town.ecology, seen=1)
        elif sys.argv[2] == "refuse":
            act(town.office, number, Act(Verb.REFUSE, town.ecology, basis=LAW, text="No", seen=1))
        else:
            act(town.office, number, Act(Verb.WITHDRAW, town.water, seen=1))
        print("done", flush=True)
    except AgreementError as refused:
        print(refused.code, flush=True)
"""
HERE = Path(__file__).resolve().parent
MANY = 8


@pytest.mark.parametrize(
    ("one", "other"), [("agree", "agree"), ("agree", "refuse"), ("agree", "withdraw")]
)
def test_of_two_who_act_at_once_one_is_heard(
    new_exchange: Callable[[Path], Any], tmp_path: Path, one: str, other: str
) -> None:
    town = new_exchange(tmp_path)
    numbers = [town.submitted(purposes=(f"purpose {n}",)).id for n in range(MANY)]
    said = _at_once(url_of(town.control), (one, other), numbers)
    for number, answers in zip(numbers, zip(*said, strict=True), strict=True):
        assert sorted(answers) == ["done", "share.changed_meanwhile"]
        file = application(town.office, number)
        heard = (one, other)[answers.index("done")]
        assert [step.verb for step in file.steps] == [Verb.SUBMIT, Verb(heard)]
        assert replayed(town.office, MatterKind.APPLICATION, number) == file.application
    agreed = {a.application for a in agreements(town.office)}
    state = ApplicationState.AGREED
    assert agreed == {n for n in numbers if application(town.office, n).application.state is state}


def _at_once(url: str, acts: tuple[str, str], numbers: list[int]) -> list[list[str]]:
    """Let a process for each act go through the applications; return what each was told."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    others = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", OTHER, url, each, *map(str, numbers)], cwd=HERE, **pipes
        )
        for each in acts
    ]
    try:
        assert [each.stdout.readline() for each in others] == ["ready\n"] * 2
        for each in others:
            print(file=each.stdin, flush=True)
        return [each.communicate(timeout=60)[0].split() for each in others]
    finally:
        for each in others:
            each.kill()
            each.wait()
