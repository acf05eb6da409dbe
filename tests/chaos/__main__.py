"""The campaign: `make chaos`, or `python -m tests.chaos --jobs 10000 --kills 200 --database postgres --seed 7`.

Askers and workers are processes of their own. One hand kills them: a worker with its child, the child alone, one who
asks; or stops a worker past its leases and lets it go on. On PostgreSQL the server, too, is killed and started again.
Then all is left in peace until nothing waits, and what was promised is held against what there is.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS, ASKERS = 4, 2
LEASE = "2"
PEACE = 240  # seconds after the last kill in which everything has to end
CHILDREN = 2  # of the kills hit a child alone: three different questions that crash would open the breaker, rightly
WEIGHTS = {"worker": 70, "asker": 12, "stop": 15}


class Campaign:
    """The processes, and what is done to them."""

    def __init__(self, home: Path, *, requests: int, kills: int, seed: int) -> None:
        self.home, self.kills, self.seed = home, kills, seed
        self.chance = random.Random(seed)
        self.promises = home / "promises.jsonl"
        self.shares = [(handle, place * requests, (place + 1) * requests) for place, handle in enumerate(people())]
        self.workers: list[subprocess.Popen[bytes]] = []
        self.askers: dict[str, subprocess.Popen[bytes]] = {}
        self.done: dict[str, int] = {}

    def run(self) -> None:
        """All of it."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.end)
            for _ in range(WORKERS):
                self.hire()
            self.strike()
            self.rest()

    def strike(self) -> None:
        """Kill while there is work."""
        for number in range(self.kills):
            self.tend()
            time.sleep(self.chance.uniform(0.1, 0.5))
            kind = "child" if number < CHILDREN else self.chance.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
            getattr(self, f"hit_{kind}")()

    def rest(self) -> None:
        """Peace, until nothing waits any more."""
        from atlas.models import Job

        until = time.monotonic() + PEACE
        while True:
            self.tend()
            waiting = Job.objects.filter(state__in=("queued", "running")).count()
            if not waiting and not self.askers:
                return
            if time.monotonic() > until:
                raise SystemExit(f"{waiting} jobs still wait after {PEACE} s of peace")
            time.sleep(0.3)

    def tend(self) -> None:
        """Start anew whatever has died, and those who have more to ask."""
        for worker in [it for it in self.workers if it.poll() is not None]:
            self.workers.remove(worker)
            self.hire()
        for handle, process in list(self.askers.items()):
            if process.poll() is not None:
                del self.askers[handle]
                if process.returncode == 0:
                    self.done[handle] = 1
        for handle, first, last in self.shares:
            if len(self.askers) < ASKERS and handle not in self.askers and handle not in self.done:
                # Where it was cut off it goes on; what nobody knows of is asked again.
                asked = {it["number"] for it in self.told() if it["operation"] == "ask" and it["outcome"] == "ok"}
                start = next((number for number in range(first, last) if number not in asked), last)
                command = ["tests.chaos.asker", str(self.promises), handle, str(start), str(last)]
                self.askers[handle] = self.start(command)

    def hire(self) -> None:
        """One more worker."""
        self.workers.append(self.start(["tests.chaos.worker", str(self.chance.randrange(10**6))]))

    def start(self, module: list[str]) -> "subprocess.Popen[bytes]":
        """A process in a session of its own; what it says goes to the log."""
        log = (self.home / "log").open("ab")
        with log:
            command = [sys.executable, "-m", *module]
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def hit_worker(self) -> None:
        """A worker with its child."""
        victim = self.chance.choice(self.workers)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()

    def hit_child(self) -> None:
        """The child alone: it has crashed."""
        from atlas.models import Worker

        alive = list(Worker.objects.filter(stopped_at=None).order_by("-started_at").values_list("pid", flat=True)[:2])
        for pid in alive[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def hit_asker(self) -> None:
        """One who asks, perhaps between the answer and the ledger."""
        for victim in list(self.askers.values())[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()

    def hit_stop(self) -> None:
        """A worker that sleeps past its leases and wakes up as if nothing had happened, at best over something slow."""
        victim = self.busy() or self.chance.choice(self.workers)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGSTOP)
            time.sleep(float(LEASE) + 0.5)
            os.killpg(victim.pid, signal.SIGCONT)

    def busy(self) -> "subprocess.Popen[bytes] | None":
        """A worker that has been at one question for a while."""
        from atlas.models import Job
        from atlas.services.instants import from_now

        late = Job.objects.filter(state="running", started_at__lt=from_now(-0.3)).order_by("started_at")
        parents = {int(parent.split()[0]) for parent in late.values_list("owner__parent", flat=True)}
        return next((worker for worker in self.workers if worker.pid in parents), None)

    def told(self) -> list[dict]:
        """The promises so far."""
        from tests.chaos.promises import Promises

        return list(Promises(self.promises))

    def end(self) -> None:
        """Nothing outlives the campaign."""
        for process in [*self.workers, *self.askers.values()]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def people() -> list[str]:
    """Who asks."""
    return ["ada", "bea", "cem", "dia"]


def prepare(home: Path) -> None:
    """A migrated database with people, a checkpoint of rows and two probes; and the two questions that kill."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from atlas.services import catalog, checkpoints, jobs
    from atlas.services import people as persons
    from atlas.services.questions import ask
    from tests.chaos import reference
    from tests.conftest import registration

    joined = [persons.join(username=handle, password="correct horse battery").contributor for handle in people()]
    for name in (reference.NAME, reference.POISON):
        catalog.publish(
            name=name, version=1, summary="Reference", description="Reference.", schema=reference.SCHEMA,
            subjects=["unit"], site="post_relu", example={}, seconds=0.01,
        )  # fmt: skip
    weights = home / "toy.safetensors"
    weights.write_bytes(b"toy")
    card = checkpoints.read_card({"title": "Toy", "input": {}, "licence": "CC0-1.0", "labels": ["x", "y"]})
    row, _ = checkpoints.register(actor=None, slug="toy", facts=registration(), card=card, weights=weights)
    poison = ask(
        checkpoint=row, probe=reference.POISON, subjects=["edges:0", "edges:1"], site=None, params={}, many=True
    )
    jobs.request(actor=joined[0], checkpoint=row, questions=poison)


@contextlib.contextmanager
def database(kind: str) -> Iterator[None]:
    """SQLite in the home, or a PostgreSQL of our own."""
    from tests import servers

    if kind == "sqlite":
        yield
        return
    with servers.postgres() as environment:
        os.environ |= environment
        os.environ.pop("ATLAS_SERVING_ROLE")  # the owner serves: what is tested here is the protocol
        yield


def main() -> int:
    """Run a campaign, and say what became of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    from tests import servers

    with servers.folder() as home, database(asked.database):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "atlas.settings", "ATLAS_HOME": str(home), "ATLAS_LEASE_SECONDS": LEASE,
            "ATLAS_QUOTA_SECONDS": "0", "ATLAS_LOG_LEVEL": "ERROR", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        prepare(home)
        began = time.monotonic()
        each = asked.jobs // 12 // len(people())
        campaign = Campaign(home, requests=each, kills=asked.kills, seed=asked.seed)
        campaign.run()
        from tests.chaos import verdict

        return verdict.told(
            campaign.told(), seconds=time.monotonic() - began, kills=asked.kills, database=asked.database,
            seed=asked.seed, log=(home / "log").read_text(),
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
