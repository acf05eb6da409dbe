"""What exists is documented, and what is documented exists: settings, targets, problems, probes, commands, links."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text()
DEPENDENCIES = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def settings_in_code() -> set[str]:
    """Every ATLAS_* that some file of ours reads or sets."""
    files = [path for folder in ("atlas", "api", "workers", "tests") for path in (ROOT / folder).rglob("*.py")]
    files += [ROOT / "Makefile", ROOT / ".ci" / "run", *(ROOT / "deploy").rglob("*.*")]
    found: set[str] = set()
    for path in files:
        found |= set(re.findall(r"\bATLAS_[A-Z][A-Z_]*[A-Z]\b", path.read_text()))
    by_name = re.findall(r'\benvironment\("([A-Z_]+)"', (ROOT / "atlas" / "settings.py").read_text())
    return found | {f"ATLAS_{name}" for name in by_name}


def targets() -> dict[str, str]:
    """Every make target a person may call, with the words `make help` shows."""
    found = re.findall(r"^([a-z-]+):[^=\n]*?(?:## (.*))?$", MAKEFILE, flags=re.MULTILINE)
    return {name: words for name, words in found if not name.endswith("-env")}


def pinned(path: str) -> list[str]:
    """The names a requirements file pins."""
    lines = (ROOT / path).read_text().splitlines()
    return [line.partition("==")[0] for line in lines if line and line[0] not in "#-"]


def test_every_setting_is_documented_and_every_documented_one_exists():
    documented = set(re.findall(r"^\| `(ATLAS_[A-Z_]+)`", SETTINGS, flags=re.MULTILINE))
    assert documented == settings_in_code()


def test_make_help_lists_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [name for name, words in targets().items() if not words or f"make {name} " not in shown] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_a_page_names_exists(path):
    """`make x` in code spans and blocks names a target, `manage.py x` a command."""
    text = path.read_text()
    spans = " ".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))
    named = {word for run in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", spans) for word in run.split()}
    assert named <= set(targets()), named - set(targets())
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} | {"help", "check", "migrate", "test"}
    # Django's own, and drf-spectacular's.
    commands |= {"collectstatic", "createsuperuser", "shell", "makemigrations", "spectacular"}
    called = set(re.findall(r"manage\.py ([a-z_]+)", spans))
    assert called <= commands, called - commands


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(path):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_a_page_names_exists(path):
    """Paths of ours in code spans; those with a placeholder are for the reader to fill in."""
    named = re.findall(r"`((?:atlas|api|workers|tests|docs|deploy)/[\w./-]+)`", path.read_text())
    ready = [name for name in named if not {"my_probe", "my_family"} & set(re.split(r"[./]", name))]
    found = [name for name in ready if any((ROOT / form).exists() for form in (name, f"{name}.py"))]
    assert sorted(set(ready) - set(found)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_every_decision_fits_a_page_and_ends_with_what_was_rejected(path):
    text = path.read_text()
    assert text.startswith(f"# {path.stem[:4]} · ")
    assert text.rpartition("\n## ")[2].startswith("Rejected alternatives")
    assert text.count("\n") <= 60


@pytest.mark.parametrize("path", ["deploy/requirements-web.txt", "requirements.txt", "tests/requirements.txt"])
def test_every_dependency_has_its_reason(path):
    assert [name for name in pinned(path) if f"| {name} " not in DEPENDENCIES] == []


def test_the_reference_says_what_the_code_says():
    command = [sys.executable, "manage.py", "write_reference", "--check"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_every_error_is_documented():
    """Wherever it is defined: an error nobody listed would be raised to people and explained to nobody."""
    files = [path for folder in ("atlas", "api", "workers") for path in (ROOT / folder).rglob("*.py")]
    classes = [
        node for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    family = {"AtlasError", "InterpError"}
    for _ in range(5):  # as deep as a family of errors may reasonably go
        family |= {node.name for node in classes if {getattr(base, "id", "") for base in node.bases} & family}
    documented = set(
        re.findall(r"^\| `([a-z-]+)`", (ROOT / "docs/reference/problems.md").read_text(), flags=re.MULTILINE)
    )
    assert {kebab(name) for name in family - {"AtlasError", "InterpError"}} == documented


def kebab(name: str) -> str:
    """`NoSuchUnit` is `no-such-unit`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


@pytest.mark.parametrize(("page", "letter", "last"), [("guarantees.md", "G", 7), ("threat-model.md", "T", 33)])
def test_every_test_that_proves_a_promise_exists(page, letter, last):
    """And every row of a page that promises something has one."""
    text = (ROOT / "docs" / "reference" / page).read_text()
    named = set(re.findall(r"`(tests/[\w/.]+(?:::\w+)*)`", text))
    assert len(named) > 10
    for name in named:
        path, *inside = name.split("::")
        assert (ROOT / path).exists(), path
        for part in inside:
            assert re.search(rf"\b(def|class) {part}\b", (ROOT / path).read_text()), name
    rows = re.findall(rf"^\| \*\*({letter}\d+)\*\*.*?\| ([^|]*)\|$", text, flags=re.MULTILINE)
    assert [name for name, proof in rows if "`tests/" in proof] == [
        f"{letter}{number}" for number in range(1, last + 1)
    ]
