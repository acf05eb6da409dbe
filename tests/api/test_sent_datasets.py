"""Datasets over HTTP: pictures are sent, named and read; a team's own is there for nobody else, by no way."""

import io

import pytest

from atlas.models import Dataset, Job, Membership, Role
from atlas.services import artifacts, catalog, gathering, jobs, workers
from atlas.services.connections import Measured, writing
from atlas.services.jobs import Shown
from atlas.services.questions import ask
from tests.api.conftest import question
from tests.api.uploading import ABSENT, MULTIPART, part
from tests.archived import GOOD, TABLE, archive, dataset_of, form, picture

pytestmark = pytest.mark.django_db
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "dataset": {"type": "string", "pattern": "^([0-9a-f]{64})?$", "format": "dataset", "default": ""},
        "top": {"type": "integer", "minimum": 1, "default": 10},
    },
}


@pytest.fixture
def send(as_alice, team):
    """Sends a body as a curator of a team."""
    return lambda body, **headers: as_alice.post("datasets", body, headers={"Content-Type": MULTIPART, **headers})


def test_pictures_are_sent_and_read(send, as_alice, anybody):
    data = archive({**GOOD, "notes.txt": b"words"})
    answer = send(form(pictures=data, labels=TABLE, licence="CC0-1.0", visibility="public"))
    found = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, f"/api/v1/datasets/{found['digest']}")
    assert (found["size"], found["labels"], found["unlabelled"], found["team"]) == (3, ["cat", "dog"], 1, "lab")
    assert found["refused"] == [{"name": "notes.txt", "code": "image-format", "detail": found["refused"][0]["detail"]}]
    read = anybody.get(f"datasets/{found['digest']}").json()
    assert read == {name: value for name, value in found.items() if name != "refused"}
    [listed] = anybody.walk("datasets?kind=images&team=lab")
    assert listed == {name: read[name] for name in listed}
    items = anybody.walk(f"datasets/{found['digest']}/items?limit=1")
    assert {it["name"]: (it["label"], it["words"]) for it in items} == {
        "one.png": (1, "dog"), "two.jpg": (0, "cat"), "deep/three.webp": (None, None)
    }  # fmt: skip
    assert [it["digest"] for it in items] == sorted(it["digest"] for it in items)
    assert [it["name"] for it in anybody.walk(f"datasets/{found['digest']}/items?label=1")] == ["one.png"]
    for it in items:
        shown = anybody.client.get(it["artifact"]["url"])
        assert (shown.status_code, shown["Content-Type"]) == (200, it["artifact"]["media_type"])
        assert shown["X-Content-Type-Options"] == "nosniff"
        assert b"".join(shown)
    assert (send(form(pictures=data, labels=TABLE)).status_code, Dataset.objects.count()) == (200, 1)


def test_a_table_may_come_as_text_and_with_columns_of_its_own(send):
    table = "path,n,called\none.png,1,dog\n"
    columns = {"file_column": "path", "index_column": "n", "name_column": "called"}
    found = send(form(part("labels", table), **columns)).json()
    assert (found["labels"], found["unlabelled"]) == (["0", "dog"], 0)


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (form(slug=ABSENT), 422, ["/slug"]),
        (form(slug="No"), 422, ["/slug"]),
        (form(slug="new"), 422, ["/slug"]),
        (form(title=""), 422, ["/title"]),
        (form(title="a\u202eb"), 422, ["/title"]),
        (form(colour="red"), 422, ["/colour"]),
        (form(visibility="friends"), 422, ["/visibility"]),
        (form(whole="yes"), 422, ["/whole"]),
        (form(team="nobody"), 422, ["/team"]),
        (form(pictures=ABSENT), 422, ["/pictures"]),
        (form(part("pictures", "words"), pictures=ABSENT), 422, ["/pictures"]),
        (form(part("pictures", b"x", filename="b.zip")), 422, ["/pictures"]),
        (form(part("more", b"x", filename="b.zip")), 422, ["/more"]),
        (form(part("labels", TABLE), labels=TABLE), 422, ["/labels"]),
        (form(labels="file,index\none.png,x\ntwo.jpg,1\n"), 422, ["/labels/2"]),
        (form(labels=b"\xff"), 400, []),
        (form(pictures=b"no archive"), 422, ["/pictures"]),
        (form(pictures=archive({})), 422, ["/pictures"]),
        (form(pictures=archive({"a.txt": b""})), 422, ["/pictures/a.txt"]),
        (form(pictures=archive({**GOOD, "a/b.txt": b""}), whole="true"), 422, ["/pictures/a~1b.txt"]),
        (form(sha256="0" * 64), 422, []),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_name(send, body, status, pointers):
    answer = send(body)
    assert answer.status_code == status
    assert [it["pointer"] for it in answer.json().get("errors", [])] == pointers
    assert not Dataset.objects.exists()


def test_too_large_is_refused_before_it_is_read(send, monkeypatch):
    monkeypatch.setattr(gathering, "LARGEST_SENT", 1000)
    assert send(form(pictures=bytes(900), labels=b"x" * 200)).status_code == 413


def test_repeated_under_its_key_it_is_done_once(send):
    first, second = (send(form(), **{"Idempotency-Key": "photos"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second["Idempotent-Replay"], first.json()) == ("true", second.json())
    assert send(form(title="Other"), **{"Idempotency-Key": "photos"}).status_code == 422
    assert send(form(pictures=archive({"b.png": picture(9)})), **{"Idempotency-Key": "photos"}).status_code == 422


# --- what is a team's own ---------------------------------------------------------------------------------------------
@pytest.fixture
def asked(checkpoint, alice, team, probe):
    """A question of a public checkpoint about a team's own pictures, answered with a picture and a connection."""
    shown = dataset_of("ours", team=team, visibility="team")
    kind = catalog.publish(
        name="connections", version=1, summary="Weights", description="What a unit listens to.", schema=SCHEMA,
        subjects=["unit"], site="pre_relu", example={}, seconds=1.0,
    )  # fmt: skip
    questions = ask(
        checkpoint=checkpoint, probe=kind.name, subjects=["mixed:1"], site=None, params={"dataset": shown.digest},
        many=False,
    )  # fmt: skip
    jobs.request(actor=alice, checkpoint=checkpoint, questions=questions)
    [job] = jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[kind])
    kept = artifacts.keep(io.BytesIO(picture(3)), media_type="image/png")
    edge = Measured(kind="expected", source="edges:0", target="mixed:1", norm=1.0, sign="+", share=0.5)
    jobs.finish(job, numbers={}, provenance={}, shown=[Shown("image", kept, {})], rows=writing(edge))
    return job


def test_for_others_a_question_about_a_teams_own_pictures_is_not_there(asked, as_alice, as_bob, anybody, client):
    digest, artifact = asked.params["dataset"], asked.finding.shown.get().artifact_id
    mine = "checkpoints/toy/layers/mixed/neurons/1"
    for path in (
        f"jobs/{asked.fingerprint}",
        f"artifacts/{artifact}",
        f"datasets/{digest}",
        f"datasets/{digest}/items",
    ):
        assert as_alice.get(path).status_code == 200, path
        assert [stranger.get(path).status_code for stranger in (as_bob, anybody)] == [404, 404], path
    for path in ("jobs", f"{mine}/connections", "datasets", "jobs?probe=connections"):
        assert len(as_alice.walk(path)) == 1, path
        assert [stranger.walk(path) for stranger in (as_bob, anybody)] == [[], []], path
    for address in ("/c/toy/mixed/1", "/c/toy/mixed/1.json", "/", "/changes", "/d", "/d.json"):
        said = client.get(address).content.decode()
        assert asked.fingerprint not in said, address
        assert digest not in said, address
    for address in (f"/j/{asked.fingerprint}", f"/a/{artifact}.png", f"/d/{digest}", f"/d/{digest}.json"):
        assert client.get(address).status_code == 404, address
    assert asked.fingerprint in as_alice.client.get("/c/toy/mixed/1").content.decode()


def test_nobody_else_asks_about_it_or_learns_that_it_is_known(asked, as_bob, team, bob):
    digest = asked.params["dataset"]
    for named in (digest, "f" * 64):
        body = question(probe="connections", subject="mixed:1", params={"dataset": named})
        answer = as_bob.post("jobs", body)
        [fault] = answer.json()["errors"]
        assert (answer.status_code, fault["pointer"]) == (422, "/params/dataset")
        assert "ours" not in fault["detail"]
    assert Job.objects.filter(probe__name="connections").count() == 1
    Membership.objects.create(team=team, contributor=bob, role=Role.READER)
    assert as_bob.get(f"jobs/{asked.fingerprint}").status_code == 200
