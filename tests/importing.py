"""Files of claims in tests, and how they come into an atlas without HTTP."""

import io
import json

import pytest

from atlas.models import Foothold
from atlas.services import imports
from tests.api.uploading import ABSENT, closed, part
from tests.claims import WORD

DESCRIBED = {"external_id": "a", "kind": "description", "content": {"neuron": "edges:3", "title": "A line"}}


def jsonl(every):
    """A file of these rows."""
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in every)


def stage(body, *, actor, team, checkpoint=None, form="jsonl", source="distill", **more):
    """The import of a file, not judged yet."""
    given = {"file": io.BytesIO(body), "form": form, "sha256": "0" * 64, "source": source, **more}
    return imports.stage(actor=actor, team=team, checkpoint=checkpoint, **given)


def described(number, title="A curve", **more):
    """A row that describes a neuron."""
    content = {"neuron": f"mixed:{number % 12}", "title": title, **more}
    return {"external_id": f"n{number}", "kind": "description", "content": content}


FAMILY = {
    "external_id": "curves",
    "kind": "collection",
    "content": {"title": "Curves", "form": "family", "items": [{"unit": "mixed:1"}, {"foothold": "n1"}]},
}
LINK = {
    "external_id": "a link of a name longer than an accession",
    "kind": "link",
    "content": {
        "source": "edges:1",
        "target": "mixed:1",
        "relation": "equivariant-partner",
        "rests_on": {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}},
    },
}
CIRCUIT = {
    "external_id": "circuit",
    "kind": "circuit",
    "content": {
        "title": "Curves from lines",
        "nodes": [{"unit": "edges:1"}, {"unit": "mixed:1"}],
        "edges": [{"source": "edges:1", "target": "mixed:1", "link": LINK["external_id"]}],
    },
}
EVIDENCE = {
    "external_id": "word",
    "kind": "evidence",
    "content": WORD,
    "speaks_of": [{"claim": "n1", "role": "supports", "note": "See."}],
}
EVERY_KIND = [described(1), FAMILY, LINK, CIRCUIT, EVIDENCE]


@pytest.fixture
def preview(ana, lab, checkpoint):
    """Stages a file and judges it."""

    def staged(every, *, form="jsonl", actor=ana, source="distill", **more):
        body = jsonl(every) if isinstance(every, list) else every
        given = {"team": lab, "checkpoint": checkpoint, **more}
        batch = stage(body, actor=actor, form=form, source=source, **given)
        return imports.judge(actor=actor, batch=batch)

    return staged


@pytest.fixture
def load(preview, ana):
    """Stages, judges and commits it."""
    return lambda every, actor=ana, **more: imports.commit(actor=actor, batch=preview(every, actor=actor, **more))


def outcomes(batch, name="outcome"):
    """What became of each row, by line."""
    return list(batch.rows.values_list(name, flat=True))


def of(external_id):
    """What was imported under an id."""
    return Foothold.objects.get(external_id=external_id)


def codes(batch):
    """What is wrong with each row."""
    return [[(it["pointer"], it["code"]) for it in row.errors] for row in batch.rows.all()]


def form(*more, file=None, **fields):
    """The body of an upload that would be accepted, but for what is said otherwise; ABSENT leaves a part out."""
    given = {"source": "distill", "checkpoint": "toy", **fields}
    sent = jsonl([DESCRIBED]) if file is None else file
    parts = [part(name, value) for name, value in given.items() if value is not ABSENT]
    parts += [] if sent is ABSENT else [part("file", sent, filename="claims.jsonl")]
    return closed(*parts, *more)
