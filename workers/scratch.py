"""Where long computations go on after an interruption: a folder for each question, gone when it needs no answer."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from atlas.models import Job


def of(claimed: Sequence[Job]) -> Path | None:
    """The folder of a lone question, by its fingerprint; who makes it is whoever needs it."""
    return folder() / claimed[0].fingerprint if len(claimed) == 1 else None


def folder() -> Path:
    """Where they all lie; what belongs to questions that have an answer is swept with the other leftovers."""
    return Path(settings.SCRATCH)
