"""The life of a checkpoint after its registration: described, shown, deprecated, given away; its facts stay."""

import pytest

from atlas.models import ChangeSet, Checkpoint, Membership, Role, Team
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db
WHERE = "checkpoints/toy"


@pytest.fixture
def lab(user, alice, checkpoint) -> Team:
    """Alice's team, which owns `toy`."""
    lab = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=alice, role=Role.CURATOR)
    Checkpoint.objects.update(team=lab)
    return lab


@pytest.fixture
def curator(lab, user) -> Api:
    """Alice, in front of the API."""
    return Api(user)


def edited(api: Api, tag: str | None = None, **change):
    """The answer to an edit, of the version that is there unless another is named."""
    tag = tag or Checkpoint.objects.get(slug="toy").version_tag
    return api.ask("PATCH", WHERE, change, headers={"If-Match": f'"{tag}"'})


EDITS = {"title": "Another", "summary": "What it is.", "visibility": "team", "status": "deprecated"}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_what_it_names_and_nothing_else(name, curator):
    before = curator.get(WHERE).json()
    after = edited(curator, **{name: EDITS[name]}).json()
    differ = {key for key in before if before[key] != after[key]}
    assert differ == {name, "version_tag"}
    assert after[name] == EDITS[name]
    assert ChangeSet.objects.filter(subject="toy", facts__changed=[name]).count() == 1


def test_several_edits_are_done_together_or_not_at_all(curator, lab):
    assert edited(curator, **EDITS).json()["version_tag"] == "toy.4"  # described, shown and deprecated
    refused = edited(curator, title="Lost", team="nowhere")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/team")
    assert curator.get(WHERE).json()["title"] == "Another"
    assert not ChangeSet.objects.filter(verb="checkpoint.transfer").exists()


def test_an_edit_of_what_has_changed_meanwhile_is_refused(curator):
    seen = Checkpoint.objects.get().version_tag
    assert edited(curator, seen, title="Mine").status_code == 200
    late = edited(curator, seen, title="Theirs")
    assert (late.status_code, late.json()["current"], late.json()["seen"]) == (412, "toy.2", "toy.1")
    assert Checkpoint.objects.get().title == "Mine"


def test_of_two_editors_of_one_version_one_wins(curator, alice):
    """The row is read by both before either writes: the database decides."""
    from atlas.errors import EditConflict
    from atlas.services import curation

    first, second = (Checkpoint.objects.get() for _ in range(2))
    curation.describe(actor=alice, checkpoint=first, based_on="toy.1", title="First")
    with pytest.raises(EditConflict):
        curation.describe(actor=alice, checkpoint=second, based_on="toy.1", title="Second")


FACTS = ("slug", "digest", "architecture", "graph", "weights_sha256", "licence", "labels", "created_at", "version")


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_cannot_be_named(name, curator):
    [fault] = edited(curator, **{name: "x"}).json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/{name}", "unknown-field")


@pytest.mark.parametrize(
    "change",
    [{}, {"title": ""}, {"title": "  "}, {"title": "t" * 121}, {"title": 1}, {"status": "draft"}, {"visibility": "x"}],
    ids=str,
)
def test_what_cannot_be_is_refused(change, curator):
    assert edited(curator, **change).status_code == 422
    assert Checkpoint.objects.get().version == 1


def test_it_goes_to_a_team_in_which_one_is_curator_too(curator, alice, user, operator):
    other = Team.objects.create(slug="other", name="Other")
    assert edited(curator, team="other").status_code == 422  # for Alice there is no such team
    Membership.objects.create(team=other, contributor=alice, role=Role.REVIEWER)
    assert edited(curator, team="other").status_code == 403
    assert edited(curator, team="alice").status_code == 403  # a personal space owns no checkpoint
    Membership.objects.update(role=Role.CURATOR)
    assert edited(curator, team="other", title="Farewell").json()["team"] == "other"
    assert edited(Api(operator.login), team="lab").json()["team"] == "lab"


def test_what_is_for_the_team_is_no_longer_there_for_others(curator, anybody):
    assert anybody.get(WHERE).status_code == 200
    edited(curator, visibility="team")
    assert anybody.get(WHERE).status_code == 404
    edited(curator, visibility="public")
    assert anybody.get(WHERE).status_code == 200


def test_deprecated_and_back(curator, anybody, client):
    edited(curator, status="deprecated")
    assert anybody.get(WHERE).json()["status"] == "deprecated"
    assert "Deprecated" in client.get("/c/toy").content.decode()
    edited(curator, status="published")
    assert "Deprecated" not in client.get("/c/toy").content.decode()


def test_a_draft_is_published_by_its_registration_only(user, alice, lab, registering):
    from tests.api.uploading import form

    api = Api(user)
    tag = api.send(form()).json()["version_tag"]
    headers = {"If-Match": f'"{tag}"'}
    for status in ("published", "deprecated"):
        refused = api.ask("PATCH", "checkpoints/curves", {"status": status}, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/still-draft")
    assert api.ask("PATCH", "checkpoints/curves", {"title": "Better"}, headers=headers).json()["title"] == "Better"
