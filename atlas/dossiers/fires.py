"""Findings about one picture as pages show them: the units that fire most, each beside the picture made for it."""

from dataclasses import dataclass
from typing import Any

from atlas.dossiers.checkpoints import Tile, newest_pictures, tile_of
from atlas.dossiers.jobs import JobFacts
from atlas.dossiers.pictures import ArtifactFacts
from atlas.dossiers.pictures import facts_of as artifact_facts
from atlas.dossiers.wirings import asked_of
from atlas.models import Artifact, Checkpoint, Contributor, Dataset
from atlas.permissions import readable_dataset
from atlas.services import artifacts

PROBE = "firing"


@dataclass(frozen=True, slots=True)
class Fire:
    """A unit that fires: its numbers as the finding has them, and the picture made for it."""

    numbers: dict[str, Any]
    tile: Tile


@dataclass(frozen=True, slots=True)
class Fires:
    """What a picture makes fire, out of so many units, against what is usual over a dataset."""

    picture: ArtifactFacts | None
    units: tuple[Fire, ...]
    of: int
    items: int
    title: str  # of the dataset, where its reader may know it


def fires_of(job: JobFacts, *, actor: Contributor | None) -> dict[str, Fires]:
    """By fingerprint what a question about a picture found, for who may read it; nothing of other questions."""
    if job.probe != PROBE or not job.finding:
        return {}
    of, numbers = Checkpoint.objects.get(slug=job.checkpoint), job.finding.numbers
    units = [one["unit"] for one in numbers["units"]]
    newest = newest_pictures(asked_of(units, of))
    found = tuple(Fire(one, _tile(one["unit"], of, newest)) for one in numbers["units"])
    picture = Artifact.objects.filter(artifacts.referred_to(actor), sha256=job.params["picture"]).first()
    dataset = Dataset.objects.filter(readable_dataset(actor), digest=numbers["against"]["dataset"]).first()
    return {
        job.fingerprint: Fires(
            picture=artifact_facts(picture) if picture else None,
            units=found,
            of=numbers["of"],
            items=numbers["against"]["items"],
            title=dataset.title if dataset else "",
        )
    }


def _tile(unit: str, of: Checkpoint, newest: Any) -> Tile:
    key, _, channel = unit.rpartition(":")
    return tile_of(of, key, int(channel), newest)
