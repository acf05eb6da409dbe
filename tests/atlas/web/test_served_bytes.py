"""Artifacts over HTTP: the bytes their address names, never active, never changing, and only for those who may read."""

import hashlib

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from atlas.models import Checkpoint
from atlas.storage import path_of

pytestmark = pytest.mark.django_db

PAGES = (
    "/c/toy", "/c/TOY", "/c/toy.json", "/c/toy/edges", "/c/toy/edges/0", "/c/toy/edges/0.json", "/c/toy/nope",
    "/c/toy/edges:0",
)  # fmt: skip


@pytest.fixture
def client():
    """A browser that closes what it opened, as a server does with every file it has sent."""
    opened = []

    class Browser(Client):
        def request(self, **request):
            opened.append(super().request(**request))
            return opened[-1]

    yield Browser()
    for response in opened:
        response.close()


@pytest.fixture
def picture(answered):
    """A stored picture of a finding."""
    return answered("edges:0").finding.shown.filter(role="image").first().artifact


def test_a_picture_is_served_whole_typed_and_for_ever(client, picture):
    response = client.get(f"/a/{picture.sha256}.png")
    content = b"".join(response.streaming_content)
    assert hashlib.sha256(content).hexdigest() == picture.sha256
    assert response["Content-Type"] == "image/png"
    assert int(response["Content-Length"]) == len(content) == picture.size
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["ETag"] == f'"{picture.sha256}"'
    assert "attachment" not in response.get("Content-Disposition", "")


def test_what_a_browser_has_is_not_sent_again(client, picture):
    response = client.get(f"/a/{picture.sha256}.png", headers={"if-none-match": f'"{picture.sha256}"'})
    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == f'"{picture.sha256}"'
    other = client.get(f"/a/{picture.sha256}.png", headers={"if-none-match": '"something else"'})
    assert other.status_code == 200


def test_a_head_has_the_headers_and_no_body(client, picture):
    response = client.head(f"/a/{picture.sha256}.png")
    assert (response.status_code, response["Content-Length"]) == (200, str(picture.size))
    assert b"".join(response) == b""


@pytest.mark.parametrize("ending", ["", ".webp", ".txt", ".json", ".html", ".jsonld", ".png.html", ".svg"])
def test_a_wrong_ending_leads_to_the_right_one(client, picture, ending):
    response = client.get(f"/a/{picture.sha256}{ending}")
    assert (response.status_code, response["Location"]) == (308, f"/a/{picture.sha256}.png")


def test_what_a_browser_does_not_show_is_a_download(client, checkpoint):
    response = client.get(f"/a/{checkpoint.weights.sha256}.safetensors")
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Type"] == "application/x-safetensors"


def test_bytes_that_changed_on_disk_are_never_served(client, picture, artifact_folder, caplog):
    file = artifact_folder / path_of(picture.sha256)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    response = client.get(f"/a/{picture.sha256}.png")
    assert response.status_code == 500
    assert b"not the bytes it names" in response.content
    assert picture.sha256 in caplog.text


def test_bytes_that_are_gone_are_said_to_be(client, picture, artifact_folder):
    (artifact_folder / path_of(picture.sha256)).unlink()
    assert b"missing from the store" in client.get(f"/a/{picture.sha256}.png").content


@pytest.mark.parametrize("name", ["../secret-key", "%2e%2e%2fsecret-key", "A" * 64 + ".png", "0" * 63 + ".png", ".png"])
def test_only_hashes_name_bytes(client, picture, name):
    assert client.get(f"/a/{name}").status_code == 404


def test_other_methods_are_refused(client, picture):
    assert client.post(f"/a/{picture.sha256}.png").status_code == 405


class TestATeamsOwn:
    """What only a team may read is, for everybody else, not there: not its pages, jobs, pictures or their hashes."""

    @pytest.fixture
    def job(self, answered, checkpoint, alice):
        job = answered("edges:0")
        team = alice.memberships.get().team
        Checkpoint.objects.filter(pk=checkpoint.pk).update(visibility="team", team=team)
        return job

    @pytest.fixture
    def addresses(self, job):
        pictures = [f"/a/{shown.artifact.sha256}.png" for shown in job.finding.shown.select_related("artifact")]
        own = [f"/j/{job.fingerprint}", f"/j/{job.fingerprint}/progress", f"/j/{job.fingerprint}.json"]
        weights = f"/a/{job.checkpoint.weights.sha256}.safetensors"
        return [*PAGES, *own, *pictures, weights]

    def test_strangers_find_nothing(self, client, bob, addresses):
        anybody = [client.get(address).status_code for address in addresses]
        client.force_login(bob.login)
        assert anybody == [client.get(address).status_code for address in addresses] == [404] * len(addresses)

    def test_strangers_are_told_the_same_as_of_what_never_was(self, client, bob, job):
        client.force_login(bob.login)
        hidden = client.get("/c/toy.json").json() | {"instance": ""}
        never = client.get("/c/never.json").json() | {"instance": ""}
        assert {name: str(value).replace("toy", "never") for name, value in hidden.items()} == {
            name: str(value) for name, value in never.items()
        }

    def test_strangers_see_it_in_no_list(self, client, bob, job):
        client.force_login(bob.login)
        for address in ("/", "/c", "/c.json"):
            assert b"toy" not in client.get(address).content

    def test_strangers_can_ask_and_stop_nothing(self, client, bob, job):
        client.force_login(bob.login)
        for address in (
            "/c/toy/edges",
            "/c/toy/edges/0",
            f"/j/{job.fingerprint}/cancel",
            f"/j/{job.fingerprint}/requeue",
        ):
            assert client.post(address, {"probe": "feature-visualization"}).status_code == 404

    def test_the_team_reads_it_and_no_shared_cache_keeps_it(self, client, user, addresses):
        client.force_login(user)
        for address in addresses:
            response = client.get(address, follow=True)
            assert response.status_code in (200, 286) or address.endswith("nope"), address
            if address.startswith("/a/"):
                assert response["Cache-Control"].startswith("private")


def test_a_picture_costs_few_queries(client, picture):
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/a/{picture.sha256}.png")
    assert len(captured) == 1
