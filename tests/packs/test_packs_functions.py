"""A pack's functions are pure, its messages say the same in both languages, and both are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from shuzhi.kernel.documents import DocumentError
from shuzhi.packs import examine, installed_pack, new_pack, read_pack
from shuzhi.packs.functions import read_functions

PURE = '''"""Words for values."""

from math import floor


def grade(value: object) -> str:
    """Return the tens of a value."""
    return f"grade {floor(float(str(value)) / 10)}"
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_pack(tmp_path / "noise")
    return tmp_path / "noise"


def refused(folder: Path, text: str) -> list[str]:
    (folder / "functions.py").write_text(text)
    return [f"{f.line}: {f.problem}" for f in examine(folder)[1]]


def test_a_message_may_use_a_function_of_its_pack(folder: Path) -> None:
    (folder / "functions.py").write_text(PURE)
    for language in ("zh", "en"):
        file = folder / "messages" / f"{language}.yaml"
        file.write_text(file.read_text().replace("{value}", "{value|grade}"))
    declared = read_pack(folder).declared
    facts = {"station": "north", "value": 71}
    said = declared.says("rules.noise_too_high", "en", facts, "UTC")
    assert said == "Station north reads grade 7, which is too high."
    assert declared.says("rules.quiet", "en", facts, "UTC") is None
    bad = declared.says("rules.noise_too_high", "zh", {"value": "loud"}, "UTC")
    assert bad == "站点 – 的数值 loud 过高。"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("import os\n", "10: imports 'os', which is not pure or not ours"),
        ("from shuzhi.gather import lake\n", "10: imports 'shuzhi.gather', which is not pure"),
        ("from shuzhi.kernel.control import Control\n", "10: imports 'shuzhi.kernel.control'"),
        ("from . import other\n", "10: imports '.', which is not pure"),
        ("print('hello')\n", "10: does something when it is loaded"),
        ("x = open('/etc/passwd')\n", "10: uses open; a pure function only returns"),
        ("x = ().__class__\n", "10: reaches for __class__; use what the language offers openly"),
        ("x = getattr(1, 'real')\n", "10: uses getattr;"),
        (
            "from datetime import datetime\nx = datetime.now()\n",
            "11: asks now for the time; take the time as an argument",
        ),
        (
            'def f(x: int) -> int:\n    """Count."""\n    global n\n    n = x\n    return n\n',
            "12: keeps state between calls",
        ),
        (
            'def f(x: int) -> object:\n    """Wait."""\n    yield x\n',
            "12: waits or yields; return a value",
        ),
        ("def f(x, y: int) -> int:\n    return y\n", "10: f does not state the types"),
        ("def f(y: int) -> int:\n    return y\n", "10: f lacks a docstring"),
        ("def f(:\n", "10: is not Python: invalid syntax"),
        ("x = 1 / 0\n", "1: cannot be loaded (ZeroDivisionError: division by zero)"),
        ("# more\n" * 150, "160: has 160 lines; 150 at most"),
    ],
)
def test_what_is_not_pure_is_refused_with_its_line(folder: Path, more: str, problem: str) -> None:
    found = refused(folder, f"{PURE}\n{more}")
    assert [one for one in found if one.startswith(problem)], found


def test_functions_that_are_refused_are_not_run(folder: Path, tmp_path: Path) -> None:
    written = tmp_path / "written"
    text = f'"""Not pure."""\nfrom pathlib import Path\nPath({str(written)!r}).write_text("x")\n'
    (folder / "functions.py").write_text(text)
    with pytest.raises(DocumentError):
        read_functions(folder / "functions.py")
    assert not written.exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("zh", "noise_too_high", "noise_too_hi", "zh.yaml:2 is missing in en.yaml"),
        ("en", "noise_too_high", "noise_too_hi", "en.yaml:2 is missing in zh.yaml"),
        ("en", "{value}", "much", "zh.yaml:2 has {value}, which en.yaml lacks"),
        ("zh", "{value}", "{value", "zh.yaml:2 has a brace that is no place"),
        ("zh", "rules:", "rulez:", "zh.yaml:1 unknown key; did you mean rules?"),
    ],
)
def test_both_languages_say_the_same(
    folder: Path, file: str, old: str, new: str, problem: str
) -> None:
    path = folder / "messages" / f"{file}.yaml"
    path.write_text(path.read_text().replace(old, new))
    found = [f"{Path(f.file).name}:{f.line} {f.problem}" for f in examine(folder)[1]]
    assert [one for one in found if one.startswith(problem)], found


def test_a_message_is_about_a_rule_and_names_its_facts(folder: Path) -> None:
    for language in ("zh", "en"):
        text = "rules:\n  noise_too_hi: '{station}'\n  noise_too_high: '{staton} {value|loud}'\n"
        (folder / "messages" / f"{language}.yaml").write_text(text)
    found = [f"{Path(f.file).name}:{f.line} {f.problem}" for f in examine(folder)[1]]
    assert [one.partition(" Choose")[0] for one in found] == [
        "zh.yaml:2 there is no rule 'noise_too_hi'. Did you mean 'noise_too_high'?",
        "zh.yaml:3 {staton} is no fact of noise_too_high. Did you mean 'station'?",
        "zh.yaml:3 functions.py has no 'loud'.",
    ]


def test_one_language_alone_is_refused(folder: Path) -> None:
    (folder / "messages" / "en.yaml").unlink()
    found = [f.problem for f in examine(folder)[1]]
    assert found == ["cannot be read (No such file or directory)"]


def test_the_air_pack_s_grades_end_where_they_say() -> None:
    functions = installed_pack("air").declared.functions
    values = (35, "35.1", 75, 150, "250.0", 251)
    said = [functions["pm2_5_grade_zh"](value) for value in values]
    assert said == ["优", "良", "良", "中度污染", "重度污染", "严重污染"]
    assert functions["pm2_5_grade_en"](76) == "lightly polluted"
