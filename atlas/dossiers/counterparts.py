"""Findings about similarity as pages show them: the units that are suggested, with their pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from atlas.dossiers.checkpoints import Tile, newest_pictures, tile_of
from atlas.dossiers.jobs import JobFacts
from atlas.dossiers.wirings import Newest, asked_of
from atlas.models import Checkpoint

PROBE = "similarity"
WORDS = {
    "activation": "the largest responses to {n} pictures",
    "weights": "{n} expanded weights on the picture",
    "tuning": "the responses to {n} stimuli of the family {family}, all around",
}


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A suggested unit: its numbers as the finding has them, and its picture."""

    numbers: dict[str, Any]
    tile: Tile


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a finding says of who is like a unit."""

    numbers: dict[str, Any]
    compared: str  # what of both, in words
    elsewhere: Checkpoint | None  # where it is not the unit's own checkpoint
    listed: tuple[Counterpart, ...]


def likenesses(jobs: Iterable[JobFacts]) -> dict[str, Likeness]:
    """By fingerprint what these jobs suggest; a query, and two for each checkpoint in which they looked."""
    found = {job.fingerprint: job for job in jobs if job.probe == PROBE and "counterparts" in _numbers(job)}
    units: dict[str, set[str]] = {}
    for job in found.values():
        units.setdefault(_numbers(job)["checkpoint"], set()).update(it["unit"] for it in _numbers(job)["counterparts"])
    rows = {str(row.digest): row for row in Checkpoint.objects.filter(digest__in=units)} if units else {}
    newest = {digest: newest_pictures(asked_of(some, rows[digest])) if some else {} for digest, some in units.items()}
    return {
        fingerprint: _likeness(job, rows[(where := _numbers(job)["checkpoint"])], newest[where])
        for fingerprint, job in found.items()
    }


def _numbers(job: JobFacts) -> dict[str, Any]:
    return job.finding.numbers if job.finding else {}


def _likeness(job: JobFacts, of: Checkpoint, newest: Newest) -> Likeness:
    numbers = _numbers(job)
    listed = tuple(Counterpart(it, _tile(it["unit"], of, newest)) for it in numbers["counterparts"])
    compared = WORDS.get(numbers["by"], "").format(n=numbers["n"], family=job.params.get("family", ""))
    return Likeness(numbers, compared, of if of.slug != job.checkpoint else None, listed)


def _tile(unit: str, of: Checkpoint, newest: Newest) -> Tile:
    key, _, channel = unit.rpartition(":")
    return tile_of(of, key, int(channel), newest)
