"""Firing: what every unit answers to one picture, and which answer it more than they usually answer pictures."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save
from torch import Tensor

from workers.interp import encode, standings
from workers.interp.address import EVERYTHING, Subject
from workers.interp.columns import Asked, Strip, places, resolved, strips
from workers.interp.datasets import fixed
from workers.interp.errors import InterpError, NonfiniteActivation, UnreadableMaterial
from workers.interp.lens import Lens
from workers.interp.norms import Norms
from workers.interp.parameters import Params, artifact, integer
from workers.interp.plan import Plan
from workers.interp.probe import SAFETENSORS, Answers, Blob, Failure, Finding, Materials, Observe, Progress, probe
from workers.interp.recording import Recording
from workers.interp.tallies import as_maps, peaks

USUAL = "pre_relu"  # of layers that have it
LARGEST = 64 * 10**6  # pixels of a picture that is opened
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Knobs(Params):
    """What is shown, and against what it is held."""

    picture: str = artifact(
        title="Picture",
        description="A picture, by its SHA-256: uploaded, or an item of a dataset. Empty: grey, the first of the "
        "pictures by which checkpoints are checked.",
    )
    against: str = artifact(
        title="Against",
        description="The statistics that activations recorded of this checkpoint over a dataset, by their SHA-256. "
        "Empty: over the eight pictures by which checkpoints are checked, too few to mean much.",
    )
    top: int = integer(
        24, title="How many", description="So many of the units that fire most, with numbers.", least=1, most=200
    )


@probe(
    "firing",
    version=1,
    summary="Which units fire for a picture more than they usually do.",
    subjects=("checkpoint", "unit"),
    site=USUAL,
    seconds=2.0,
    params=Knobs,
    example={"picture": "", "against": "", "top": 3},
)
def firing(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Show one picture to the network, by the checkpoint's crop, and hold each unit's answer against what is usual.

    A unit is read where `against` recorded it: before the ReLU where there is such a site, else after it. Of its map
    are told the spatial `maximum` and its `position` [y, x], the `mean`, and the `centre`, the value at
    (⌊h/2⌋, ⌊w/2⌋). `z` is the maximum less the mean of the maxima of the recorded items, over their standard deviation
    (null for a unit that answers all alike); `percentile` is the most per cent, in whole ones, of items whose maxima it
    is not below. `box` is what the position sees [left, top, width, height] in pixels of the network's input and `part`
    the same of the picture itself, of 1. `units` are the `top` by z, the largest first, equal ones by depth and
    channel; about a unit, that unit. Answers of one picture alone differ in last bits from those of a batch.

    A finding holds `responses` (safetensors): `maximum`, `mean`, `centre`, `z` (0 where it is null), `percentile`
    [units] and `positions` [units, 2], in the order of layers and channels.

    UnreadableMaterial, of a picture or of statistics that are not of this checkpoint, is for all; a unit that cannot be
    answered fails alone: NoSuchLayer, NoSuchUnit, NoSuchSite, BadAddress, NonfiniteActivation.
    """
    picture, usual = _picture(lens, params, materials), _against(lens, params, materials)
    asked = [resolved(lens, subject, site=site) for subject in subjects]
    wanted = strips(lens, places(one for one in asked if isinstance(one, Asked)))
    if not wanted:
        yield from (one for one in asked if isinstance(one, Failure))
        return
    found = Shown(lens, wanted, picture, usual)
    observe(Progress(1, 2))
    for place, one in enumerate(asked):
        answer = one if isinstance(one, Failure) else _answer(found, one, params, plan=plan)
        if place == len(asked) - 1:
            observe(Progress(2, 2))
        yield answer


class Shown:
    """What some units answer to a picture, and how usual that is."""

    def __init__(self, lens: Lens, of: Sequence[Strip], picture: Image.Image, usual: Norms) -> None:
        self.lens = lens
        self.strips = of
        self.usual = usual
        self.size = picture.size
        before, offsets = 0, {}
        for key, layer in lens.layers.items():
            offsets[key], before = before, before + layer.channels
        self.columns = np.concatenate([np.arange(it.width) + offsets[it.layer] + it.start for it in of])
        self.maximum, self.mean, self.centre = (np.zeros(len(self.columns), np.float32) for _ in range(3))
        self.positions = np.zeros((len(self.columns), 2), np.int32)
        with torch.no_grad():
            lens.watching({it.node for it in of}, self._see)(lens.checkpoint.input_spec.crop(picture)[None])
        self.z = usual.scores(self.maximum.astype(np.float64), self.columns)
        self.percentile = usual.percents(self.maximum, self.columns)

    def _see(self, node: str, values: Tensor, spent: bool) -> bool:
        maps = as_maps(values)
        highest, place = peaks(maps)
        height, width = maps.shape[2:]
        for strip in self.strips:
            if strip.node == node:
                here = slice(strip.at, strip.at + strip.width)
                self.maximum[here] = highest[0].float().cpu().numpy()
                self.mean[here] = maps[0].mean((1, 2)).float().cpu().numpy()
                self.centre[here] = maps[0, :, height // 2, width // 2].float().cpu().numpy()
                flat = place[0].cpu().numpy()
                self.positions[here] = np.stack([flat // width, flat % width], axis=-1)
        return False

    def require(self, strip: Strip, rows: Array) -> None:
        """Raise NonfiniteActivation, or UnreadableMaterial where the statistics are of another site."""
        if not np.isfinite([self.maximum[rows], self.mean[rows], self.centre[rows]]).all():
            raise NonfiniteActivation(layer=strip.layer)
        if (self.usual.read_after[self.columns[rows]] != (strip.site == "post_relu")).any():
            reason = f"{strip.layer} was recorded at another site than {strip.site}"
            raise UnreadableMaterial(sha256=self.usual.dataset, wanted="statistics to hold it against", reason=reason)

    def unit(self, row: int) -> dict[str, Any]:
        """One unit in numbers."""
        strip = next(it for it in self.strips if it.at <= row < it.at + it.width)
        spec, layer = self.lens.checkpoint.input_spec, self.lens.layers[strip.layer]
        box = standings.seen(layer, self.positions[row][None], spec)
        part = standings.parts(box, np.array([spec.covered(self.size)]), spec)
        z = float(self.z[row])
        return {
            "unit": f"{strip.layer}:{strip.start + row - strip.at}",
            "site": strip.site,
            "maximum": float(self.maximum[row]),
            "mean": float(self.mean[row]),
            "centre": float(self.centre[row]),
            "z": None if np.isnan(z) else z,
            "percentile": int(self.percentile[row]),
            "position": self.positions[row].tolist(),
            "box": box[0].tolist(),
            "part": part[0].tolist(),
        }

    def table(self, rows: Array) -> Blob:
        """Some units as arrays."""
        held = {name: getattr(self, name)[rows] for name in ("maximum", "mean", "centre", "positions")}
        held |= {"z": np.nan_to_num(self.z[rows]), "percentile": self.percentile[rows]}
        data = save({name: np.ascontiguousarray(it) for name, it in held.items()})
        return Blob("responses", SAFETENSORS, data, {"units": len(rows)})


def _answer(found: Shown, one: Asked, params: Knobs, *, plan: Plan) -> Finding | Failure:
    try:
        rows = _rows(found, one)
    except InterpError as error:
        return Failure(one.given, error)
    ranked = rows[np.argsort(-np.nan_to_num(found.z[rows], nan=-np.inf), kind="stable")]
    usual = found.usual
    numbers = {
        "subject": EVERYTHING if one.unit is None else str(one.unit),
        "against": {"dataset": usual.dataset, "items": usual.items},
        "of": len(rows),
        "units": [found.unit(int(row)) for row in ranked[: params.top]],
    }
    return Finding(one.given, numbers, (found.table(rows),), plan.filled(1))


def _rows(found: Shown, one: Asked) -> Array:
    """Where the units that are asked for stand; raises what keeps them from being told."""
    if one.unit is None:
        for strip in found.strips:
            found.require(strip, np.arange(strip.at, strip.at + strip.width))
        return np.arange(len(found.columns))
    strip = next(it for it in found.strips if it.holds(one.unit.layer, one.unit.channel))
    row = np.array([strip.at + one.unit.channel - strip.start])
    found.require(strip, row)
    return row


def _picture(lens: Lens, params: Knobs, materials: Materials) -> Image.Image:
    """What is shown; raises UnreadableMaterial."""
    if not params.picture:
        first = next(it for it in fixed(lens.checkpoint.input_spec).items if it.name == "grey")
        return first.open()
    path = materials.files[params.picture]
    try:
        with Image.open(path) as image:
            if image.width * image.height > LARGEST:
                raise ValueError(f"it has {image.width} × {image.height} pixels, and {LARGEST} are opened")
            return encode.in_colour(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = str(error)[:200]
        raise UnreadableMaterial(sha256=params.picture, wanted="a picture", reason=reason) from None


def _against(lens: Lens, params: Knobs, materials: Materials) -> Norms:
    """What is usual; raises UnreadableMaterial."""
    if params.against:
        return Norms.read(materials.files[params.against], lens)
    everything = resolved(lens, Subject(), site=None)
    assert isinstance(everything, Asked)
    with tempfile.TemporaryDirectory(prefix="atlas-recording-") as folder:
        of = strips(lens, places([everything]))
        recorded = Recording(lens, of, fixed(lens.checkpoint.input_spec), folder=Path(folder), resumable=False)
        recorded.run(lambda done: None)
        return Norms.of(standings.statistics(recorded))
