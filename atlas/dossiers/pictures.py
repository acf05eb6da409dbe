"""An artifact as a reader meets it: an address, a size, and words for those who do not see it."""

from dataclasses import dataclass
from typing import Any

from atlas.models import Artifact, FindingArtifact, Snapshot
from atlas.services.artifacts import EXTENSIONS


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """Stored bytes: their hash, kind, size and address."""

    sha256: str
    media_type: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An artifact in its role. `facts` says what it shows (seed, polarity, width, height …)."""

    role: str
    artifact: ArtifactFacts
    alt: str
    facts: dict[str, Any]

    @property
    def polarity(self) -> str:
        """`positive`, `negative`, or empty."""
        return str(self.facts.get("polarity", ""))

    @property
    def sign(self) -> str:
        """+ or −: never colour alone."""
        return {"positive": "+", "negative": "−"}.get(self.polarity, "")

    @property
    def seed(self) -> int | None:
        """The random seed of the picture."""
        return self.facts.get("seed")


def address_of(artifact: Artifact) -> str:
    """`/a/{sha256}.{ext}`: the address of the bytes."""
    return f"/a/{artifact.sha256}.{EXTENSIONS.get(artifact.media_type, 'bin')}"


def facts_of(artifact: Artifact) -> ArtifactFacts:
    """The artifact's facts."""
    return ArtifactFacts(artifact.sha256, artifact.media_type, artifact.size, address_of(artifact))


def shown(row: FindingArtifact, *, subject: str) -> Shown:
    """A finding's artifact; `subject` is what it is a picture of, or what its numbers are of."""
    drawn = row.artifact.media_type.startswith("image/")
    alt = alt_of(row.facts, subject=subject) if drawn else f"{row.role.capitalize()} of {subject}, as numbers."
    return Shown(row.role, facts_of(row.artifact), alt, row.facts)


def on_its_way(row: Snapshot, *, subject: str) -> Shown:
    """A running job's picture after so many steps."""
    facts = {**row.facts, "step": row.step}
    alt = f"{alt_of(row.facts, subject=subject)} After {row.step} steps."
    return Shown("snapshot", facts_of(row.artifact), alt, facts)


def alt_of(facts: dict[str, Any], *, subject: str) -> str:
    """What a picture is, in words."""
    if "alt" in facts:
        return str(facts["alt"])
    effect = {"positive": "excites", "negative": "inhibits"}.get(facts.get("polarity", ""), "concerns")
    seed = f", seed {facts['seed']}" if "seed" in facts else ""
    return f"Picture optimised so that it {effect} {subject}{seed}."
