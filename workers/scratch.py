"""Where long computations go on after an interruption: a folder for each question, gone when it needs no answer."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from atlas.models import Job


def of(claimed: Sequence[Job]) -> Path | None:
    """The folder of a lone question, by its fingerprint; who makes it is whoever needs it."""
    return folder() / claimed[0].fingerprint if len(claimed) == 1 else None


def sweep() -> None:
    """Remove what belongs to questions that have an answer, or need none."""
    lying = {path.name: path for path in folder().glob("*")}
    if lying:
        wanted = Job.objects.filter(fingerprint__in=lying, state__in=Job.OPEN).values_list("fingerprint", flat=True)
        for name in set(lying) - set(wanted):
            shutil.rmtree(lying[name], ignore_errors=True)


def folder() -> Path:
    """Where they all lie."""
    return Path(settings.SCRATCH)
