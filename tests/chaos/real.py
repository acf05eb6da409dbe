"""Ten kills with torch: real workers, Celery's parent and its child, at real questions about `curve-circuit`.

    python -m tests.chaos --torch [--database postgres]

Each kill waits until a worker is in the midst of a computation. Between the kills Redis is flushed and away, rings are
forged, PostgreSQL is killed, the weights' file is corrupted and mended, and four questions at a time are too many.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from atlas import supervisor
from tests.chaos import faults
from tests.chaos.campaign import ROOT, Campaign, Ground, Process
from tests.chaos.faults import Fault

ORGANISM = ROOT / "workers" / "organisms" / "curve-circuit"
QUESTIONS, TOGETHER = 40, 4
STEPS, SIZE = 60, 64  # of a picture: seconds of work on one core
WORKERS, PATIENCE = 2, 120
LEASE = "6"


class Workshop(Campaign):
    """Real workers; who asks is this process, before it strikes."""

    def __init__(self, ground: Ground, *, seed: int) -> None:
        super().__init__(ground, requests=0, seed=seed)
        self.shares = []

    def hire(self) -> None:
        """A worker as `serve` starts it, but for its appetite."""
        command = ["tests.chaos.hungry" if word == "workers.celery" else word for word in supervisor.worker_command()]
        with (self.home / "log").open("ab") as log:
            self.workers.append(
                subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
            )  # fmt: skip

    def tend(self) -> None:
        """As many workers as there have to be."""
        self.workers = [it for it in self.workers if it.poll() is None]
        while len(self.workers) < WORKERS:
            self.hire()

    def begin(self) -> None:
        """The questions, before the first fault."""
        self.tend()
        checkpoint, actor = shipped()
        for first in range(0, QUESTIONS, TOGETHER):
            self.promises.add("ask", "ok", jobs=asked(checkpoint, actor, first))

    def at_work(self) -> tuple[Process, int] | None:
        """A worker in the midst of a computation, and its child's process id."""
        from atlas.models import Job

        self.tend()
        running = Job.objects.filter(state="running", done_steps__gt=0).select_related("owner")
        for job in running:
            for worker in self.workers:
                if job.owner and job.owner.parent.split()[0] == str(worker.pid):
                    return worker, job.owner.pid
        return None


def shipped() -> tuple[Any, Any]:
    """`curve-circuit`, registered as anybody does it, and who asks about it."""
    from atlas.models import Checkpoint
    from atlas.services import people

    files = [
        f"--{part}={ORGANISM / name}" for part, name in (("weights", "weights.safetensors"), ("card", "card.json"))
    ]
    for command in (["publish_catalog"], ["register_checkpoint", "curve-circuit", *files]):
        subprocess.run([sys.executable, "manage.py", *command], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return Checkpoint.objects.get(), people.join(username="ada", password="correct horse battery").contributor


def asked(checkpoint: Any, actor: Any, first: int) -> list[str]:
    """Four questions that one pass could answer; the fingerprints that were acknowledged."""
    from atlas.services import jobs
    from atlas.services.questions import ask

    params = {"size": SIZE, "steps": STEPS, "seeds": [first], "polarity": "positive"}
    subjects = [f"curve:{unit}" for unit in range(TOGETHER)]
    questions = ask(
        checkpoint=checkpoint, probe="feature-visualization", subjects=subjects, site=None, params=params, many=True
    )
    return [job.fingerprint for job in jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs]


def waited(for_what: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """What comes of it, once something does; nothing when it takes too long."""
    until = time.monotonic() + seconds
    while not (found := for_what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def kill_worker(campaign: Campaign) -> bool:
    """Parent and child, in the midst of a computation."""
    assert isinstance(campaign, Workshop)
    found = waited(campaign.at_work)
    return bool(found) and faults.kill(found[0].pid, found[0].wait)


def kill_child(campaign: Campaign) -> bool:
    """The child alone: it has crashed."""
    assert isinstance(campaign, Workshop)
    found, before = waited(campaign.at_work), faults.events("reap")
    if found:
        os.kill(found[1], signal.SIGKILL)
    return bool(found) and bool(waited(lambda: faults.events("reap") > before))


def ask_to_end(campaign: Campaign) -> bool:
    """SIGTERM in the midst of a computation: handed back within ten seconds, and an orderly end."""
    assert isinstance(campaign, Workshop)
    found, before = waited(campaign.at_work), faults.handed_back()
    if not found:
        return False
    found[0].terminate()
    status = found[0].wait(timeout=faults.GRACE)
    if status:
        campaign.wrong.append(f"asked to end, a worker ended with {status}")
    return faults.handed_back() > before


def restart_database(campaign: Campaign) -> bool:
    """PostgreSQL killed in the midst of a computation, which the worker has to outlive."""
    assert isinstance(campaign, Workshop)
    found = waited(campaign.at_work)
    faults.restart_database(campaign)
    time.sleep(float(LEASE))
    return bool(found) and found[0].poll() is None


def corrupt(campaign: Campaign) -> bool:
    """One bit of the weights' file is another when a worker opens it: nothing is answered from that."""
    from atlas.models import Checkpoint
    from atlas.storage import path_of

    weights = Checkpoint.objects.get().weights
    assert weights is not None
    file = campaign.home / "artifacts" / path_of(weights.sha256)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for worker in list(campaign.workers):
        faults.kill(worker.pid, worker.wait)
    campaign.tend()
    done = faults.events("finish")
    bit = bool(waited(lambda: any("ArtifactCorrupt" in why.get("error", "") for why in given_back())))
    if faults.events("finish") > done:
        campaign.wrong.append("something was answered from corrupted weights")
    whole_again(file, whole)
    return bit


def given_back() -> list[dict[str, Any]]:
    """Why jobs went back into the queue."""
    from atlas.models import JobEvent

    return list(JobEvent.objects.filter(kind="release").values_list("data", flat=True))


def whole_again(file: Path, data: bytes) -> None:
    """The file as it was, in one step."""
    new = file.with_suffix(".new")
    new.write_bytes(data)
    new.replace(file)


def too_much(campaign: Campaign) -> bool:
    """Four at once have been too many, and were split."""
    from atlas.models import JobEvent

    split = JobEvent.objects.filter(kind="release", data__why="out of memory")
    return bool(waited(split.exists))


WORKER, CHILD = Fault("worker killed over torch", kill_worker), Fault("child killed over torch", kill_child)
BETWEEN = (
    Fault("out of memory at four", too_much),
    *(it for it in faults.FAULTS if it.strike in (faults.flush, faults.silence, faults.ring_too_often)),
    Fault("asked to end over torch", ask_to_end),
    Fault("PostgreSQL killed over torch", restart_database, needs=lambda ground: ground.database),
    Fault("weights corrupted", corrupt),
)


def plan(ground: Ground) -> list[Fault]:
    """Ten kills, two of them of a child alone, and between them everything else once."""
    kills = [WORKER, CHILD, WORKER, WORKER, CHILD, *[WORKER] * 5]
    between = [it for it in BETWEEN if it.needs(ground)]
    mixed = [it for pair in zip(kills, between, strict=False) for it in reversed(pair)]
    return mixed + kills[len(between) :] + between[len(kills) :]


def fight(asked: argparse.Namespace) -> int:
    """The campaign, and what became of it."""
    from tests.chaos.__main__ import ground

    os.environ |= {"ATLAS_LEASE_SECONDS": LEASE, "ATLAS_DEVICE": "cpu"}
    with ground(asked.database, megabytes=256) as base:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from tests.chaos import verdict

        campaign, began = Workshop(base, seed=asked.seed), time.monotonic()
        campaign.run(plan(base))
        tried = verdict.Tried(10, asked.seed, time.monotonic() - began)
        return verdict.told(campaign, tried, expected=lambda fingerprint: {"done"})
