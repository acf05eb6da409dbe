"""Computations that need more than numbers: a spectrum is measured, named by its hash, and handed to the worker."""

import io

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from atlas.errors import Validation
from atlas.models import Dataset, Job
from atlas.services import artifacts, datasets, jobs, people
from atlas.services.questions import ask
from workers import translate
from workers.interp.errors import NoSuchMaterial

MACO = {"size": 24, "steps": 2, "seeds": [0], "polarity": "positive", "parameterisation": "maco"}


def photographs(count: int = 3, *, visibility: str = "public") -> Dataset:
    """A dataset of small noisy images of different shapes."""
    random = np.random.Generator(np.random.Philox(0))
    items = []
    for index in range(count):
        data = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (40 + index, 50, 3), dtype=np.uint8)).save(data, "PNG")
        kept = artifacts.keep(data.getvalue(), media_type="image/png")
        items.append(datasets.Item(digest=kept.sha256, name=f"{index}.png", artifact=kept))
    return datasets.register(
        actor=None, slug="photographs", items=items, kind="images", title="Photographs", licence="CC0-1.0", labels=[],
        visibility=visibility,
    )  # fmt: skip


def asked(checkpoint, actor, **params):
    questions = ask(
        checkpoint=checkpoint, probe="feature-visualization", subjects=["line:1"], site=None,
        params={**MACO, **params}, many=True,
    )  # fmt: skip
    return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs[0]


def test_a_spectrum_is_measured_once_and_makes_a_picture(drain, organism_on, capsys):
    organism, actor = organism_on(), people.join(username="ada", password="correct horse battery").contributor
    photographs()
    call_command("measure_spectrum", "photographs")
    call_command("measure_spectrum", "photographs")
    first, second = capsys.readouterr().out.split()
    assert first == second == Dataset.objects.get().spectra.get().artifact_id
    with_it, without = asked(organism, actor, spectrum=first), asked(organism, actor)
    drain.drain(seconds=60)
    found = []
    for job in (with_it, without):
        job.refresh_from_db()
        assert job.state == "done", job.error
        found.append(job.finding.shown.first().artifact_id)
    assert len(set(found)) == 2


def test_a_file_that_is_no_spectrum_fails_the_question(drain, organism_on):
    organism, actor = organism_on(), people.join(username="ada", password="correct horse battery").contributor
    item = photographs().items.first()
    job = asked(organism, actor, spectrum=item.artifact_id)
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.error["slug"], job.error["fault"]) == ("failed", "unreadable-material", "yours")


def test_what_is_too_large_is_not_even_opened(drain, organism_on, monkeypatch):
    monkeypatch.setattr(translate, "LARGEST_MATERIAL", 100)
    organism, actor = organism_on(), people.join(username="ada", password="correct horse battery").contributor
    job = asked(organism, actor, spectrum=organism.weights_id)
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.error["slug"]) == ("failed", "unreadable-material")
    assert "bytes" in job.error["detail"]


def test_what_somebody_may_not_read_they_may_not_compute_with(organism):
    actor = people.join(username="ada", password="correct horse battery").contributor
    item = photographs(visibility="team").items.first()
    for sha256 in (item.artifact_id, "0" * 64):
        with pytest.raises(Validation) as refused:
            asked(organism, actor, spectrum=sha256)
        assert [fault["pointer"] for fault in refused.value.errors] == ["/params/spectrum"]
    assert not Job.objects.exists()


def test_a_dataset_that_is_none_has_no_spectrum(db):
    with pytest.raises(CommandError, match="no dataset nowhere"):
        call_command("measure_spectrum", "nowhere")
    bare = [datasets.Item(digest="a" * 64, name="a")]
    datasets.register(actor=None, slug="bare", items=bare, kind="images", title="B", licence="CC0-1.0", labels=[])
    with pytest.raises(CommandError, match="no image"):
        call_command("measure_spectrum", "bare")


def test_a_layer_is_asked_as_one(drain, organism_on):
    organism, actor = organism_on(), people.join(username="ada", password="correct horse battery").contributor
    questions = ask(
        checkpoint=organism, probe="feature-visualization", subjects=["line"], site=None,
        params={**MACO, "parameterisation": "fourier"}, many=False,
    )  # fmt: skip
    [job] = jobs.request(actor=actor, checkpoint=organism, questions=questions).jobs
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.subject, job.subject_text) == (
        "done",
        {"kind": "layer", "units": [], "layer": "line"},
        "line",
    )
    assert (job.neuron, job.finding.numbers["subject"]) == (None, "line")


def test_a_registered_dataset_is_handed_to_the_science_as_it_was_registered(db):
    row = photographs()
    found = translate.dataset(row)
    assert (found.digest, len(found)) == (row.digest, 3)
    assert {item.size for item in found.items} == {(50, 40), (50, 41), (50, 42)}


def test_a_dataset_whose_pictures_are_not_kept_is_not_at_hand(db):
    row = datasets.register(
        actor=None, slug="elsewhere", items=[datasets.Item(digest="a" * 64, name="a.png")], kind="images",
        title="Elsewhere", licence="CC0-1.0", labels=[],
    )  # fmt: skip
    with pytest.raises(NoSuchMaterial):
        translate.dataset(row)
