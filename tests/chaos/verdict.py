"""What was promised, held against what there is: nothing lost, nothing doubled, every answer the right one."""

import hashlib
from collections.abc import Iterator
from typing import Any

from atlas import invariants
from atlas.models import FindingArtifact, Job, JobEvent
from tests.chaos import reference

Told = list[dict[str, Any]]


def told(promises: Told, *, seconds: float, kills: int, database: str, seed: int, log: str) -> int:
    """Print what became of the campaign; 1 when something is wrong."""
    wrong = [*lost(promises), *answered_wrongly(), *poisoned(), *broken()]
    claims, reaped = (JobEvent.objects.filter(kind=kind).count() for kind in ("claim", "reap"))
    jobs = Job.objects.count()
    print(f"{database}, seed {seed}: {jobs} jobs, {kills} kills, {claims} claims, {reaped} taken back, {seconds:.0f} s")
    print(f"{len(invariants.INVARIANTS)} invariants; {len(wrong)} violations")
    for one in wrong[:20]:
        print(f"  {one}")
    if wrong:
        print(log[-4_000:])
    return int(bool(wrong))


def lost(promises: Told) -> Iterator[str]:
    """Acknowledged questions that are not there, or have not come to the end that was theirs."""
    withdrawn = {it["job"] for it in promises if it["operation"] == "cancel"}
    states = dict(Job.objects.values_list("fingerprint", "state"))
    for fingerprint in {name for it in promises if it["operation"] == "ask" for name in it.get("jobs", ())}:
        expected = {"failed"} if reference.has_none(fingerprint) else {"done"}
        if fingerprint in withdrawn:
            expected.add("cancelled")
        found = states.get(fingerprint, "nowhere")
        if found not in expected:
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
