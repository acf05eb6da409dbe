"""What is asked: a probe, a subject, a site and parameters, made canonical so that equal questions are one job."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from atlas import canonical, fingerprints, validation
from atlas.errors import AtlasError, NotCanonical, Validation
from atlas.models import Checkpoint, Contributor, Dataset, Layer, Neuron, ProbeKind
from atlas.services import addresses, artifacts, catalog, datasets

ARTIFACT, DATASET, CHECKPOINT = "artifact", "dataset", "checkpoint"  # the formats of parameters that name one
EVERYTHING = "*"  # the subject that is the whole checkpoint
MOST_UNITS = 8  # in a weighted sum
MOST_SUBJECTS = 2_000  # in a list
MOST_QUESTIONS = 5_000  # in a request, once layers are spelled out
LONGEST_TEXT = 400  # characters of `Job.subject_text`
WEIGHTED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["unit", "weight"],
    "properties": {
        "unit": {"type": "string", "maxLength": 140, "description": "layer:channel"},
        "weight": {"type": "number", "minimum": -1000, "maximum": 1000, "not": {"const": 0}},
    },
}

WHOLE_LAYER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["layer"],
    "properties": {"layer": {"type": "string", "maxLength": 120}},
}
# What a body may name; `_subject` and `_expanded` read the same three forms.
SUBJECT = {
    "anyOf": [
        {
            "type": "string",
            "maxLength": 140,
            "description": "A unit, as layer:channel; a layer as one, by its key; or *, the whole checkpoint.",
        },
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_UNITS,
            "items": WEIGHTED,
            "description": "A weighted sum of units.",
        },
        {**WHOLE_LAYER, "description": "All units of a layer, one question each."},
    ]
}


@dataclass(frozen=True)
class Question:
    """One question, valid and canonical."""

    checkpoint: Checkpoint
    probe: ProbeKind
    subject: dict[str, Any]
    text: str
    neuron: Neuron | None
    layers: list[str]
    site: str
    params: dict[str, Any]
    dataset: Dataset | None
    of: str  # what names the checkpoint: its digest; of a draft, which has none yet, its slug

    @property
    def fingerprint(self) -> str:
        """The question's name."""
        return fingerprints.of_question(subject=self.subject, **self._asked())

    @property
    def batch_key(self) -> str:
        """Shared with the questions that one forward pass can answer together."""
        return fingerprints.of_batch(layers=sorted(set(self.layers)), **self._asked())

    def _asked(self) -> dict[str, Any]:
        return {
            "checkpoint": self.of,
            "probe": self.probe.name,
            "version": self.probe.version,
            "site": self.site,
            "params": self.params,
        }


def ask(
    *, checkpoint: Checkpoint, probe: str, subjects: list[Any], site: str | None, params: dict[str, Any], many: bool
) -> list[Question]:
    """The questions meant by a request body; raises Validation with a pointer to everything that is wrong with it.

    A subject is `"layer:channel"`, `"layer"`, or a list of `{"unit": "layer:channel", "weight": number}`; `many` says
    whether the body said `subjects`, for the pointers.
    """
    errors: list[dict[str, str]] = []
    kind = _attempt(errors, "/probe", lambda: _asked_in_words(probe))
    filled = _parameters(errors, kind, params)
    parsed = [
        _attempt(errors, f"/subjects/{index}" if many else "/subject", lambda it=it: _subject(checkpoint, kind, it))
        for index, it in enumerate(subjects)
    ]
    for index, subject in enumerate(parsed):
        if site and subject and any(site not in layer.sites for layer in subject.layers):
            errors.append(_no_site(site, subject, f"/subjects/{index}" if many else "/subject"))
    if errors or kind is None:
        raise Validation(errors=errors[: validation.MOST_ERRORS])
    shown = Dataset.objects.filter(digest=dataset(kind, filled)).first()
    return [_question(checkpoint, kind, it, site or _usual(kind, it), filled, shown) for it in parsed if it]


def require_materials(questions: Sequence[Question], *, actor: Contributor) -> None:
    """Raise Validation where parameters name an artifact, a dataset or a checkpoint that this person may not read."""
    named = {one for question in questions for one in materials(question.probe, question.params)}
    errors: list[dict[str, str]] = []
    for name, sha256 in sorted(named):
        _attempt(errors, f"/params/{name}", lambda sha256=sha256: artifacts.find(sha256, actor=actor))
    for question in questions[:1]:  # all of a request have the same parameters
        for name, digest in _named(question.probe, question.params, DATASET):
            _attempt(errors, f"/params/{name}", lambda digest=digest: datasets.readable_by(actor, digest))
        for name, digest in _named(question.probe, question.params, CHECKPOINT):
            beside = (question.checkpoint, digest)
            _attempt(errors, f"/params/{name}", lambda beside=beside: addresses.beside(*beside, actor=actor))
    if errors:
        raise Validation(errors=errors)


def materials(probe: ProbeKind, params: dict[str, Any]) -> list[tuple[str, str]]:
    """The artifacts that parameters name: (where, as a pointer without its first slash; SHA-256)."""
    return _named(probe, params, ARTIFACT)


def checkpoints(probe: ProbeKind, params: dict[str, Any]) -> list[str]:
    """The digests of the other checkpoints that parameters name."""
    return [digest for _, digest in _named(probe, params, CHECKPOINT)]


def dataset(probe: ProbeKind, params: dict[str, Any]) -> str | None:
    """The digest of the dataset that parameters name."""
    return next((digest for _, digest in _named(probe, params, DATASET)), None)


def _named(probe: ProbeKind, params: dict[str, Any], format: str) -> list[tuple[str, str]]:
    rules = probe.schema.get("properties", {})
    return [(at, it) for name, value in params.items() for at, it in _of_format(value, rules[name], format, at=name)]


def _of_format(value: Any, rule: dict[str, Any], format: str, *, at: str) -> Iterator[tuple[str, str]]:
    """Where in a valid value its schema says that something is of this format, and what stands there."""
    if isinstance(value, str) and value and rule.get("format") == format:
        yield at, value
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _of_format(item, rule.get("items", {}), format, at=f"{at}/{place}")
    elif isinstance(value, dict):
        for each in (rule, *(branch.get("then", {}) for branch in rule.get("allOf", ()))):
            for name in sorted(value.keys() & each.get("properties", {}).keys()):
                yield from _of_format(value[name], each["properties"][name], format, at=f"{at}/{name}")


def asked_of(checkpoint: Checkpoint, given: dict[str, Any]) -> tuple[list[Any], bool]:
    """The subjects a body asks about, `{"layer": key}` meaning all of a layer's units; and whether it asks for several.

    Raises Validation for a layer that is none, and for more than MOST_QUESTIONS.
    """
    if "subjects" not in given:
        return _expanded(checkpoint, given["subject"], "/subject"), isinstance(given["subject"], dict)
    subjects: list[Any] = []
    for index, it in enumerate(given["subjects"]):
        subjects += _expanded(checkpoint, it, f"/subjects/{index}")
        if len(subjects) > MOST_QUESTIONS:
            detail = f"These are more than {MOST_QUESTIONS} questions; ask in several requests."
            raise Validation(errors=[{"pointer": f"/subjects/{index}", "code": "too-many", "detail": detail}])
    return subjects, True


def _expanded(checkpoint: Checkpoint, given: Any, pointer: str) -> list[Any]:
    if not isinstance(given, dict):
        return [given]
    errors = validation.faults(given, WHOLE_LAYER, at=pointer)
    place = (
        None if errors else _attempt(errors, f"{pointer}/layer", lambda: addresses.layer(checkpoint, given["layer"]))
    )
    if place is None:
        raise Validation(errors=errors)
    return [f"{place.layer.key}:{channel}" for channel in range(place.layer.channels)]


@dataclass(frozen=True)
class _Subject:
    units: list[list[Any]]
    layers: list[Any]
    neuron: Neuron | None
    kind: str

    @property
    def text(self) -> str:
        if not self.units:
            return self.layers[0].key if self.layers else EVERYTHING
        return _text(self.units)

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.kind, "units": self.units}
        return {**found, "layer": self.layers[0].key} if self.kind == "layer" else found


def _question(
    checkpoint: Checkpoint,
    kind: ProbeKind,
    subject: _Subject,
    site: str,
    params: dict[str, Any],
    shown: Dataset | None,
) -> Question:
    return Question(
        checkpoint=checkpoint,
        probe=kind,
        subject=subject.to_json(),
        text=subject.text,
        neuron=subject.neuron,
        layers=[layer.key for layer in subject.layers],
        site=site,
        params=params,
        dataset=shown,
        of=str(checkpoint.digest),
    )


def _asked_in_words(probe: str) -> ProbeKind:
    if probe == catalog.REGISTER:
        detail = "A checkpoint is registered by uploading it: POST /api/v1/checkpoints."
        raise Validation(errors=[{"pointer": "", "code": "not-asked-here", "detail": detail}])
    return catalog.newest(probe)


def _parameters(errors: list[dict[str, str]], kind: ProbeKind | None, params: dict[str, Any]) -> dict[str, Any]:
    if kind is None:
        return {}
    errors.extend(validation.faults(params, kind.schema, at="/params"))
    try:
        filled: dict[str, Any] = canonical.normalise(validation.completed(params, kind.schema))
    except NotCanonical as error:
        errors.append({"pointer": "/params", "code": "not-canonical", "detail": str(error)})
        return {}
    return filled


def _subject(checkpoint: Checkpoint, kind: ProbeKind | None, given: Any) -> _Subject:
    """A unit, a layer, the checkpoint or a weighted sum of units, each resolved to the canonical layer key."""
    if given == EVERYTHING:
        _taken(kind, "checkpoint")
        return _Subject([], [], None, "checkpoint")
    if isinstance(given, str) and ":" not in given:
        _taken(kind, "layer")
        return _Subject([], [_whole(checkpoint, given)], None, "layer")
    if isinstance(given, str):
        layer, channel = _unit(checkpoint, given)
        _taken(kind, "unit")
        neuron = Neuron.objects.get(layer=layer, channel=channel)
        return _Subject([[f"{layer.key}:{channel}", 1]], [layer], neuron, "unit")
    _taken(kind, "units")
    return _weighted(checkpoint, given)


def _whole(checkpoint: Checkpoint, name: str) -> Layer:
    """The layer of this name, which must not be that of a branch."""
    layer = addresses.layer(checkpoint, name).layer
    branch = checkpoint.aliases.filter(name=name).first()
    if branch is not None and branch.stop - branch.start < layer.channels:
        detail = f"{name[:80]} is a part of {layer.key}: name that, or units of it."
        raise Validation(errors=[{"pointer": "", "code": "not-a-layer", "detail": detail}])
    return layer


def _weighted(checkpoint: Checkpoint, given: Any) -> _Subject:
    schema = {"type": "array", "minItems": 1, "maxItems": MOST_UNITS, "items": WEIGHTED}
    errors = validation.faults(given, schema)
    if errors:
        raise Validation(errors=errors)
    places = [(*_unit(checkpoint, term["unit"]), term["weight"]) for term in given]
    units = [[f"{layer.key}:{channel}", canonical.normalise(weight)] for layer, channel, weight in places]
    if len({unit for unit, _ in units}) != len(units):
        raise Validation(errors=[{"pointer": "", "code": "repeated", "detail": "Name each unit once."}])
    return _Subject(units, [layer for layer, _, _ in places], None, "units")


def _unit(checkpoint: Checkpoint, text: str) -> tuple[Any, int]:
    matched = addresses.UNIT.fullmatch(text)
    if not matched:
        detail = "A unit is written layer:channel, for example " + _example(checkpoint)
        raise Validation(errors=[{"pointer": "", "code": "not-a-unit", "detail": detail}])
    place = addresses.neuron(checkpoint, matched["layer"], matched["channel"])
    assert place.channel is not None
    return place.layer, place.channel


def _taken(kind: ProbeKind | None, subject: str) -> None:
    if kind and subject not in kind.subjects:
        detail = f"{kind.name} takes {' or '.join(kind.subjects)}, not {subject}."
        raise Validation(errors=[{"pointer": "", "code": "wrong-subject", "detail": detail}])


def _attempt(errors: list[dict[str, str]], pointer: str, attempt: Any) -> Any:
    """The result, or None with what went wrong added at the pointer."""
    try:
        return attempt()
    except Validation as error:
        errors.extend({**entry, "pointer": pointer + entry["pointer"]} for entry in error.errors)
    except AtlasError as error:
        errors.append({"pointer": pointer, "code": error.slug(), "detail": str(error)})
    return None


def _usual(kind: ProbeKind, subject: _Subject) -> str:
    """Where a probe reads a subject unless asked otherwise: a layer without that site is read at its last one."""
    common = all(kind.site in layer.sites for layer in subject.layers)  # so it is of a whole checkpoint
    return kind.site if common else str(subject.layers[0].sites[-1])


def _no_site(site: str, subject: _Subject, pointer: str) -> dict[str, str]:
    sites = sorted({site for layer in subject.layers for site in layer.sites})
    return {"pointer": "/site", "code": "no-such-site", "detail": f"{pointer[1:]} has {sites}, not {site[:40]!r}."}


def _text(units: list[list[Any]]) -> str:
    if len(units) == 1 and units[0][1] == 1:
        return str(units[0][0])
    terms = [f"{'−' if weight < 0 else '+'} {abs(weight):g}·{unit}" for unit, weight in units]
    text = " ".join(terms).removeprefix("+ ")
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _example(checkpoint: Checkpoint) -> str:
    first = checkpoint.layers.first()
    return f"{first.key}:0." if first else "mixed4c:447."
