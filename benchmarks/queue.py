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
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.search import atlas, p95

PEOPLE, SHORT = 20, 1_000
CLAIMS = 400
CHUNK = 20_000
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


def fill(row: Any, probe: Any, persons: list[Any], *, count: int, state: str, seed: int) -> None:
    """So many jobs, in chunks; what has ended has no lease and no place in the queue."""
    from django.utils import timezone

    from atlas.models import Job, Share

    chance, now = random.Random(seed), timezone.now()
    for person in persons:
        Share.objects.get_or_create(person=person)
    for start in range(0, count, CHUNK):
        Job.objects.bulk_create(
            Job(
                fingerprint=f"{seed:02x}{number:062x}",
                checkpoint=row,
                probe=probe,
                subject={"kind": "unit", "units": [["edges:0", 1]]},
                subject_text="edges:0",
                site="post_relu",
                params={"number": number},
                batch_key=f"{seed:02x}{number // 8:062x}",
                state=state,
                priority=chance.randrange(2),
                asker=chance.choice(persons),
                estimate=1.0,
                run_at=now,
            )
            for number in range(start, min(count, start + CHUNK))
        )


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


def plans(worker: Any, probe: Any) -> list[str]:
    """The statements that find the next question, as the database would run them."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from atlas.services import turns

    with CaptureQueriesContext(connection) as captured:
        turns.head(worker, [probe])
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    found = []
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"{explain} {query['sql']}")
                found += [" ".join(map(str, line)) for line in cursor.fetchall()]
    return found


def reads_everything(plan: str) -> bool:
    """Whether a step of a plan reads the jobs from end to end, or sorts what it read."""
    if "Sort Key" in plan or "TEMP B-TREE" in plan:
        return "atlas_job" in plan
    return "Seq Scan on atlas_job" in plan or ("SCAN" in plan and "atlas_job" in plan and "INDEX" not in plan)


def compare(count: int) -> None:
    """The short queue and the long one."""
    from django.db import connection

    from atlas.services import workers

    row, probe, persons = furnish()
    worker = workers.start(device="benchmark", versions={})
    lines = []
    for name, waiting in (("short", SHORT), ("long", count)):
        began = time.perf_counter()
        fill(row, probe, persons, count=waiting, state="queued", seed=len(lines) * 2 + 1)
        if name == "long":
            fill(row, probe, persons, count=count, state="failed", seed=99)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{name} queue made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        times = claims(worker, probe)
        ended = count if name == "long" else 0
        lines.append((waiting, ended, 1000 / statistics.mean(times), statistics.median(times), p95(times)))
    print("| waiting | ended | claims/s | p50 ms | p95 ms |\n|---|---|---|---|---|")
    for waiting, ended, rate, middle, high in lines:
        print(f"| {waiting:,} | {ended:,} | {rate:.0f} | {middle:.1f} | {high:.1f} |")
    steps = plans(worker, probe)
    print("\nThe next question is found by:\n")
    print("\n".join(f"    {step}" for step in steps))
    print(f"\n{sum(map(reads_everything, steps))} of these {len(steps)} steps read the jobs from end to end.")


def starts(broker: str) -> list[float]:
    """Milliseconds from a committed question to the start of its computation, by a worker that idles."""
    from atlas import supervisor
    from atlas.models import Job
    from atlas.services import jobs, workers
    from atlas.services.questions import ask
    from tests import servers

    row, curator = shipped()
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
            asked = jobs.request(actor=curator, checkpoint=row, questions=[question]).jobs[0]
            job = Job.objects.get(pk=asked.pk)
            while job.started_at is None:
                time.sleep(0.005)
                job = Job.objects.get(pk=job.pk)
            if number:  # the first one opens the model
                found.append((job.started_at - job.created_at).total_seconds() * 1000)
    return found


def shipped() -> tuple[Any, Any]:
    """`curve-circuit`, registered, and who asks about it."""
    from django.core.management import call_command

    from atlas.models import Checkpoint
    from atlas.services import people

    call_command("publish_catalog", verbosity=0)
    folder = Path(__file__).resolve().parent.parent / "workers" / "organisms" / "curve-circuit"
    command = [sys.executable, "manage.py", "register_checkpoint", "curve-circuit"]
    subprocess.run(command, check=True, cwd=folder.parent.parent.parent, stdout=subprocess.DEVNULL)
    return Checkpoint.objects.get(), people.join(username="asker", password="correct horse battery").contributor


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
