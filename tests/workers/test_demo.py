"""The first five minutes of a newcomer: one command, a picture, Ctrl-C, and everything is still there."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

PATIENCE = 120  # seconds, on a machine that is busy with other tests


class Demo:
    """A running `manage.py demo`."""

    def __init__(self, home: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "demo.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ATLAS_", "DJANGO_"))}
        command = [sys.executable, "manage.py", "demo", "--port", str(port)]
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env={**environment, "ATLAS_HOME": str(home), "ATLAS_DEVICE": "cpu"},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text()

    def get(self, path: str) -> Any:
        """The JSON at an address, None while nobody answers there."""
        request = urllib.request.Request(self.url + path, headers={"Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def eventually(self, holds: Any) -> Any:
        """What `holds` returns, once it is true."""
        until = time.monotonic() + PATIENCE
        while not (found := holds()):
            assert self.process.poll() is None, f"it ended:\n{self.said()}"
            assert time.monotonic() < until, f"it never came true:\n{self.said()}"
            time.sleep(0.2)
        return found

    def done(self) -> list[str]:
        """Fingerprints of the answered questions."""
        answer = self.get("/api/v1/jobs?state=done&limit=200")
        return [job["fingerprint"] for job in answer["items"]] if answer else []


@contextmanager
def demo(home: Path, port: int) -> Iterator[Demo]:
    running = Demo(home, port)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()


def left_behind(home: Path) -> list[str]:
    """Command lines of processes that still work for this installation."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"ATLAS_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_from_one_command_to_a_picture_and_back_again(home, free_port):
    with demo(home, free_port) as first:
        answered = first.eventually(first.done)
        assert re.search(r"one-time password \S+", first.said())
        picture = next(
            shown["artifact"]
            for shown in first.get(f"/api/v1/jobs/{answered[0]}")["finding"]["shown"]
            if shown["role"] == "image"
        )
        with urllib.request.urlopen(first.url + picture["url"], timeout=5) as answer:
            assert len(answer.read()) == picture["size"]
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(timeout=20) == 0
    assert left_behind(home) == []
    with demo(home, free_port) as second:
        second.eventually(lambda: set(second.done()) >= set(answered))
        second.process.send_signal(signal.SIGKILL)
        second.process.wait()
        until = time.monotonic() + 20
        while left_behind(home) and time.monotonic() < until:
            time.sleep(0.2)
        assert left_behind(home) == [], "killed with -9, serve leaves orphans"


def test_a_port_that_is_taken_is_said_in_one_sentence(home):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo(home, port) as refused:
            assert refused.process.wait(timeout=30) != 0
            said = refused.said().strip()
    assert f"Port {port} is taken" in said
    assert len(said.splitlines()) == 1
    assert not (home / "atlas.sqlite3").exists()
