"""What is wrong with this installation, and what to do about it."""

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from atlas import health, invariants
from atlas.health import Verdict

LIBRARIES = """
from workers.interp import vision
import torch
native = vision.ensure()
gpu = torch.cuda.is_available()
device = f"GPU {torch.cuda.get_device_name()}" if gpu else f"CPU, {torch.get_num_threads()} threads"
operators = "with its own operators" if native else "without its operators, which nothing here needs"
print(f"torch {torch.__version__} on {device}, torchvision {operators}")
"""


class Command(BaseCommand):
    """Print every check with OK or its fix; exit status 1 when there is something to fix."""

    help = "Check this installation: every line says OK, or what to do."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to check."""
        parser.add_argument("--jobs", action="store_true", help="check every invariant of jobs, ledger and artifacts")

    def handle(self, *args: Any, jobs: bool = False, **options: Any) -> None:
        """Check."""
        if jobs:
            self._check_jobs()
            return
        sick = 0
        for verdict in self._verdicts():
            mark = self.style.SUCCESS("OK ") if verdict.ok else self.style.ERROR("FIX")
            self.stdout.write(f"{mark} {verdict.name}: {verdict.found}")
            if not verdict.ok:
                sick += 1
                self.stdout.write(f"    → {verdict.fix}")
        if sick:
            raise SystemExit(1)

    def _check_jobs(self) -> None:
        broken = 0
        for it in invariants.found():
            broken += bool(it.count)
            mark = self.style.ERROR("BROKEN") if it.count else self.style.SUCCESS("HOLDS ")
            self.stdout.write(f"{mark} {it.name}{f': {it.count}' if it.count else ''}")
            for said in it.shown:
                self.stdout.write(f"    → {said}")
        if broken:
            raise SystemExit(1)

    def _verdicts(self) -> Iterator[Verdict]:
        yield from health.verdicts()
        yield libraries()


def libraries() -> Verdict:
    """Whether torch and torchvision can be used, found out in a process of its own: a broken one may abort."""
    tried = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, text=True, timeout=120, check=False)
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]
        return Verdict("torch", last[:200], "run: pip install --force-reinstall -r requirements.txt")
    return Verdict("torch", tried.stdout.strip())
