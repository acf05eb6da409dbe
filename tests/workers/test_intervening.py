"""From the question what happens without a unit to its page: the same numbers there, in JSON and in the artifact."""

import importlib.util
import io
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from django.test import Client
from PIL import Image
from safetensors.torch import load, save

from atlas.errors import Validation
from atlas.models import Upload
from atlas.services import artifacts, datasets, jobs, people
from atlas.services.questions import ask
from workers import translate
from workers.drain import Drain
from workers.interp.datasets import digest_of

SAFETENSORS = "application/x-safetensors"
ORGANISM = Path(translate.__file__).parent / "organisms" / "curve-circuit"


@pytest.fixture(scope="module")
def formulas():
    spec = importlib.util.spec_from_file_location("curve_circuit_drawing", ORGANISM / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def actor(fresh_database):
    return people.join(username="asker", password="correct horse battery").contributor


@pytest.fixture
def answered(actor, organism_on):
    """Has a question answered, and returns its job."""
    checkpoint = organism_on()
    drain = Drain(stopping=threading.Event(), device="cpu")

    def done(subject, **params):
        questions = ask(checkpoint=checkpoint, probe="intervention", subjects=[subject], site=None, params=params,
                        many=False)  # fmt: skip
        [job] = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs
        drain.drain(seconds=60)
        job.refresh_from_db()
        return job

    yield done
    drain.leave()


@pytest.fixture
def curves(actor, formulas):
    """A curve of each class, as a registered dataset."""
    items = []
    for label in range(8):
        data = io.BytesIO()
        pixels = (torch.from_numpy(formulas.draw(45.0 * label)) * 255).round().byte().permute(1, 2, 0)
        image = Image.fromarray(pixels.numpy())
        image.save(data, "PNG")
        kept = artifacts.keep(data.getvalue(), media_type="image/png")
        items.append(datasets.Item(digest=digest_of(image), name=f"{label}.png", label=label, artifact=kept))
    labels = [f"curve towards {45 * label}°" for label in range(8)]
    return datasets.register(
        actor=None, slug="curves", items=items, kind="images", title="Curves", licence="CC0-1.0", labels=labels
    )


def test_page_json_and_artifact_say_the_same_to_the_digit(answered, curves):
    job = answered("curve:3", dataset=str(curves.digest), random_units=7, doses=[0.25, 0.5])
    assert job.state == "done", job.error
    numbers = job.finding.numbers
    [shown] = job.finding.shown.all()
    tensors = load(artifacts.read(shown.artifact))
    assert float(tensors["edited.divergence"].mean()) == numbers["edited"]["divergence"]
    for address in (f"/j/{job.fingerprint}", "/c/curve-circuit/curve/3", f"/j/{job.fingerprint}/progress"):
        page = Client().get(address).content.decode()
        assert "What happens without it" in page or address.endswith("progress")
        for value in (
            numbers["intact"]["top1"]["share"],
            numbers["edited"]["top1"]["share"],
            numbers["edited"]["top1"]["change"]["delta"],
            numbers["edited"]["divergence"],
            numbers["classes"][0]["delta"],
            numbers["layers"][0]["largest"],
        ):
            assert f'<data value="{value!r}">' in page
        assert page.count('class="dot"') == 2 * 7
        assert "1 lost, 0 gained" in page
        assert "curve towards 135°" in page
        assert '<a href="/c/curve-circuit/readout/3">readout:3</a>' in page
        assert "in every bit" in page
    assert Client().get(f"/j/{job.fingerprint}.json").json()["finding"]["numbers"] == numbers
    for name, dots in (("effect-top1", 7), ("effect-divergence", 7), ("doses", 0)):
        plot = Client().get(f"/j/{job.fingerprint}/plots/{name}.svg").content.decode()
        assert ElementTree.fromstring(plot).get("role") == "img"
        assert plot.count('class="dot"') == dots


def test_a_family_written_by_formula_is_spliced_in_and_the_page_shows_all_three(answered, curves, actor, formulas):
    made = save({"weight": formulas.tensors()["curve.weight"], "bias": formulas.tensors()["curve.bias"]})
    kept = artifacts.keep(made, media_type=SAFETENSORS)
    Upload.objects.create(artifact=kept, uploaded_by=actor)
    edits = [{"op": "splice", "layer": "curve", "channels": list(range(8)), "weights": kept.sha256}]
    job = answered("*", dataset=str(curves.digest), edits=edits, random_units=0)
    assert job.state == "done", job.error
    numbers = job.finding.numbers
    assert (numbers["intact"]["top1"]["right"], numbers["ablated"]["top1"]["right"]) == (8, 1)
    assert numbers["edited"]["top1"]["right"] == 8
    page = Client().get(f"/j/{job.fingerprint}").content.decode()
    assert "computed by other weights" in page
    assert f'<data value="{numbers["ablated"]["top1"]["share"]!r}">12.5 %</data>' in page


def test_a_whole_layer_is_ranked_and_every_unit_has_its_link(answered, curves):
    job = answered("curve", dataset=str(curves.digest))
    assert job.state == "done", job.error
    numbers = job.finding.numbers
    page = Client().get(f"/j/{job.fingerprint}").content.decode()
    assert "What happens without each of its units" in page
    assert len(numbers["strongest"]) == 8
    for one in numbers["strongest"]:
        assert f'href="/c/curve-circuit/curve/{one["unit"].split(":")[1]}"' in page
        assert f'<data value="{one["divergence"]!r}">' in page
    [shown] = job.finding.shown.all()
    assert float(load(artifacts.read(shown.artifact))["divergence"].max()) == numbers["strongest"][0]["divergence"]


def test_what_it_costs_is_said_with_the_question(answered, curves):
    few, many = (answered("curve:0", dataset=str(curves.digest), random_units=it) for it in (0, 7))
    said = [Client().get(f"/j/{job.fingerprint}.json").json()["seconds"] for job in (few, many)]
    assert said == [0.1, 0.13]


def test_weights_that_somebody_may_not_read_they_may_not_splice_in(answered):
    hidden = artifacts.keep(save({"weight": torch.zeros(1)}), media_type=SAFETENSORS)
    edits = [{"op": "splice", "layer": "curve", "channels": [0], "weights": hidden.sha256}]
    with pytest.raises(Validation) as refused:
        answered("curve:0", edits=edits)
    assert [it["pointer"] for it in refused.value.errors] == ["/params/edits/0/weights"]


def test_an_edit_that_does_not_fit_fails_by_name_with_a_pointer(answered):
    job = answered("curve:3", edits=[{"op": "set", "layer": "line", "channels": [99], "value": "zero"}])
    assert job.error["slug"] == "bad-parameters"
    assert [it["pointer"] for it in job.error["facts"]["errors"]] == ["/edits/0/channels/0"]


def test_the_science_knows_what_the_card_says_of_labels_and_figures(organism_on, db):
    row = organism_on()
    found = translate.checkpoint(row, load((ORGANISM / "weights.safetensors").read_bytes()))
    assert list(found.labels) == row.labels
    assert [(it.metric, it.n, it.value) for it in found.figures] == [("top-1 accuracy", 400, 1.0)]
