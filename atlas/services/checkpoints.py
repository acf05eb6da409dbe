"""Registering a checkpoint: its identity, layers, aliases and every neuron, in one transaction or not at all."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from atlas import canonical, texts, validation
from atlas.errors import (
    BadCard,
    BadSlug,
    NotCanonical,
    RegisteredDifferently,
    RegisteredElsewhere,
    StillDraft,
    TextPolicy,
)
from atlas.models import Artifact, Checkpoint, Contributor, Layer, LayerAlias, Neuron, Team, Visibility
from atlas.models.checkpoints import IDENTITY, KEY, SLUG
from atlas.permissions import require
from atlas.services import artifacts, changes

RESERVED = ("new",)  # /c/new is the form for one
DESCRIBED = ("title", "summary", "task", "labels", "figures", "units", "source", "paper", "licence")
LONGEST_TEXT = 4000  # characters of any text of a card
WRITTEN = ("title", "licence", "source", "paper")
CARD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "input", "licence"],
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 120},
        "summary": {"type": "string", "maxLength": LONGEST_TEXT, "default": ""},
        "architecture": {"type": "string", "maxLength": 100},
        "task": {"enum": Checkpoint.Task.values, "default": "classifier"},
        "input": {"type": "object"},
        "labels": {"type": "array", "maxItems": 100_000, "items": {"type": "string"}, "default": []},
        "aliases": {
            "type": "object",
            "maxProperties": 20_000,
            "propertyNames": {"pattern": KEY, "maxLength": 120},
            "additionalProperties": {"type": "string"},
            "default": {},
        },
        "units": {"type": "object", "additionalProperties": {"type": "array"}, "default": {}},
        "licence": {"type": "string", "minLength": 1, "maxLength": 200},
        "source": {"type": "string", "maxLength": 2000, "default": ""},
        "paper": {"type": "string", "maxLength": 2000, "default": ""},
        "figures": {
            "type": "array",
            "maxItems": 50,
            "default": [],
            "items": {
                "type": "object",
                "required": ["dataset", "metric", "n", "value"],
                "properties": {
                    "dataset": {"type": "string"},
                    "metric": {"type": "string"},
                    "n": {"type": "integer", "minimum": 1},
                    "value": {"type": "number"},
                },
            },
        },
    },
}


@dataclass(frozen=True)
class LayerFacts:
    """A layer as the science describes it."""

    key: str
    kind: str
    channels: int
    stride: list[int] | None
    receptive_field: list[int] | None
    positions: list[int]
    sites: list[str]


@dataclass(frozen=True)
class AliasFacts:
    """Another name for channels [start, stop) of a layer."""

    name: str
    layer: str
    start: int
    stop: int


@dataclass(frozen=True)
class Registration:
    """Everything a worker found out about a weights file; the record adds nothing and checks uniqueness."""

    architecture: str
    digest: str
    weights_sha256: str
    graph_sha256: str
    graph: dict[str, Any]
    input_spec: dict[str, Any]
    response_check: dict[str, Any]
    flops: int
    parameters: int
    layers: list[LayerFacts]
    aliases: list[AliasFacts] = field(default_factory=list)


def read_card(card: Any) -> dict[str, Any]:
    """The card with defaults filled in; raises BadCard or TextPolicy, with a pointer to each fault."""
    errors = validation.faults(card, CARD)
    if errors:
        raise BadCard(errors=errors)
    misleading = list(islice(_misleading(card, at=""), validation.MOST_ERRORS))
    if misleading:
        raise TextPolicy(errors=misleading)
    filled = validation.with_defaults(card, CARD)
    lines = {name: texts.line(filled[name], at=f"/{name}", longest=LONGEST_TEXT, shortest=0) for name in WRITTEN}
    return filled | lines | {"summary": texts.prose(filled["summary"], at="/summary", longest=LONGEST_TEXT)}


def _misleading(value: Any, *, at: str) -> Iterator[dict[str, str]]:
    """The faults of every text of a card, wherever it stands; the summary alone is prose."""
    if isinstance(value, str):
        of_text = texts.faults_of_prose if at == "/summary" else texts.faults_of_line
        yield from of_text(value, at=at, longest=LONGEST_TEXT, shortest=0)
        if at in ("/source", "/paper"):
            yield from texts.faults_of_address(value, at=at)
    elif isinstance(value, dict):
        for name, inner in value.items():
            place = f"{at}/{validation.escaped(name)}"
            yield from texts.faults_of_line(name, at=place, longest=LONGEST_TEXT, shortest=0)
            yield from _misleading(inner, at=place)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _misleading(inner, at=f"{at}/{index}")


def parse_card(text: str) -> dict[str, Any]:
    """The card in a JSON text, with defaults filled in; raises BadCard, also for what JSON readers disagree about."""
    try:
        card = canonical.normalise(json.loads(text, object_pairs_hook=_unique, parse_constant=_not_a_number))
    except (ValueError, RecursionError, NotCanonical) as error:
        detail = "It is nested too deeply." if isinstance(error, RecursionError) else f"It is not JSON: {error}"[:200]
        raise BadCard(errors=[{"pointer": "", "code": "malformed", "detail": detail}]) from None
    return read_card(card)


def require_slug(slug: str) -> None:
    """Raise BadSlug unless this can name a checkpoint for ever."""
    if not re.match(SLUG, slug) or slug in RESERVED:
        raise BadSlug(slug=slug[:80])


def register(
    *,
    actor: Contributor | None,
    slug: str,
    facts: Registration,
    card: dict[str, Any],
    weights: Path,
    team: Team | None = None,
    visibility: str = Visibility.PUBLIC,
) -> tuple[Checkpoint, bool]:
    """Publish a checkpoint; (row, whether it is new). `actor` None is the operator at the command line.

    Registering the same checkpoint under its slug again changes nothing; a slug in use for another function is
    RegisteredDifferently, a known function under another slug is RegisteredElsewhere.
    """
    if actor is not None:
        require(actor, "checkpoint.register", team)
    require_slug(slug)
    known = _known(slug=slug, digest=facts.digest)
    if known:
        return known, False
    artifact = artifacts.keep(weights, media_type=artifacts.SAFETENSORS)
    with transaction.atomic():
        checkpoint = Checkpoint.objects.create(
            slug=slug,
            status=Checkpoint.Status.PUBLISHED,
            team=team,
            visibility=visibility,
            registered_by=actor,
            **described(card),
            **identity(facts, artifact),
        )
        furnish(checkpoint, facts)
        changes.record(actor, "checkpoint.register", slug, digest=facts.digest)
    return checkpoint, True


def _known(*, slug: str, digest: str) -> Checkpoint | None:
    same_slug = Checkpoint.objects.filter(slug=slug).first()
    if same_slug is None:
        elsewhere = Checkpoint.objects.filter(digest=digest).first()
        if elsewhere:
            raise RegisteredElsewhere(slug=elsewhere.slug)
    elif same_slug.digest is None:
        raise StillDraft(slug=slug)
    elif same_slug.digest != digest:
        raise RegisteredDifferently(slug=slug, digest=same_slug.digest)
    return same_slug


def described(card: dict[str, Any]) -> dict[str, Any]:
    """The columns that a card fills."""
    return {name: card[name] for name in DESCRIBED}


def identity(facts: Registration, weights: Artifact) -> dict[str, Any]:
    """The columns that name the function, each written once."""
    found = {name: getattr(facts, name) for name in IDENTITY if name != "weights"}
    return {"architecture": facts.architecture, "weights": weights, **found}


def furnish(checkpoint: Checkpoint, facts: Registration) -> None:
    """Its layers, their aliases and every neuron."""
    layers = _layers(checkpoint, facts)
    _aliases(checkpoint, facts, layers)
    _neurons(layers.values())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def _not_a_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _layers(checkpoint: Checkpoint, facts: Registration) -> dict[str, Layer]:
    rows = Layer.objects.bulk_create(
        Layer(checkpoint=checkpoint, index=index, **vars(layer)) for index, layer in enumerate(facts.layers)
    )
    return {layer.key: layer for layer in rows}


def _aliases(checkpoint: Checkpoint, facts: Registration, layers: dict[str, Layer]) -> None:
    LayerAlias.objects.bulk_create(
        LayerAlias(
            checkpoint=checkpoint, name=alias.name, layer=layers[alias.layer], start=alias.start, stop=alias.stop
        )
        for alias in facts.aliases
    )


def _neurons(layers: Any, *, at_once: int = 5000) -> None:
    # All of them, now: coverage has a denominator from the first day.
    rows = (Neuron(layer=layer, channel=channel) for layer in layers for channel in range(layer.channels))
    while batch := list(islice(rows, at_once)):
        Neuron.objects.bulk_create(batch)
