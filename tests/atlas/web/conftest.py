"""Questions in every state a page can meet, brought there by the services that bring them there for real."""

import io
from collections.abc import Callable

import pytest
from django.db.models.functions import Now
from PIL import Image

from atlas.models import Checkpoint, Job, Snapshot, Worker
from atlas.services import artifacts, holding, jobs
from atlas.services import workers as presence
from atlas.services.checkpoints import Registration, read_card
from atlas.services.checkpoints import register as register_checkpoint
from atlas.services.questions import ask
from tests.conftest import registration

TRACE = {"steps": [1, 4, 8, 10], "values": [0.0, 0.5, 1.0, 1.25]}
MADE = {
    "started": "2026-01-01T00:00:00Z",
    "seconds": 1.5,
    "device": "cpu",
    "dtype": "float32",
    "threads": 1,
    "versions": {"torch": "2.0"},
    "code": "c0de" * 10,
    "deterministic": True,
    "plan": {"pictures": 6},
}


def png(colour: tuple[int, int, int], size: int = 16) -> bytes:
    """A real picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture
def worker(db) -> Worker:
    """A worker that lives."""
    return presence.start(device="cpu", versions={})


@pytest.fixture
def asked(checkpoint, probe, alice) -> Callable[..., Job]:
    """Alice asks one question of `toy`, or of another checkpoint."""

    def asked_of(unit: str, *, of: Checkpoint = checkpoint, actor=alice, **params) -> Job:
        [question] = ask(checkpoint=of, probe=probe.name, subjects=[unit], site=None, params=params, many=False)
        return jobs.request(actor=actor, checkpoint=of, questions=[question]).jobs[0]

    return asked_of


@pytest.fixture
def claimed(asked, worker, probe) -> Callable[..., Job]:
    """A question that is being computed; nothing else may be waiting."""

    def claimed_of(unit: str, **more) -> Job:
        job = asked(unit, **more)
        [taken] = jobs.claim(worker, limit=lambda head: 1, probes=[probe])
        assert taken == job
        return taken

    return claimed_of


@pytest.fixture
def answered(claimed) -> Callable[..., Job]:
    """A question with pictures, numbers and provenance."""

    def answered_of(unit: str, *, silent: bool = False, **more) -> Job:
        job = claimed(unit, **more)
        given = [(polarity, seed) for polarity in ("positive", "negative") for seed in job.params["seeds"]]
        pictures = [number(polarity, seed, silent=silent) for polarity, seed in given]
        numbers = {"size": 16, "steps": 10, "silent": silent, "pictures": pictures}
        shown = [picture(polarity, seed, of=job.pk) for polarity, seed in given]
        shown.append(picture("positive", job.params["seeds"][0], role="thumbnail", of=job.pk))
        jobs.finish(job, numbers=numbers, provenance=MADE, shown=shown)
        job.refresh_from_db()
        return job

    return answered_of


def number(polarity: str, seed: int, *, silent: bool) -> dict:
    """What a subject answers to one picture."""
    site = "post_relu" if polarity == "positive" else "pre_relu"
    reached = {"maximum": 2.25, "minimum": -1.75, "mean": 0.5}
    return {"polarity": polarity, "seed": seed, "site": site, "silent": silent, "trace": TRACE, **reached}


def picture(polarity: str, seed: int, *, role: str = "image", of: int = 0) -> jobs.Shown:
    """A stored picture; its colour makes its bytes its own."""
    colour = (of % 256, seed, 200 if polarity == "positive" else 20)
    kept = artifacts.keep(png(colour), media_type="image/png")
    return jobs.Shown(role, kept, {"polarity": polarity, "seed": seed, "width": 16, "height": 16})


@pytest.fixture
def every_state(asked, claimed, answered, alice, worker, probe) -> dict[str, Job]:
    """One question in every state, and one more that is being computed and shows a picture on its way."""
    found = {"done": answered("edges:0"), "failed": claimed("edges:1"), "quarantined": asked("edges:2")}
    error = {"slug": "no-such-unit", "detail": "The unit is broken.", "facts": {}, "fault": "yours"}
    jobs.fail(found["failed"], error=error)
    for _ in range(jobs.MOST_STARTS):
        Job.objects.filter(state="queued").update(run_at=Now())
        [taken] = jobs.claim(worker, limit=lambda head: 1, probes=[probe])
        jobs.release(taken, why="our fault")
    found["cancelled"] = jobs.cancel(actor=alice, job=asked("edges:3"))
    found["running"] = claimed("mixed:0")
    holding.report(found["running"], done=4, of=10)
    show_on_its_way(found["running"], step=4)
    found["queued"] = asked("mixed:1")
    for job in found.values():
        job.refresh_from_db()
    assert {state: job.state for state, job in found.items()} == {state: state for state in found}
    return found


def show_on_its_way(job: Job, *, step: int) -> None:
    """A snapshot of the first picture."""
    kept = artifacts.keep(png((step, 9, 9)), media_type="image/png")
    facts = {"polarity": "positive", "seed": 0, "width": 16, "height": 16}
    Snapshot.objects.create(job=job, fence=job.fence, step=step, position=0, artifact=kept, facts=facts)


@pytest.fixture
def registered(tmp_path, db) -> Callable[..., Checkpoint]:
    """Registers a small network under a card of one's own; `name`, or other `facts`, make it another function."""

    def registered_as(slug: str, *, name: str = "b", facts: Registration | None = None, **card) -> Checkpoint:
        weights = tmp_path / f"{slug}.safetensors"
        weights.write_bytes(slug.encode())
        described = read_card({"title": slug, "input": {}, "licence": "CC0-1.0", **card})
        given = facts or registration(name)
        row, _ = register_checkpoint(actor=None, slug=slug, facts=given, card=described, weights=weights)
        return row

    return registered_as
