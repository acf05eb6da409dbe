"""torchvision's own weights by their published name: fetched, verified, rewritten, and described by what is published.

This is for the operator's command line: the file comes from where torchvision says, over a network or from its cache
($TORCH_HOME), and its SHA-256 has to begin as its name says. A service never fetches anything.
"""

import hashlib
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.hub

from atlas.models import Checkpoint
from atlas.services import checkpoints
from workers import registration
from workers.interp import architectures
from workers.interp.errors import InterpError
from workers.interp.vision import torchvision
from workers.registration import Refused

IMAGES = 50_000  # of ImageNet's validation set, on which torchvision reports
# These map ImageNet's normalisation to (x − 0.5) / 0.5 within the network; the two together are that one.
TRANSFORMED = ("googlenet", "inception_v3")
METRICS = {"acc@1": "top-1 accuracy", "acc@5": "top-5 accuracy"}


def find(architecture: str, name: str) -> Any:
    """The published weights of this name; raises Refused, naming those there are."""
    try:
        family = architectures.find(architecture)
        family.graph(architecture)  # what is refused anyway need not be fetched
    except InterpError as error:
        raise Refused(file=name, reason=error.slug, detail=str(error)) from None
    ours = family.name != "torchvision"
    known = {} if ours else torchvision().models.get_model_weights(architecture).__members__
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "torchvision publishes none"
        raise Refused(file=name, reason="no-such-weights", detail=f"of {architecture} {there}")
    return known[name]


def card(architecture: str, published: Any) -> dict[str, Any]:
    """What torchvision says of its weights: input, labels, accuracies, where they are from."""
    meta, shown = published.meta, published.transforms()
    half = [0.5, 0.5, 0.5] if architecture in TRANSFORMED else None
    return {
        "title": f"{architecture}, {published.name}",
        "summary": f"Weights that torchvision publishes as {type(published).__name__}.{published.name}. "
        f"How they were trained: {meta.get('recipe', 'not said')}.",
        "architecture": architecture,
        "input": {
            "size": [shown.crop_size[0]] * 2,
            "channel_order": "RGB",
            "value_range": [0, 1],
            "mean": half or list(shown.mean),
            "std": half or list(shown.std),
            "resize": {
                "mode": "shorter-side",
                "size": shown.resize_size[0],
                "interpolation": shown.interpolation.value,
            },
            "crop": "center",
        },
        "labels": list(meta["categories"] or ()),
        "licence": meta.get("license", "BSD-3-Clause (torchvision)"),
        "source": published.url,
        "figures": [
            {"dataset": f"{dataset}, validation", "metric": METRICS[metric], "n": IMAGES, "value": value / 100}
            for dataset, values in meta["_metrics"].items()
            for metric, value in values.items()
            if math.isfinite(value)  # one VGG16 has no classifier
        ],
    }


def fetched(published: Any) -> Path:
    """The file as it was published, from torchvision's cache or from where it says; raises Refused unless it is."""
    name = str(published.url).rpartition("/")[2]
    prefix = torch.hub.HASH_REGEX.search(name)
    if prefix is None or len(prefix.group(1)) < 8:
        raise Refused(file=name, reason="checkpoint-hash", detail="its name does not say what it hashes to")
    file = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not file.exists():
        _download(published.url, file, prefix=prefix.group(1))
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if not found.startswith(prefix.group(1)):
        detail = f"its SHA-256 is {found[:16]}…, and should begin with {prefix.group(1)}; remove {file}"
        raise Refused(file=name, reason="checkpoint-hash", detail=detail)
    return file


def register(
    *, slug: str, architecture: str, published: Any, progress: Callable[[str], None] = lambda step: None
) -> tuple[Checkpoint, bool]:
    """Publish a checkpoint of published weights, as `registration.register` does; (row, whether it is new)."""
    checkpoints.require_slug(slug)
    file = fetched(published)
    progress(f"{file.name} is what was published")
    with tempfile.TemporaryDirectory(prefix="atlas-published-") as folder:
        weights = registration.rewritten(file, folder=Path(folder), progress=progress)
        described = card(architecture, published)
        return registration.register(
            slug=slug, architecture=architecture, weights=weights, card=described, progress=progress
        )


def _download(url: str, file: Path, *, prefix: str) -> None:
    """Into place only when it is whole and hashes as it should."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(file), hash_prefix=prefix, progress=False)
    except OSError as error:
        raise Refused(
            file=file.name, reason="unreachable", detail=f"{url} cannot be fetched ({error}); or put it at {file}"
        ) from None
    except RuntimeError as error:  # so it says that the hash is another
        raise Refused(file=file.name, reason="checkpoint-hash", detail=str(error)) from None
