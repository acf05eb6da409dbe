"""The processes of a campaign, what is done to them, and how often."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chaos import people
from tests.chaos.backing import Server
from tests.chaos.promises import Promises
from tests.disks import Disk

if TYPE_CHECKING:
    from tests.chaos.faults import Fault

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS, ASKERS = 4, 2
PEACE = 120  # seconds without a fault in which something has to end, as long as anything waits

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Ground:
    """What a campaign stands on; what is not there cannot be struck."""

    home: Path
    kind: str  # sqlite, postgres
    disk: Disk | None = None
    database: Server | None = None
    bell: Server | None = None


class Campaign:
    """The processes, and what is done to them."""

    def __init__(self, ground: Ground, *, requests: int, seed: int) -> None:
        self.ground, self.home = ground, ground.home
        self.chance = random.Random(seed)
        self.promises, self.evidence = Promises(self.home / "promises.jsonl"), Promises(self.home / "bites.jsonl")
        self.shares = [(handle, place * requests, (place + 1) * requests) for place, handle in enumerate(people())]
        self.workers: list[Process] = []
        self.askers: dict[str, Process] = {}
        self.done: set[str] = set()
        self.struck: Counter[str] = Counter()
        self.bit: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self, plan: "Sequence[Fault]") -> None:
        """All of it: while there is work, one fault after the other; then peace."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.end)
            self.begin()
            for fault in plan:
                self.tend()
                time.sleep(self.chance.uniform(0.1, 0.5))
                self.struck[fault.name] += 1
                self.bit[fault.name] += bool(fault.strike(self))
            self.rest()
        for told in self.evidence:
            self.bit[told["operation"]] += 1

    def begin(self) -> None:
        """Wait until everybody works."""
        from atlas.models import Job, Worker

        for _ in range(WORKERS):
            self.hire()
        while Worker.objects.count() < WORKERS or not Job.objects.filter(state="done").exists():
            self.tend()
            time.sleep(0.1)

    def rest(self) -> None:
        """Peace, until nothing waits any more."""
        from atlas.models import Job

        ended, until = -1, 0.0
        while True:
            self.tend()
            waiting, before = Job.objects.filter(state__in=Job.OPEN).count(), ended
            if not waiting and not self.askers:
                return
            if (ended := Job.objects.filter(state__in=Job.ENDED).count()) != before:
                until = time.monotonic() + PEACE
            if time.monotonic() > until:
                self.wrong.append(f"{waiting} jobs wait, and for {PEACE} s of peace none has ended")
                return
            time.sleep(1)

    def tend(self) -> None:
        """Start anew whatever has died, and those who have more to ask."""
        for worker in [it for it in self.workers if it.poll() is not None]:
            self.workers.remove(worker)
            self.hire()
        for handle, process in list(self.askers.items()):
            if process.poll() is not None:
                del self.askers[handle]
                if process.returncode == 0:
                    self.done.add(handle)
        for handle, first, last in self.shares:
            if len(self.askers) < ASKERS and handle not in self.askers and handle not in self.done:
                # Where it was cut off it goes on; what nobody knows of is asked again.
                asked = {it["number"] for it in self.promises if it["operation"] == "ask" and it["outcome"] == "ok"}
                start = next((number for number in range(first, last) if number not in asked), last)
                command = ["tests.chaos.asker", str(self.promises.path), handle, str(start), str(last)]
                self.askers[handle] = self.start(command)

    def hire(self) -> None:
        """One more worker."""
        self.workers.append(self.start(["tests.chaos.worker", str(self.chance.randrange(10**6))]))

    def start(self, module: list[str]) -> Process:
        """A process in a session of its own; what it says goes to the log."""
        log = (self.home / "log").open("ab")
        with log:
            command = [sys.executable, "-m", *module]
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def busy(self, *, seconds: float = 0.0, since: float = 0.3) -> Process | None:
        """A worker that has been at one question for a while; waited for, where there is none yet."""
        from atlas.models import Job
        from atlas.services.instants import from_now

        until = time.monotonic() + seconds
        while True:
            late = Job.objects.filter(state="running", started_at__lt=from_now(-since)).order_by("started_at")
            parents = {int(parent.split()[0]) for parent in late.values_list("owner__parent", flat=True)}
            found = next((worker for worker in self.workers if worker.pid in parents), None)
            if found or time.monotonic() > until:
                return found
            time.sleep(0.1)

    def seen(self, fault: str, *, before: int, seconds: float) -> None:
        """Wait until somebody was struck by this fault, or the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.noticed(fault) == before:
            time.sleep(0.1)

    def noticed(self, fault: str) -> int:
        """How often somebody has been struck by this fault."""
        return sum(told["operation"] == fault for told in self.evidence)

    def told(self) -> list[dict[str, Any]]:
        """The promises so far."""
        return list(self.promises)

    def end(self) -> None:
        """Nothing outlives the campaign."""
        for process in [*self.workers, *self.askers.values()]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
