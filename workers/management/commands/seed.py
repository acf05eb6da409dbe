"""Tells the stories of the shipped checkpoints: people of two teams who agree and disagree about real findings."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas.errors import AtlasError
from atlas.models import Checkpoint, Contributor, Job
from atlas.services import jobs
from atlas.services.questions import Question, ask
from workers import storytelling
from workers.management.commands import exhibit
from workers.storytelling import Taken, Teller, Waiting

LOOK = 1.0  # seconds between two looks for a picture
ENDED = (Job.State.FAILED, Job.State.CANCELLED, Job.State.QUARANTINED)


class Command(BaseCommand):
    """Tell every story as far as there are pictures for it; safe to run any number of times."""

    help = "Let the characters of the demo describe, link and dispute the shipped checkpoints, by finished jobs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How patient to be."""
        parser.add_argument("--wait", type=float, default=0, help="seconds to wait for pictures (default: not at all)")

    def handle(self, *args: Any, wait: float, **options: Any) -> None:
        """Tell them, and say how far it came."""
        until = time.monotonic() + wait
        for folder in sorted(path.parent for path in exhibit.ORGANISMS.glob("*/story.json")):
            checkpoint = registered(folder)
            try:
                new = told(folder / "story.json", checkpoint=checkpoint, until=until)
            except Waiting as error:
                self.stdout.write(f"{folder.name}: {error}; a worker draws it, then run seed again")
            except (AtlasError, Taken) as error:
                raise CommandError(f"The story of {folder.name} ends early: {error}") from error
            else:
                self.stdout.write(f"{folder.name}: {f'{new} new acts' if new else 'nothing new'}; its story is told")


def registered(folder: Path) -> Checkpoint:
    """The shipped checkpoint of this folder: a story is true of these very weights."""
    weights = exhibit.digest_of(folder / "weights.safetensors")
    found = Checkpoint.objects.filter(slug=folder.name, weights=weights).first()
    if found is None:
        raise CommandError(f"{folder.name} is not registered as it ships: run manage.py exhibit first")
    return found


def told(path: Path, *, checkpoint: Checkpoint, until: float) -> int:
    """Tell a story to its end; how many acts were new. Raises Waiting where a picture is not there in time."""
    story, new = storytelling.read(path), 0
    while True:
        try:
            teller = Teller(story, checkpoint=checkpoint, picture_of=lambda unit: drawn(checkpoint, unit))
            for act in teller.tell():
                new += act
            return new
        except Waiting as error:
            request(checkpoint, error.unit, actor=error.actor)
            while drawn(checkpoint, error.unit) is None:
                if time.monotonic() > until:
                    raise
                time.sleep(LOOK)


def drawn(checkpoint: Checkpoint, unit: str) -> Job | None:
    """The finished job that pictures this unit as the exhibit does, where it is finished."""
    wanted = _question(checkpoint, unit).fingerprint
    return Job.objects.filter(fingerprint=wanted, state=Job.State.DONE).select_related("probe").first()


def request(checkpoint: Checkpoint, unit: str, *, actor: Contributor) -> None:
    """Ask for a picture that nobody has asked for."""
    question = _question(checkpoint, unit)
    if not Job.objects.filter(fingerprint=question.fingerprint).exclude(state__in=ENDED).exists():
        jobs.request(actor=actor, checkpoint=checkpoint, questions=[question])


def _question(checkpoint: Checkpoint, unit: str) -> Question:
    params = exhibit.picture_params(checkpoint)
    [question] = ask(checkpoint=checkpoint, probe=exhibit.PROBE, subjects=[unit], site=None, params=params, many=True)
    return question
