"""The house rules that a machine can keep: format, types, direction of imports, sizes, manners."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
MODULES = {
    path.relative_to(SOURCE).as_posix(): path
    for path in SOURCE.rglob("*.py")
    # A migration is a list of what a schema once was: generated, and as long as that.
    if path.parent.name != "versions"
}
_MOST_LINES = 400
_MOST_LINES_OF_A_FUNCTION = 40
_TOP = ("*.md", "*.toml", "Makefile", ".importlinter", ".ci/*", "docs/**/*", "locks/*")
_CODE = ("src/**/*", "tests/**/*", "benchmarks/**/*")

# The brackets keep this pattern from finding itself.
_ELSEWHERE = re.compile(
    r"py[p]i\.org|python[h]osted|npm[j]s\.|deb\.[d]ebian|index-[u]rl|(?<![\w./])/work[/]"
)


def _run(*arguments: str) -> None:
    """Run a Python tool at the root; its own report is the test's message."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def _lines(name: str) -> int:
    return len(MODULES[name].read_text(encoding="utf-8").splitlines())


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A promise may be as long as it needs to be; what is bounded is what a reader must run."""
    return len((ast.get_docstring(node) or "").splitlines())


def _long_functions(name: str) -> Iterator[str]:
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
            if lines > _MOST_LINES_OF_A_FUNCTION:
                yield f"{name}:{node.lineno}: {node.name} has {lines} lines"


def _reads_of_environment(name: str) -> Iterator[str]:
    for node in ast.walk(_tree(name)):
        word = node.attr if isinstance(node, ast.Attribute) else None
        word = node.name if isinstance(node, ast.alias) else word
        if word in {"environ", "environb", "getenv", "getenvb"}:
            yield f"{name}:{node.lineno}: {word}"


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted({path for pattern in _TOP + _CODE for path in ROOT.glob(pattern)}):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8", errors="replace")


def test_code_is_formatted() -> None:
    _run("-m", "ruff", "format", "--check", ".")


def test_code_is_free_of_lint() -> None:
    _run("-m", "ruff", "check", ".")


@pytest.mark.slow
def test_types_hold() -> None:
    _run("-m", "mypy")


def test_imports_point_down() -> None:
    _run("-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-logo")


def test_every_module_says_what_it_owns() -> None:
    assert [n for n in MODULES if _tree(n).body and not ast.get_docstring(_tree(n))] == []


def test_no_module_is_too_long() -> None:
    assert {n: _lines(n) for n in MODULES if _lines(n) > _MOST_LINES} == {}


def test_no_function_is_too_long() -> None:
    assert [finding for name in MODULES for finding in _long_functions(name)] == []


def test_only_settings_reads_the_environment() -> None:
    readers = {n: list(_reads_of_environment(n)) for n in MODULES}
    assert {n: found for n, found in readers.items() if found and n != "shuzhi/settings.py"} == {}


def test_no_package_is_called_utils() -> None:
    names = {part.removesuffix(".py") for name in MODULES for part in name.split("/")}
    assert names.isdisjoint({"utils", "util", "helpers", "common", "misc"})


def test_no_file_names_a_registry_or_a_place_of_one_machine() -> None:
    assert [(name, m[0]) for name, text in _texts() if (m := _ELSEWHERE.search(text))] == []
