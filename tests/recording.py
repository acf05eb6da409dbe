"""What a recording says of a unit, made up: for tests that need rows and no network."""

from typing import Any

from atlas.models import Checkpoint, Contributor, Dataset, Job
from atlas.services import catalog, jobs, workers
from atlas.services.questions import ask
from atlas.services.recordings import Recorded, writing

HISTOGRAM = {"low": -2.0, "high": 4.0, "below": 1, "counts": [0, *[3] * 62, 1], "above": 2}
STATISTICS: dict[str, Any] = {
    "items": 3,
    "rectified": True,
    "maximum": 2.5,
    "maximum_mean": 1.25,
    "maximum_std": 0.5,
    "percentiles": [-1.0, *[1.0] * 99, 2.5],
    "positions": 190,
    "mean": 0.125,
    "variance": 0.25,
    "skewness": 0.5,
    "kurtosis": 3.0,
    "active": 0.375,
    "histogram": HISTOGRAM,
    "examples": [],
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "dataset": {"type": "string", "format": "dataset", "title": "Dataset", "default": ""},
        "top": {"type": "integer", "title": "Strongest", "minimum": 1, "default": 10},
    },
}


def example(dataset: Dataset, place: int, *, value: float, **where: Any) -> dict[str, Any]:
    """An example: the item at a place by digest, seen in the upper left quarter."""
    item = dataset.items.all()[place]
    crop = {"position": [0, 0], "box": [0, 0, 8, 8], "part": [0.0, 0.0, 0.25, 0.25]}
    return {**where, "item": item.digest, "label": item.label, "value": value, **crop}


def record(
    checkpoint: Checkpoint, actor: Contributor, dataset: Dataset, unit: str = "*", *told: Recorded, **params: Any
) -> Job:
    """Asks for the activations of a unit or of everything, and has a worker answer with these: the job, done."""
    kind = catalog.publish(
        name="activations", version=1, summary="Activations", description="What units answer.", schema=SCHEMA,
        subjects=["unit", "checkpoint"], site="pre_relu", example={}, seconds=1.0,
    )  # fmt: skip
    params = {"dataset": dataset.digest, **params}
    questions = ask(checkpoint=checkpoint, probe=kind.name, subjects=[unit], site=None, params=params, many=False)
    [job] = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs
    [job] = jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[kind])
    numbers = dict(told[0].numbers) if len(told) == 1 and unit != "*" else {"subject": unit, "items": dataset.size}
    jobs.finish(job, numbers=numbers, provenance={}, shown=[], rows=writing(told))
    job.refresh_from_db()
    return job
