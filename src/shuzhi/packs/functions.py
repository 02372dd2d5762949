"""A pack's `functions.py`: pure functions that its texts name, proven pure before they are loaded.

Pure is what can be read off the syntax tree: no file, no network, no clock, no chance, no state.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from shuzhi.kernel.documents import DocumentError, Finding

Function: TypeAlias = Callable[[Any], Any]
MOST_LINES = 150
_CODE = "packs.bad_functions"
_KERNEL = ("deadlines", "errors", "ids", "instant", "law", "party", "units", "workdays")
_MODULES = frozenset(
    (
        *("__future__", "bisect", "collections", "collections.abc", "dataclasses", "datetime"),
        *("decimal", "enum", "fractions", "functools", "itertools", "math", "operator", "re"),
        *("string", "typing", "unicodedata"),
        *(f"shuzhi.kernel.{name}" for name in _KERNEL),
    )
)
_BUILTINS = frozenset(
    (
        *("open", "exec", "eval", "compile", "input", "print", "globals", "locals", "vars", "dir"),
        *("getattr", "setattr", "delattr", "breakpoint", "id", "hash", "help", "memoryview"),
    )
)
_CLOCKS = frozenset({"now", "today", "utcnow", "system_clock"})
_TOP = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
_STATE = (ast.Global, ast.Nonlocal)
_WAITS = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await, ast.Yield, ast.YieldFrom)


def read_functions(path: Path) -> Mapping[str, Function]:
    """Return the public functions of the file at `path`, by name.

    Raises:
        DocumentError: `packs.bad_functions` with the line of everything that is not pure.
    """
    raw = path.read_bytes()
    findings = tuple(Finding(str(path), line, "", problem) for line, problem in _problems(raw))
    if findings:
        raise DocumentError(_CODE, findings)
    module = _loaded(path)
    public = (n.name for n in ast.parse(raw).body if isinstance(n, ast.FunctionDef))
    return {name: getattr(module, name) for name in public if not name.startswith("_")}


def _loaded(path: Path) -> ModuleType:
    name = f"shuzhi_pack_functions_{path.parent.name}"
    loader = SourceFileLoader(name, str(path))
    module = ModuleType(name)
    try:
        loader.exec_module(module)
    except Exception as error:  # noqa: BLE001  (whatever a pack's constants do, its author is told)
        problem = f"cannot be loaded ({type(error).__name__}: {error})"
        raise DocumentError(_CODE, (Finding(str(path), 1, "", problem),)) from None
    return module


def _problems(raw: bytes) -> Iterator[tuple[int, str]]:
    try:
        tree = ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        yield line, f"is not Python: {getattr(error, 'msg', None) or error}"
        return
    lines = raw.count(b"\n") + 1
    if lines > MOST_LINES:
        yield lines, f"has {lines} lines; {MOST_LINES} at most: what is more belongs to the engine"
    if ast.get_docstring(tree) is None:
        yield 1, "lacks a docstring that says what its functions are for"
    for node in tree.body:
        if not isinstance(node, _TOP) and not _is_docstring(node):
            yield node.lineno, "does something when it is loaded; write only functions and values"
    for part in ast.walk(tree):
        yield from ((getattr(part, "lineno", 1), problem) for problem in _impure(part))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _impure(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (_foreign(name) for name in _imported(node) if name not in _MODULES)
    elif isinstance(node, ast.FunctionDef):
        yield from _unsaid(node)
    elif isinstance(node, _STATE):
        yield "keeps state between calls; return what changes"
    elif isinstance(node, _WAITS):
        yield "waits or yields; return a value"
    else:
        yield from _forbidden(node)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield "." * node.level + (node.module or "")
    else:
        yield from (alias.name for alias in node.names)


def _foreign(name: str) -> str:
    allowed = ", ".join(sorted(_MODULES - {"__future__"}))
    return f"imports {name!r}, which is not pure or not ours; these are: {allowed}"


def _unsaid(node: ast.FunctionDef) -> Iterator[str]:
    arguments = node.args
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    if node.returns is None or any(a.annotation is None and a.arg != "self" for a in named):
        yield f"{node.name} does not state the types of what it takes and returns"
    if not node.name.startswith("_") and ast.get_docstring(node) is None:
        yield f"{node.name} lacks a docstring that says what it promises"


def _forbidden(node: ast.AST) -> Iterator[str]:
    name = node.id if isinstance(node, ast.Name) else None
    name = node.attr if isinstance(node, ast.Attribute) else name
    if name is None:
        return
    if isinstance(node, ast.Name) and name in _BUILTINS:
        yield f"uses {name}; a pure function only returns what follows from its arguments"
    if name in _CLOCKS:
        yield f"asks {name} for the time; take the time as an argument"
    if name.startswith("__"):
        yield f"reaches for {name}; use what the language offers openly"
