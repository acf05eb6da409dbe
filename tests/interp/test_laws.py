"""What holds for every probe on every kind of network: it leaves no trace, repeats itself, fails by name and alone."""

import io
import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from jsonschema import Draft202012Validator
from PIL import Image

from tests.interp import networks
from workers.interp import canonical
from workers.interp.address import Subject, Unit
from workers.interp.errors import BadParameters
from workers.interp.lens import Lens
from workers.interp.plan import Plan
from workers.interp.probe import Failure, Finding

OURS = Plan(units=4, device="cpu")
COMPARES = ("intervention",)  # what the whole network answers, to which every unit contributes


def some_units(lens: Lens) -> list[Subject]:
    """The first and last unit of the first, the middle and the last layer."""
    layers = list(lens.layers.values())
    chosen = [layers[0], layers[len(layers) // 2], layers[-1]]
    return [Subject.of(Unit(layer.key, channel)) for layer in chosen for channel in (0, layer.channels - 1)]


def companions(lens: Lens) -> list[Subject]:
    """Four units of one layer, which can share a pass."""
    layer = list(lens.layers.values())[len(lens.layers) // 2]
    return [Subject.of(Unit(layer.key, channel)) for channel in range(4)]


def everything(answers):
    """Answers in a form that is equal only when every number and every byte is."""
    return [
        (
            str(one.subject),
            json.dumps(one.numbers),
            [(blob.role, blob.media_type, blob.data, str(blob.facts)) for blob in one.blobs],
        )
        if isinstance(one, Finding)
        else (str(one.subject), one.error.slug, str(one.error))
        for one in answers
    ]


def state(lens: Lens):
    """Whatever a computation could leave behind: in the weights, in the lens, in the libraries."""
    kept = {name: tensor.numpy(force=True).tobytes() for name, tensor in lens.checkpoint.tensors.items()}
    own = {name: tensor.numpy(force=True).tobytes() for name, tensor in lens._tensors.items()}
    every = [*lens.checkpoint.tensors.values(), *lens._tensors.values()]
    return {
        "weights": kept,
        "copies": own,
        "gradients": [tensor.requires_grad or tensor.grad is not None for tensor in every],
        "hooks": [bool(tensor._backward_hooks) for tensor in every],
        "redirects": lens._redirects,
        "grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "defaults": (torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()),
        "cudnn": (torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32),
        "torch random": torch.get_rng_state().numpy().tobytes(),
        "numpy random": str(np.random.get_state()),
        "python random": random.getstate(),
    }


class Tired(Exception):
    """Whoever watched has had enough."""


def test_success_leaves_nothing_behind(probe, lens):
    before = state(lens)
    answers = list(probe.run(lens, some_units(lens), probe.example))
    assert [type(one) for one in answers] == [Finding] * 6
    assert state(lens) == before


def test_failure_leaves_nothing_behind(probe, lens):
    before = state(lens)
    answers = list(probe.run(lens, [Subject.parse("nowhere:0"), *some_units(lens)[:1]], probe.example))
    assert [type(one) for one in answers] == [Failure, Finding]
    assert state(lens) == before


def test_abandonment_leaves_nothing_behind(probe, lens):
    before = state(lens)
    answers = probe.run(lens, some_units(lens), probe.example)
    next(answers)
    answers.close()
    assert state(lens) == before


def test_a_watcher_that_raises_stops_everything_and_leaves_nothing_behind(probe, lens):
    before, seen = state(lens), []

    def observe(progress):
        seen.append(progress.done)
        # Between two steps, too, whoever shares the process finds it as it was.
        assert state(lens) == before
        if len(seen) == 2:
            raise Tired

    with pytest.raises(Tired):
        list(probe.run(lens, some_units(lens)[:2], probe.example, observe=observe))
    assert len(seen) == 2
    assert state(lens) == before


def test_the_same_question_has_the_same_answer(probe, lens):
    subjects = some_units(lens)[::2]
    first = everything(probe.run(lens, subjects, probe.example))
    torch.manual_seed(7)
    np.random.seed(7)
    with torch.no_grad():
        second = everything(probe.run(lens, subjects, probe.example))
    assert first == second


def test_another_lens_on_the_same_checkpoint_gives_the_same_answer(probe, lens):
    subjects = some_units(lens)[-1:]
    again = Lens(replace(lens.checkpoint))
    assert everything(probe.run(again, subjects, probe.example)) == everything(probe.run(lens, subjects, probe.example))


@pytest.mark.parametrize("order", [(0,), (0, 2, 1, 3), (0, 0, 0, 0), (3, 1), (1, 1, 2, 3), (3, 2, 1, 0)], ids=str)
def test_a_unit_does_not_notice_its_mates(probe, lens, order):
    """Within a plan: fewer, others, in another order, or the same unit twice."""
    units = companions(lens)
    together = list(probe.run(lens, units, probe.example, plan=OURS))
    others = list(probe.run(lens, [units[index] for index in order], probe.example, plan=OURS))
    # Kernels for odd widths round by where a row lies in memory: there, exactly equal is who kept their place.
    odd = lens.checkpoint.architecture in ("branches", "fixed")
    for place, (index, answer) in enumerate(zip(order, others, strict=True)):
        if place == index or not odd:
            assert everything([answer]) == everything([together[index]])
        assert json.loads(json.dumps(answer.numbers), parse_float=rounded) == json.loads(
            json.dumps(together[index].numbers), parse_float=rounded
        )


def rounded(text):
    """A number without its last digits."""
    return pytest.approx(float(text), rel=1e-4, abs=1e-7)


def test_an_alias_is_answered_as_what_it_means(probe):
    lens = Lens(networks.checkpoint("branches"))
    alias, unit = Subject.parse("mixed_pool:1"), Subject.parse("mixed:16")
    (called,), (proper,) = (list(probe.run(lens, [one], probe.example)) for one in (alias, unit))
    assert called.subject == alias
    assert called.numbers == proper.numbers
    assert called.blobs == proper.blobs


def test_what_does_not_exist_fails_alone_and_by_name(probe, lens):
    good = some_units(lens)
    layer = good[0].layers[0]
    asked = [good[0], Subject.parse("nowhere:0"), good[1], Subject.parse(f"{layer}:999999"), good[2]]
    answers = list(probe.run(lens, asked, probe.example))
    assert [one.subject for one in answers] == asked
    assert [type(one) for one in answers] == [Finding, Failure, Finding, Failure, Finding]
    assert [one.error.slug for one in answers if isinstance(one, Failure)] == ["no-such-layer", "no-such-unit"]
    assert str(lens.layers[layer].channels) in str(answers[3].error)
    alone = everything(probe.run(lens, [good[1]], probe.example))
    assert everything(answers)[2:3] == alone


def test_a_site_that_does_not_exist_fails_by_name(probe, lens):
    (answer,) = probe.run(lens, some_units(lens)[:1], probe.example, site="behind_the_moon")
    assert isinstance(answer, Failure)
    assert answer.error.slug == "no-such-site"


@pytest.mark.parametrize("plan", [Plan(units=1, device="cpu"), OURS], ids=["alone", "together"])
@pytest.mark.parametrize("huge", [3e38, -3e38], ids=["above", "below"])
def test_a_unit_that_is_not_finite_fails_alone(probe, plan, huge):
    sound = networks.checkpoint("branches")
    weight = sound.tensors["stem.weight"].clone()
    weight[2] = huge
    lens = Lens(replace(sound, tensors={**sound.tensors, "stem.weight": weight}))
    first, second, broken, third = (Subject.parse(f"stem:{channel}") for channel in range(4))
    answers = list(probe.run(lens, [first, second, broken, third], probe.example, plan=plan))
    if probe.name in COMPARES:
        assert {one.error.slug for one in answers if isinstance(one, Failure)} <= {"nonfinite-activation"}
        assert any(isinstance(one, Failure) for one in answers) == (huge > 0), "what a ReLU shuts out reaches nothing"
        return
    assert [type(one) for one in answers] == [Finding, Finding, Failure, Finding]
    assert answers[2].error.slug == "nonfinite-activation"
    without = everything(probe.run(lens, [first, second, first, third], probe.example, plan=plan))
    assert everything(answers)[:2] == without[:2]
    assert everything(answers)[3] == without[3]


def test_progress_rises_to_its_total(probe, lens):
    seen = []
    asked = [*some_units(lens)[:2], Subject.parse("nowhere:0"), *some_units(lens)[2:]]
    list(probe.run(lens, asked, probe.example, observe=seen.append))
    done = [progress.done for progress in seen]
    assert done == sorted(set(done))
    assert {progress.of for progress in seen} == {done[-1]}
    assert done[0] > 0


def test_numbers_are_canonical_json(probe, lens):
    for answer in probe.run(lens, some_units(lens), probe.example, plan=OURS):
        assert json.loads(json.dumps(answer.numbers, allow_nan=False)) == answer.numbers
        assert json.loads(canonical.encode(answer.numbers)) == answer.numbers
        assert json.loads(json.dumps(answer.plan, allow_nan=False)) == answer.plan


def test_blobs_are_what_their_facts_say(probe, lens):
    for answer in probe.run(lens, some_units(lens)[-2:], probe.example):
        assert answer.blobs
        for blob in answer.blobs:
            assert json.loads(json.dumps(blob.facts, allow_nan=False)) == blob.facts
            image = decoded(blob)
            if image is not None:
                assert image.size == (blob.facts["width"], blob.facts["height"])


def test_snapshots_are_pictures_of_their_subject(probe, lens):
    seen = []
    asked = some_units(lens)[:2]
    list(probe.run(lens, asked, probe.example, observe=seen.append))
    shown = [snapshot for progress in seen for snapshot in progress.snapshots]
    for snapshot in shown:
        assert snapshot.subject in asked
        assert decoded(snapshot.blob).size == (snapshot.blob.facts["width"], snapshot.blob.facts["height"])
    assert {snapshot.subject for snapshot in shown} in (set(asked), set())


def decoded(blob):
    """The picture in a blob; None where it holds none."""
    if not blob.media_type.startswith("image/"):
        return None
    with Image.open(io.BytesIO(blob.data)) as image:
        image.load()
    assert Image.MIME[image.format] == blob.media_type
    return image


def test_the_schema_is_one_and_describes_the_example(probe):
    Draft202012Validator.check_schema(probe.schema)
    judge = Draft202012Validator(probe.schema)
    judge.validate(probe.example)
    complete = probe.validate(probe.example)
    judge.validate(complete)
    assert set(complete) == set(probe.schema["properties"])
    assert probe.validate(complete) == complete
    assert json.loads(json.dumps(probe.schema, allow_nan=False)) == probe.schema


def test_every_parameter_has_a_title_a_description_and_a_default_that_it_accepts(probe):
    for name, rule in probe.schema["properties"].items():
        assert rule["title"]
        assert rule["description"].endswith(".")
        Draft202012Validator(rule).validate(rule["default"])
        assert probe.validate({})[name] == rule["default"]


@pytest.mark.parametrize("value", [None, "many", float("nan"), float("inf"), -1e30, [], {}, [[0]], [0, 0]], ids=str)
def test_bad_parameters_are_refused_with_pointers(probe, lens, value):
    for name, rule in probe.schema["properties"].items():
        if Draft202012Validator(rule).is_valid(value) and not isinstance(value, float):
            continue
        with pytest.raises(BadParameters) as refused:
            probe.run(lens, some_units(lens), {**probe.example, name: value})
        pointers = [error["pointer"] for error in refused.value.facts["errors"]]
        assert pointers
        assert all(pointer.split("/")[1] == name for pointer in pointers)


@pytest.mark.parametrize("params", [[], "size", 3, {"sighs": 128}, {3: 4}], ids=str)
def test_what_is_no_parameter_is_refused(probe, lens, params):
    with pytest.raises(BadParameters) as refused:
        probe.validate(params)
    assert refused.value.facts["errors"]
    assert refused.value.fault == "yours"
