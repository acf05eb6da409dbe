"""What was promised, held against what there is: nothing lost, nothing doubled, every answer the right one."""

import hashlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from atlas import invariants
from atlas.models import FindingArtifact, Job, JobEvent
from tests.chaos import reference
from tests.chaos.campaign import Campaign

Told = list[dict[str, Any]]
OFTEN = 6  # fewer times a fault may strike where nobody is: an asker that has asked all, a worker that idles


@dataclass(frozen=True)
class Tried:
    """What was tried: how many kills, from which seed, for how long; and what could not be tried here."""

    kills: int
    seed: int
    seconds: float
    missing: tuple[str, ...] = ()


def told(campaign: Campaign, tried: Tried, *, expected: Callable[[str], set[str]] | None = None) -> int:
    """Print what became of the campaign; 1 when something is wrong. `expected` says how a question has to end."""
    lacking = list(lost(campaign.told(), expected or ends))
    wrong = [*campaign.wrong, *lacking, *answered_wrongly(), *poisoned(), *broken(), *toothless(campaign)]
    claims, reaped = (JobEvent.objects.filter(kind=kind).count() for kind in ("claim", "reap"))
    jobs = Job.objects.count()
    print(f"{datetime.now(tz=UTC):%Y-%m-%d}, {engine()}, Python {platform.python_version()}, seed {tried.seed}:")
    print(f"{jobs} jobs, {tried.kills} kills and stops, {claims} claims, {reaped} taken back, {tried.seconds:.0f} s")
    print("\n| fault | injected | bit |\n|---|---|---|")
    for name, times in campaign.struck.items():
        print(f"| {name} | {times} | {campaign.bit[name]} |")
    for name in tried.missing:
        print(f"| {name} | not possible here | |")
    print(f"\n{len(lacking)} lost; {len(invariants.INVARIANTS)} invariants; {len(wrong)} violations")
    for one in wrong[:20]:
        print(f"  {one}")
    if wrong:
        print((campaign.home / "log").read_text()[-6_000:])
    return int(bool(wrong))


def engine() -> str:
    """The database by name and version."""
    version = connection.Database.sqlite_version if connection.vendor == "sqlite" else ""
    if connection.vendor == "postgresql":
        version = str(connection.cursor().connection.server_version // 10000)
    return f"{connection.display_name} {version}"


def toothless(campaign: Campaign) -> Iterator[str]:
    """Faults that were injected often and never noticed by anybody: they prove nothing."""
    yield from (
        f"{name}: {times} times, and it never bit"
        for name, times in campaign.struck.items()
        if times >= OFTEN and not campaign.bit[name]
    )


def ends(fingerprint: str) -> set[str]:
    """How a reference question has to end."""
    return {"failed"} if reference.has_none(fingerprint) else {"done"}


def lost(promises: Told, expected: Callable[[str], set[str]]) -> Iterator[str]:
    """Acknowledged questions that are not there, or have not come to the end that was theirs."""
    withdrawn = {it["job"] for it in promises if it["operation"] == "cancel"}
    states = dict(Job.objects.values_list("fingerprint", "state"))
    for fingerprint in {name for it in promises if it["operation"] == "ask" for name in it.get("jobs", ())}:
        allowed = expected(fingerprint) | ({"cancelled"} if fingerprint in withdrawn else set())
        found = states.get(fingerprint, "nowhere")
        if found not in allowed:
            yield f"{fingerprint[:12]} was acknowledged and is {found}"
    for it in promises:
        if it["operation"] == "cancel" and it["outcome"] == "ok" and states.get(it["job"]) == "done":
            again = JobEvent.objects.filter(job__fingerprint=it["job"], kind="request").count() > 1
            others = Job.objects.get(fingerprint=it["job"]).asked.filter(cancelled_at=None).exists()
            if not again and not others:
                yield f"{it['job'][:12]} was cancelled, acknowledged so, and published"


def answered_wrongly() -> Iterator[str]:
    """Findings that show anything but the one right answer."""
    shown = FindingArtifact.objects.filter(finding__job__probe__name=reference.NAME)
    for fingerprint, artifact in shown.values_list("finding__job__fingerprint", "artifact"):
        if artifact != hashlib.sha256(reference.answer(fingerprint)).hexdigest():
            yield f"{fingerprint[:12]} was answered wrongly"


def poisoned() -> Iterator[str]:
    """Questions that kill have to be quarantined after three crashes."""
    for job in Job.objects.filter(probe__name=reference.POISON):
        if (job.state, job.crashes) != ("quarantined", 3):
            yield f"a question that kills is {job.state} after {job.crashes} crashes"


def broken() -> Iterator[str]:
    """Invariants that do not hold."""
    for it in invariants.found():
        yield from (f"{it.name}: {said}" for said in it.shown)
