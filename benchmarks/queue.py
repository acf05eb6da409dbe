"""How fast are questions claimed when a million wait and a million have ended? And how soon does one start?

    OMP_NUM_THREADS=1 python -m benchmarks.queue --database sqlite
    OMP_NUM_THREADS=1 python -m benchmarks.queue --database postgres

(As a module: a script of this name would hide Python's own.) Makes an atlas of its own with jobs of twenty people,
1,000 waiting at first and then `--jobs` more that wait and as many that have ended, and throws it away afterwards. One
worker claims one question after the other, by the service every worker uses; each claim is a transaction that is really
committed. Printed are claims a second, p50 and p95 in milliseconds with the short and the long queue, and the plan by
which the next question is found: it must not read a table of jobs from end to end, nor sort a queue. With `--start` the
time from a committed question to the start of its computation by a real Celery worker is measured instead.
"""

import argparse
import contextlib
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.search import atlas, p95

PEOPLE, SHORT = 20, 1_000
CLAIMS = 400
STARTS = 30
GOALS = {"embedded": 300, "redis": 50}  # milliseconds at the median


def furnish() -> tuple[Any, Any, list[Any]]:
    """A checkpoint of rows, a published probe, and twenty people."""
    from atlas.services import catalog, checkpoints, people
    from tests.chaos import reference
    from tests.conftest import registration

    persons = [people.join(username=f"p{n}", password="correct horse battery").contributor for n in range(PEOPLE)]
    probe = catalog.publish(
        name=reference.NAME, version=1, summary="Reference", description="Reference.", schema=reference.SCHEMA,
        subjects=["unit"], site="post_relu", example={}, seconds=1.0,
    )  # fmt: skip
    weights = Path(os.environ["ATLAS_HOME"]) / "toy.safetensors"
    weights.write_bytes(b"toy")
    card = checkpoints.read_card({"title": "Toy", "input": {}, "licence": "CC0-1.0", "labels": ["x", "y"]})
    row, _ = checkpoints.register(actor=None, slug="toy", facts=registration(), card=card, weights=weights)
    return row, probe, persons


def template(row: Any, probe: Any, person: Any) -> Any:
    """A job that has ended, of which a million are made."""
    from atlas.models import Job
    from atlas.services import jobs
    from atlas.services.questions import ask

    [question] = ask(checkpoint=row, probe=probe.name, subjects=["edges:0"], site=None, params={}, many=False)
    [job] = jobs.request(actor=person, checkpoint=row, questions=[question]).jobs
    Job.objects.filter(pk=job.pk).update(state="failed")
    return job


def claims(worker: Any, probe: Any) -> list[float]:
    """Milliseconds of each claim."""
    from atlas.services import jobs

    found = []
    for _ in range(CLAIMS):
        before = time.perf_counter()
        [job] = jobs.claim(worker, limit=lambda head: 1, probes=[probe])
        found.append((time.perf_counter() - before) * 1000)
        assert job.state == "running"
    return found


def compare(count: int) -> None:
    """The short queue and the long one."""
    from atlas.models import Job
    from atlas.services import jobs, turns, workers
    from tests import crowded

    row, probe, persons = furnish()
    worker, like = workers.start(device="benchmark", versions={}), template(row, probe, persons[0])
    lines = []
    for name, waiting in (("short", SHORT), ("long", count)):
        began = time.perf_counter()
        crowded.fill(like, persons, count=waiting, state="queued", seed=len(lines) + 1)
        if name == "long":
            crowded.fill(like, persons, count=count, state="failed", seed=99)
        print(f"{name} queue made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        times = claims(worker, probe)
        ended = count if name == "long" else 0
        lines.append((waiting, ended, 1000 / statistics.mean(times), statistics.median(times), p95(times)))
    print("| waiting | ended | claims/s | p50 ms | p95 ms |\n|---|---|---|---|---|")
    for waiting, ended, rate, middle, high in lines:
        print(f"| {waiting:,} | {ended:,} | {rate:.0f} | {middle:.1f} | {high:.1f} |")
    Job.objects.filter(state="running").update(state="failed", owner=None, lease_until=None)
    for name, act in {
        "The next question is claimed by": lambda: jobs.claim(worker, limit=lambda head: 8, probes=[probe]),
        "Twice a second every worker asks by": lambda: (workers.dead(), jobs.reap(), turns.anybody_waits()),
    }.items():
        steps = crowded.plans(act)
        print(f"\n{name}:\n\n" + "\n".join(f"    {step}" for step in steps))
        print(
            f"\n{sum(map(crowded.reads_everything, steps))} of these {len(steps)} steps read the jobs from end to end."
        )


def starts(broker: str) -> list[float]:
    """Milliseconds from a committed question to the start of its computation, by a worker that idles."""
    from atlas import supervisor
    from atlas.models import Job
    from atlas.services import jobs, workers
    from atlas.services.questions import ask
    from tests import servers
    from tests.chaos.real import shipped

    row, asker = shipped()
    environment = {**os.environ, "ATLAS_BROKER": broker, "ATLAS_DEVICE": "cpu"}
    os.environ |= environment
    params = {"size": 24, "steps": 1, "seeds": [0], "polarity": "positive"}
    command = [*supervisor.worker_command()]
    with servers.tethered(["env", *(f"{name}={environment[name]}" for name in ("ATLAS_BROKER",)), *command]):
        while not workers.alive().exists():
            time.sleep(0.2)
        found = []
        for number in range(STARTS + 1):
            time.sleep(1.3)  # idle again
            [question] = ask(
                checkpoint=row, probe="feature-visualization", subjects=["curve:0"], site=None,
                params={**params, "steps": number + 1}, many=False,
            )  # fmt: skip
            asked = jobs.request(actor=asker, checkpoint=row, questions=[question]).jobs[0]
            job = Job.objects.get(pk=asked.pk)
            while job.started_at is None:
                time.sleep(0.005)
                job = Job.objects.get(pk=job.pk)
            if number:  # the first one opens the model
                found.append((job.started_at - job.created_at).total_seconds() * 1000)
    return found


def latency() -> None:
    """Embedded, and over Redis."""
    import shutil

    from tests import servers

    with contextlib.ExitStack() as stack:
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        url = stack.enter_context(servers.redis(binary)) if sys.argv[-1] == "redis" and binary else "memory://"
        name = "redis" if url.startswith("redis") else "embedded"
        os.environ["ATLAS_BROKER"] = url
        with atlas("sqlite"):
            times = starts(url)
    print(f"{name}: median {statistics.median(times):.0f} ms, p95 {p95(times):.0f} ms, n = {len(times)}; ", end="")
    print(f"the goal is {GOALS[name]} ms at the median.")


def main() -> None:
    """Measure, print."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    reading.add_argument("--jobs", type=int, default=1_000_000)
    reading.add_argument("--start", choices=("embedded", "redis"))
    given = reading.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}\n")
    if given.start:
        latency()
        return
    with atlas(given.database):
        compare(given.jobs)


if __name__ == "__main__":
    main()
