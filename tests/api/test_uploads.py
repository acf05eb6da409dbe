"""The door for files: who may send one, what is refused and where, and that nothing of what was refused stays."""

import io
import json
from pathlib import Path

import pytest
from django.db import transaction

from atlas import uploads
from atlas.models import Checkpoint, Job, KeptAnswer, Membership, Request, Role, Scope, Team
from atlas.services import catalog, tokens
from tests.api.conftest import Api, rows
from tests.api.test_matrix import Script
from tests.api.uploading import ABSENT, BOUNDARY, CARD, closed, form, part

pytestmark = pytest.mark.django_db


@pytest.fixture
def curator(user, team, registering) -> Api:
    """Alice, who is curator of the lab and of nothing else."""
    return Api(user)


@pytest.fixture
def nothing_stays(artifact_folder, settings):
    """Whatever is refused leaves no row and no file."""
    before, files = rows(), everything(artifact_folder, settings.HOME)
    yield
    assert rows() == before
    assert everything(artifact_folder, settings.HOME) == files


def everything(*folders: Path) -> list[Path]:
    """All files below, but for the database's own."""
    return sorted(path for folder in folders for path in folder.rglob("*") if "sqlite3" not in path.name)


def card(**change) -> str:
    """A card as JSON, with something in it changed."""
    return json.dumps({**CARD, **change})


WRONG = {
    "no slug": (form(slug=ABSENT), "/slug", "required"),
    "no architecture": (form(architecture=ABSENT), "/architecture", "required"),
    "no card": (form(card=ABSENT), "/card", "required"),
    "no file": (form(weights=ABSENT), "/weights", "required"),
    "nothing": (closed(), "/slug", "required"),
    "weights as text": (form(part("weights", "text"), weights=ABSENT), "/weights", "not-a-file"),
    "weights as text beside the file": (form(part("weights", "text")), "/weights", "not-a-file"),
    "file without a name": (form(part("weights", b"w", filename=""), weights=ABSENT), "/weights", "not-a-file"),
    "unknown part": (form(colour="red"), "/colour", "unknown-field"),
    "unknown file": (form(part("import_url", b"x", filename="x")), "/import_url", "not-text"),
    "slug as a file": (form(part("slug", b"x", filename="x"), slug=ABSENT), "/slug", "not-text"),
    "two slugs": (form(part("slug", "other")), "/slug", "repeated"),
    "two files": (form(part("weights", b"w", filename="again")), "/weights", "repeated"),
    "slug in capitals": (form(slug="Curves"), "/slug", "not-pattern"),
    "slug with a slash": (form(slug="../curves"), "/slug", "not-pattern"),
    "empty slug": (form(slug=""), "/slug", "not-pattern"),
    "long slug": (form(slug="c" * 41), "/slug", "not-pattern"),
    "NUL": (form(architecture="a\0b"), "/architecture", "unreadable"),
    "not UTF-8": (form(part("architecture", b"\xff"), architecture=ABSENT), "/architecture", "unreadable"),
    "empty architecture": (form(architecture=""), "/architecture", "not-minlength"),
    "long architecture": (form(architecture="a" * 101), "/architecture", "not-maxlength"),
    "team that is none": (form(team="nowhere"), "/team", "no-such-team"),
    "visibility that is none": (form(visibility="nobody"), "/visibility", "not-enum"),
    "hash that is none": (form(sha256="abc"), "/sha256", "not-pattern"),
    "slug in use": (form(slug="toy"), "/slug", "not-free"),
    "card not JSON": (form(card="{"), "/card", "malformed"),
    "card of two values": (form(card="{}{}"), "/card", "malformed"),
    "card with NaN": (form(card='{"title": NaN}'), "/card", "malformed"),
    "card with 1e999": (form(card='{"title": 1e999}'), "/card", "malformed"),
    "card with a key twice": (form(card='{"title": "a", "title": "b"}'), "/card", "malformed"),
    "card 100,000 deep": (form(card="[" * 100_000), "/card", "malformed"),
    "card 33 deep": (form(card='{"input": ' + "[" * 33 + "]" * 33 + "}"), "/card", "malformed"),
    "card with NUL": (form(card='{"title": "\\u0000"}'), "/card", "malformed"),
    "card with a surrogate": (form(card='{"title": "\\ud800"}'), "/card", "malformed"),
    "card that is a list": (form(card="[]"), "/card", "not-type"),
    "card without a title": (form(card='{"input": {}, "licence": "x"}'), "/card/title", "required"),
    "card with a long title": (form(card=card(title="t" * 121)), "/card/title", "not-maxlength"),
    "card with another field": (form(card=card(colour="red")), "/card/colour", "unknown-field"),
    "card with an alias no layer could have": (form(card=card(aliases={"a/b": "c"})), "/card/aliases", "not-pattern"),
    "card with a long alias": (form(card=card(aliases={"a" * 121: "c"})), "/card/aliases", "not-maxlength"),
    "card with a figure without its n": (
        form(card=card(figures=[{"dataset": "d", "metric": "m", "value": 1}])),
        "/card/figures/0/n",
        "required",
    ),
}


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_named_and_leaves_nothing(body, pointer, code, curator, checkpoint, nothing_stays):
    answer = curator.send(body)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation")
    assert (pointer, code) in {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}


def test_all_that_is_wrong_is_said_at_once(curator, nothing_stays):
    errors = curator.send(form(slug="A", card='{"title": 1}', visibility="x", weights=ABSENT)).json()["errors"]
    pointers = {fault["pointer"] for fault in errors}
    assert {"/slug", "/visibility", "/weights", "/card/title", "/card/input", "/card/licence"} == pointers


REFUSED = {
    "empty file": (form(weights=b""), 422, "checkpoint-empty"),
    "another hash": (form(sha256="0" * 64), 422, "digest-mismatch"),
    "the one slug that is an address": (form(slug="new"), 422, "bad-slug"),
    "fields too large": (form(card=" " * (2 << 20)), 413, "too-large"),
    "too many fields": (closed(*(part(f"f{n}", "") for n in range(1_100))), 400, "malformed"),
    "no multipart": (b"slug=curves", 422, "validation"),
    "cut off": (form()[:-40], 422, "validation"),
}


@pytest.mark.parametrize(("body", "status", "slug"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_taken_is_refused_by_name(body, status, slug, curator, nothing_stays):
    answer = curator.send(body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/mixed; boundary=x", "", ";;"],
)
def test_only_multipart_is_read(kind, curator, nothing_stays):
    answer = curator.send(form(), content_type=kind)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert "multipart/form-data" in answer.json()["detail"]


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=\x7f"])
def test_a_boundary_that_is_none_is_refused(boundary, curator, nothing_stays):
    answer = curator.send(form(), content_type=f"multipart/form-data{boundary}")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


def test_nothing_is_unpacked(curator, nothing_stays):
    for encoding in ("gzip", "br", "identity, gzip"):
        assert curator.send(form(), headers={"Content-Encoding": encoding}).status_code == 415


def test_a_file_too_large_is_refused_before_it_is_read(curator, nothing_stays):
    """By its Content-Length: the body is shorter, and reading further than it reaches would raise."""
    answer = curator.send(form(), CONTENT_LENGTH=str(uploads.LARGEST + uploads.BESIDE + 1))
    assert (answer.status_code, answer.json()["most"]) == (413, 2 << 30)


def test_without_a_length_a_file_is_cut_where_it_grows_too_large(curator, nothing_stays, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 3 << 20)
    body = io.BytesIO(form(weights=b"w" * (9 << 20)))
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body}
    assert curator.send(b"x", **chunked).status_code == 413
    assert body.tell() < 6 << 20


def test_a_body_without_a_length_is_read_to_its_end(curator):
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(form())}
    assert curator.send(b"x", **chunked).status_code == 202


@pytest.mark.parametrize("length", ["", "0", "-1", "many"])
def test_no_body_is_no_upload(length, curator, nothing_stays):
    answer = curator.send(b"x", CONTENT_LENGTH=length)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


def test_who_may_not_upload_is_refused_before_the_body_is_read(as_bob, user, registering, nothing_stays):
    """A stranger, and a curator's token without the scope: 403, although the body is far too large."""
    huge = {"CONTENT_LENGTH": str(uploads.LARGEST * 2)}
    assert as_bob.send(form(), **huge).json()["type"] == "/problems/forbidden"


def test_a_token_needs_the_scope_and_no_other(user, team, registering):
    for scopes, status in ((["read", "write", "compute"], 403), (["import"], 202)):
        shown = tokens.create(owner=user, name="script", scopes=scopes)[1]
        assert Script(shown).send(form()).status_code == status


def test_a_token_of_one_team_uploads_for_no_other(user, alice, team, registering):
    other = Team.objects.create(slug="other", name="Other")
    Membership.objects.create(team=other, contributor=alice, role=Role.CURATOR)
    script = Script(tokens.create(owner=user, name="script", scopes=Scope.values, team=other)[1])
    assert script.send(form(team="lab")).json()["errors"][0]["code"] == "no-such-team"
    assert script.send(form()).json()["team"] == "other"


def test_a_personal_space_owns_no_checkpoint(curator, as_bob, registering, nothing_stays):
    assert curator.send(form(team="alice")).status_code == 403
    assert as_bob.send(form(team="bob")).status_code == 403


def test_who_curates_several_teams_says_for_which(curator, alice, team):
    other = Team.objects.create(slug="other", name="Other")
    Membership.objects.create(team=other, contributor=alice, role=Role.ADMIN)
    [fault] = curator.send(form()).json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/team", "required")
    assert "lab, other" in fault["detail"]
    assert curator.send(form(team="other")).json()["team"] == "other"


def test_what_the_operator_uploads_for_no_team_is_the_atlass_own(as_operator, registering, team):
    answer = as_operator.send(form())
    assert (answer.status_code, answer.json()["team"], answer.json()["visibility"]) == (202, None, "public")
    assert as_operator.send(form(slug="labs", team="lab")).json()["team"] == "lab"


def test_an_upload_is_a_draft_and_a_question(curator):
    answer = curator.send(form(visibility="public"))
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/jobs/{job.fingerprint}")
    draft = answer.json()
    assert (draft["slug"], draft["status"], draft["title"], draft["team"]) == ("curves", "draft", "A network", "lab")
    assert draft["registration"]["fingerprint"] == job.fingerprint
    assert (job.state, job.probe.name, job.subject_text) == ("queued", "register", "curves")
    assert curator.get(answer["Location"]).json()["checkpoint"] == "curves"
    assert curator.send(form(visibility="public")).status_code == 200


def test_a_draft_takes_another_upload_of_its_own_team_only(curator, as_bob, as_operator, bob):
    first = curator.send(form()).json()
    second = curator.send(form(card={**CARD, "title": "Better"})).json()
    assert (second["title"], second["version_tag"]) == ("Better", "curves.2")
    assert first["registration"]["fingerprint"] != second["registration"]["fingerprint"]
    assert sorted(Job.objects.values_list("state", flat=True)) == ["cancelled", "queued"]
    other = Team.objects.create(slug="other", name="Other")
    Membership.objects.create(team=other, contributor=bob, role=Role.CURATOR)
    for stranger in (as_bob, as_operator):  # who has the atlas itself in mind, not the lab
        assert stranger.send(form()).json()["errors"][0]["code"] == "not-free"
    assert Checkpoint.objects.get().team.slug == "lab"


def test_the_same_under_one_key_is_done_once(curator):
    key = {"Idempotency-Key": "once"}
    first, again = (curator.send(form(), headers=key) for _ in range(2))
    assert (first.status_code, again.status_code, again["Idempotent-Replay"]) == (202, 202, "true")
    assert first.json() == again.json()
    assert Request.objects.count() == 1
    for body in (form(weights=b"other"), form(slug="others"), form(card={**CARD, "title": "Other"})):
        assert curator.send(body, headers=key).json()["type"] == "/problems/key-reused"


def test_a_refused_upload_keeps_no_answer(curator, nothing_stays):
    assert curator.send(form(slug="A"), headers={"Idempotency-Key": "once"}).status_code == 422
    assert not KeptAnswer.objects.exists()


def test_uploads_are_counted_as_imports(curator, settings):
    settings.RATES = {**settings.RATES, "import": 0}
    assert curator.send(form()).json()["category"] == "import"
    assert curator.get("checkpoints").status_code == 200


def test_before_a_worker_has_ever_run_it_says_so(as_alice, team, nothing_stays):
    assert as_alice.send(form()).json()["type"] == "/problems/no-such-probe"


def test_registration_is_not_asked_for_in_words(curator, checkpoint, probe):
    asked = {"checkpoint": "toy", "probe": catalog.REGISTER, "subject": "edges:0", "params": {}}
    [fault] = curator.post("jobs", asked).json()["errors"]
    assert fault["pointer"] == "/probe"
    assert "POST /api/v1/checkpoints" in fault["detail"]


# --- a draft wherever one can meet it ---------------------------------------------------------------------------------
def test_every_address_of_a_draft_is_honest(curator, anybody, as_bob, probe):
    answer = curator.send(form(visibility="public"))
    job, request = answer["Location"], f"requests/{Request.objects.get().id}"
    expected = {
        "checkpoints/curves": 200,
        "checkpoints/curves/layers": 200,
        "checkpoints/curves/layers/edges": 404,
        "checkpoints/curves/layers/edges/neurons": 404,
        "checkpoints/curves/layers/edges/neurons/0": 404,
        job: 200,
        request: 200,
        "jobs?checkpoint=curves": 200,
        "probes/register": 200,
    }
    assert {path: curator.get(path).status_code for path in expected} == expected
    assert curator.get("checkpoints/curves/layers").json()["items"] == []
    assert "draft" in curator.get("checkpoints/curves/layers/edges").json()["detail"]
    for subject in ("edges:0", {"layer": "edges"}, [{"unit": "edges:0", "weight": 1}]):
        asked = curator.post("jobs", {"checkpoint": "curves", "probe": probe.name, "subject": subject})
        assert asked.status_code == 422
        assert "draft" in asked.json()["errors"][0]["detail"]
    for stranger in (anybody, as_bob):
        hidden = [path for path in expected if not path.startswith(("jobs?", "probes"))]
        assert {path: stranger.get(path).status_code for path in hidden} == dict.fromkeys(hidden, 404)
        assert b"curves" not in stranger.get("changes").content
    with transaction.atomic():
        assert curator.post(f"{job}/cancel").json()["state"] == "cancelled"


def test_a_boundary_within_the_file_is_part_of_it(curator):
    """Only the boundary of the request ends a part, at the beginning of a line."""
    weights = f'--{BOUNDARY}x\r\nContent-Disposition: form-data; name="slug"\r\n\r\nother'.encode()
    answer = curator.send(form(weights=b"w\n" + weights))
    assert answer.status_code in (202, 422)
    assert not Checkpoint.objects.filter(slug="other").exists()
