"""The campaign: `make chaos`, or `python -m tests.chaos --jobs 10000 --kills 200 --database postgres --seed 7`.

Askers and workers are processes of their own. One hand injects the faults of faults.py: it kills, stops, fills the
disk, shuts the bell and the database, moves the clock. Then all is left in peace until nothing waits, and what was
promised is held against what there is. With `--torch` real workers compute, and are killed ten times (real.py).
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests import disks, servers
from tests.chaos import backing, people
from tests.chaos.campaign import Campaign, Ground

MOUNTS = "CHAOS_MOUNTS"  # set where what is mounted is seen by nobody else, and gone with the last process
UNITS = 12  # jobs of a request
EACH = 40  # kills for which every other fault comes once


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
def ground(kind: str, *, megabytes: int) -> Iterator[Ground]:
    """A home with a small disk for artifacts where one may be mounted, a bell and a database; in the settings."""
    with contextlib.ExitStack() as running:
        home = running.enter_context(servers.folder())
        database = None
        if kind == "postgres":
            database, environment = running.enter_context(backing.postgres())
            os.environ |= environment
        bell, broker = running.enter_context(backing.bell())
        disk = None
        if MOUNTS in os.environ:
            disk = running.enter_context(disks.small(backing.kept(home), size=f"{megabytes}m"))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "atlas.settings", "ATLAS_HOME": str(home), "ATLAS_BROKER": broker,
            "ATLAS_QUOTA_SECONDS": "0", "ATLAS_LOG_LEVEL": "ERROR", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        yield Ground(home, kind, disk, database, bell)


def fight(asked: argparse.Namespace) -> int:
    """A campaign with the reference probe."""
    from tests.chaos import faults

    os.environ["ATLAS_LEASE_SECONDS"] = f"{faults.LEASE:g}"
    with ground(asked.database, megabytes=64 + asked.jobs // 64) as base:
        prepare(base.home)
        from tests.chaos import verdict

        campaign = Campaign(base, requests=asked.jobs // UNITS // len(people()), seed=asked.seed)
        began = time.monotonic()
        campaign.run(faults.plan(campaign, kills=asked.kills, each=max(1, asked.kills // EACH)))
        seconds, missing = time.monotonic() - began, tuple(faults.missing(base))
        return verdict.told(campaign, verdict.Tried(asked.kills, asked.seed, seconds, missing))


def among_ourselves() -> None:
    """Begin again where what we mount is seen by nobody else, if we may."""
    alone = ["unshare", "--mount"]
    if os.geteuid() == 0 and MOUNTS not in os.environ:
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run([*alone, "true"], stderr=subprocess.DEVNULL).returncode == 0:
                os.environ[MOUNTS] = "1"
                os.execvp(alone[0], [*alone, sys.executable, "-m", "tests.chaos", *sys.argv[1:]])


def main() -> int:
    """Run a campaign, and say what became of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--torch", action="store_true", help="ten kills of real workers at real questions")
    asked = parser.parse_args()
    among_ourselves()
    if asked.torch:
        from tests.chaos import real

        return real.fight(asked)
    return fight(asked)


if __name__ == "__main__":
    sys.exit(main())
