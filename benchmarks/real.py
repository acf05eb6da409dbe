"""The real checkpoints, by the cards that are shipped for them: what benchmarks measure on."""

import json
from pathlib import Path
from typing import Any

from workers.interp import architectures, weights
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.lens import Lens

CARDS = Path(__file__).resolve().parent.parent / "deploy" / "cards"
ORGANISMS = CARDS.parent.parent / "workers" / "organisms"
FILES = {
    "googlenet-caffe": "bvlc_googlenet_imagenet",
    "googlenet-caffe-shorter-side": "bvlc_googlenet_imagenet",
    "squeezenet1_1-caffe": "squeezenet1_1_caffe_imagenet",
    "resnet20-cifar10": "resnet20_cifar10",
    "lenet5-mnist": "lenet5_mnist",
}


def card(name: str) -> dict[str, Any]:
    """A card that is shipped."""
    return json.loads((CARDS / f"{name}.json").read_text())


def opened(folder: Path, name: str) -> Lens:
    """The checkpoint of a card."""
    if name == "miniception":
        return organism(name)
    said, path = card(name), folder / "checkpoints" / f"{FILES[name]}.safetensors"
    known = said["architecture"]
    family = architectures.find(known)
    tensors = weights.load(path, expected=family.shapes(known), spare=family.spare(known))
    checkpoint = Checkpoint(known, family.graph(known), tensors, InputSpec.from_json(said["input"]))
    return Lens(checkpoint.named(architectures.aliases(known)))


def organism(name: str) -> Lens:
    """A checkpoint that ships."""
    folder, family = ORGANISMS / name, architectures.find(name)
    tensors = weights.load(folder / "weights.safetensors", expected=family.shapes(name))
    spec = InputSpec.from_json(json.loads((folder / "card.json").read_text())["input"])
    return Lens(Checkpoint(name, family.graph(name), tensors, spec))
