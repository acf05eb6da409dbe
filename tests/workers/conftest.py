"""The shipped organism, registered for real, and questions that cost a second."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from atlas.models import Checkpoint, Contributor, Job
from atlas.services import catalog, checkpoints, jobs, people
from atlas.services.checkpoints import Registration
from atlas.services.questions import ask
from workers import registration, translate
from workers.drain import Drain
from workers.interp.probes import PROBES

ORGANISM = settings.BASE_DIR / "workers" / "organisms" / "curve-circuit"
QUICK = {"size": 32, "steps": 2, "seeds": [0], "polarity": "positive"}


@pytest.fixture(scope="session")
def card() -> dict:
    """The organism's card."""
    return checkpoints.read_card(json.loads((ORGANISM / "card.json").read_text()))


@pytest.fixture(scope="session")
def examined(card, tmp_path_factory) -> tuple[Registration, Path]:
    """What the sandboxed child says of the organism, asked once: (facts, canonical weights)."""
    folder = tmp_path_factory.mktemp("examined")
    facts = registration.examined(
        ORGANISM / "weights.safetensors",
        architecture=card["architecture"],
        card=card,
        folder=folder,
        progress=lambda step: None,
    )
    return facts, folder / "weights.safetensors"


@pytest.fixture
def organism_on(card, examined) -> Callable[[], Checkpoint]:
    """Registers `curve-circuit` on whatever database the test opened."""
    facts, weights = examined

    def registered() -> Checkpoint:
        row, _ = checkpoints.register(actor=None, slug="curve-circuit", facts=facts, card=card, weights=weights)
        for probe in PROBES.values():
            catalog.publish(**translate.kind(probe))
        return row

    return registered


@pytest.fixture
def organism(organism_on, db) -> Checkpoint:
    """`curve-circuit`, registered."""
    return organism_on()


@pytest.fixture
def drain(fresh_database) -> Iterator[Drain]:
    """A worker's loop in this process, on a database that commits."""
    loop = Drain(stopping=threading.Event(), device="cpu")
    yield loop
    loop.leave()


@pytest.fixture
def wish() -> Callable[..., list[Job]]:
    """Asks for quick visualizations of some units."""

    def wished(checkpoint: Checkpoint, *units: str, actor: Contributor | None = None, **params) -> list[Job]:
        if actor is None:
            known = Contributor.objects.filter(handle="asker").first()
            actor = known or people.join(username="asker", password="correct horse battery").contributor
        questions = ask(
            checkpoint=checkpoint,
            probe="feature-visualization",
            subjects=list(units),
            site=None,
            params={**QUICK, **params},
            many=True,
        )
        return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs

    return wished


@pytest.fixture
def units() -> Callable[[Checkpoint], list[str]]:
    """The first layer's units of a checkpoint."""

    def listed(checkpoint: Checkpoint) -> list[str]:
        first = checkpoint.layers.order_by("index").first()
        return [f"{first.key}:{channel}" for channel in range(first.channels)]

    return listed
