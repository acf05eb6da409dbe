"""One command from nothing to looking at neurons."""

import subprocess
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from atlas import preparation, supervisor, tether
from atlas.models import Job
from atlas.services import people

PATIENCE = 1_800  # seconds for which the story waits for its pictures


class Command(BaseCommand):
    """Prepare, give the operator a one-time password, serve, and meanwhile show the first pictures and their story."""

    over = threading.Event()
    beside: "subprocess.Popen[str] | None" = None

    help = "Set everything up on the embedded defaults, serve, and show the first pictures. Ctrl-C stops everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Serve the demonstration; refuses in one sentence when the port is taken, before anything is touched."""
        try:
            supervisor.require_free(host=host, port=port)
            # Beside all that follows: the pages open while the checkpoints arrive.
            threading.Thread(target=self.exhibit, daemon=True).start()
            for deed in preparation.prepare():
                self.say(deed)
            operator, password = people.operator_with_password()
            connections.close_all()
            status = supervisor.run(
                host=host, port=port, ready=lambda url: self.welcome(url, operator.username, password)
            )
        except supervisor.CannotServe as problem:
            raise CommandError(str(problem)) from problem
        finally:
            self.stop_beside()
        if status:
            raise SystemExit(status)

    def exhibit(self) -> None:
        """Register what is shown and ask for its pictures; let people of a demo talk about them; last, draw its world.

        Nobody waits for a dataset, and drawing one would take a processor from the pictures.
        """
        self.run_beside("exhibit", "--only", "pictures")
        while not self.over.wait(1):
            if Job.objects.filter(state=Job.State.DONE).exists():  # the story must not delay the first picture
                connections.close_all()
                self.run_beside("seed", "--wait", str(PATIENCE))
                self.run_beside("exhibit", "--only", "worlds")
                return

    def run_beside(self, *command: str) -> None:
        """One of our commands in a process of its own, which does not outlive us."""
        wrapper = [sys.executable, "-I", "-S", tether.__file__, str(supervisor.ORPHANED)]
        self.beside = subprocess.Popen(
            [*wrapper, sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.beside.stdout is not None
        for line in self.beside.stdout:
            if line != "ended with status 0\n" and not self.over.is_set():
                self.say(line.rstrip())
        self.beside.wait()

    def stop_beside(self) -> None:
        """End what runs beside, and wait until it is gone."""
        self.over.set()
        if self.beside is not None:
            self.beside.terminate()
            self.beside.wait()

    def welcome(self, url: str, operator: str, password: str | None) -> None:
        """What to open, and how to sign in."""
        self.say(f"open {url}/ — Ctrl-C stops everything, and nothing is lost")
        secret = f"the one-time password {password}" if password else "the password you chose"
        self.say(f"to ask for more, sign in at {url}/accounts/login as {operator} with {secret}")

    def say(self, text: str) -> None:
        """One line, marked like those of the servers."""
        supervisor.emit("demo", text)
