"""What a newcomer sees first: the shipped checkpoints, a real one where there is data, and their first pictures."""

import hashlib
import json
import os
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.db.models import QuerySet

from atlas import preparation
from atlas.errors import AtlasError
from atlas.models import Checkpoint, Contributor, Dataset, InstanceRole, Job
from atlas.services import catalog, checkpoints, jobs
from atlas.services import workers as presence
from atlas.services.questions import EVERYTHING, ask
from workers import registration

ORGANISMS = settings.BASE_DIR / "workers" / "organisms"
REAL_CARD = settings.BASE_DIR / "deploy" / "cards" / "squeezenet1_1-caffe.json"
REAL_WEIGHTS = Path("checkpoints") / "squeezenet1_1_caffe_imagenet.safetensors"
PROBE, RECORDER = "feature-visualization", "activations"
FIRST = 4  # neurons of each layer of a large network that are asked for
SMALL_SIDE = 128  # a network that sees less is shown pictures of its own size, four times as quick as the usual ones
FEW = 200  # neurons, of which each gets all its pictures
SMALL_STEPS = 256
# For a wall one picture that excites does, from fewer and wider steps: every layer of several hundred neurons is there
# within two minutes on two cores. Whoever opens a neuron asks for more with a click.
BRIEF = {"steps": 32, "learning_rate": 0.1, "seeds": [0], "polarity": "positive"}
REAL_LAYERS = ("features.0", "features.3", "features.6", "features.9", "features.12")


class Command(BaseCommand):
    """Register the exhibits and ask for their first pictures; safe to run any number of times."""

    help = "Register the shipped checkpoints (and SqueezeNet from ATLAS_REAL_DATA) and ask for their first pictures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which half."""
        parser.add_argument("--only", choices=("pictures", "worlds"), help="one half of it; both unless it is said")

    def handle(self, *args: Any, only: str | None = None, **options: Any) -> None:
        """Show everything there is to show, and last the datasets, for which nobody waits."""
        for slug, weights, card in exhibits() if only != "worlds" else ():
            try:
                self.show(slug, weights, card)
            except AtlasError as error:
                self.stderr.write(f"{slug} cannot be shown: {error}")
        for slug, _, card in exhibits() if only != "pictures" else ():
            if is_drawn(slug):
                self.show_world(slug, {figure["dataset"] for figure in card["figures"]})

    def show_world(self, slug: str, digests: Collection[str]) -> None:
        """Register what an exhibit's world shows, and ask what every neuron answers to that."""
        for digest in digests:
            if not Dataset.objects.filter(digest=digest).exists():
                call_command("register_world", slug, stdout=self.stdout)
            if request_recording(slug, digest, actor=curator()):
                self.stdout.write(f"what every neuron of {slug} answers to its world is asked for")

    def show(self, slug: str, weights: Path, card: dict[str, Any]) -> None:
        """Register one exhibit and ask for its first pictures."""
        row, new = shown(slug, weights, card)
        if new:
            self.stdout.write(f"{row.title} is registered: /c/{slug}")
        await_catalogue()
        asked = request_pictures(row, actor=curator())
        if asked:
            self.stdout.write(f"{asked} visualizations of {slug} are asked for")
        await_picture(row)


def shown(slug: str, weights: Path, card: dict[str, Any]) -> tuple[Checkpoint, bool]:
    """The exhibit's checkpoint, and whether it is new.

    The file is examined while the database is still being made: a newcomer waits for the longer of the two, not for
    both. What is there already, to the byte, is not examined again.
    """
    if is_ready() and (known := Checkpoint.objects.filter(slug=slug, weights=digest_of(weights)).first()):
        return known, False
    card = checkpoints.read_card(card)
    with tempfile.TemporaryDirectory(prefix="atlas-exhibit-") as folder:
        facts = registration.examined(
            weights, architecture=card["architecture"], card=card, folder=Path(folder), progress=lambda step: None
        )
        eventually(is_ready, "there is no operator yet: make demo makes one")
        return checkpoints.register(
            actor=None, slug=slug, facts=facts, card=card, weights=Path(folder) / "weights.safetensors"
        )


def is_ready() -> bool:
    """Whether the database is made, and somebody runs the service."""
    try:
        return not preparation.pending_migrations() and _operators().exists()
    except OperationalError:  # it is being made this very moment
        return False


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def exhibits() -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """(slug, weights, card) of all that is to be shown: the shipped organisms, and the real network where it lies."""
    for folder in sorted(path.parent for path in ORGANISMS.glob("*/card.json")):
        yield folder.name, folder / "weights.safetensors", json.loads((folder / "card.json").read_text())
    real = os.environ.get("ATLAS_REAL_DATA")
    if real:
        card = json.loads(REAL_CARD.read_text())
        classes = json.loads((Path(real) / "images" / "imagenet_classes.json").read_text())
        labels = [entry["words"] for entry in sorted(classes, key=itemgetter("index"))]
        yield "squeezenet1-1-caffe", Path(real) / REAL_WEIGHTS, {**card, "labels": labels}


def await_catalogue() -> None:
    """Wait until a worker has said what can be asked: importing torch here once more would only delay it."""
    eventually(lambda: PROBE in catalog.names(), "no worker has published its probes; start one with: make serve")


def is_drawn(slug: str) -> bool:
    """Whether an exhibit comes with a world that is drawn."""
    return (ORGANISMS / slug / "world.py").exists()


def await_picture(checkpoint: Checkpoint, *, patience: float = 60.0) -> bool:
    """Let a living worker finish the first picture before the next exhibit takes its processor; whether it is there."""
    until = time.monotonic() + patience
    done = checkpoint.jobs.filter(state=Job.State.DONE)
    awaited = checkpoint.jobs.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING))
    while not done.exists() and awaited.exists() and presence.alive().exists() and time.monotonic() < until:
        time.sleep(0.2)
    return done.exists()


def eventually(holds: Callable[[], bool], otherwise: str, *, patience: float = 60.0) -> None:
    """Wait until something holds; raises CommandError with `otherwise` when it does not."""
    until = time.monotonic() + patience
    while not holds():
        if time.monotonic() > until:
            raise CommandError(otherwise)
        time.sleep(0.2)


def request_pictures(checkpoint: Checkpoint, *, actor: Contributor) -> int:
    """Ask for what a newcomer looks at first, and in bulk for what can wait until that is there.

    Of few neurons the first of each layer, then all; of a few hundred that see little all, briefly; of a large network
    the first ones of some layers.
    """
    if is_brief(checkpoint):
        return _request(checkpoint, actor, units_of(checkpoint, slice(None)), bulk=False)
    if has_few(checkpoint):
        first = _request(checkpoint, actor, units_of(checkpoint, slice(1)), bulk=False)
        return first + _request(checkpoint, actor, units_of(checkpoint, slice(1, None)), bulk=True)
    return _request(checkpoint, actor, units_of(checkpoint, slice(FIRST), keys=REAL_LAYERS), bulk=False)


def units_of(checkpoint: Checkpoint, some: slice, *, keys: Collection[str] | None = None) -> list[str]:
    """Some units of each layer, in depth order."""
    layers = [layer for layer in checkpoint.layers.all() if keys is None or layer.key in keys]
    return [f"{layer.key}:{channel}" for layer in layers for channel in range(layer.channels)[some]]


def has_few(checkpoint: Checkpoint) -> bool:
    """Whether there are so few neurons that each gets all its pictures."""
    return sum(checkpoint.layers.values_list("channels", flat=True)) <= FEW


def is_brief(checkpoint: Checkpoint) -> bool:
    """Whether a network is small enough for a whole wall of brief pictures, and too large for complete ones."""
    return side_of(checkpoint) < SMALL_SIDE and not has_few(checkpoint)


def side_of(checkpoint: Checkpoint) -> int:
    """The shorter side of what a network sees, in pixels."""
    height, width = (checkpoint.input_spec or {})["size"]
    return min(int(height), int(width))


def _request(checkpoint: Checkpoint, actor: Contributor, units: list[str], *, bulk: bool) -> int:
    params = picture_params(checkpoint)
    questions = ask(checkpoint=checkpoint, probe=PROBE, subjects=units, site=None, params=params, many=True)
    known = set(Job.objects.filter(checkpoint=checkpoint).values_list("fingerprint", flat=True))
    new = [question for question in questions if question.fingerprint not in known]
    if new:
        jobs.request(actor=actor, checkpoint=checkpoint, questions=new, bulk=bulk)
    return len(new)


def request_recording(slug: str, digest: str, *, actor: Contributor) -> bool:
    """Ask, behind all pictures, what every neuron answers to a dataset; whether nobody had."""
    checkpoint = Checkpoint.objects.filter(slug=slug).first()
    known = Job.objects.filter(checkpoint=checkpoint, probe__name=RECORDER, dataset__digest=digest).exists()
    if checkpoint is None or known or RECORDER not in catalog.names():
        return False
    params = {"dataset": digest}
    questions = ask(
        checkpoint=checkpoint, probe=RECORDER, subjects=[EVERYTHING], site=None, params=params, many=False
    )  # fmt: skip
    jobs.request(actor=actor, checkpoint=checkpoint, questions=questions, bulk=True)
    return True


def picture_params(checkpoint: Checkpoint) -> dict[str, Any]:
    """The parameters of the first pictures: the probe's own for a network that sees large ones."""
    side = side_of(checkpoint)
    if side >= SMALL_SIDE:
        return {}
    return {"size": side, **(BRIEF if is_brief(checkpoint) else {"steps": SMALL_STEPS})}


def curator() -> Contributor:
    """In whose name the exhibits are asked for: the operator's."""
    operator = _operators().first()
    assert operator is not None
    return operator


def _operators() -> QuerySet[Contributor]:
    return Contributor.objects.filter(login__instance_role=InstanceRole.OPERATOR).order_by("pk")
