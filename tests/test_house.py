"""The house rules that a machine can check, so that nobody has to remember them in a review."""

import ast
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("atlas", "api", "workers")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "managers", "base"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """Every Python file somebody wrote; migrations are written by Django."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


OURS = [*python_files(*PACKAGES), ROOT / "manage.py"]
ALL = [*OURS, *python_files("tests", "benchmarks")]
PAGES = sorted(path for kind in ("html", "css", "js") for path in (ROOT / "atlas" / "web").rglob(f"*.{kind}"))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text(), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def where(path: Path, node: ast.AST | None = None) -> str:
    """A place a reader can click."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def test_no_file_is_over_400_lines():
    assert [where(path) for path in [*ALL, *PAGES] if path.read_text().count("\n") > 400] == []


def test_no_two_files_of_tests_have_one_name():
    """Without packages, pytest takes the second for the first and collects neither."""
    named = Counter(path.name for path in python_files("tests") if path.name.startswith("test_"))
    assert [name for name, count in named.items() if count > 1] == []


def test_no_function_is_over_50_lines():
    assert [where(path, node) for path in ALL for node in functions(path) if length(node) > 50] == []


def test_the_median_function_has_at_most_9_lines():
    assert statistics.median(length(node) for path in OURS for node in functions(path)) <= 9


def test_every_module_says_why_it_exists_in_one_sentence():
    assert [where(path) for path in ALL if not says_why(path)] == []


def says_why(path: Path) -> bool:
    """The first line is a docstring, and the line ends a sentence."""
    if not path.read_text().strip():
        return path.name == "__init__.py"
    first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
    return first.endswith((".", "?", "!"))


def test_every_signature_is_typed():
    assert [where(path, node) for path in OURS for node in functions(path) if untyped(node)] == []


def untyped(function: Function) -> bool:
    """Whether a parameter other than self, or the result, has no annotation."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    named = [argument for argument in every if argument and argument.arg not in ("self", "cls")]
    return function.returns is None or any(argument.annotation is None for argument in named)


def test_nothing_is_kept_in_a_drawer():
    assert [where(path) for path in ALL if {path.stem, path.parent.name} & DRAWERS] == []
    assert [
        where(path, node)
        for path in OURS
        for node in ast.walk(tree(path))
        # A manager of the ORM is Django's word; a class that manages things is ours, and says nothing.
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Util", "Utils"))
    ] == []


def test_imports_are_absolute():
    assert [
        where(path, node)
        for path in ALL
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


def test_nothing_is_left_to_do():
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    assert [where(path) for path in [*OURS, *PAGES] if pattern.search(path.read_text())] == []


def test_the_import_contracts_hold():
    # Its cache is switched off: a test leaves nothing behind.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    finished = run(command)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import workers.interp.probes", ["django", "rest_framework", "celery", "atlas", "api"]),
        ("import workers.celery", ["torch", "torchvision"]),
        ("import django; django.setup()", ["torch", "torchvision", "workers.interp"]),
        (
            "import django; django.setup()\n"
            "from django.urls import get_resolver, URLResolver\n"
            "def walk(resolver):\n"
            "    for entry in resolver.url_patterns:\n"
            "        walk(entry) if isinstance(entry, URLResolver) else entry.callback\n"
            "walk(get_resolver())\n"
            "import atlas.wsgi",
            ["torch", "torchvision", "workers.interp"],
        ),
    ],
    ids=["science", "worker parent", "set-up", "web with every address resolved"],
)
def test_who_loads_what(statement, absent, tmp_path):
    """The import contracts as facts: a fresh interpreter, one statement, and what must not be there afterwards."""
    check = f"import sys; loaded = set(sys.modules) & {set(absent)}; assert not loaded, loaded"
    environment = {"ATLAS_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "atlas.settings"}
    finished = run([sys.executable, "-c", f"{statement}\n{check}"], **environment)
    assert finished.returncode == 0, finished.stderr


def run(command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command in the root of the checkout, with its output."""
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)
