"""From the question who is like a unit to the page that shows them; another checkpoint must be open to who reads it."""

import pytest
from django.test import Client
from safetensors.numpy import load

from atlas.errors import Validation
from atlas.models import Checkpoint, Contributor, Membership, Role, Visibility
from atlas.services import artifacts, jobs, people, teams
from atlas.services.questions import ask


@pytest.fixture
def team(drain):
    """A team, and somebody in it who may compute."""
    found = teams.found(actor=None, slug="lab", name="The lab")
    actor = people.join(username="asker", password="correct horse battery").contributor
    Membership.objects.create(team=found, contributor=actor, role=Role.ANNOTATOR)
    return found, Contributor.objects.get(pk=actor.pk)


def request(checkpoint, actor, **params):
    """A job that asks who is like curve:0."""
    questions = ask(
        checkpoint=checkpoint, probe="similarity", subjects=["curve:0"], site=None, params=params, many=False
    )  # fmt: skip
    return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs[0]


def test_page_json_and_artifact_list_the_same_units(drain, team, organism_on, wish, django_assert_max_num_queries):
    checkpoint, actor = organism_on(), team[1]
    wish(checkpoint, "curve:1")
    asked = [
        request(checkpoint, actor, by="tuning", family="curve", steps=24, top=5),
        request(checkpoint, actor, by="activation", other=str(checkpoint.digest), layer="curve", top=3),
    ]
    assert drain.drain(seconds=60) == 3
    for job in asked:
        job.refresh_from_db()
        assert job.state == "done", job.error
        numbers = job.finding.numbers
        values = load(artifacts.read(job.finding.shown.get(role="similarities").artifact))["curve"]
        assert Client().get(f"/j/{job.fingerprint}.json").json()["finding"]["numbers"] == numbers
        with django_assert_max_num_queries(13):
            page = Client().get(f"/j/{job.fingerprint}").content.decode()
        for it in numbers["counterparts"]:
            assert values[int(it["unit"].split(":")[1])] == pytest.approx(it["value"], abs=1e-8)
            assert f"{it['rank']}. {it['unit']}" in page
            assert f'<data value="{it["value"]!r}">' in page
        assert "curve:0" not in [it["unit"] for it in numbers["counterparts"]]
    assert "Picture optimised so that it excites curve:1" in Client().get("/c/curve-circuit/curve/0").content.decode()


def test_another_checkpoint_is_as_open_as_the_one_asked_about(drain, team, organism_on):
    checkpoint, (lab, actor) = organism_on(), team
    rest = {
        it.attname: getattr(checkpoint, it.attname)
        for it in Checkpoint._meta.concrete_fields
        if it.attname not in ("id", "slug", "digest", "weights_sha256", "team_id", "visibility")
    }
    theirs = teams.found(actor=None, slug="others", name="Others")
    for slug, owner, visibility in (
        ("hidden", theirs, Visibility.TEAM), ("ours", lab, Visibility.TEAM), ("open", theirs, Visibility.PUBLIC),
    ):  # fmt: skip
        named = {"digest": slug.encode().hex().ljust(64, "0"), "weights_sha256": slug.encode().hex().ljust(64, "1")}
        Checkpoint.objects.create(slug=slug, team=owner, visibility=visibility, **named, **rest)
    digests = {row.slug: str(row.digest) for row in Checkpoint.objects.all()}
    for slug, code in (("hidden", "no-such-checkpoint"), ("ours", "not-as-open")):
        with pytest.raises(Validation) as refused:
            request(checkpoint, actor, other=digests[slug])
        [fault] = refused.value.errors
        assert (fault["pointer"], fault["code"]) == ("/params/other", code)
    assert request(checkpoint, actor, other=digests["open"]).state == "queued"
