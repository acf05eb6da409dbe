"""Forms of probes: datasets are chosen by their titles, and of many parameters those are seen that most ask for."""

import pytest

from atlas.models import Job, Membership, Role, Team
from atlas.services import catalog
from atlas.web import forms
from tests.archived import dataset_of
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db
NEURON = "/c/toy/edges/1"
DATASET = {
    "type": "string",
    "title": "Pictures",
    "description": "What it is shown.",
    "pattern": "^([0-9a-f]{64})?$",
    "format": "dataset",
    "default": "",
}
ARTIFACT = {**DATASET, "title": "Spectrum", "format": "artifact"}
NUMBER = {"type": "integer", "title": "Number", "minimum": 0, "default": 1}


def schema(**properties):
    return {"type": "object", "additionalProperties": False, "properties": properties}


@pytest.fixture
def showing(checkpoint):
    """A probe that is shown pictures, with so many other parameters."""

    def published(others=1):
        numbers = {f"n{place}": NUMBER for place in range(others)}
        return catalog.publish(
            name="activations", version=others, summary="Responses", description="What a unit answers.",
            schema=schema(**numbers, dataset=DATASET, spectrum=ARTIFACT), subjects=["unit"], site="pre_relu",
            example={}, seconds=1.0,
        )  # fmt: skip

    return published


def opened_in(page):
    """Whether each part of the form that folds is open."""
    start = next(place for place, one in enumerate(page.elements) if one["class"] == "ask")
    return ["open" in one.attributes for one in page.elements[start:] if one.tag == "details"][:2]


def options(page):
    return [(one["value"], one.text) for one in page.all("option")]


def test_a_dataset_is_chosen_among_those_one_may_read(signed_in, showing, user):
    lab = Team.objects.create(slug="lab", name="The lab")
    seen, ours, theirs = dataset_of(), dataset_of("ours", team=lab, visibility="team"), dataset_of("x1", size=1)
    showing()
    page = read(signed_in, NEURON)
    assert faults(page) == []
    assert options(page) == [
        ("", "the eight fixed pictures"), (seen.digest, "As seen (2 pictures)"), (theirs.digest, "As x1 (1 picture)")
    ]  # fmt: skip
    assert [it["type"] for it in page.all("input") if it["name"] == "spectrum"] == ["text"]
    Membership.objects.create(team=lab, contributor=user.contributor, role=Role.READER)
    assert (ours.digest, "As ours (2 pictures)") in options(read(signed_in, NEURON))
    signed_in.post(NEURON, {"probe": "activations", "dataset": seen.digest})
    signed_in.post(NEURON, {"probe": "activations", "dataset": ""})
    assert [(job.dataset, job.params["dataset"]) for job in Job.objects.order_by("id")] == [
        (seen, seen.digest),
        (None, ""),
    ]


def test_one_that_is_none_is_refused_beside_its_field_and_is_not_lost(signed_in, showing):
    showing()
    for typed in ("f" * 64, "<script>"):
        answer = signed_in.post(NEURON, {"probe": "activations", "dataset": typed, "n0": "2"})
        page = page_of(answer)
        assert (answer.status_code, faults(page)) == (422, [])
        [field] = page.all("select")
        assert (field["name"], field["aria-invalid"]) == ("dataset", "true")
        assert [one["value"] or one.text for one in page.all("option") if "selected" in one.attributes] == [typed]
    assert not Job.objects.exists()


@pytest.mark.parametrize(("others", "seen", "rest"), [(1, 3, 0), (4, 6, 0), (7, 9, 0), (8, 7, 3), (15, 7, 10)])
def test_of_many_parameters_the_first_are_seen_and_the_pictures_always(others, seen, rest):
    numbers = {f"n{place}": NUMBER for place in range(others)}
    found = forms.fields(schema(**numbers, dataset=DATASET, spectrum=ARTIFACT))
    first, more = forms.divided(found)
    assert (len(first), len(more)) == (seen, rest)
    assert "dataset" in {field.name for field in first}
    assert [field for field in found if field in first] == [*first]


def test_the_others_are_open_where_one_of_them_was_filled_in(signed_in, showing):
    showing(12)
    page = read(signed_in, NEURON)
    assert "7 more" in page.text
    assert opened_in(page) == [False, False]
    assert len({one["name"] for one in page.all("input") if one["name"].startswith("n")} - {"name"}) == 12
    usual = {f"n{place}": "1" for place in range(12)}
    for typed, which in (
        ({"n0": "-1"}, [True, False]),
        ({"n11": "-1"}, [True, True]),
        ({"n0": "x", "n9": "2"}, [True, True]),
    ):
        answer = signed_in.post(NEURON, {"probe": "activations", **usual, **typed})
        page = page_of(answer)
        assert (answer.status_code, faults(page)) == (422, [])
        assert opened_in(page) == which


def test_every_probe_that_ships_has_a_form(signed_in, checkpoint):
    from workers import translate

    for kind in translate.kinds():
        catalog.publish(**kind)
    assert faults(read(signed_in, NEURON)) == []
