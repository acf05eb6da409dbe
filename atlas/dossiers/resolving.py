"""What a reference may mean: `4c:447`, an accession, a person, a checkpoint; and when it means one thing for sure."""

import re
from dataclasses import dataclass
from itertools import islice

from atlas import accessions
from atlas.dossiers.places import PlaceFacts, called, neurons
from atlas.models import Contributor
from atlas.search.words import words

UNIT = re.compile(r"(?:[a-z0-9][a-z0-9-]{1,39}/)?[A-Za-z0-9][A-Za-z0-9_.]*:\d{1,9}", re.ASCII)
MOST = 50  # of the checkpoints that may have a neuron of this name
LONGEST = 200  # characters


@dataclass(frozen=True, slots=True)
class ResolveDossier:
    """A reference as it was written, and all that it may mean to this reader: one, several or nothing."""

    ref: str
    checkpoint: str
    candidates: list[PlaceFacts]


NOTHING = ResolveDossier("", "", [])


def resolve(ref: str, *, actor: Contributor | None, checkpoint: str = "") -> ResolveDossier:
    """What this may mean, within `checkpoint` where that has something of the name; exact names before others."""
    text = ref.strip()
    found = _unit(text, actor, checkpoint) if UNIT.fullmatch(text) else _named(text, actor, checkpoint)
    return ResolveDossier(ref, checkpoint, found)


def sure(ref: str, *, actor: Contributor | None, checkpoint: str = "") -> str | None:
    """The address of what is meant without doubt: a neuron, an accession, `@somebody` or a checkpoint's slug.

    A word is looked for rather than taken for a name, even where a term or a layer is called so.
    """
    text = ref.strip()
    if not text or len(text) > LONGEST or " " in text:
        return None
    found = resolve(text, actor=actor, checkpoint=checkpoint).candidates
    if len(found) != 1:
        return None
    [one] = found
    is_plain = UNIT.fullmatch(text) or _is_accession(text) or text.startswith("@") or text == one.name == _slug(one)
    return one.url if is_plain else None


def _slug(one: PlaceFacts) -> str:
    return one.name if one.what == "checkpoint" else ""


def _is_accession(text: str) -> bool:
    return accessions.is_valid(accessions.read(text))


def _unit(text: str, actor: Contributor | None, checkpoint: str) -> list[PlaceFacts]:
    if checkpoint and "/" not in text:
        here = list(neurons(f"{checkpoint}/{text}", actor=actor))
        if here:
            return here
    return list(neurons(text, actor=actor, most=MOST))


def _named(text: str, actor: Contributor | None, checkpoint: str) -> list[PlaceFacts]:
    name = text.removeprefix("@").removesuffix(":")  # of a neuron whose channel is not known: its layer
    if not words(name) or len(text) > LONGEST or "\x00" in text:
        return []
    found = list(islice(called(name, actor=actor), MOST))
    if text.startswith("@"):
        found = [one for one in found if one.what == "person"]
    exact = [one for one in found if name.casefold() in (one.name.casefold(), one.url.rpartition("/")[2])]
    here = [one for one in exact if one.what == "layer" and one.url.startswith(f"/c/{checkpoint}/")]
    return here or exact or found
