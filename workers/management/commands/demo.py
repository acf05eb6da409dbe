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

from atlas import preparation, supervisor
from atlas.services import people


class Command(BaseCommand):
    """Prepare, give the operator a one-time password, serve, and meanwhile register and ask for the first pictures."""

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
            exhibits = threading.Thread(target=self.exhibit, daemon=True)
            exhibits.start()
            for deed in preparation.prepare():
                self.say(deed)
            operator, password = people.operator_with_password()
            connections.close_all()
            status = supervisor.run(
                host=host, port=port, ready=lambda url: self.welcome(url, operator.username, password)
            )
        except supervisor.CannotServe as problem:
            raise CommandError(str(problem)) from problem
        if status:
            raise SystemExit(status)

    def exhibit(self) -> None:
        """Register what is shown and ask for its pictures, in a process of its own."""
        command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "exhibit"]
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert child.stdout is not None
        for line in child.stdout:
            self.say(line.rstrip())
        child.wait()

    def welcome(self, url: str, operator: str, password: str | None) -> None:
        """What to open, and how to sign in."""
        self.say(f"open {url}/ — Ctrl-C stops everything, and nothing is lost")
        secret = f"the one-time password {password}" if password else "the password you chose"
        self.say(f"to ask for more, sign in at {url}/accounts/login as {operator} with {secret}")

    def say(self, text: str) -> None:
        """One line, marked like those of the servers."""
        supervisor.emit("demo", text)
