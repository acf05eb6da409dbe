"""A small world behind the API, and clients that hold every answer against what the document says."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from atlas.models import (
    Artifact,
    Checkpoint,
    Contributor,
    Finding,
    Foothold,
    Import,
    ImportRow,
    Job,
    Membership,
    Request,
    Role,
    Team,
    Term,
    User,
)
from atlas.services import comments, evidence, footholds, people, searches, teams, tokens, unsaved
from tests.api import contract
from tests.api.uploading import MULTIPART
from tests.archived import dataset_of
from tests.claims import WORD, revise
from tests.importing import DESCRIBED

ROOT = "/api/v1"
TOKEN = "t" * 32


class Api:
    """A client of the API. Each answer is held against the document; refusals against the law of refusals."""

    def __init__(self, user: User | None = None, *, token: str | None = TOKEN) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {}
        if user:
            self.client.force_login(user)
            self.client.cookies["csrftoken"] = TOKEN
            self.headers = {"X-CSRFToken": token} if token else {}

    def ask(self, method: str, path: str, body: Any = None, *, headers: dict | None = None, **extra) -> HttpResponse:
        """The answer to `method` at `path` under the API's root; `body` as bytes, or as what JSON can say."""
        path = path if path.startswith(("/api", "http")) else f"{ROOT}/{path}".rstrip("/")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = extra.pop("content_type", "application/json")
        answer = self.client.generic(method, path, data, kind, headers={**self.headers, **(headers or {})}, **extra)
        if answer.streaming:  # read to its end, as a client does
            answer = HttpResponse(answer.getvalue(), status=answer.status_code, headers=answer.headers)
        if answer.status_code >= 400 and method != "HEAD":
            sent = [path, *({**self.headers, **(headers or {})}).values(), data.decode(errors="replace")]
            contract.require_problem(answer, sent=sent)
        contract.require_documented(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **extra) -> HttpResponse:
        """GET."""
        return self.ask("GET", path, **extra)

    def post(self, path: str, body: Any = None, **extra) -> HttpResponse:
        """POST."""
        return self.ask("POST", path, body, **extra)

    def send(self, body: bytes, **extra) -> HttpResponse:
        """Upload a checkpoint."""
        return self.ask("POST", "checkpoints", body, **{"content_type": MULTIPART, **extra})

    def walk(self, path: str) -> list[Any]:
        """All items of a list, page by page as `next` leads, which the Link header has to repeat."""
        found, following = [], path
        while following:
            answer = self.get(following)
            page = answer.json()
            found.extend(page["items"])
            following = page["next"]
            assert len(found) < 1_000, "it leads in a circle"
            assert answer.get("Link") == (f'<{following}>; rel="next"' if following else None)
        return found


@dataclass(frozen=True)
class World:
    """One of everything that has an address."""

    checkpoint: Checkpoint
    done: Job
    queued: Job
    request: Request
    artifact: Artifact
    foothold: Foothold
    batch: Import
    prefix: str  # of a token of Alice's, and of an invitation to her circle
    digest: str  # of a dataset

    @property
    def places(self) -> dict[str, str]:
        """What the placeholders of addresses stand for."""
        return {
            "slug": self.checkpoint.slug,
            "layer": "edges",
            "channel": "1",
            "other": "edges:0",
            "name": "feature-visualization",
            "fingerprint": self.queued.fingerprint,
            "request_id": str(self.request.id),
            "import_id": str(self.batch.public_id),
            "digest": self.digest,
            "sha256": self.artifact.sha256,
            "team": "circle",
            "handle": "carol",
            "accession": self.foothold.accession,
            "version": "1",
            "number": "1",
            "term": "curve",
            "item": "new:description",
            "search": search_of(self.foothold.created_by),
            "prefix": self.prefix,
        }


def question(checkpoint: str = "toy", **asked: Any) -> dict[str, Any]:
    """The body of a question."""
    subject = {} if {"subject", "subjects"} & set(asked) else {"subject": "edges:1"}
    return {"checkpoint": checkpoint, "probe": "feature-visualization", **subject, **asked}


def picture_of(job: Job) -> Artifact:
    """The picture that answered a question."""
    return Finding.objects.get(job=job).shown.get(role="image").artifact


def rows() -> dict[str, int]:
    """How many rows every table has, counted by one statement."""
    tables = sorted(model._meta.db_table for model in apps.get_models())
    counts = " UNION ALL ".join(f"SELECT '{table}', COUNT(*) FROM \"{table}\"" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(counts)
        return dict(cursor.fetchall())


@pytest.fixture
def circle(user, alice) -> str:
    """A team that Alice leads, with Carol in it, an invitation to it and a token of Alice's; both have this prefix."""
    team = teams.found(actor=None, slug="circle", name="The circle", admin=alice)
    carol = people.join(username="carol", password="correct horse battery").contributor
    Membership.objects.create(team=team, contributor=carol, role=Role.READER)
    token, _ = tokens.create(owner=user, name="notebook", scopes=["read"])
    invitation, _ = teams.invite(actor=alice, team=team, role=Role.READER)
    type(invitation).objects.filter(pk=invitation.pk).update(prefix=token.prefix)
    return token.prefix


def claim_of(actor: Contributor, checkpoint: Checkpoint, team: Team, **more: Any) -> Foothold:
    """A description of edges:1 in two versions, with a term, evidence, a comment; unsaved text, a search."""
    Term.objects.get_or_create(slug="curve", defaults={"label": "curve"})
    content = {"neuron": "edges:1", "title": "A curve"}
    made = footholds.create(actor=actor, kind="description", checkpoint=checkpoint, team=team, content=content, **more)
    revise(made, actor, terms=[{"term": "curve", "polarity": "detects"}])
    evidence.give(actor=actor, claim=made, team=team, content=WORD)
    comments.write(actor=actor, foothold=made, body="Look at seed 3.", quote="A curve")
    unsaved.keep(actor=actor, item="new:description", content={"title": "A cur"})
    searches.save(actor=actor, name="Curves", query="curve", team=team)
    made.refresh_from_db()
    return made


def search_of(owner: Contributor) -> str:
    """The number of the search that somebody keeps."""
    return str(owner.searches.get().pk)


def batch_of(actor: Contributor, checkpoint: Checkpoint, team: Team) -> Import:
    """An import of one description of edges:3, as it stands once it is judged: every world has one, so by rows."""
    about = {"team": team, "checkpoint": checkpoint, "by": actor, "visibility": checkpoint.visibility}
    batch = Import.objects.create(**about, source="distill", form="jsonl", sha256="0" * 64, size=1, state="staged")
    ImportRow.objects.create(batch=batch, line=1, external_id="a", given=DESCRIBED, judged="created")
    return batch


@pytest.fixture
def world(checkpoint, alice, ask_for, answer_jobs, circle) -> World:
    """`toy` with one answered and one waiting question, both Alice's."""
    [done] = answer_jobs(*ask_for(checkpoint, alice, "edges:0").jobs)
    asked = ask_for(checkpoint, alice, "edges:1", [{"unit": "edges:0", "weight": 0.5}])
    claim = claim_of(alice, checkpoint, Team.objects.get(person=alice))
    batch = batch_of(alice, checkpoint, Team.objects.get(person=alice))
    return World(
        checkpoint, done, asked.jobs[0], asked.request, picture_of(done), claim, batch, circle, dataset_of().digest
    )


@pytest.fixture
def team(alice) -> Team:
    """A team of which Alice is a curator."""
    found = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=found, contributor=alice, role=Role.CURATOR)
    return found


@pytest.fixture
def hidden(register, team, alice, ask_for, answer_jobs, circle) -> World:
    """`secret`: like `toy`, but only Alice's team may read it."""
    secret = register("secret", "b")
    Checkpoint.objects.filter(pk=secret.pk).update(team=team, visibility="team")
    secret.refresh_from_db()
    [done] = answer_jobs(*ask_for(secret, alice, "edges:0").jobs)
    asked = ask_for(secret, alice, "edges:1", "edges:2")
    claim, batch = claim_of(alice, secret, team), batch_of(alice, secret, team)
    shown = dataset_of("secret", team=team, visibility="team").digest
    return World(secret, done, asked.jobs[0], asked.request, picture_of(done), claim, batch, circle, shown)


@pytest.fixture
def anybody(db) -> Api:
    """Somebody who has not signed in."""
    return Api()


@pytest.fixture
def as_alice(user) -> Api:
    """Alice, who may compute."""
    return Api(user)


@pytest.fixture
def as_bob(bob) -> Api:
    """Bob, a stranger to Alice's team."""
    return Api(bob.login)


@pytest.fixture
def as_operator(operator) -> Api:
    """Who runs the service."""
    return Api(operator.login)


@pytest.fixture
def as_newcomer(db) -> Api:
    """Somebody whose password was printed."""
    newcomer = people.join(username="newcomer", password="correct horse battery")
    people.give_temporary_password(newcomer)
    return Api(newcomer)


NEIGHBOURS = ("/", "/c", "/c/toy", "/c/toy/edges", "/changes", "/problems", "/u/carol", *(
    f"{ROOT}/{path}" for path in ("checkpoints", "jobs", "probes", "changes", "checkpoints/toy/layers/edges/neurons")
))  # fmt: skip
OWN_NEIGHBOURS = ("/me", "/me/tokens", "/teams", "/teams/circle", f"{ROOT}/teams", f"{ROOT}/tokens", f"{ROOT}/me")


@pytest.fixture
def untouched(world, operator, artifact_folder):
    """What a test does leaves no row and no file, and poisons nothing: everything beside it still answers."""
    before, files = rows(), sorted(artifact_folder.rglob("*"))
    yield
    assert rows() == before
    assert sorted(artifact_folder.rglob("*")) == files
    require_neighbours(operator.login)


def require_neighbours(login: User) -> None:
    """Lists and pages answer, for anybody and for somebody."""
    somebody = Client()
    somebody.force_login(login)
    wrong = {path for path in NEIGHBOURS if Client().get(path).status_code != 200}
    assert wrong | {path for path in OWN_NEIGHBOURS if somebody.get(path).status_code != 200} == set()
