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

LOOK = 1.0  # seconds between two looks for an answer
ENDED = (Job.State.FAILED, Job.State.CANCELLED, Job.State.QUARANTINED)


class Command(BaseCommand):
    """Tell every story as far as workers have answered for it; safe to run any number of times."""

    help = "Let the characters of the demo describe, link and dispute the shipped checkpoints, by finished jobs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How patient to be."""
        parser.add_argument("--wait", type=float, default=0, help="seconds to wait for answers (default: not at all)")

    def handle(self, *args: Any, wait: float, **options: Any) -> None:
        """Tell them, and say how far it came."""
        until = time.monotonic() + wait
        for folder in sorted(path.parent for path in exhibit.ORGANISMS.glob("*/story.json")):
            checkpoint = registered(folder)
            try:
                new = told(folder / "story.json", checkpoint=checkpoint, until=until)
            except Waiting as error:
                self.stdout.write(f"{folder.name}: {error}; a worker answers, then run seed again")
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
    """Tell a story to its end; how many acts were new. Raises Waiting where an answer is not there in time."""
    story, new = storytelling.read(path), 0
    while True:
        try:
            teller = Teller(story, checkpoint=checkpoint, picture_of=lambda unit: picture_of(checkpoint, unit))
            for act in teller.tell():
                new += act
            return new
        except Waiting as error:
            request(error.question, actor=error.actor)
            while not Job.objects.filter(fingerprint=error.question.fingerprint, state=Job.State.DONE).exists():
                if time.monotonic() > until:
                    raise
                time.sleep(LOOK)


def request(question: Question, *, actor: Contributor) -> None:
    """Ask what nobody has asked."""
    if not Job.objects.filter(fingerprint=question.fingerprint).exclude(state__in=ENDED).exists():
        jobs.request(actor=actor, checkpoint=question.checkpoint, questions=[question])


def picture_of(checkpoint: Checkpoint, unit: str) -> Question:
    """What pictures this unit as the exhibit does."""
    params = exhibit.picture_params(checkpoint)
    [question] = ask(checkpoint=checkpoint, probe=exhibit.PROBE, subjects=[unit], site=None, params=params, many=True)
    return question
