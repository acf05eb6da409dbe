"""The response check tells one function from another, on the same weights, and passes on the same one."""

import json
from dataclasses import replace

import pytest
import torch

from tests.interp import networks
from workers.interp import responses
from workers.interp.errors import NonfiniteActivation, ResponseMismatch
from workers.interp.graph import Graph
from workers.interp.lens import Lens


@pytest.fixture(scope="module")
def recorded() -> dict:
    """What `fixed`, with its local response normalisation of k = 1, answers: as it comes back from the record."""
    return json.loads(json.dumps(responses.record(Lens(networks.checkpoint("fixed"))), allow_nan=False))


def test_the_same_function_passes_however_it_is_opened(lens):
    found = json.loads(json.dumps(responses.record(lens), allow_nan=False))
    responses.verify(Lens(replace(lens.checkpoint)), found)
    responses.verify(Lens(lens.checkpoint, folded=False), found)
    assert set(found["layers"]) == set(lens.layers)
    assert all(len(layer["mean"]) == 8 and len(layer["first"][0]) <= 16 for layer in found["layers"].values())


def test_it_tells_a_normalisation_of_k_1_from_k_2(recorded):
    sound = networks.checkpoint("fixed")
    data = sound.graph.to_json()
    for node in data["nodes"]:
        if node["op"] == "local_response_norm":
            node["attributes"]["k"] = 2.0
    other = replace(sound, graph=Graph.from_json(data))
    assert other.weights_sha256 == sound.weights_sha256
    with pytest.raises(ResponseMismatch) as refused:
        responses.verify(Lens(other), recorded)
    assert refused.value.facts["layer"] == "hidden"
    assert refused.value.fault == "ours"


@pytest.mark.parametrize("name", ["features.weight", "hidden.weight", "head.bias"])
def test_it_notices_weights_that_are_a_hundredth_off(recorded, name):
    sound = networks.checkpoint("fixed")
    off = replace(sound, tensors={**sound.tensors, name: sound.tensors[name] * 1.01 + 0.01})
    with pytest.raises(ResponseMismatch) as refused:
        responses.verify(Lens(off), recorded)
    assert refused.value.facts["layer"] == name.partition(".")[0]


def test_it_notices_another_set_of_layers_or_version(recorded):
    with pytest.raises(ResponseMismatch):
        responses.verify(Lens(networks.checkpoint("residual")), recorded)
    with pytest.raises(ResponseMismatch):
        responses.verify(Lens(networks.checkpoint("fixed")), {**recorded, "version": 0})


def test_answers_that_are_not_finite_are_never_recorded():
    sound = networks.checkpoint("fixed")
    huge = replace(sound, tensors={**sound.tensors, "hidden.weight": torch.full((9, 54), 3e38)})
    with pytest.raises(NonfiniteActivation, match="hidden"):
        responses.record(Lens(huge))


def test_the_pictures_are_eight_in_range_and_differ():
    shown = responses.pictures((20, 30))
    assert len(shown) == 8
    assert {picture.shape for picture in shown.values()} == {(3, 20, 30)}
    assert all(picture.min() >= 0 and picture.max() <= 1 for picture in shown.values())
    assert len({picture.tobytes() for picture in shown.values()}) == 8
