"""From a dataset of the record to statistics of every neuron: finding, arrays, rows and REST say one thing."""

import io

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from safetensors.numpy import load

from atlas.models import Dataset, Job, UnitStatistics
from atlas.services import artifacts, datasets, jobs, people
from atlas.services.questions import ask
from workers import scratch
from workers.interp import recording
from workers.interp.datasets import digest_of


def photographs(count: int = 5, **more) -> Dataset:
    """Small noisy images of different shapes, each of class 1."""
    random = np.random.Generator(np.random.Philox(0))
    items = []
    for index in range(count):
        image = Image.fromarray(random.integers(0, 256, (40 + index, 50, 3), dtype=np.uint8))
        data = io.BytesIO()
        image.save(data, "PNG")
        kept = artifacts.keep(data.getvalue(), media_type="image/png")
        items.append(datasets.Item(digest=digest_of(image), name=f"{index}.png", label=1, artifact=kept))
    return datasets.register(
        actor=None, slug="photographs", items=items, kind="images", title="Photographs", licence="CC0-1.0",
        labels=["cat", "dog"], **more,
    )  # fmt: skip


@pytest.fixture
def asked(drain, organism_on):
    """Asks for the activations of some subjects of the handwritten network: their jobs."""
    checkpoint = organism_on()
    actor = people.join(username="asker", password="correct horse battery").contributor

    def wished(*subjects, **params) -> list[Job]:
        questions = ask(checkpoint=checkpoint, probe="activations", subjects=list(subjects), site=None, params=params,
                        many=True)  # fmt: skip
        return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs

    return wished


def listed(unit: str) -> list[dict]:
    layer, channel = unit.split(":")
    return (
        Client().get(f"/api/v1/checkpoints/curve-circuit/layers/{layer}/neurons/{channel}/statistics").json()["items"]
    )


def test_a_unit_and_everything_say_the_same_in_finding_arrays_rows_and_rest(asked, drain):
    dataset = photographs()
    [alone] = asked("curve:1", dataset=dataset.digest, top=2)
    assert drain.drain(seconds=60) == 1
    [first] = listed("curve:1")
    [everything] = asked("*", dataset=dataset.digest, top=2)
    assert drain.drain(seconds=60) == 1
    for job in (alone, everything):
        job.refresh_from_db()
    assert (alone.state, everything.state, alone.dataset, everything.dataset) == ("done", "done", dataset, dataset)
    numbers = alone.finding.numbers
    every = UnitStatistics.objects.filter(finding=everything.finding)
    assert (
        every.count()
        == everything.finding.numbers["units"]
        == sum(everything.checkpoint.layers.values_list("channels", flat=True))
    )
    rows = UnitStatistics.objects.filter(neuron=alone.neuron).order_by("id")
    assert [row.finding for row in rows] == [alone.finding, everything.finding]
    for row in rows:
        assert {name: getattr(row, name) for name in numbers if name not in ("subject", "dataset")} == {
            name: value for name, value in numbers.items() if name not in ("subject", "dataset")
        }
    [second] = listed("curve:1")
    assert (first.pop("job"), second.pop("job")) == (alone.fingerprint, everything.fingerprint)
    assert {**first, "url": ""} == {**second, "url": ""}
    for told, given in zip(first["examples"], numbers["examples"], strict=True):
        assert all(told[name] == given[name] for name in ("item", "value", "position", "box", "part"))
        assert (told["label"], told["name"][-4:]) == ("dog", ".png")
        assert told["picture"]["url"].endswith(".png")
    assert first["percentiles"] == numbers["percentiles"]
    [maxima] = [it.artifact for it in everything.finding.shown.all() if it.role == "maxima"]
    column = load(artifacts.read(maxima))["maxima"][:, _column(everything, "curve", 1)]
    assert column.max() == np.float32(first["maximum"])
    assert not list(scratch.folder().glob("*"))


def _column(job: Job, key: str, channel: int) -> int:
    before = job.checkpoint.layers.filter(index__lt=job.checkpoint.layers.get(key=key).index)
    return sum(before.values_list("channels", flat=True)) + channel


def test_what_a_stopped_worker_began_goes_on_and_what_is_cancelled_goes(asked, drain, monkeypatch):
    monkeypatch.setattr(recording, "BATCH", 2)
    monkeypatch.setattr(recording, "SAVED", 1)
    dataset = photographs()
    [job] = asked("*", dataset=dataset.digest)
    shown, show = [], recording.Recording.show

    def stops(self, images):
        shown.append(len(images))
        show(self, images)
        if len(shown) == 2:
            drain.stopping.set()

    monkeypatch.setattr(recording.Recording, "show", stops)
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, shown) == ("queued", [2, 2])
    assert (scratch.folder() / job.fingerprint / recording.STATE).exists()
    drain.stopping.clear()
    Job.objects.update(run_at=job.created_at)
    assert drain.drain(seconds=60) == 1
    job.refresh_from_db()
    assert (job.state, shown) == ("done", [2, 2, 1])
    assert not list(scratch.folder().glob("*"))


def test_without_a_dataset_nothing_is_listed(asked, drain):
    [job] = asked("curve:1")
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.finding.numbers["items"]) == ("done", 8)
    assert listed("curve:1") == []
