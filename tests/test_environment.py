"""Setting up on somebody's machine: what is missing is said in one sentence with the remedy, and once is enough."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as setting up reads, with nothing to install."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "environment.sh", tmp_path / "deploy")
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    return tmp_path


def set_up(checkout: Path, python: Path | str) -> "subprocess.CompletedProcess[str]":
    """Run the script with this Python."""
    command = [str(checkout / "deploy" / "environment.sh"), "requirements.txt"]
    return subprocess.run(command, env=os.environ | {"PYTHON": str(python)}, capture_output=True, text=True)


def script(path: Path, text: str) -> Path:
    """An executable that pretends to be Python."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def refusal(finished: "subprocess.CompletedProcess[str]") -> str:
    """The one line in which it refused."""
    assert finished.returncode == 1
    [line] = finished.stderr.strip().splitlines()
    return line


def test_a_python_that_is_too_old_is_named_with_the_remedy(checkout):
    old = script(checkout / "old", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    line = refusal(set_up(checkout, old))
    assert "Python 3.11 or newer is needed and Python 3.9.2 was found" in line
    assert "apt-get install python3.11" in line
    assert not (checkout / ".venv").exists()


def test_no_python_at_all_is_said_too(checkout):
    assert "no Python was found" in refusal(set_up(checkout, "/nowhere/python3"))


def test_a_missing_venv_module_is_named_with_its_package(checkout):
    """Debian ships Python without ensurepip; everything else of this one is real."""
    bare = script(checkout / "bare", f'case "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"')
    line = refusal(set_up(checkout, bare))
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv" in line
    assert not (checkout / ".venv").exists()


def test_once_is_enough_until_the_pins_change(checkout):
    first = set_up(checkout, sys.executable)
    assert first.returncode == 0, first.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()
    again = set_up(checkout, "/nowhere/python3")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    (checkout / "requirements.txt").write_text("# something else\n")
    assert "Installing" in set_up(checkout, "/nowhere/python3").stdout


def test_packages_that_cannot_be_installed_leave_the_next_try_open(checkout):
    (checkout / "requirements.txt").write_text("no such thing at all\n")
    failed = set_up(checkout, sys.executable)
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr.strip().splitlines()[-1]
    (checkout / "requirements.txt").write_text("# nothing\n")
    assert set_up(checkout, sys.executable).returncode == 0
