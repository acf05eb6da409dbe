"""One service as this very process: what a container or a unit file starts, so that its signals arrive at once."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from atlas import supervisor


class Command(BaseCommand):
    """Become the web server or a worker. Nothing is prepared, supervised or started beside it."""

    help = "Run the web server or one worker as this process; migrate and collectstatic have been run before."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which service, and where."""
        parser.add_argument("service", choices=["web", "worker"])
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument("--device", default="", help="cpu, cuda, cuda:1 … (default: ATLAS_DEVICE)")

    def handle(self, *args: Any, service: str, host: str, port: int, device: str, **options: Any) -> None:
        """Be replaced by it."""
        web = service == "web"
        command = supervisor.web_command(host=host, port=port) if web else supervisor.worker_command()
        environment = supervisor.environment() | ({"ATLAS_DEVICE": device} if device else {})
        self.stdout.flush()
        os.chdir(supervisor.ROOT)
        os.execve(command[0], command, environment)  # noqa: S606 - a list of our own making
