"""What tests start from: people, a checkpoint of rows without a tensor, a published probe, databases that commit."""

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.db import connection, connections
from django.db.models import F
from django.test.utils import setup_databases, teardown_databases

from atlas.models import Checkpoint, Contributor, Job, ProbeKind, User
from atlas.services import artifacts, catalog, checkpoints, jobs, people, workers
from atlas.services.checkpoints import AliasFacts, LayerFacts, Registration
from atlas.services.connections import Measured, writing
from atlas.services.jobs import Shown
from atlas.services.questions import ask
from tests.claims import ana, argued, bo, claim, curator, cy, describe, lab  # noqa: F401 - fixtures
from tests.importing import load, preview  # noqa: F401 - fixtures

# What is found by luck is for who looks for it, and must not stop somebody else's change: in CI chance has a seed.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("ATLAS_CI"):
    hypothesis.settings.load_profile("ci")

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "steps": {"type": "integer", "title": "Steps", "minimum": 1, "maximum": 100, "default": 10},
        "rate": {"type": "number", "title": "Rate", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5},
        "seeds": {
            "type": "array",
            "title": "Seeds",
            "items": {"type": "integer", "minimum": 0},
            "minItems": 1,
            "uniqueItems": True,
            "default": [0, 1, 2],
        },
        "polarity": {"enum": ["both", "positive", "negative"], "title": "Polarity", "default": "both"},
    },
}

MEASURING = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {"top": {"type": "integer", "title": "How many", "minimum": 1, "default": 10}},
}


def registration(name: str = "a") -> Registration:
    """Facts of a small two-layer network with a branch; `name` makes it another function."""
    return Registration(
        architecture="hand-made",
        digest=(name * 64)[:64].encode().hex()[:64],
        weights_sha256="1" * 64,
        graph_sha256="2" * 64,
        graph={"nodes": []},
        input_spec={
            "size": [32, 32],
            "channel_order": "RGB",
            "value_range": [0, 1],
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "resize": {"mode": "stretch", "size": 32},
            "crop": "center",
        },
        response_check={},
        flops=1000,
        parameters=100,
        layers=[
            LayerFacts("edges", "conv", 4, [1, 1], [3, 3], [32, 32], ["pre_relu", "post_relu"]),
            LayerFacts("mixed", "concat", 12, [2, 2], [9, 9], [16, 16], ["pre_relu", "post_relu"]),
        ],
        aliases=[AliasFacts("mixed_5x5", "mixed", 8, 12)],
    )


# Files that mostly wait, for workers, servers and browsers: begun first, they wait beside others and not at the end.
FIRST = ("tests/workers/test_celery.py", "tests/atlas/test_serve.py", "tests/workers/test_demo.py", "tests/browser/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order what is run."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


@pytest.fixture(autouse=True)
def artifact_folder(tmp_path: Path, settings) -> Path:
    """Artifacts of one test stay with it, and what its computations leave on their way."""
    folder = tmp_path / "artifacts"
    settings.SCRATCH = tmp_path / "scratch"
    settings.STORAGES = {
        **settings.STORAGES,
        "artifacts": {"BACKEND": "atlas.storage.ContentStore", "OPTIONS": {"location": str(folder)}},
    }
    storages._storages = {}  # Django keeps the storages it has made
    return folder


@pytest.fixture(autouse=True)
def unhurried() -> None:
    """What one test did often enough to be refused is forgotten before the next."""
    cache.clear()


@pytest.fixture
def register_on(tmp_path: Path) -> Callable[..., Checkpoint]:
    """Registers checkpoints of rows, without a tensor, on whatever database the test opened."""

    def registered(slug: str = "toy", name: str = "a") -> Checkpoint:
        weights = tmp_path / f"{slug}.safetensors"
        weights.write_bytes(slug.encode())
        card = checkpoints.read_card({"title": f"Toy {slug}", "input": {}, "licence": "CC0-1.0", "labels": ["x", "y"]})
        row, _ = checkpoints.register(actor=None, slug=slug, facts=registration(name), card=card, weights=weights)
        return row

    return registered


@pytest.fixture
def register(register_on, db) -> Callable[..., Checkpoint]:
    """Registers checkpoints of rows, without a tensor."""
    return register_on


@pytest.fixture
def checkpoint(register) -> Checkpoint:
    """`toy`: layers edges (4 neurons) and mixed (12 neurons, of which mixed_5x5 are 8 to 11)."""
    return register()


@pytest.fixture
def probe_on() -> Callable[[], ProbeKind]:
    """Publishes a probe with a small schema, under the name that walls show."""
    return lambda: catalog.publish(
        name="feature-visualization",
        version=1,
        summary="Pictures",
        description="Pictures that make a unit fire.",
        schema=SCHEMA,
        subjects=["unit", "units"],
        site="pre_relu",
        example={"steps": 1},
        seconds=1.0,
    )


@pytest.fixture
def probe(probe_on, db) -> ProbeKind:
    """A published probe."""
    return probe_on()


@pytest.fixture
def registering(db) -> ProbeKind:
    """The question that an upload asks, as a worker publishes it."""
    from workers import registration

    return catalog.publish(**registration.KIND)


@pytest.fixture
def user(db) -> User:
    """Alice's login: she has a personal space, and so may compute."""
    return people.join(username="alice", password="correct horse battery", citation_name="Alice Liddell")


@pytest.fixture
def alice(user) -> Contributor:
    """Alice as the record knows her."""
    return user.contributor


@pytest.fixture
def bob(db) -> Contributor:
    """Somebody else."""
    return people.join(username="bob", password="correct horse battery").contributor


@pytest.fixture
def operator(db) -> Contributor:
    """Who runs the service."""
    return people.join(username="operator", password="correct horse battery", role="operator").contributor


@pytest.fixture
def signed_in(client, user):
    """A browser in which Alice is signed in."""
    client.force_login(user)
    return client


@pytest.fixture
def answer_jobs_on():
    """Has a worker answer the oldest question and its batch mates, or a certain one first; with a picture each."""

    def answered(first: Job | None = None) -> list[Job]:
        if first:
            Job.objects.filter(pk=first.pk).update(run_at=F("run_at") - timedelta(days=1))
        worker = workers.start(device="cpu", versions={})
        limit = 1 if first else 1_000
        claimed = jobs.claim(worker, limit=lambda head: limit, probes=ProbeKind.objects.all())
        for job in claimed:
            picture = artifacts.keep(job.fingerprint.encode(), media_type="image/png")
            shown = [Shown("image", picture, {"seed": 0, "polarity": "positive"}), Shown("thumbnail", picture, {})]
            jobs.finish(job, numbers={"pictures": []}, provenance={"device": "cpu"}, shown=shown)
        return claimed

    return answered


@pytest.fixture
def answer_jobs(probe, answer_jobs_on):
    """The same, on the database of the test."""
    return answer_jobs_on


@pytest.fixture
def ask_for(probe):
    """Asks for pictures of some units."""

    def asked(checkpoint: Checkpoint, actor: Contributor, *units: Any, **params: Any) -> jobs.Asked:
        questions = ask(
            checkpoint=checkpoint, probe=probe.name, subjects=list(units), site=None, params=params, many=True
        )
        return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions)

    return asked


@pytest.fixture
def measure(db):
    """Asks for the connections of a unit of a checkpoint, and has a worker answer with these: the job, done."""

    def measured(checkpoint: Checkpoint, actor: Contributor, unit: str, *edges: Measured, **params: Any) -> Job:
        kind = catalog.publish(
            name="connections", version=1, summary="Weights", description="What a unit listens to.", schema=MEASURING,
            subjects=["unit"], site="pre_relu", example={}, seconds=1.0,
        )  # fmt: skip
        questions = ask(checkpoint=checkpoint, probe=kind.name, subjects=[unit], site=None, params=params, many=False)
        [job] = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs
        [job] = jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[kind])
        jobs.finish(job, numbers={}, provenance={}, shown=[], rows=writing(*edges))
        job.refresh_from_db()
        return job

    return measured


@pytest.fixture(scope="session")
def migrated_database(django_db_setup, django_db_blocker) -> Iterator[None]:
    """What fresh databases are copies of: pytest-django makes it only when some test at hand is marked `django_db`."""
    with django_db_blocker.unblock():
        made = None if connection.introspection.table_names() else setup_databases(0, interactive=False)
        yield
        if made:
            teardown_databases(made, 0)


@pytest.fixture
def fresh_database(migrated_database, django_db_blocker, tmp_path: Path, monkeypatch) -> Iterator[dict[str, str]]:
    """A database that really commits: a copy of the migrated one, gone afterwards. Yields what a subprocess needs.

    Never a flush: records refuse to be deleted, in tests too.
    """
    with django_db_blocker.unblock():
        connections.close_all()
        settings_dict = connections.settings["default"]
        original = settings_dict["NAME"]
        copied = _copy_sqlite if connection.vendor == "sqlite" else _copy_postgres
        environment = copied(str(original), tmp_path)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        try:
            yield {**os.environ, **environment}
        finally:
            connections.close_all()
            copy, settings_dict["NAME"] = settings_dict["NAME"], original
            if connection.vendor == "postgresql":
                _drop(copy)


def _copy_sqlite(original: str, folder: Path) -> dict[str, str]:
    copy = folder / "atlas.sqlite3"
    with closing(sqlite3.connect(original)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    connections.settings["default"]["NAME"] = str(copy)
    return {"ATLAS_HOME": str(folder)}


def _copy_postgres(original: str, folder: Path) -> dict[str, str]:
    copy = f"{original}_{folder.name}".lower()[-60:].replace("-", "_")
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
    connections.close_all()
    settings_dict = connections.settings["default"]
    settings_dict["NAME"] = copy
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**settings_dict)
    return {"ATLAS_HOME": str(folder), "ATLAS_DATABASE_URL": url}


def _drop(copy: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
    connections.close_all()


@pytest.fixture
def server_url(fresh_database) -> Iterator[str]:
    """The address of the service on a database that commits, served by threads of this process."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    try:
        yield f"http://127.0.0.1:{thread.port}"
    finally:
        thread.terminate()


@pytest.fixture
def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real checkpoints and images; tests that need it skip by name without it."""
    folder = os.environ.get("ATLAS_REAL_DATA")
    if not folder:
        pytest.skip("ATLAS_REAL_DATA is not set: no real checkpoints and images to test on")
    return Path(folder)
