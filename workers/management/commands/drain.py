"""The worker's loop without Celery, for notebooks, tests and a look over its shoulder."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workers import memory


class Command(BaseCommand):
    """Answer everything that waits, then stop; Ctrl-C hands back what is unfinished."""

    help = "Answer the questions that wait, in this process, and stop when none is left."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long, and where."""
        parser.add_argument("--seconds", type=float, default=float("inf"), help="stop claiming after so long")
        parser.add_argument("--device", default="", help="cpu, cuda, cuda:1 … (default: ATLAS_DEVICE)")

    def handle(self, *args: Any, seconds: float, device: str, **options: Any) -> None:
        """Drain."""
        from workers.drain import Drain  # torch: only where it is needed

        memory.keep()
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        drain = Drain(stopping=stopping, device=device)
        try:
            answered = drain.drain(seconds=seconds)
        finally:
            drain.leave()
        self.stdout.write(f"{answered} questions answered")
