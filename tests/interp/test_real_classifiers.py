"""Real weights of the families on real pictures: the accuracies that their cards register, and Caffe's own graph."""

import json

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from benchmarks import accuracies
from workers.interp.datasets import Dataset
from workers.interp.input_spec import InputSpec

pytestmark = pytest.mark.real_data

WEIGHTS = {
    "googlenet-caffe": "ac4079521c46376ceb857b9e59a4803ea70cdc3ecbd2769fb0e55b51f4d3825e",
    "resnet20-cifar10": "86a0078d3394f83c712f4fda3214570dc72c754790fc6adfbf343f9a05647574",
    "lenet5-mnist": "c4fa13a8573dd7bdef0c60880de20a484fcfd3fcd52cfb540774b912e3b3cd6e",
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_file_is_the_one_that_was_measured(real_data, name):
    assert accuracies.opened(real_data, name).checkpoint.weights_sha256 == WEIGHTS[name]


@pytest.mark.parametrize(
    ("name", "pictures"),
    [("resnet20-cifar10", accuracies.things), ("lenet5-mnist", accuracies.digits)],
    ids=["resnet20", "lenet5"],
)
def test_accuracies_are_the_registered_ones(real_data, name, pictures):
    found = accuracies.right(accuracies.opened(real_data, name), pictures(real_data), size=200)
    registered = [figure["value"] for figure in accuracies.card(name)["figures"]]
    assert {figure["n"] for figure in accuracies.card(name)["figures"]} == {len(found)}
    assert found.float().mean(0).tolist()[: len(registered)] == pytest.approx(registered, abs=0.002)


# All thousand photographs take a minute a protocol: benchmarks/accuracies.py. Of every twentieth, an interpreter of
# Caffe's graph had so many right, first and among five.
@pytest.mark.parametrize(
    ("name", "counts"), [("googlenet-caffe", [40, 48]), ("googlenet-caffe-shorter-side", [38, 47])], ids=str
)
def test_googlenet_is_right_where_caffes_graph_is(real_data, name, counts):
    found = accuracies.right(accuracies.opened(real_data, name), accuracies.photographs(real_data, every=20), size=10)
    assert len(found) == 50
    assert found.sum(0).tolist() == counts


def test_googlenet_is_caffes_graph(real_data):
    """Every layer and branch, under its name in the papers, against the graph that was published with the weights."""
    lens = accuracies.opened(real_data, "googlenet-caffe")
    image, _ = next(accuracies.photographs(real_data))
    crop = lens.checkpoint.input_spec.crop(image)[None]
    graph = json.loads((real_data / "checkpoints" / "bvlc_googlenet.graph.json").read_text())["layers"]
    tensors = load_file(real_data / "checkpoints" / "bvlc_googlenet_imagenet.safetensors")
    mean = torch.tensor([123.0, 117.0, 104.0])[:, None, None]
    with torch.no_grad():
        theirs = caffe(graph, tensors, crop * 255 - mean)
        names = {row["distill_name"]: row["top"][0] for row in graph if row["type"] in ("Convolution", "Concat")}
        found = lens.reading(names)(crop)
        logits = lens(crop)
    assert len(names) == 3 + 9 * 7
    for name, top in names.items():
        largest = float(theirs[top].abs().max())
        torch.testing.assert_close(found[name], theirs[top], rtol=0, atol=1e-4 * largest)
    torch.testing.assert_close(logits, theirs["loss3/classifier"], rtol=0, atol=1e-4 * float(logits.abs().max()))


def caffe(graph, tensors, data):
    """Every value of Caffe's graph, by its name there; what runs in place leaves its result."""
    values = {"data": data}
    for row in graph:
        given = [values[name] for name in row["bottom"]]
        weights = [tensors[name] for name in row.get("params", ())]
        match row["type"]:
            case "Convolution":
                value = F.conv2d(*given, *weights, stride=row["stride"], padding=row["pad"])
            case "InnerProduct":
                value = F.linear(given[0].flatten(1), *weights)
            case "ReLU":
                value = given[0].relu()
            case "LRN":
                value = F.local_response_norm(*given, row["size"], row["alpha"], row["beta"], row["k"])
            case "Pooling":
                pool = F.max_pool2d if row["pool"] == "MAX" else F.avg_pool2d
                value = pool(*given, row["kernel"], row["stride"], row["pad"], ceil_mode=True)
            case "Concat":
                value = torch.cat(given, dim=1)
            case "Softmax":
                value = given[0].softmax(1)
            case _:
                value = given[0]
        values[row["top"][0]] = value
    return values


def test_both_crop_protocols_of_googlenet_are_cards():
    """The same weights and graph, two functions: their cards differ in the crop and in the figures alone."""
    stretched, kept = (accuracies.card(name) for name in ("googlenet-caffe", "googlenet-caffe-shorter-side"))
    assert {key for key in stretched if stretched[key] != kept[key]} == {"title", "summary", "input", "figures"}
    specs = [InputSpec.from_json(card["input"]) for card in (stretched, kept)]
    assert [spec.resize_mode for spec in specs] == ["stretch", "shorter-side"]
    assert [[figure["value"] for figure in card["figures"]] for card in (stretched, kept)] == [
        [0.782, 0.938],
        [0.743, 0.919],
    ]


def test_the_figures_name_the_very_pictures_they_are_of(real_data):
    """So that a worker that is handed these pictures knows what the baseline has to be."""
    found = Dataset.of_folder(real_data / "images" / "cifar10_test_1000").digest
    assert {figure["dataset"] for figure in accuracies.card("resnet20-cifar10")["figures"]} == {found}
