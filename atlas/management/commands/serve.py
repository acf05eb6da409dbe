"""One command for everything: pages, API and a worker, stopped together."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas import preparation, supervisor


class Command(BaseCommand):
    """Prepare the database and the static files, then serve until Ctrl-C."""

    help = "Serve the pages, the API and a worker under one process; Ctrl-C stops everything."
    requires_system_checks = []  # a taken port is refused at once; `make ci` checks the rest

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, and which half to leave out."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument("--no-web", dest="web", action="store_false", help="only the worker")
        parser.add_argument("--no-worker", dest="worker", action="store_false", help="only the web server")

    def handle(self, *args: Any, host: str, port: int, web: bool, worker: bool, **options: Any) -> None:
        """Serve; refuses in one sentence when the port is taken, before anything is touched."""
        try:
            if web:
                supervisor.require_free(host=host, port=port)
            for deed in preparation.prepare():
                self.say(deed)
            status = supervisor.run(host=host, port=port, web=web, worker=worker, ready=self.announce)
        except supervisor.CannotServe as problem:
            raise CommandError(str(problem)) from problem
        if status:
            raise SystemExit(status)

    def announce(self, url: str) -> None:
        """Tell where to look."""
        self.say(f"the atlas is open at {url}/ — Ctrl-C stops it")

    def say(self, text: str) -> None:
        """One line, marked like those of the children."""
        self.stdout.write(f" serve | {text}")
        self.stdout.flush()
