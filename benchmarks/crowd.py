"""A large atlas made of rows: checkpoints, teams and claims with words as common and as rare as those people write."""

import bisect
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from atlas import accessions, canonical, validation
from atlas.contents import CONTENTS
from atlas.models import (
    Checkpoint,
    Contributor,
    Foothold,
    FootholdNeuron,
    FootholdTerm,
    Layer,
    Membership,
    Review,
    Revision,
    Role,
    Support,
    Team,
    Term,
)
from atlas.services import indexing, people

CHECKPOINTS, LAYERS, CHANNELS = 20, 50, 1_000  # a million neurons
TEAMS, PEOPLE, TERMS, VOCABULARY = 20, 60, 400, 30_000
BATCH = 500
FAMOUS = 60  # the layer, counted over all checkpoints
INPUT = {"size": [64, 64], "channel_order": "RGB", "value_range": [0, 1], "mean": [0.5, 0.5, 0.5],
         "std": [0.5, 0.5, 0.5], "resize": {"mode": "stretch", "size": 64, "interpolation": "bilinear"},
         "crop": "center"}  # fmt: skip
SYLLABLES = [first + second for first in "bcdfghklmnprstvz" for second in ("a", "e", "i", "o", "u", "ar", "en", "ol")]
KINDS = {"description": 72, "link": 18, "evidence": 6, "circuit": 2, "collection": 2}
STATES = {"proposed": 60, "accepted": 25, "disputed": 8, "resolved": 2, "withdrawn": 4, "retracted": 1}


@dataclass
class Crowd:
    """What was made, for whoever asks about it."""

    reader: Contributor
    chance: random.Random
    words: list[str]
    layers: list[Layer]
    checkpoints: list[Checkpoint]
    people: list[Contributor]
    teams: list[Team]
    terms: list[Term]
    weights: list[float] = field(default_factory=list)

    def said(self, count: int) -> str:
        """Some words: the n-th of the vocabulary is said about n times more rarely than the first."""
        total = self.weights[-1]
        return " ".join(self.words[bisect.bisect(self.weights, self.chance.random() * total)] for _ in range(count))

    def pick(self, shares: dict[str, int]) -> str:
        """One of a few, by share."""
        return self.chance.choices(list(shares), list(shares.values()))[0]


def make(footholds: int) -> Crowd:
    """All of it, in the database that the settings name."""
    chance = random.Random(0)
    words = sorted({"".join(chance.choices(SYLLABLES, k=3)) for _ in range(VOCABULARY)})
    chance.shuffle(words)
    with transaction.atomic():
        crowd = _people(chance, words)
        _neurons(crowd)
    crowd.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(crowd.words))))
    for start in range(0, footholds, BATCH):
        with transaction.atomic():
            indexing.fill(_claims(crowd, min(BATCH, footholds - start)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return crowd


def _people(chance: random.Random, words: list[str]) -> Crowd:
    joined = [people.join(username=f"person-{number}", password="x" * 20).contributor for number in range(PEOPLE)]
    teams = [Team.objects.create(slug=f"team-{n}", name=f"Team {n}", blind_review=n % 10 == 0) for n in range(TEAMS)]
    for number, person in enumerate(joined):
        Membership.objects.create(team=teams[number % TEAMS], contributor=person, role=Role.REVIEWER)
    terms = [Term.objects.create(slug=f"{word}-{n}", label=f"{word} {words[n + 500]}") for n, word in
             enumerate(words[100 : 100 + TERMS])]  # fmt: skip
    for term in terms:
        indexing.name_term(term)
    checkpoints, layers = [], []
    for number in range(CHECKPOINTS):
        team = teams[number] if number % 5 == 0 else None
        row = Checkpoint.objects.create(
            slug=f"net-{number}", title=f"Network {number}", architecture="made", licence="CC0-1.0", team=team,
            visibility="team" if team else "public", digest=f"{number:064}", weights_sha256="1" * 64,
            graph_sha256="2" * 64, graph={"nodes": []}, input_spec=INPUT, response_check={}, flops=1, parameters=1,
            weights_id=_weights(), status="published",
        )  # fmt: skip
        checkpoints.append(row)
        layers += [
            Layer(checkpoint=row, key=f"mixed{place}", kind="conv", index=place, channels=CHANNELS,
                  receptive_field=[9, 9], positions=[7, 7], sites=[])
            for place in range(LAYERS)
        ]  # fmt: skip
    return Crowd(joined[1], chance, words, Layer.objects.bulk_create(layers), checkpoints, joined, teams, terms)


def _weights() -> str:
    from atlas.models import Artifact

    made, _ = Artifact.objects.get_or_create(sha256="0" * 64, defaults={"size": 1, "media_type": "application/x"})
    return str(made.pk)


def _neurons(crowd: Crowd) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE channels(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM channels WHERE n + 1 < %s) "
            "INSERT INTO atlas_neuron (layer_id, channel) SELECT l.id, n FROM atlas_layer l, channels ORDER BY l.id, n",
            [CHANNELS],
        )


@dataclass
class _Batch:
    footholds: list[Foothold] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    neurons: list[list[tuple[int, str]]] = field(default_factory=list)


def _claims(crowd: Crowd, count: int) -> list[int]:
    """A batch of claims and what hangs on them; their numbers."""
    first = {layer.pk: place for place, layer in enumerate(crowd.layers)}
    numbers = _first_neurons(crowd)
    batch = _Batch()
    for _ in range(count):
        _one(crowd, batch, numbers, first)
    made = Foothold.objects.bulk_create(batch.footholds)
    now = timezone.now()
    Revision.objects.bulk_create(
        Revision(foothold=row, version=1, author=row.created_by, at=now, content=content,
                 content_sha256=canonical.sha256(content))
        for row, content in zip(made, batch.contents, strict=True)
    )  # fmt: skip
    FootholdNeuron.objects.bulk_create(
        FootholdNeuron(foothold=row, neuron_id=neuron, role=role)
        for row, named in zip(made, batch.neurons, strict=True)
        for neuron, role in set(named)
    )
    _hang_on(crowd, made)
    return [row.pk for row in made]


def _first_neurons(crowd: Crowd) -> dict[int, int]:
    """The number of each layer's first neuron: they were made in order."""
    if not hasattr(crowd, "_numbers"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT layer_id, id FROM atlas_neuron WHERE channel = 0")
            crowd._numbers = dict(cursor.fetchall())  # type: ignore[attr-defined]
    numbers: dict[int, int] = crowd._numbers  # type: ignore[attr-defined]
    return numbers


def _one(crowd: Crowd, batch: _Batch, numbers: dict[int, int], first: dict[int, int]) -> None:
    chance, kind = crowd.chance, crowd.pick(KINDS)
    # Some neurons are talked about more than others, and those of one layer much more.
    famous = chance.random() < (0.1 if kind == "link" else 0.03)
    layer = crowd.layers[FAMOUS] if famous else chance.choice(crowd.layers)
    channel = min(int(chance.expovariate(1 / (20 if famous else 200))), CHANNELS - 1)
    content, roles = _content(crowd, kind, layer, channel)
    state, checkpoint = crowd.pick(STATES), crowd.checkpoints[first[layer.pk] // LAYERS]
    batch.footholds.append(
        Foothold(
            accession=accessions.make(CONTENTS[kind].letter), kind=kind, checkpoint=checkpoint,
            team=checkpoint.team or chance.choice(crowd.teams), created_by=chance.choice(crowd.people),
            title=CONTENTS[kind].title(content)[:200], state=state,
            standing=state if state in ("withdrawn", "retracted") else "open",
            rank=crowd.pick({"normal": 95, "preferred": 3, "deprecated": 2}),
            visibility="team" if checkpoint.team_id or chance.random() < 0.15 else "public",
            moderation=crowd.pick({"visible": 99, "hidden": 1}),
        )
    )  # fmt: skip
    batch.contents.append(content)
    batch.neurons.append([(numbers[layer.pk] + place, role) for place, role in roles])


def _content(crowd: Crowd, kind: str, layer: Layer, channel: int) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """What a claim of this kind says, whole as the services write it, and the channels it is about."""
    said, roles = _said(crowd, kind, layer, channel)
    return validation.with_defaults(said, CONTENTS[kind].schema), roles


def _said(crowd: Crowd, kind: str, layer: Layer, channel: int) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    unit, other = f"{layer.key}:{channel}", (channel + crowd.chance.randint(1, 15)) % CHANNELS
    text, confidence = crowd.said(crowd.chance.randint(15, 70)), crowd.chance.randint(1, 5)
    if kind == "link":
        relation = crowd.chance.choice(["excites", "inhibits", "builds-from"])
        content = {"source": f"{layer.key}:{other}", "target": unit, "relation": relation, "mechanism": text,
                   "rests_on": {"reference": {"title": crowd.said(6), "url": "https://example.org/"}}}  # fmt: skip
        return content | {"confidence": confidence}, [(other, "source"), (channel, "target")]
    if kind == "evidence":
        return {"method": crowd.chance.choice(["FV", "DX", "AB"]), "interpretation": text}, []
    title = crowd.said(4)
    if kind == "description":
        return {"neuron": unit, "title": title, "body": text, "confidence": confidence}, [(channel, "subject")]
    some = [(channel + k) % CHANNELS for k in range(5)]
    members = [{"unit": f"{layer.key}:{one}"} for one in some]
    if kind == "circuit":
        return {"title": title, "narrative": text, "nodes": members}, [(one, "node") for one in some]
    return {"title": title, "body": text, "items": members}, [(one, "item") for one in some]


def _hang_on(crowd: Crowd, made: list[Foothold]) -> None:
    """Terms, evidence and verdicts."""
    chance = crowd.chance
    described = [row for row in made if row.kind == "description"]
    FootholdTerm.objects.bulk_create(_terms(crowd, described))
    evidence = [row for row in made if row.kind == "evidence"]
    Support.objects.bulk_create(
        Support(evidence=one, claim=chance.choice(described), claim_version=1, by=one.created_by) for one in evidence
    )
    Review.objects.bulk_create(
        Review(foothold=row, version=1, reviewer=crowd.people[(row.created_by_id + 1) % PEOPLE], team=row.team,
               verdict="agree", blind=False)
        for row in described
        if row.state in ("accepted", "disputed")
    )  # fmt: skip


def _terms(crowd: Crowd, described: list[Foothold]) -> Iterator[FootholdTerm]:
    for row in described:
        for place in {min(int(crowd.chance.expovariate(1 / 40)), TERMS - 1) for _ in range(2)}:
            polarity = crowd.pick({"detects": 80, "inhibited-by": 12, "does-not-detect": 8})
            yield FootholdTerm(foothold=row, term=crowd.terms[place], polarity=polarity)
